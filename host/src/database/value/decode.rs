//! The database's binary form, read into our values.

use std::borrow::Cow;

use super::{
    Interval, Other, Scalar, Shape, TimeTz, Value, array::Array, calendar::timestamp_notation,
    network, numeric,
};

/// Days from 1970-01-01 to 2000-01-01, from where the databases count.
const DAYS_TO_2000: i32 = 10_957;
const MICROSECONDS_TO_2000: i64 = DAYS_TO_2000 as i64 * 86_400_000_000;

/// Why bytes are not what their type says. Never seen from a sound server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed value: {0}")]
pub(in crate::database) struct Malformed(pub(super) &'static str);

/// Reads a value of a type with this shape and name; `None` is NULL.
pub(in crate::database) fn decode<'a>(
    shape: Shape,
    type_name: &'a str,
    bytes: Option<&'a [u8]>,
) -> Result<Value<'a>, Malformed> {
    let Some(bytes) = bytes else {
        return Ok(Value::Null);
    };
    if !shape.is_array {
        return scalar(shape.scalar, type_name, bytes);
    }
    match Array::read(bytes)? {
        Array::Nested => Ok(other(type_name, None, bytes)),
        Array::Flat(elements) => {
            let element_type = type_name.strip_suffix("[]").unwrap_or(type_name);
            let value = |element: Result<Option<&'a [u8]>, Malformed>| match element? {
                None => Ok(Value::Null),
                Some(bytes) => scalar(shape.scalar, element_type, bytes),
            };
            elements
                .map(value)
                .collect::<Result<_, _>>()
                .map(Value::Array)
        }
    }
}

/// How many bytes the value takes as text beyond those that it came in, where that can be many times more.
pub(in crate::database) fn text_bytes(shape: Shape, bytes: &[u8]) -> u64 {
    match (shape.scalar, shape.is_array) {
        (Scalar::Numeric, false) => numeric::text_bytes(bytes),
        (Scalar::Numeric, true) => match Array::read(bytes) {
            Ok(Array::Flat(elements)) => {
                elements.flatten().flatten().map(numeric::text_bytes).sum()
            }
            Ok(Array::Nested) | Err(_) => 0,
        },
        _ => 0,
    }
}

/// Takes the first bytes off a buffer.
pub(super) fn take<const LENGTH: usize>(buffer: &mut &[u8]) -> Result<[u8; LENGTH], Malformed> {
    let (taken, rest) = buffer
        .split_first_chunk()
        .ok_or(Malformed("it ends too early"))?;
    *buffer = rest;
    Ok(*taken)
}

fn exactly<const LENGTH: usize>(bytes: &[u8]) -> Result<[u8; LENGTH], Malformed> {
    bytes
        .try_into()
        .map_err(|_| Malformed("it has not as many bytes as its type"))
}

fn text(bytes: &[u8]) -> Result<Cow<'_, str>, Malformed> {
    str::from_utf8(bytes)
        .map(Cow::Borrowed)
        .map_err(|_| Malformed("it is no UTF-8"))
}

fn after_version(bytes: &[u8]) -> Result<Cow<'_, str>, Malformed> {
    match bytes {
        [1, rest @ ..] => text(rest),
        _ => Err(Malformed("it is of an unknown version")),
    }
}

fn other<'a>(type_name: &'a str, text: Option<Cow<'a, str>>, bytes: &'a [u8]) -> Value<'a> {
    Value::Other(Other {
        type_name: Cow::Borrowed(type_name),
        text,
        bytes: Cow::Borrowed(bytes),
    })
}

