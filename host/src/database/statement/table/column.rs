use std::borrow::Cow;

use crate::database::{
    error::Error,
    identifier::{Identifier, QualifiedName},
    request::{ColumnDefinition, DataType, DefaultValue},
    server::ServerKind,
    statement::{builder::Builder, literal},
    value::{Value, encode},
};

/// Adds the name of a column, its type, and what it holds by default.
pub(super) fn push(
    builder: &mut Builder<'_>,
    server: ServerKind,
    name: &Identifier,
    column: &ColumnDefinition,
) -> Result<(), Error> {
    let data_type = type_name(column)?;
    builder.sql(name).sql(" ").sql(&data_type);
    if column.not_null && column.default != Some(DefaultValue::UniqueId) {
        builder.sql(" NOT NULL");
    }
    let (plain, is_array) = (&column.data_type, column.is_array);
    match &column.default {
        None => {}
        Some(DefaultValue::Constant(value)) => {
            let text = constant(column, value)?;
            let literal = literal::quoted(text.as_deref());
            builder.sql(format_args!(" DEFAULT CAST({literal} AS {data_type})"));
        }
        Some(DefaultValue::CurrentTimestamp) => {
            builder.sql(" DEFAULT ").sql(match (plain, is_array) {
                (DataType::Timestamp | DataType::TimestampTz, false) => "now()",
                (DataType::Date, false) => "current_date",
                _ => {
                    return Err(unfit(
                        column,
                        "the current time is for a date or a timestamp",
                    ));
                }
            });
        }
        Some(DefaultValue::RandomUuid) => {
            if *plain != DataType::Uuid || is_array {
                return Err(unfit(column, "a random UUID is for a uuid"));
            }
            builder.sql(" DEFAULT gen_random_uuid()");
        }
        Some(DefaultValue::UniqueId) => {
            if *plain != DataType::Int64 || is_array {
                return Err(unfit(column, "a unique id is for an int64"));
            }
            builder.sql(" ").sql(server.unique_id());
        }
    }
    Ok(())
}

/// The error of a default that is not for its column.
pub(super) fn unfit(column: &ColumnDefinition, what: &str) -> Error {
    Error::Invalid(format!(
        "the default of column {:?} does not fit: {what}",
        column.name
    ))
}

/// Whether it is the constant NULL.
pub(super) fn is_null(default: &DefaultValue) -> bool {
    *default == DefaultValue::Constant(Value::Null)
}

/// The text of a constant, of which the column keeps every character and every digit.
fn constant<'v>(
    column: &ColumnDefinition,
    value: &'v Value<'_>,
) -> Result<Option<Cow<'v, str>>, Error> {
    if !may_be(value, column) {
        return Err(unfit(
            column,
            "its value is of another kind than the column",
        ));
    }
    let encoded =
        |value: &'v Value<'_>| encode(value).map_err(|reason| unfit(column, &reason.to_string()));
    let elements: &'v [Value<'_>] = if let Value::Array(elements) = value {
        elements
    } else if column.is_array && has_size(&column.data_type) && *value != Value::Null {
        return Err(unfit(
            column,
            "whether it has room for the elements can be told of an array only",
        ));
    } else {
        std::slice::from_ref(value)
    };
    for element in elements {
        if encoded(element)?.is_some_and(|text| is_cut(&text, &column.data_type)) {
            return Err(unfit(column, "the column has no room for all of it"));
        }
    }
    encoded(value)
}

fn type_name(column: &ColumnDefinition) -> Result<String, Error> {
    check_size(column)?;
    let name = match &column.data_type {
        DataType::Boolean => "bool".to_owned(),
        DataType::Int16 => "int2".to_owned(),
        DataType::Int32 => "int4".to_owned(),
        DataType::Int64 => "int8".to_owned(),
        DataType::Float32 => "float4".to_owned(),
        DataType::Float64 => "float8".to_owned(),
        DataType::Decimal => "numeric".to_owned(),
        DataType::Numeric { precision, scale } => format!("numeric({precision}, {scale})"),
        DataType::Text => "text".to_owned(),
        DataType::Varchar(length) => format!("varchar({length})"),
        DataType::Bytes => "bytea".to_owned(),
        DataType::Uuid => "uuid".to_owned(),
        DataType::Date => "date".to_owned(),
        DataType::Time => "time".to_owned(),
        DataType::TimeTz => "timetz".to_owned(),
        DataType::Timestamp => "timestamp".to_owned(),
        DataType::TimestampTz => "timestamptz".to_owned(),
        DataType::Interval => "interval".to_owned(),
        DataType::Json => "jsonb".to_owned(),
        DataType::Vector(dimensions) => format!("vector({dimensions})"),
        DataType::Inet => "inet".to_owned(),
        DataType::Bit(length) => format!("bit({length})"),
        DataType::Named(name) => QualifiedName::parse("type name", name)?.to_string(),
    };
    Ok(if column.is_array {
        format!("{name}[]")
    } else {
        name
    })
}

