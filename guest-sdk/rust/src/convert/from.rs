//! From values of results to Rust types.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named is refused, or read as it is"
)]

use serde::de::DeserializeOwned;

use super::{FromValue, Json, Mismatch};
use crate::time::{Date, Interval, Time, TimeTz, Timestamp, Timestamptz};
use crate::value::{Value, ValueRef};

impl<'a> FromValue<'a> for ValueRef<'a> {
    fn from_value(value: Self) -> Result<Self, Mismatch> {
        Ok(value)
    }
}

impl FromValue<'_> for Value {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        value.try_into()
    }
}

impl<'a, T: FromValue<'a>> FromValue<'a> for Option<T> {
    fn from_value(value: ValueRef<'a>) -> Result<Self, Mismatch> {
        if value.is_null() {
            Ok(None)
        } else {
            T::from_value(value).map(Some)
        }
    }
}

impl FromValue<'_> for i64 {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        match value {
            ValueRef::Int64(number) => Ok(number),
            ValueRef::Decimal(text) => whole(text),
            value => Err(Mismatch::expected("an integer", value)),
        }
    }
}

/// A decimal that is a whole number, as the sum of integers is. Zeros after the point are allowed.
pub(crate) fn whole(text: &str) -> Result<i64, Mismatch> {
    let (integer, fraction) = text.split_once('.').unwrap_or((text, ""));
    let number = if fraction.bytes().all(|digit| digit == b'0') {
        integer.parse().ok()
    } else {
        None
    };
    number.ok_or_else(|| Mismatch::new(format_args!("{text} does not fit into an integer")))
}

macro_rules! narrow {
    ($($type:ty),*) => {$(
        impl FromValue<'_> for $type {
            fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
                let number = i64::from_value(value)?;
                number.try_into().map_err(|_| {
                    Mismatch::new(format_args!("{number} does not fit into {}", stringify!($type)))
                })
            }
        }
    )*};
}

narrow!(i8, i16, i32, u16, u32, u64, usize, isize);

impl FromValue<'_> for f64 {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        match value {
            ValueRef::Float64(number) => Ok(number),
            ValueRef::Decimal(text) => nearest(text),
            ValueRef::Int64(number) => exact(number),
            value => Err(Mismatch::expected("a float", value)),
        }
    }
}

/// The float that is nearest to a decimal. One beyond all floats is no infinity, and one too near to zero is not zero.
fn nearest(text: &str) -> Result<f64, Mismatch> {
    let number: f64 = text.parse().map_err(Mismatch::new)?;
    let is_infinity = text.trim_start_matches('-') == "Infinity";
    let is_zero = !text.bytes().any(|digit| matches!(digit, b'1'..=b'9'));
    if number.is_infinite() && !is_infinity || number == 0.0 && !is_zero {
        Err(Mismatch::new(format_args!(
            "{text} does not fit into a float"
        )))
    } else {
        Ok(number)
    }
}

fn exact(number: i64) -> Result<f64, Mismatch> {
    const EXACT: u64 = 1 << 53;
    #[expect(
        clippy::cast_precision_loss,
        reason = "checked: all whole numbers up to 2^53 are exact"
    )]
    if number.unsigned_abs() <= EXACT {
        Ok(number as f64)
    } else {
        Err(Mismatch::new(format_args!(
            "{number} has more digits than a float"
        )))
    }
}

impl FromValue<'_> for f32 {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "who asks for an f32 asks for its precision"
        )]
        let (wide, narrow) = f64::from_value(value).map(|number| (number, number as Self))?;
        if narrow.is_infinite() && wide.is_finite() {
            return Err(Mismatch::new(format_args!(
                "{wide} does not fit into an f32"
            )));
        }
        Ok(narrow)
    }
}

impl FromValue<'_> for bool {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        match value {
            ValueRef::Boolean(value) => Ok(value),
            value => Err(Mismatch::expected("a boolean", value)),
        }
    }
}

/// Everything that the database itself writes as text: decimals, UUIDs and JSON too.
impl<'a> FromValue<'a> for &'a str {
    fn from_value(value: ValueRef<'a>) -> Result<Self, Mismatch> {
        match value {
            ValueRef::Text(text)
            | ValueRef::Decimal(text)
            | ValueRef::Uuid(text)
            | ValueRef::Json(text)
            | ValueRef::Other {
                text: Some(text), ..
            } => Ok(text),
            value => Err(Mismatch::expected("text", value)),
        }
    }
}

impl FromValue<'_> for String {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        <&str>::from_value(value).map(ToOwned::to_owned)
    }
}