fn scalar<'a>(scalar: Scalar, type_name: &'a str, bytes: &'a [u8]) -> Result<Value<'a>, Malformed> {
    Ok(match scalar {
        Scalar::Boolean => Value::Boolean(exactly(bytes)? != [0]),
        Scalar::Int16 => Value::Int64(i16::from_be_bytes(exactly(bytes)?).into()),
        Scalar::Int32 => Value::Int64(i32::from_be_bytes(exactly(bytes)?).into()),
        Scalar::Int64 => Value::Int64(i64::from_be_bytes(exactly(bytes)?)),
        Scalar::Oid => Value::Int64(u32::from_be_bytes(exactly(bytes)?).into()),
        Scalar::Float32 => Value::Float64(f32::from_be_bytes(exactly(bytes)?).into()),
        Scalar::Float64 => Value::Float64(f64::from_be_bytes(exactly(bytes)?)),
        Scalar::Numeric => Value::Decimal(numeric::read(bytes)?.into()),
        Scalar::Text => Value::Text(text(bytes)?),
        Scalar::Bytes => Value::Bytes(Cow::Borrowed(bytes)),
        Scalar::Uuid => Value::Uuid(uuid(exactly(bytes)?).into()),
        Scalar::Date => date(type_name, bytes)?,
        Scalar::Time => Value::Time(i64::from_be_bytes(exactly(bytes)?)),
        Scalar::TimeTz => time_tz(bytes)?,
        Scalar::Timestamp => timestamp(type_name, bytes, Value::Timestamp, "")?,
        Scalar::TimestampTz => timestamp(type_name, bytes, Value::TimestampTz, "+00")?,
        Scalar::Interval => interval(bytes)?,
        Scalar::Json => Value::Json(text(bytes)?),
        Scalar::Jsonb => Value::Json(after_version(bytes)?),
        Scalar::Vector => vector(bytes)?,
        Scalar::Label => other(type_name, Some(text(bytes)?), bytes),
        Scalar::VersionedLabel => other(type_name, Some(after_version(bytes)?), bytes),
        Scalar::Number32 => {
            let number = u32::from_be_bytes(exactly(bytes)?);
            other(type_name, Some(number.to_string().into()), bytes)
        }
        Scalar::Number64 => {
            let number = u64::from_be_bytes(exactly(bytes)?);
            other(type_name, Some(number.to_string().into()), bytes)
        }
        Scalar::Hardware => other(type_name, Some(network::hardware(bytes)?.into()), bytes),
        Scalar::LogPlace => {
            let place = u64::from_be_bytes(exactly(bytes)?);
            let text = format!("{:X}/{:X}", place >> 32, place & 0xffff_ffff);
            other(type_name, Some(text.into()), bytes)
        }
        Scalar::Network => other(type_name, Some(network::address(bytes)?.into()), bytes),
        Scalar::Bits => other(type_name, Some(network::bits(bytes)?.into()), bytes),
        Scalar::Opaque => other(type_name, None, bytes),
    })
}

fn uuid(bytes: [u8; 16]) -> String {
    let digits = format!("{:032x}", u128::from_be_bytes(bytes));
    let mut text = String::with_capacity(36);
    for (place, digit) in digits.chars().enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

fn date<'a>(type_name: &'a str, bytes: &'a [u8]) -> Result<Value<'a>, Malformed> {
    let days = i32::from_be_bytes(exactly(bytes)?);
    if matches!(days, i32::MIN | i32::MAX) {
        return Ok(Value::Date(days));
    }
    // No date of either database is beyond, or so near the end that it could be taken for infinity.
    let ours = days
        .checked_add(DAYS_TO_2000)
        .filter(|&days| days != i32::MAX);
    Ok(ours.map_or_else(|| other(type_name, None, bytes), Value::Date))
}

fn timestamp<'a>(
    type_name: &'a str,
    bytes: &'a [u8],
    case: fn(i64) -> Value<'a>,
    zone: &str,
) -> Result<Value<'a>, Malformed> {
    let microseconds = i64::from_be_bytes(exactly(bytes)?);
    if matches!(microseconds, i64::MIN | i64::MAX) {
        return Ok(case(microseconds));
    }
    let ours = microseconds
        .checked_add(MICROSECONDS_TO_2000)
        .filter(|&ours| ours != i64::MAX);
    Ok(ours.map_or_else(
        || other(type_name, Some(beyond(microseconds, zone).into()), bytes),
        case,
    ))
}

/// The text of a timestamp that is too late for our microseconds since 1970: it is written as one exactly 400 years of 146,097 days
/// earlier, which has the same month, day and time, under its own year.
fn beyond(microseconds_since_2000: i64, zone: &str) -> String {
    let earlier = microseconds_since_2000 - (146_097 * 86_400_000_000 - MICROSECONDS_TO_2000);
    let text = timestamp_notation(earlier, zone);
    match text
        .split_once('-')
        .map(|(year, rest)| (year.parse::<i64>(), rest))
    {
        Some((Ok(year), rest)) => format!("{}-{rest}", year + 400),
        _ => text,
    }
}