/// Refuses the sizes that no type has. How large one may be, the databases say differently.
fn check_size(column: &ColumnDefinition) -> Result<(), Error> {
    let data_type = &column.data_type;
    let problem = if let DataType::Varchar(0) = data_type {
        "a varchar has room for one character at least"
    } else if let DataType::Bit(0) = data_type {
        "a bit string has one bit at least"
    } else if let DataType::Vector(0) = data_type {
        "a vector has one dimension at least"
    } else if let DataType::Numeric { precision: 0, .. } = data_type {
        "a numeric has one digit at least"
    } else if matches!(data_type, DataType::Numeric { precision, scale } if scale > precision) {
        "a numeric has no more digits after the point than in all"
    } else {
        return Ok(());
    };
    Err(Error::Invalid(format!(
        "column {:?}: {problem}",
        column.name
    )))
}

fn has_size(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Varchar(_) | DataType::Bit(_) | DataType::Numeric { .. }
    )
}

/// Whether the database would cut a constant to the length of its column, or refuse it only when it is used.
fn is_cut(text: &str, data_type: &DataType) -> bool {
    let is_over = |length: i64, room: u32| length > i64::from(room);
    let characters = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    if let DataType::Varchar(room) = *data_type {
        is_over(characters, room)
    } else if let DataType::Bit(room) = *data_type {
        characters != i64::from(room)
    } else if let DataType::Numeric { precision, scale } = *data_type {
        digits(text).is_some_and(|(whole, decimals)| {
            is_over(whole, precision.saturating_sub(scale)) || is_over(decimals, scale)
        })
    } else {
        false
    }
}

/// How many digits a number has before and after its point, without zeros at its ends; `None` of what is no plain number.
fn digits(text: &str) -> Option<(i64, i64)> {
    let text = text.trim().trim_start_matches(['-', '+']);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(decimals.bytes()).enumerate();
    if !digits().all(|(_, digit)| digit.is_ascii_digit()) {
        return None;
    }
    let significant = || digits().filter(|(_, digit)| *digit != b'0');
    let Some(((first, _), (last, _))) = significant().next().zip(significant().last()) else {
        return Some((0, 0));
    };
    let place = |place: usize| i64::try_from(place).ok();
    let point = place(whole.len())? + i64::from(exponent);
    Some((
        (point - place(first)?).max(0),
        (place(last)? + 1 - point).max(0),
    ))
}

/// Whether a constant is of the kind of its column. The database itself says whether its text can be read.
pub(super) fn may_be(value: &Value<'_>, column: &ColumnDefinition) -> bool {
    if let Value::Array(elements) = value {
        let fits = |element| may_be_one(element, &column.data_type);
        return column.is_array && elements.iter().all(fits);
    }
    let is_read_as_any = matches!(value, Value::Null | Value::Text(_) | Value::Other(_));
    is_read_as_any || (!column.is_array && may_be_one(value, &column.data_type))
}

fn may_be_one(value: &Value<'_>, data_type: &DataType) -> bool {
    use DataType::{
        Boolean, Bytes, Date, Decimal, Float32, Float64, Int16, Int32, Int64, Interval, Json,
        Named, Numeric, Time, TimeTz, Timestamp, TimestampTz, Uuid, Vector,
    };
    match value {
        Value::Null | Value::Text(_) | Value::Other(_) => true,
        Value::Array(_) => false,
        _ if matches!(data_type, Named(_)) => true,
        Value::Boolean(_) => *data_type == Boolean,
        Value::Int64(_) | Value::Float64(_) | Value::Decimal(_) => {
            matches!(
                data_type,
                Int16 | Int32 | Int64 | Float32 | Float64 | Decimal | Numeric { .. }
            )
        }
        Value::Bytes(_) => *data_type == Bytes,
        Value::Uuid(_) => *data_type == Uuid,
        Value::Date(_) => matches!(data_type, Date | Timestamp),
        Value::Time(_) => *data_type == Time,
        Value::TimeTz(_) => *data_type == TimeTz,
        Value::Timestamp(_) => *data_type == Timestamp,
        Value::TimestampTz(_) => *data_type == TimestampTz,
        Value::Interval(_) => *data_type == Interval,
        Value::Json(_) => *data_type == Json,
        Value::Vector(_) => matches!(data_type, Vector(_)),
    }
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn the_digits_of_a_number_are_counted_in_any_notation() {
        for (text, expected) in [
            ("1.50", Some((1, 1))),
            ("-001.505", Some((1, 3))),
            (" 1e5 ", Some((6, 0))),
            ("1.505e2", Some((3, 1))),
            ("15e-3", Some((0, 3))),
            ("0.000", Some((0, 0))),
            (".5", Some((0, 1))),
            ("NaN", None),
            ("0x10", None),
            ("1e99999999999", None),
        ] {
            assert_eq!(digits(text), expected, "{text}");
        }
    }
}
