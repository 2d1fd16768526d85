//! [`Value`] and [`ValueRef`]: one SQL value, owned and in place.

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::packed::{Elements, Numbers};
use crate::time::{Date, Interval, Time, TimeTz, Timestamp, Timestamptz};

/// One SQL value, as a parameter or kept from a result.
///
/// Most plugins never name it: parameters are converted by `Into`, results by [`Row::get`](crate::Row::get).
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// SQL NULL. The JSON value null is `Json("null")`.
    #[default]
    Null,
    /// `boolean`.
    Boolean(bool),
    /// An integer of any width.
    Int64(i64),
    /// A float of either width, with NaN and both infinities.
    Float64(f64),
    /// An exact decimal of any length, in the database's notation.
    Decimal(String),
    /// Any character type. As a parameter it is read as the notation of whatever type it meets.
    Text(String),
    /// `bytea`.
    Bytes(Vec<u8>),
    /// 36 characters in lower case.
    Uuid(String),
    /// `date`.
    Date(Date),
    /// `time`.
    Time(Time),
    /// `timetz`.
    TimeTz(TimeTz),
    /// `timestamp`.
    Timestamp(Timestamp),
    /// `timestamptz`.
    Timestamptz(Timestamptz),
    /// `interval`.
    Interval(Interval),
    /// `json` or `jsonb`, as text.
    Json(String),
    /// `vector`.
    Vector(Vec<f32>),
    /// A one-dimensional array of values that are not arrays.
    Array(Vec<Self>),
    /// A value of any other type.
    Other(Other),
}

/// A value of a type without a case of its own, such as an enumeration or `inet`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Other {
    /// The name of the type. As a parameter it may be empty.
    pub type_name: String,
    /// The type's text notation, where the host knows it. Required as a parameter.
    pub text: Option<String>,
    /// The database's binary form. Ignored in a parameter.
    pub bytes: Vec<u8>,
}

/// One SQL value, borrowed from the result or the [`Value`] that holds it.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the cases are those of `Value`")]
pub enum ValueRef<'a> {
    Null,
    Boolean(bool),
    Int64(i64),
    Float64(f64),
    Decimal(&'a str),
    Text(&'a str),
    Bytes(&'a [u8]),
    Uuid(&'a str),
    Date(Date),
    Time(Time),
    TimeTz(TimeTz),
    Timestamp(Timestamp),
    Timestamptz(Timestamptz),
    Interval(Interval),
    Json(&'a str),
    Vector(Numbers<'a>),
    Array(Elements<'a>),
    Other {
        type_name: &'a str,
        text: Option<&'a str>,
        bytes: &'a [u8],
    },
}

impl ValueRef<'_> {
    /// Whether this is SQL NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What it is, in the words of an error message.
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Boolean(_) => "a boolean",
            Self::Int64(_) => "an integer",
            Self::Float64(_) => "a float",
            Self::Decimal(_) => "a decimal",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Uuid(_) => "a UUID",
            Self::Date(_) => "a date",
            Self::Time(_) => "a time",
            Self::TimeTz(_) => "a time with an offset",
            Self::Timestamp(_) => "a timestamp",
            Self::Timestamptz(_) => "a timestamp with a time zone",
            Self::Interval(_) => "an interval",
            Self::Json(_) => "JSON",
            Self::Vector(_) => "a vector",
            Self::Array(_) => "an array",
            Self::Other { .. } => "a value of another type",
        }
    }
}

impl Value {
    /// The same value, borrowed.
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::Boolean(value) => ValueRef::Boolean(*value),
            Self::Int64(value) => ValueRef::Int64(*value),
            Self::Float64(value) => ValueRef::Float64(*value),
            Self::Decimal(value) => ValueRef::Decimal(value),
            Self::Text(value) => ValueRef::Text(value),
            Self::Bytes(value) => ValueRef::Bytes(value),
            Self::Uuid(value) => ValueRef::Uuid(value),
            Self::Date(value) => ValueRef::Date(*value),
            Self::Time(value) => ValueRef::Time(*value),
            Self::TimeTz(value) => ValueRef::TimeTz(*value),
            Self::Timestamp(value) => ValueRef::Timestamp(*value),
            Self::Timestamptz(value) => ValueRef::Timestamptz(*value),
            Self::Interval(value) => ValueRef::Interval(*value),
            Self::Json(value) => ValueRef::Json(value),
            Self::Vector(value) => ValueRef::Vector(Numbers::of(value)),
            Self::Array(value) => ValueRef::Array(Elements::of(value)),
            Self::Other(other) => ValueRef::Other {
                type_name: &other.type_name,
                text: other.text.as_deref(),
                bytes: &other.bytes,
            },
        }
    }
}

impl TryFrom<ValueRef<'_>> for Value {
    type Error = crate::Mismatch;

    /// Fails only on elements that the host should not have sent.
    fn try_from(value: ValueRef<'_>) -> Result<Self, Self::Error> {
        Ok(match value {
            ValueRef::Null => Self::Null,
            ValueRef::Boolean(value) => Self::Boolean(value),
            ValueRef::Int64(value) => Self::Int64(value),
            ValueRef::Float64(value) => Self::Float64(value),
            ValueRef::Decimal(value) => Self::Decimal(value.to_owned()),
            ValueRef::Text(value) => Self::Text(value.to_owned()),
            ValueRef::Bytes(value) => Self::Bytes(value.to_owned()),
            ValueRef::Uuid(value) => Self::Uuid(value.to_owned()),
            ValueRef::Date(value) => Self::Date(value),
            ValueRef::Time(value) => Self::Time(value),
            ValueRef::TimeTz(value) => Self::TimeTz(value),
            ValueRef::Timestamp(value) => Self::Timestamp(value),
            ValueRef::Timestamptz(value) => Self::Timestamptz(value),
            ValueRef::Interval(value) => Self::Interval(value),
            ValueRef::Json(value) => Self::Json(value.to_owned()),
            ValueRef::Vector(numbers) => Self::Vector(numbers.iter().collect()),
            ValueRef::Array(elements) => Self::Array(
                elements
                    .iter()
                    .map(|element| element?.try_into())
                    .collect::<Result<_, _>>()?,
            ),
            ValueRef::Other {
                type_name,
                text,
                bytes,
            } => Self::Other(Other {
                type_name: type_name.to_owned(),
                text: text.map(ToOwned::to_owned),
                bytes: bytes.to_owned(),
            }),
        })
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().serialize(serializer)
    }
}