impl<'a> FromValue<'a> for &'a [u8] {
    fn from_value(value: ValueRef<'a>) -> Result<Self, Mismatch> {
        match value {
            ValueRef::Bytes(bytes) => Ok(bytes),
            value => Err(Mismatch::expected("bytes", value)),
        }
    }
}

impl FromValue<'_> for Vec<u8> {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        <&[u8]>::from_value(value).map(ToOwned::to_owned)
    }
}

/// Arrays, and vectors as `f32`.
impl<'a, T: FromValue<'a>> FromValue<'a> for Vec<T> {
    fn from_value(value: ValueRef<'a>) -> Result<Self, Mismatch> {
        match value {
            ValueRef::Array(elements) => elements
                .iter()
                .map(|element| T::from_value(element?))
                .collect(),
            ValueRef::Vector(numbers) => numbers
                .iter()
                .map(|number| T::from_value(ValueRef::Float64(number.into())))
                .collect(),
            value => Err(Mismatch::expected("an array", value)),
        }
    }
}

macro_rules! own_types {
    ($($type:ident: $expected:literal),*) => {$(
        impl FromValue<'_> for $type {
            fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
                match value {
                    ValueRef::$type(value) => Ok(value),
                    value => Err(Mismatch::expected($expected, value)),
                }
            }
        }
    )*};
}

own_types! {
    Date: "a date",
    Time: "a time",
    TimeTz: "a time with an offset",
    Timestamp: "a timestamp",
    Timestamptz: "a timestamp with a time zone",
    Interval: "an interval"
}

impl<T: DeserializeOwned> FromValue<'_> for Json<T> {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        match value {
            ValueRef::Json(text) => serde_json::from_str(text).map(Self).map_err(Mismatch::new),
            value => Err(Mismatch::expected("JSON", value)),
        }
    }
}

impl FromValue<'_> for serde_json::Value {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        Json::from_value(value).map(|Json(value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_never_wrap() {
        assert_eq!(i32::from_value(ValueRef::Int64(-7)), Ok(-7));
        let error = i16::from_value(ValueRef::Int64(40_000)).expect_err("too large");
        assert_eq!(error.to_string(), "40000 does not fit into i16");
        assert_eq!(i64::from_value(ValueRef::Decimal("12.00")), Ok(12));
        assert!(i64::from_value(ValueRef::Decimal("1.5")).is_err());
        assert!(i64::from_value(ValueRef::Text("1")).is_err());
    }

    #[test]
    fn floats_take_what_they_can_hold() {
        assert_eq!(f64::from_value(ValueRef::Decimal("1.50")), Ok(1.5));
        assert_eq!(f64::from_value(ValueRef::Int64(3)), Ok(3.0));
        assert!(f64::from_value(ValueRef::Int64(i64::MAX)).is_err());
        assert_eq!(
            f64::from_value(ValueRef::Decimal("-Infinity")),
            Ok(f64::NEG_INFINITY)
        );
        assert_eq!(f64::from_value(ValueRef::Decimal("0.000")), Ok(0.0));
        for beyond in ["9".repeat(400), format!("-0.{}1", "0".repeat(400))] {
            assert!(f64::from_value(ValueRef::Decimal(&beyond)).is_err());
        }
        assert!(f32::from_value(ValueRef::Float64(1e300)).is_err());
        assert_eq!(
            f32::from_value(ValueRef::Float64(f64::INFINITY)),
            Ok(f32::INFINITY)
        );
    }

    #[test]
    fn null_is_only_an_option() {
        assert_eq!(Option::<i64>::from_value(ValueRef::Null), Ok(None));
        let error = String::from_value(ValueRef::Null).expect_err("NULL");
        assert_eq!(
            error.to_string(),
            "is NULL where text was asked for: read it as an `Option`"
        );
    }

    #[test]
    fn arrays_bytes_and_vectors_are_vecs() {
        let array = Value::Array(vec![Value::Int64(1), Value::Null]);
        assert_eq!(
            Vec::<Option<i64>>::from_value(array.as_ref()),
            Ok(vec![Some(1), None])
        );
        assert!(Vec::<i64>::from_value(array.as_ref()).is_err());
        assert_eq!(Vec::<u8>::from_value(ValueRef::Bytes(&[1])), Ok(vec![1]));
        let vector = Value::Vector(vec![0.5, 0.1]);
        assert_eq!(Vec::<f32>::from_value(vector.as_ref()), Ok(vec![0.5, 0.1]));
    }

    #[test]
    fn json_is_parsed() {
        let value = serde_json::Value::from_value(ValueRef::Json(r#"{"a": null}"#));
        assert_eq!(value, Ok(serde_json::json!({ "a": null })));
    }
}
