//! Our values, written in the text notation that both databases read exactly.

use std::{borrow::Cow, fmt::Write as _};

use tokio_postgres::types::Type;

use super::{
    Interval, TimeTz, Value,
    calendar::{Day, time_notation, timestamp_notation},
};

/// Why a value cannot be sent at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(in crate::database) struct Unfit(pub(super) &'static str);

/// The notation of a value; `None` is NULL.
pub(in crate::database) fn encode<'a>(value: &'a Value<'_>) -> Result<Option<Cow<'a, str>>, Unfit> {
    let text: Cow<'a, str> = match value {
        Value::Null => return Ok(None),
        Value::Boolean(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
        Value::Int64(number) => number.to_string().into(),
        Value::Float64(number) => float(*number).into(),
        Value::Decimal(text) | Value::Text(text) | Value::Uuid(text) | Value::Json(text) => {
            plain(text)?
        }
        Value::Bytes(bytes) => hexadecimal(bytes).into(),
        Value::Date(days) => date(*days).into(),
        Value::Time(microseconds) => time(*microseconds)?.into(),
        Value::TimeTz(time) => time_tz(*time)?.into(),
        Value::Timestamp(microseconds) => timestamp(*microseconds, "").into(),
        Value::TimestampTz(microseconds) => timestamp(*microseconds, "+00").into(),
        Value::Interval(span) => interval(*span).into(),
        Value::Vector(numbers) => vector(numbers).into(),
        Value::Array(elements) => array(elements)?.into(),
        Value::Other(other) => plain(
            other
                .text
                .as_deref()
                .ok_or(Unfit("a parameter of another type needs its text"))?,
        )?,
    };
    Ok(Some(text))
}

/// The type that a parameter of SQL text is declared as, so that it can stand in an expression; of text and NULL, the place decides.
pub(in crate::database) fn declared_type(value: &Value<'_>) -> Type {
    match value {
        Value::Boolean(_) => Type::BOOL,
        Value::Int64(_) => Type::INT8,
        Value::Float64(_) => Type::FLOAT8,
        Value::Decimal(_) => Type::NUMERIC,
        Value::Bytes(_) => Type::BYTEA,
        Value::Uuid(_) => Type::UUID,
        Value::Date(_) => Type::DATE,
        Value::Time(_) => Type::TIME,
        Value::TimeTz(_) => Type::TIMETZ,
        Value::Timestamp(_) => Type::TIMESTAMP,
        Value::TimestampTz(_) => Type::TIMESTAMPTZ,
        Value::Interval(_) => Type::INTERVAL,
        Value::Json(_) => Type::JSONB,
        Value::Array(elements) => array_type(elements),
        Value::Null | Value::Text(_) | Value::Vector(_) | Value::Other(_) => Type::UNKNOWN,
    }
}

/// The array of what all elements are that are not NULL.
fn array_type(elements: &[Value<'_>]) -> Type {
    let mut types = elements
        .iter()
        .filter(|element| **element != Value::Null)
        .map(declared_type);
    let first = types.next().unwrap_or(Type::UNKNOWN);
    if types.any(|other| other != first) {
        return Type::UNKNOWN;
    }
    match first {
        Type::BOOL => Type::BOOL_ARRAY,
        Type::INT8 => Type::INT8_ARRAY,
        Type::FLOAT8 => Type::FLOAT8_ARRAY,
        Type::NUMERIC => Type::NUMERIC_ARRAY,
        Type::BYTEA => Type::BYTEA_ARRAY,
        Type::UUID => Type::UUID_ARRAY,
        Type::DATE => Type::DATE_ARRAY,
        Type::TIME => Type::TIME_ARRAY,
        Type::TIMETZ => Type::TIMETZ_ARRAY,
        Type::TIMESTAMP => Type::TIMESTAMP_ARRAY,
        Type::TIMESTAMPTZ => Type::TIMESTAMPTZ_ARRAY,
        Type::INTERVAL => Type::INTERVAL_ARRAY,
        Type::JSONB => Type::JSONB_ARRAY,
        _ => Type::UNKNOWN,
    }
}

fn plain(text: &str) -> Result<Cow<'_, str>, Unfit> {
    if text.contains('\0') {
        return Err(Unfit("text in a database cannot hold a NUL character"));
    }
    Ok(Cow::Borrowed(text))
}

/// The shortest digits that give the same number back, without an exponent where that is not absurd: a whole number then fits a
/// column of integers too.
fn float(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        infinity(number > 0.0).to_owned()
    } else if number == 0.0 || (1e-7..1e21).contains(&number.abs()) {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

fn infinity(is_positive: bool) -> &'static str {
    if is_positive { "Infinity" } else { "-Infinity" }
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 + bytes.len() * 2);
    text.push_str("\\x");
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

fn date(days: i32) -> String {
    match days {
        i32::MAX | i32::MIN => infinity(days > 0).to_lowercase(),
        days => Day::after_1970(days.into()).notation(""),
    }
}

fn time(microseconds: i64) -> Result<String, Unfit> {
    if !(0..=86_400_000_000).contains(&microseconds) {
        return Err(Unfit("a time of day has 0 to 86400000000 microseconds"));
    }
    Ok(time_notation(microseconds))
}

fn time_tz(time_tz: TimeTz) -> Result<String, Unfit> {
    let seconds = time_tz.offset_seconds.unsigned_abs();
    let sign = if time_tz.offset_seconds < 0 { '-' } else { '+' };
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let time = time(time_tz.microseconds)?;
    Ok(format!("{time}{sign}{hours:02}:{minutes:02}:{seconds:02}"))
}