/// As a person would write it in JSON: numbers and booleans as such, JSON as it is, arrays as arrays, and everything
/// else in the database's own text notation, which it accepts back.
impl Serialize for ValueRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Null => serializer.serialize_none(),
            Self::Boolean(value) => serializer.serialize_bool(value),
            Self::Int64(value) => serializer.serialize_i64(value),
            Self::Float64(value) if value.is_finite() => serializer.serialize_f64(value),
            Self::Float64(value) if value.is_nan() => serializer.serialize_str("NaN"),
            Self::Float64(value) => {
                serializer.serialize_str(if value > 0.0 { "Infinity" } else { "-Infinity" })
            }
            Self::Decimal(text) | Self::Text(text) | Self::Uuid(text) => {
                serializer.serialize_str(text)
            }
            Self::Date(value) => value.serialize(serializer),
            Self::Time(value) => value.serialize(serializer),
            Self::TimeTz(value) => value.serialize(serializer),
            Self::Timestamp(value) => value.serialize(serializer),
            Self::Timestamptz(value) => value.serialize(serializer),
            Self::Interval(value) => value.serialize(serializer),
            Self::Json(text) => serde_json::from_str::<&RawValue>(text)
                .map_err(serde::ser::Error::custom)?
                .serialize(serializer),
            Self::Vector(numbers) => serializer.collect_seq(numbers.iter()),
            Self::Array(elements) => {
                let mut sequence = serializer.serialize_seq(Some(elements.len()))?;
                for element in elements.iter() {
                    sequence.serialize_element(&element.map_err(serde::ser::Error::custom)?)?;
                }
                sequence.end()
            }
            Self::Other {
                text: Some(text), ..
            } => serializer.serialize_str(text),
            Self::Bytes(bytes)
            | Self::Other {
                text: None, bytes, ..
            } => serializer.serialize_str(&hexadecimal(bytes)),
        }
    }
}

/// The database's notation for bytes: `\x00ff`.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("\\x");
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_as_a_person_would_write_them() {
        let values = Value::Array(vec![
            Value::Null,
            Value::Int64(9_007_199_254_740_993),
            Value::Float64(f64::NEG_INFINITY),
            Value::Decimal("1.50".into()),
            Value::Bytes(vec![0, 255]),
            Value::Date(Date(0)),
            Value::Json(r#"{"a":1.000000000000000000001}"#.into()),
            Value::Interval(Interval {
                months: 1,
                days: 2,
                microseconds: 3,
            }),
        ]);
        assert_eq!(
            serde_json::to_string(&values).expect("JSON"),
            r#"[null,9007199254740993,"-Infinity","1.50","\\x00ff","1970-01-01",{"a":1.000000000000000000001},{"months":1,"days":2,"microseconds":3}]"#
        );
    }
}
