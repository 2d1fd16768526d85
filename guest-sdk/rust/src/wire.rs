//! Between [`Value`] and the contract's `value`.

use crate::bindings::chitin::db::types as contract;
use crate::time::{Date, Time, Timestamp, Timestamptz};
use crate::value::{Other, Value};
use crate::{Error, Result};

impl From<contract::Value> for Value {
    fn from(value: contract::Value) -> Self {
        use contract::Value as From;
        match value {
            From::Null => Self::Null,
            From::Boolean(value) => Self::Boolean(value),
            From::Int64(value) => Self::Int64(value),
            From::Float64(value) => Self::Float64(value),
            From::Decimal(text) => Self::Decimal(text),
            From::Text(text) => Self::Text(text),
            From::Bytes(bytes) => Self::Bytes(bytes),
            From::Uuid(text) => Self::Uuid(text),
            From::Date(days) => Self::Date(Date(days)),
            From::Time(time) => Self::Time(Time(time)),
            From::Timetz(time) => Self::TimeTz(time.into()),
            From::Timestamp(time) => Self::Timestamp(Timestamp(time)),
            From::Timestamptz(time) => Self::Timestamptz(Timestamptz(time)),
            From::Interval(interval) => Self::Interval(interval.into()),
            From::Json(text) => Self::Json(text),
            From::Vector(numbers) => Self::Vector(numbers),
            From::Array(elements) => Self::Array(elements.into_iter().map(Self::from).collect()),
            From::Other(other) => Self::Other(other.into()),
        }
    }
}

impl From<contract::Element> for Value {
    fn from(element: contract::Element) -> Self {
        use contract::Element as From;
        match element {
            From::Null => Self::Null,
            From::Boolean(value) => Self::Boolean(value),
            From::Int64(value) => Self::Int64(value),
            From::Float64(value) => Self::Float64(value),
            From::Decimal(text) => Self::Decimal(text),
            From::Text(text) => Self::Text(text),
            From::Bytes(bytes) => Self::Bytes(bytes),
            From::Uuid(text) => Self::Uuid(text),
            From::Date(days) => Self::Date(Date(days)),
            From::Time(time) => Self::Time(Time(time)),
            From::Timetz(time) => Self::TimeTz(time.into()),
            From::Timestamp(time) => Self::Timestamp(Timestamp(time)),
            From::Timestamptz(time) => Self::Timestamptz(Timestamptz(time)),
            From::Interval(interval) => Self::Interval(interval.into()),
            From::Json(text) => Self::Json(text),
            From::Vector(numbers) => Self::Vector(numbers),
            From::Other(other) => Self::Other(other.into()),
        }
    }
}

impl TryFrom<Value> for contract::Value {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self> {
        Ok(match value {
            Value::Null => Self::Null,
            Value::Boolean(value) => Self::Boolean(value),
            Value::Int64(value) => Self::Int64(value),
            Value::Float64(value) => Self::Float64(value),
            Value::Decimal(text) => Self::Decimal(text),
            Value::Text(text) => Self::Text(text),
            Value::Bytes(bytes) => Self::Bytes(bytes),
            Value::Uuid(text) => Self::Uuid(text),
            Value::Date(date) => Self::Date(date.0),
            Value::Time(time) => Self::Time(time.0),
            Value::TimeTz(time) => Self::Timetz(time.into()),
            Value::Timestamp(time) => Self::Timestamp(time.0),
            Value::Timestamptz(time) => Self::Timestamptz(time.0),
            Value::Interval(interval) => Self::Interval(interval.into()),
            Value::Json(text) => Self::Json(text),
            Value::Vector(numbers) => Self::Vector(numbers),
            Value::Array(values) => Self::Array(
                values
                    .into_iter()
                    .map(contract::Element::try_from)
                    .collect::<Result<_>>()?,
            ),
            Value::Other(other) => Self::Other(other.into()),
        })
    }
}

impl TryFrom<Value> for contract::Element {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self> {
        Ok(match value {
            Value::Null => Self::Null,
            Value::Boolean(value) => Self::Boolean(value),
            Value::Int64(value) => Self::Int64(value),
            Value::Float64(value) => Self::Float64(value),
            Value::Decimal(text) => Self::Decimal(text),
            Value::Text(text) => Self::Text(text),
            Value::Bytes(bytes) => Self::Bytes(bytes),
            Value::Uuid(text) => Self::Uuid(text),
            Value::Date(date) => Self::Date(date.0),
            Value::Time(time) => Self::Time(time.0),
            Value::TimeTz(time) => Self::Timetz(time.into()),
            Value::Timestamp(time) => Self::Timestamp(time.0),
            Value::Timestamptz(time) => Self::Timestamptz(time.0),
            Value::Interval(interval) => Self::Interval(interval.into()),
            Value::Json(text) => Self::Json(text),
            Value::Vector(numbers) => Self::Vector(numbers),
            Value::Array(_) => {
                return Err(Error::Invalid("an array cannot hold arrays".to_owned()));
            }
            Value::Other(other) => Self::Other(other.into()),
        })
    }
}

impl From<contract::OtherValue> for Other {
    fn from(other: contract::OtherValue) -> Self {
        Self {
            type_name: other.type_name,
            text: other.text,
            bytes: other.bytes,
        }
    }
}

impl From<Other> for contract::OtherValue {
    fn from(other: Other) -> Self {
        Self {
            type_name: other.type_name,
            text: other.text,
            bytes: other.bytes,
        }
    }
}

/// Values as the contract takes them.
pub(crate) fn values(values: impl IntoIterator<Item = Value>) -> Result<Vec<contract::Value>> {
    values.into_iter().map(contract::Value::try_from).collect()
}

/// Fields as the contract takes them.
pub(crate) fn fields(fields: Vec<(String, Value)>) -> Result<Vec<contract::Field>> {
    let field = |(column, value): (String, Value)| {
        Ok(contract::Field {
            column,
            value: value.try_into()?,
        })
    };
    fields.into_iter().map(field).collect()
}