fn timestamp(microseconds: i64, zone: &str) -> String {
    match microseconds {
        i64::MAX | i64::MIN => infinity(microseconds > 0).to_lowercase(),
        microseconds => timestamp_notation(microseconds, zone),
    }
}

/// Every part with its own sign and unit: read the same whatever the style of intervals is set to.
fn interval(span: Interval) -> String {
    let Interval {
        months,
        days,
        microseconds,
    } = span;
    format!("{months:+} months {days:+} days {microseconds:+} microseconds")
}

fn vector(numbers: &[f32]) -> String {
    let mut text = "[".to_owned();
    for (place, number) in numbers.iter().enumerate() {
        let separator = if place == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        write!(text, "{separator}{number:e}").ok();
    }
    text.push(']');
    text
}

/// Values that are elements of one array.
pub(in crate::database) fn encode_list(values: &[Value<'_>]) -> Result<String, Unfit> {
    array(values)
}

/// An array literal. Every element is quoted, so that none can be taken for NULL, for a delimiter or for nothing.
fn array(elements: &[Value<'_>]) -> Result<String, Unfit> {
    let mut text = "{".to_owned();
    for (place, element) in elements.iter().enumerate() {
        if matches!(element, Value::Array(_)) {
            return Err(Unfit("an array cannot hold arrays"));
        }
        if place > 0 {
            text.push(',');
        }
        push_element(&mut text, encode(element)?.as_deref());
    }
    text.push('}');
    Ok(text)
}

/// Adds one element of an array literal.
pub(in crate::database) fn push_element(literal: &mut String, element: Option<&str>) {
    let Some(element) = element else {
        literal.push_str("NULL");
        return;
    };
    literal.push('"');
    let mut rest = element;
    while let Some((before, after)) = rest.split_once(['"', '\\']) {
        literal.push_str(before);
        literal.push('\\');
        literal.push_str(
            rest.get(before.len()..rest.len() - after.len())
                .unwrap_or_default(),
        );
        rest = after;
    }
    literal.push_str(rest);
    literal.push('"');
}

#[cfg(test)]
mod tests {
    use super::{Interval, TimeTz, Type, Value, declared_type, encode};
    use crate::database::Other;

    fn text(value: &Value<'_>) -> String {
        encode(value)
            .expect("it can be sent")
            .expect("it is not NULL")
            .into_owned()
    }

    #[test]
    fn every_case_has_its_notation() {
        let interval = Interval {
            months: 1,
            days: -2,
            microseconds: i64::MIN,
        };
        for (value, notation) in [
            (Value::Boolean(true), "true"),
            (Value::Int64(i64::MIN), "-9223372036854775808"),
            (Value::Float64(3.0), "3"),
            (Value::Float64(-0.0), "-0"),
            (Value::Float64(0.1), "0.1"),
            (Value::Float64(1e300), "1e300"),
            (Value::Float64(5e-324), "5e-324"),
            (Value::Float64(f64::NAN), "NaN"),
            (Value::Float64(f64::NEG_INFINITY), "-Infinity"),
            (Value::Decimal("10.50".into()), "10.50"),
            (Value::Bytes(vec![0, 0xab].into()), "\\x00ab"),
            (Value::Date(-719_163), "0001-12-31 BC"),
            (Value::Date(i32::MIN), "-infinity"),
            (Value::Time(86_400_000_000), "24:00:00"),
            (
                Value::TimeTz(TimeTz {
                    microseconds: 1,
                    offset_seconds: -3_661,
                }),
                "00:00:00.000001-01:01:01",
            ),
            (Value::Timestamp(i64::MAX), "infinity"),
            (Value::TimestampTz(0), "1970-01-01 00:00:00+00"),
            (
                Value::Interval(interval),
                "+1 months -2 days -9223372036854775808 microseconds",
            ),
            (Value::Vector(vec![1.0, -0.5]), "[1e0,-5e-1]"),
            (
                Value::Other(Other {
                    type_name: "".into(),
                    text: Some("x".into()),
                    bytes: [][..].into(),
                }),
                "x",
            ),
        ] {
            assert_eq!(text(&value), notation);
        }
        assert_eq!(encode(&Value::Null), Ok(None));
    }

    #[test]
    fn elements_of_an_array_are_quoted() {
        let elements = [
            Value::Null,
            Value::Text("NULL".into()),
            Value::Text(r#"a"b\c,}{"#.into()),
            Value::Text("".into()),
        ];
        assert_eq!(
            text(&Value::Array(elements.into())),
            r#"{NULL,"NULL","a\"b\\c,}{",""}"#
        );
        assert_eq!(text(&Value::Array(Vec::new())), "{}");
    }

    #[test]
    fn what_no_database_can_read_is_refused() {
        let other = Other {
            type_name: "inet".into(),
            text: None,
            bytes: [][..].into(),
        };
        for value in [
            Value::Text("a\0b".into()),
            Value::Json("\"\0\"".into()),
            Value::Time(-1),
            Value::Time(86_400_000_001),
            Value::Array(vec![Value::Array(Vec::new())]),
            Value::Array(vec![Value::Text("\0".into())]),
            Value::Other(other),
        ] {
            assert!(encode(&value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn an_array_is_declared_as_what_its_elements_are() {
        let array = |elements: &[Value<'static>]| declared_type(&Value::Array(elements.to_vec()));
        assert_eq!(array(&[Value::Null, Value::Int64(1)]), Type::INT8_ARRAY);
        assert_eq!(
            array(&[Value::Float64(0.5), Value::Int64(1)]),
            Type::UNKNOWN
        );
        assert_eq!(array(&[Value::Text("a".into())]), Type::UNKNOWN);
        assert_eq!(array(&[]), Type::UNKNOWN);
    }
}
