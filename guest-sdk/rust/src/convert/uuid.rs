//! UUIDs of the crate `uuid`.

use uuid::Uuid;

use super::{FromValue, Mismatch};
use crate::value::{Value, ValueRef};

impl FromValue<'_> for Uuid {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        let ValueRef::Uuid(text) = value else {
            return Err(Mismatch::expected("a UUID", value));
        };
        Self::try_parse(text).map_err(Mismatch::new)
    }
}

impl From<Uuid> for Value {
    fn from(uuid: Uuid) -> Self {
        Self::Uuid(uuid.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_goes_there_and_back() {
        let uuid = Uuid::from_u128(0x123e_4567_e89b_12d3_a456_4266_1417_4000);
        let value = Value::from(uuid);
        assert_eq!(
            value,
            Value::Uuid("123e4567-e89b-12d3-a456-426614174000".into())
        );
        assert_eq!(Uuid::from_value(value.as_ref()), Ok(uuid));
    }
}