fn time_tz(mut bytes: &[u8]) -> Result<Value<'static>, Malformed> {
    let microseconds = i64::from_be_bytes(take(&mut bytes)?);
    let west = i32::from_be_bytes(exactly(bytes)?);
    let offset_seconds = west
        .checked_neg()
        .ok_or(Malformed("an impossible offset from UTC"))?;
    Ok(Value::TimeTz(TimeTz {
        microseconds,
        offset_seconds,
    }))
}

fn interval(mut bytes: &[u8]) -> Result<Value<'static>, Malformed> {
    let microseconds = i64::from_be_bytes(take(&mut bytes)?);
    let days = i32::from_be_bytes(take(&mut bytes)?);
    let months = i32::from_be_bytes(exactly(bytes)?);
    Ok(Value::Interval(Interval {
        months,
        days,
        microseconds,
    }))
}

fn vector(mut bytes: &[u8]) -> Result<Value<'static>, Malformed> {
    let dimensions = u16::from_be_bytes(take(&mut bytes)?);
    let _unused: [u8; 2] = take(&mut bytes)?;
    if bytes.len() != usize::from(dimensions) * 4 {
        return Err(Malformed(
            "a vector with more or fewer dimensions than it says",
        ));
    }
    let numbers = bytes
        .chunks_exact(4)
        .map(|number| exactly(number).map(f32::from_be_bytes));
    numbers.collect::<Result<_, _>>().map(Value::Vector)
}

#[cfg(test)]
mod tests {
    use super::{Cow, Other, Scalar, Shape, Value, decode};

    fn one(scalar: Scalar, bytes: &[u8]) -> Value<'_> {
        decode(
            Shape {
                scalar,
                is_array: false,
            },
            "type",
            Some(bytes),
        )
        .expect("well formed")
    }

    #[test]
    fn infinities_are_the_extremes() {
        assert_eq!(
            one(Scalar::Date, &i32::MAX.to_be_bytes()),
            Value::Date(i32::MAX)
        );
        assert_eq!(
            one(Scalar::Date, &i32::MIN.to_be_bytes()),
            Value::Date(i32::MIN)
        );
        assert_eq!(
            one(Scalar::Timestamp, &i64::MIN.to_be_bytes()),
            Value::Timestamp(i64::MIN)
        );
        assert_eq!(
            one(Scalar::TimestampTz, &i64::MAX.to_be_bytes()),
            Value::TimestampTz(i64::MAX)
        );
    }

    #[test]
    fn a_timestamp_too_late_for_its_case_is_other_with_its_text() {
        let last = 9_223_371_331_199_999_999_i64.to_be_bytes();
        let expected = |text: &'static str, bytes| {
            Value::Other(Other {
                type_name: "type".into(),
                text: Some(text.into()),
                bytes: Cow::Borrowed(bytes),
            })
        };
        assert_eq!(
            one(Scalar::Timestamp, &last),
            expected("294276-12-31 23:59:59.999999", &last)
        );
        // One microsecond more than the last that fits would be taken for infinity.
        let first = (i64::MAX - super::MICROSECONDS_TO_2000).to_be_bytes();
        assert_eq!(
            one(Scalar::TimestampTz, &first),
            expected("294247-01-10 04:00:54.775807+00", &first)
        );
        let before = (i64::MAX - super::MICROSECONDS_TO_2000 - 1).to_be_bytes();
        assert_eq!(
            one(Scalar::Timestamp, &before),
            Value::Timestamp(i64::MAX - 1)
        );
    }

    #[test]
    fn an_array_of_more_dimensions_is_other() {
        let bytes: Vec<u8> = [2_i32, 0, 23, 1, 1, 1, 1, 4, 7]
            .iter()
            .flat_map(|word| word.to_be_bytes())
            .collect();
        let value = decode(
            Shape {
                scalar: Scalar::Int32,
                is_array: true,
            },
            "int4[]",
            Some(&bytes),
        );
        assert!(matches!(value, Ok(Value::Other(Other { text: None, .. }))));
    }
}
