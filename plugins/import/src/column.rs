//! What a column holds: inferred from a sample, and held against every value.

use std::fmt;

use chitin::time::{Date, Timestamp, Timestamptz};
use chitin::{Column, ValueRef};
use serde::{Deserialize, Serialize};

use crate::cell::Cell;
use crate::times::{parse_date, parse_instant};

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ColumnType {
    Boolean,
    Int64,
    Float64,
    Decimal,
    Date,
    Timestamp,
    Timestamptz,
    Uuid,
    Json,
    Text,
}

/// What a column turned out to be.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ColumnReport {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) column_type: ColumnType,
    pub(crate) nulls: u64,
}

impl ColumnType {
    /// The narrowest type that holds this value with nothing lost; none for NULL. Floats are never inferred: a number with
    /// a fraction is a decimal.
    pub(crate) fn of(cell: &Cell<'_>) -> Option<Self> {
        Some(match cell {
            Cell::Null => return None,
            Cell::Plain(text) => Self::of_plain(text),
            Cell::Quoted { text, .. } => Self::of_text(text),
            Cell::Number(text) if parse_integer(text).is_some() => Self::Int64,
            Cell::Number(_) => Self::Decimal,
            Cell::Boolean(_) => Self::Boolean,
            Cell::Json(_) => Self::Json,
        })
    }

    fn of_plain(text: &str) -> Self {
        if parse_integer(text).is_some() {
            Self::Int64
        } else if is_decimal(text) {
            Self::Decimal
        } else if parse_boolean(text).is_some() {
            Self::Boolean
        } else {
            Self::of_text(text)
        }
    }

    fn of_text(text: &str) -> Self {
        match parse_instant(text) {
            _ if parse_date(text).is_some() => Self::Date,
            Some((_, true)) => Self::Timestamptz,
            Some((_, false)) => Self::Timestamp,
            None if is_uuid(text) => Self::Uuid,
            None => Self::Text,
        }
    }

    /// The narrowest type that holds the values of both.
    pub(crate) fn widened(self, other: Self) -> Self {
        use ColumnType::{Date, Decimal, Int64, Json, Text, Timestamp};
        match (self, other) {
            (one, other) if one == other => one,
            (Json, _) | (_, Json) => Json,
            (Int64, Decimal) | (Decimal, Int64) => Decimal,
            (Date, Timestamp) | (Timestamp, Date) => Timestamp,
            _ => Text,
        }
    }

    /// The value as this type, or none if it does not fit.
    pub(crate) fn read<'a>(self, cell: &'a Cell<'_>) -> Option<ValueRef<'a>> {
        let text = match cell {
            Cell::Null => return Some(ValueRef::Null),
            Cell::Boolean(value) if self == Self::Boolean => {
                return Some(ValueRef::Boolean(*value));
            }
            Cell::Boolean(true) => "true",
            Cell::Boolean(false) => "false",
            Cell::Quoted { json, .. } if self == Self::Json => json,
            Cell::Quoted { text, .. } => text,
            Cell::Plain(text) | Cell::Number(text) | Cell::Json(text) => text,
        };
        match self {
            Self::Boolean => parse_boolean(text).map(ValueRef::Boolean),
            Self::Int64 => parse_integer(text).map(ValueRef::Int64),
            Self::Float64 => text.parse().ok().map(ValueRef::Float64),
            Self::Decimal => is_decimal(text).then_some(ValueRef::Decimal(text)),
            Self::Date => parse_date(text).map(|days| ValueRef::Date(Date(days))),
            Self::Timestamp => match (parse_date(text), parse_instant(text)) {
                (Some(days), _) => Some(ValueRef::Timestamp(Timestamp(
                    i64::from(days) * 86_400_000_000,
                ))),
                (None, Some((instant, false))) => Some(ValueRef::Timestamp(Timestamp(instant))),
                (None, _) => None,
            },
            Self::Timestamptz => match parse_instant(text) {
                Some((instant, true)) => Some(ValueRef::Timestamptz(Timestamptz(instant))),
                _ => None,
            },
            Self::Uuid => is_uuid(text).then_some(ValueRef::Uuid(text)),
            Self::Json => Some(ValueRef::Json(text)),
            Self::Text => Some(ValueRef::Text(text)),
        }
    }

    /// The column of a table.
    pub(crate) fn define(self, name: &str) -> Column {
        match self {
            Self::Boolean => Column::boolean(name),
            Self::Int64 => Column::int64(name),
            Self::Float64 => Column::float64(name),
            Self::Decimal => Column::decimal(name),
            Self::Date => Column::date(name),
            Self::Timestamp => Column::timestamp(name),
            Self::Timestamptz => Column::timestamptz(name),
            Self::Uuid => Column::uuid(name),
            Self::Json => Column::json(name),
            Self::Text => Column::text(name),
        }
    }
}

