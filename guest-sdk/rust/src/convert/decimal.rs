//! Decimals of the crate `rust_decimal`, which hold 28 digits: more than that is a mismatch.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named is refused"
)]

use rust_decimal::Decimal;

use super::{FromValue, Mismatch};
use crate::value::{Value, ValueRef};

impl FromValue<'_> for Decimal {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        match value {
            ValueRef::Decimal(text) => Self::from_str_exact(text).map_err(|error| {
                Mismatch::new(format_args!("{text} does not fit into a Decimal: {error}"))
            }),
            ValueRef::Int64(number) => Ok(number.into()),
            value => Err(Mismatch::expected("a decimal", value)),
        }
    }
}

impl From<Decimal> for Value {
    fn from(decimal: Decimal) -> Self {
        Self::Decimal(decimal.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_kept_or_refused() {
        let price = Decimal::from_value(ValueRef::Decimal("10.50")).expect("a price");
        assert_eq!(Value::from(price), Value::Decimal("10.50".into()));
        let long = "0.12345678901234567890123456789012345";
        assert!(Decimal::from_value(ValueRef::Decimal(long)).is_err());
        for text in [
            "NaN",
            "Infinity",
            "1e400",
            "99999999999999999999999999999.9",
            "",
        ] {
            assert!(
                Decimal::from_value(ValueRef::Decimal(text)).is_err(),
                "{text}"
            );
        }
        for text in [
            "0.00",
            "-0.10",
            "79228162514264337593543950335",
            "0.0000000000000000000000000001",
        ] {
            let decimal = Decimal::from_value(ValueRef::Decimal(text)).expect(text);
            assert_eq!(Value::from(decimal), Value::Decimal(text.into()));
        }
    }
}
