use std::borrow::Cow;

use crate::{
    bindings::{HostBug, wit},
    database::{Interval, Other, TimeTz, Value},
};

use super::{all, nested_array};

impl From<wit::Value> for Value<'static> {
    fn from(value: wit::Value) -> Self {
        match value {
            wit::Value::Null => Self::Null,
            wit::Value::Boolean(it) => Self::Boolean(it),
            wit::Value::Int64(it) => Self::Int64(it),
            wit::Value::Float64(it) => Self::Float64(it),
            wit::Value::Decimal(it) => Self::Decimal(Cow::Owned(it)),
            wit::Value::Text(it) => Self::Text(Cow::Owned(it)),
            wit::Value::Bytes(it) => Self::Bytes(Cow::Owned(it)),
            wit::Value::Uuid(it) => Self::Uuid(Cow::Owned(it)),
            wit::Value::Date(it) => Self::Date(it),
            wit::Value::Time(it) => Self::Time(it),
            wit::Value::Timetz(it) => Self::TimeTz(it.into()),
            wit::Value::Timestamp(it) => Self::Timestamp(it),
            wit::Value::Timestamptz(it) => Self::TimestampTz(it),
            wit::Value::Interval(it) => Self::Interval(it.into()),
            wit::Value::Json(it) => Self::Json(Cow::Owned(it)),
            wit::Value::Vector(it) => Self::Vector(it),
            wit::Value::Array(it) => Self::Array(all(it)),
            wit::Value::Other(it) => Self::Other(it.into()),
        }
    }
}

impl From<wit::Element> for Value<'static> {
    fn from(element: wit::Element) -> Self {
        match element {
            wit::Element::Null => Self::Null,
            wit::Element::Boolean(it) => Self::Boolean(it),
            wit::Element::Int64(it) => Self::Int64(it),
            wit::Element::Float64(it) => Self::Float64(it),
            wit::Element::Decimal(it) => Self::Decimal(Cow::Owned(it)),
            wit::Element::Text(it) => Self::Text(Cow::Owned(it)),
            wit::Element::Bytes(it) => Self::Bytes(Cow::Owned(it)),
            wit::Element::Uuid(it) => Self::Uuid(Cow::Owned(it)),
            wit::Element::Date(it) => Self::Date(it),
            wit::Element::Time(it) => Self::Time(it),
            wit::Element::Timetz(it) => Self::TimeTz(it.into()),
            wit::Element::Timestamp(it) => Self::Timestamp(it),
            wit::Element::Timestamptz(it) => Self::TimestampTz(it),
            wit::Element::Interval(it) => Self::Interval(it.into()),
            wit::Element::Json(it) => Self::Json(Cow::Owned(it)),
            wit::Element::Vector(it) => Self::Vector(it),
            wit::Element::Other(it) => Self::Other(it.into()),
        }
    }
}

impl TryFrom<Value<'_>> for wit::Value {
    type Error = HostBug;

    fn try_from(value: Value<'_>) -> Result<Self, HostBug> {
        Ok(match value {
            Value::Null => Self::Null,
            Value::Boolean(it) => Self::Boolean(it),
            Value::Int64(it) => Self::Int64(it),
            Value::Float64(it) => Self::Float64(it),
            Value::Decimal(it) => Self::Decimal(it.into_owned()),
            Value::Text(it) => Self::Text(it.into_owned()),
            Value::Bytes(it) => Self::Bytes(it.into_owned()),
            Value::Uuid(it) => Self::Uuid(it.into_owned()),
            Value::Date(it) => Self::Date(it),
            Value::Time(it) => Self::Time(it),
            Value::TimeTz(it) => Self::Timetz(it.into()),
            Value::Timestamp(it) => Self::Timestamp(it),
            Value::TimestampTz(it) => Self::Timestamptz(it),
            Value::Interval(it) => Self::Interval(it.into()),
            Value::Json(it) => Self::Json(it.into_owned()),
            Value::Vector(it) => Self::Vector(it),
            Value::Array(it) => {
                let elements = it.into_iter().map(wit::Element::try_from);
                Self::Array(elements.collect::<Result<_, _>>()?)
            }
            Value::Other(it) => Self::Other(it.into()),
        })
    }
}

