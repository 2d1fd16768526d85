//! What a column would take and silently lose a part of, because the database reads our notation as the column's type.
//!
//! Only what is certain is refused here; what the database itself refuses is left to it. A `real` column rounds a float, as
//! `numeric(p,s)` does a decimal: the size of a column is a promise of its own.

use super::{Scalar, Shape, Unfit, Value, modifier::Digits};

const DAY: i64 = 86_400_000_000;
/// So many binary digits of a number does a float hold.
const FLOAT_BITS: u32 = 53;

/// Whether there is a type of column that would lose a part of the value, so that the column has to be known first.
pub(in crate::database) fn may_lose(value: &Value<'_>) -> bool {
    const SUSPECTS: [Scalar; 6] = [
        Scalar::Date,
        Scalar::Time,
        Scalar::TimeTz,
        Scalar::Timestamp,
        Scalar::TimestampTz,
        Scalar::Float64,
    ];
    let one = |value: &Value<'_>| SUSPECTS.iter().any(|&scalar| of(scalar, value).is_some());
    if let Value::Array(elements) = value {
        elements.iter().any(one)
    } else {
        one(value)
    }
}

/// What the value would lose in a column of this shape.
pub(in crate::database) fn loss(shape: Shape, value: &Value<'_>) -> Option<Unfit> {
    // A condition compares an array with one value as it does with an array.
    let reason = if let Value::Array(elements) = value {
        let mut elements = elements.iter().filter(|_| shape.is_array);
        elements.find_map(|element| of(shape.scalar, element))
    } else {
        of(shape.scalar, value)
    };
    reason.map(Unfit)
}

