//! From Rust types to values, for parameters and cells.

use serde::Serialize;

use super::Json;
use crate::time::{Date, Interval, Time, TimeTz, Timestamp, Timestamptz};
use crate::value::{Other, Value, ValueRef};

macro_rules! convert {
    ($($type:ty => $case:ident),*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$case(value.into())
            }
        }

        impl From<$type> for ValueRef<'_> {
            fn from(value: $type) -> Self {
                Self::$case(value.into())
            }
        }
    )*};
}

convert! {
    bool => Boolean,
    i8 => Int64, i16 => Int64, i32 => Int64, i64 => Int64, u16 => Int64, u32 => Int64,
    f32 => Float64, f64 => Float64,
    Date => Date, Time => Time, TimeTz => TimeTz,
    Timestamp => Timestamp, Timestamptz => Timestamptz, Interval => Interval
}

/// Above the largest integer of the database it is a decimal.
impl From<u64> for Value {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or_else(|_| Self::Decimal(value.to_string()), Self::Int64)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        i64::try_from(value).map_or_else(|_| Self::Decimal(value.to_string()), Self::Int64)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<char> for Value {
    fn from(character: char) -> Self {
        Self::Text(character.to_string())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_owned())
    }
}

impl From<Other> for Value {
    fn from(other: Other) -> Self {
        Self::Other(other)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// An array.
impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::Array(values.into_iter().map(Into::into).collect())
    }
}

/// An array.
impl<T: Into<Self> + Clone> From<&[T]> for Value {
    fn from(values: &[T]) -> Self {
        Self::Array(values.iter().cloned().map(Into::into).collect())
    }
}

/// An array.
impl<T: Into<Self>, const N: usize> From<[T; N]> for Value {
    fn from(values: [T; N]) -> Self {
        Self::Array(values.into_iter().map(Into::into).collect())
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        Self::Json(value.to_string())
    }
}

/// Fails only where `T` cannot be written as JSON, such as a map whose keys are no text.
impl<T: Serialize> TryFrom<&Json<T>> for Value {
    type Error = crate::Error;

    fn try_from(json: &Json<T>) -> crate::Result<Self> {
        Ok(Self::Json(serde_json::to_string(&json.0)?))
    }
}

impl<'a> From<&'a str> for ValueRef<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for ValueRef<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> Self {
        value.as_ref()
    }
}

impl<T: Into<Self>> From<Option<T>> for ValueRef<'_> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_types_become_the_obvious_case() {
        assert_eq!(Value::from(1_u16), Value::Int64(1));
        assert_eq!(
            Value::from(u64::MAX),
            Value::Decimal("18446744073709551615".into())
        );
        assert_eq!(Value::from(None::<&str>), Value::Null);
        assert_eq!(Value::from(vec![1_u8]), Value::Bytes(vec![1]));
        assert_eq!(
            Value::from([Some("a"), None]),
            Value::Array(vec!["a".into(), Value::Null])
        );
        assert_eq!(
            Value::from(serde_json::json!([1])),
            Value::Json("[1]".into())
        );
    }
}