impl TryFrom<Value<'_>> for wit::Element {
    type Error = HostBug;

    fn try_from(value: Value<'_>) -> Result<Self, HostBug> {
        Ok(match value {
            Value::Null => Self::Null,
            Value::Boolean(it) => Self::Boolean(it),
            Value::Int64(it) => Self::Int64(it),
            Value::Float64(it) => Self::Float64(it),
            Value::Decimal(it) => Self::Decimal(it.into_owned()),
            Value::Text(it) => Self::Text(it.into_owned()),
            Value::Bytes(it) => Self::Bytes(it.into_owned()),
            Value::Uuid(it) => Self::Uuid(it.into_owned()),
            Value::Date(it) => Self::Date(it),
            Value::Time(it) => Self::Time(it),
            Value::TimeTz(it) => Self::Timetz(it.into()),
            Value::Timestamp(it) => Self::Timestamp(it),
            Value::TimestampTz(it) => Self::Timestamptz(it),
            Value::Interval(it) => Self::Interval(it.into()),
            Value::Json(it) => Self::Json(it.into_owned()),
            Value::Vector(it) => Self::Vector(it),
            Value::Array(_) => return Err(nested_array()),
            Value::Other(it) => Self::Other(it.into()),
        })
    }
}

impl From<wit::TimeWithOffset> for TimeTz {
    fn from(time: wit::TimeWithOffset) -> Self {
        Self {
            microseconds: time.microseconds,
            offset_seconds: time.offset_seconds,
        }
    }
}

impl From<TimeTz> for wit::TimeWithOffset {
    fn from(time: TimeTz) -> Self {
        Self {
            microseconds: time.microseconds,
            offset_seconds: time.offset_seconds,
        }
    }
}

impl From<wit::Interval> for Interval {
    fn from(interval: wit::Interval) -> Self {
        Self {
            months: interval.months,
            days: interval.days,
            microseconds: interval.microseconds,
        }
    }
}

impl From<Interval> for wit::Interval {
    fn from(interval: Interval) -> Self {
        Self {
            months: interval.months,
            days: interval.days,
            microseconds: interval.microseconds,
        }
    }
}

impl From<wit::OtherValue> for Other<'static> {
    fn from(other: wit::OtherValue) -> Self {
        Self {
            type_name: Cow::Owned(other.type_name),
            text: other.text.map(Cow::Owned),
            bytes: Cow::Owned(other.bytes),
        }
    }
}

impl From<Other<'_>> for wit::OtherValue {
    fn from(other: Other<'_>) -> Self {
        Self {
            type_name: other.type_name.into_owned(),
            text: other.text.map(Cow::into_owned),
            bytes: other.bytes.into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use crate::database::{Interval, Other, TimeTz, Value};

    use super::wit;

    #[test]
    fn every_case_goes_there_and_back() {
        let text = || Cow::Borrowed("1.50");
        let bytes = || Cow::Borrowed(&[0, 255][..]);
        let scalars = [
            Value::Null,
            Value::Boolean(true),
            Value::Int64(i64::MIN),
            Value::Float64(-0.5),
            Value::Decimal(text()),
            Value::Text(text()),
            Value::Bytes(bytes()),
            Value::Uuid(text()),
            Value::Date(i32::MAX),
            Value::Time(86_400_000_000),
            Value::TimeTz(TimeTz {
                microseconds: 1,
                offset_seconds: -3600,
            }),
            Value::Timestamp(i64::MAX),
            Value::TimestampTz(-1),
            Value::Interval(Interval {
                months: 1,
                days: -2,
                microseconds: 3,
            }),
            Value::Json(text()),
            Value::Vector(vec![1.0, 0.5]),
            Value::Other(Other {
                type_name: Cow::Borrowed("inet"),
                text: Some(text()),
                bytes: bytes(),
            }),
        ];
        let array = Value::Array(scalars.to_vec());
        for value in scalars.into_iter().chain([array]) {
            let there = wit::Value::try_from(value.clone()).expect("no nested array");
            assert_eq!(Value::from(there), value);
        }
    }

    #[test]
    fn an_array_in_an_array_is_a_bug_of_the_host() {
        let nested = Value::Array(vec![Value::Array(vec![])]);
        assert!(wit::Value::try_from(nested).is_err());
    }
}