fn of(scalar: Scalar, value: &Value<'_>) -> Option<&'static str> {
    match (scalar, value) {
        (Scalar::Date, Value::Timestamp(time)) => (!is_infinite(*time) && time % DAY != 0)
            .then_some("a date would lose the time of day of this timestamp: send a date"),
        (Scalar::Date, Value::TimestampTz(time)) => (!is_infinite(*time))
            .then_some("an instant is on different dates in different time zones: send a date"),
        (Scalar::Time | Scalar::TimeTz, Value::Timestamp(_) | Value::TimestampTz(_)) => {
            Some("a time of day would lose the date of this timestamp: send a time")
        }
        (Scalar::Time, Value::TimeTz(_)) => {
            Some("a time without an offset would lose the offset from UTC: send a time")
        }
        (Scalar::TimeTz, Value::Time(_)) => {
            Some("which offset from UTC this time has is not said: send a timetz")
        }
        (Scalar::Timestamp, Value::TimestampTz(time)) => (!is_infinite(*time)).then_some(
            "a timestamp without a time zone would lose which instant this is: send a timestamp",
        ),
        (Scalar::TimestampTz, Value::Timestamp(time)) => (!is_infinite(*time))
            .then_some("which time zone this timestamp is in is not said: send a timestamptz"),
        (Scalar::TimestampTz, Value::Date(day)) => (!matches!(*day, i32::MIN | i32::MAX))
            .then_some("in which time zone this day begins is not said: send a timestamptz"),
        (Scalar::Float32 | Scalar::Float64, Value::Int64(number)) => (!is_float(*number))
            .then_some("a float would lose digits of this integer: send the float that is meant"),
        (Scalar::Float32 | Scalar::Float64, Value::Decimal(text)) => is_longer_than_a_float(text)
            .then_some("a float would lose digits of this decimal: send the float that is meant"),
        _ => None,
    }
}

fn is_infinite(microseconds: i64) -> bool {
    matches!(microseconds, i64::MIN | i64::MAX)
}

/// Whether a float holds every digit.
fn is_float(number: i64) -> bool {
    let magnitude = number.unsigned_abs();
    magnitude.leading_zeros() + magnitude.trailing_zeros() >= u64::BITS - FLOAT_BITS
}

/// Whether the shortest text of the float that is nearest is another number. What is no number, or is beyond all floats, is left to the
/// database to refuse.
fn is_longer_than_a_float(text: &str) -> bool {
    let Some(digits) = Digits::read(text) else {
        return false;
    };
    let Ok(float) = text.trim().parse::<f64>() else {
        return false;
    };
    float.is_finite() && Digits::read(&format!("{float:e}")).as_ref() != Some(&digits)
}

#[cfg(test)]
mod tests {
    use super::{DAY, Scalar, Shape, Value, loss, may_lose};
    use crate::database::TimeTz;

    fn loses(scalar: Scalar, value: &Value<'static>) -> bool {
        let scalar_shape = Shape {
            scalar,
            is_array: false,
        };
        let array_shape = Shape {
            scalar,
            is_array: true,
        };
        let loses = loss(scalar_shape, value).is_some();
        let array = Value::Array(vec![Value::Null, value.clone()]);
        assert_eq!(loss(array_shape, &array).is_some(), loses, "{value:?}");
        assert_eq!(loss(scalar_shape, &array), None);
        assert!(!loses || (may_lose(value) && may_lose(&array)), "{value:?}");
        loses
    }

    #[test]
    fn a_part_of_a_time_is_never_dropped() {
        let noon = DAY / 2;
        let time_tz = Value::TimeTz(TimeTz {
            microseconds: noon,
            offset_seconds: 0,
        });
        for (scalar, value, expected) in [
            (Scalar::Date, Value::Timestamp(noon), true),
            (Scalar::Date, Value::Timestamp(-DAY), false),
            (Scalar::Date, Value::Timestamp(i64::MAX), false),
            (Scalar::Date, Value::TimestampTz(0), true),
            (Scalar::Date, Value::Date(7), false),
            (Scalar::Time, Value::Timestamp(0), true),
            (Scalar::TimeTz, Value::TimestampTz(0), true),
            (Scalar::Time, time_tz.clone(), true),
            (Scalar::TimeTz, time_tz, false),
            (Scalar::TimeTz, Value::Time(noon), true),
            (Scalar::Timestamp, Value::Date(7), false),
            (Scalar::Timestamp, Value::TimestampTz(0), true),
            (Scalar::Timestamp, Value::TimestampTz(i64::MIN), false),
            (Scalar::TimestampTz, Value::Timestamp(0), true),
            (Scalar::TimestampTz, Value::Timestamp(i64::MIN), false),
            (Scalar::TimestampTz, Value::Date(7), true),
            (Scalar::TimestampTz, Value::Date(i32::MAX), false),
            (Scalar::TimestampTz, Value::TimestampTz(7), false),
            (Scalar::Text, Value::TimestampTz(7), false),
        ] {
            assert_eq!(loses(scalar, &value), expected, "{value:?}");
        }
    }

    #[test]
    fn a_digit_of_a_number_is_never_dropped() {
        let decimal = |text: &'static str| Value::Decimal(text.into());
        for (value, expected) in [
            (Value::Int64(0), false),
            (Value::Int64(1 << 53), false),
            (Value::Int64((1 << 53) + 1), true),
            (Value::Int64(-(1 << 53) - 2), false),
            (Value::Int64(i64::MIN), false),
            (Value::Int64(i64::MAX), true),
            (decimal("0.1"), false),
            (decimal("-00010.500"), false),
            (decimal("1e300"), false),
            (decimal("1e400"), false),
            (decimal("0.1000000000000000055511151231257827"), true),
            (decimal("9007199254740993"), true),
            (decimal("1e-400"), true),
            (decimal("0e9"), false),
            (decimal("NaN"), false),
            (decimal("-Infinity"), false),
            (decimal("what"), false),
        ] {
            assert_eq!(loses(Scalar::Float64, &value), expected, "{value:?}");
            assert_eq!(loses(Scalar::Float32, &value), expected, "{value:?}");
            assert!(!loses(Scalar::Numeric, &value));
        }
    }
}