/// As in the input: `int64`.
impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A number that is written as the database would write it. Leading zeros and signs mean something else: `007` is text.
fn parse_integer(text: &str) -> Option<i64> {
    match text.as_bytes() {
        [b'0'] => Some(0),
        [b'1'..=b'9', ..] | [b'-', b'1'..=b'9', ..] => text.parse().ok(),
        _ => None,
    }
}

/// Digits without leading zeros, a fraction and an exponent if need be.
fn is_decimal(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let integer = integer.strip_prefix('-').unwrap_or(integer);
    digits(integer)
        && (integer == "0" || !integer.starts_with('0'))
        && digits(fraction)
        && exponent.len() <= 4
        && digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))
}

fn parse_boolean(text: &str) -> Option<bool> {
    match text.len() {
        4 if text.eq_ignore_ascii_case("true") => Some(true),
        5 if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::ColumnType::{
        Boolean, Date, Decimal, Float64, Int64, Json, Text, Timestamp, Timestamptz, Uuid,
    };
    use super::*;

    fn inferred(values: &[&str]) -> Option<ColumnType> {
        values
            .iter()
            .filter_map(|text| ColumnType::of(&Cell::Plain(text)))
            .reduce(ColumnType::widened)
    }

    #[test]
    fn the_narrowest_type_is_inferred() {
        assert_eq!(inferred(&["0", "-17", "9223372036854775807"]), Some(Int64));
        assert_eq!(inferred(&["1", "2.50", "1e-3"]), Some(Decimal));
        assert_eq!(inferred(&["9223372036854775808"]), Some(Decimal));
        assert_eq!(inferred(&["true", "FALSE"]), Some(Boolean));
        assert_eq!(inferred(&["2013-01-31"]), Some(Date));
        assert_eq!(
            inferred(&["2013-01-31", "2013-01-31 05:00:00"]),
            Some(Timestamp)
        );
        assert_eq!(
            inferred(&["2013-01-01T10:00:00Z", "2013-01-01 10:00:00.5+02"]),
            Some(Timestamptz)
        );
        assert_eq!(
            inferred(&["123e4567-e89b-12d3-a456-426614174000"]),
            Some(Uuid)
        );
    }

    #[test]
    fn what_would_lose_something_is_text() {
        for values in [
            ["007", "1"],
            ["+1", "1"],
            ["2013-02-30", "2013-02-01"],
            ["true", "1"],
            ["1.", "1"],
        ] {
            assert_eq!(inferred(&values), Some(Text), "{values:?}");
        }
        assert_eq!(
            inferred(&["2013-01-01 10:00:00", "2013-01-01T10:00:00Z"]),
            Some(Text)
        );
    }

    #[test]
    fn json_keeps_its_own_types() {
        let quoted = Cell::Quoted {
            text: "12".into(),
            json: r#""12""#,
        };
        assert_eq!(ColumnType::of(&quoted), Some(Text));
        assert_eq!(ColumnType::of(&Cell::Number("12")), Some(Int64));
        assert_eq!(ColumnType::of(&Cell::Number("1.50")), Some(Decimal));
        assert_eq!(Text.widened(Json), Json);
        assert!(matches!(
            Json.read(&quoted),
            Some(ValueRef::Json(r#""12""#))
        ));
        assert!(matches!(
            Text.read(&Cell::Boolean(true)),
            Some(ValueRef::Text("true"))
        ));
    }

    #[test]
    fn a_value_fits_its_type_or_is_refused() {
        assert!(matches!(
            Decimal.read(&Cell::Plain("7")),
            Some(ValueRef::Decimal("7"))
        ));
        assert!(
            matches!(Float64.read(&Cell::Plain("NaN")), Some(ValueRef::Float64(number)) if number.is_nan())
        );
        assert!(
            matches!(Timestamp.read(&Cell::Plain("1970-01-02")), Some(ValueRef::Timestamp(time)) if time.0 == 86_400_000_000)
        );
        assert!(Int64.read(&Cell::Plain("1.5")).is_none());
        assert!(Date.read(&Cell::Plain("yesterday")).is_none());
        assert!(Boolean.read(&Cell::Plain("yes")).is_none());
        assert!(matches!(Int64.read(&Cell::Null), Some(ValueRef::Null)));
    }

    #[test]
    fn a_type_is_shown_as_it_is_given() {
        assert_eq!(Timestamptz.to_string(), "timestamptz");
    }
}
