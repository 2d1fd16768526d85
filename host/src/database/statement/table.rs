use std::collections::HashSet;

use super::{
    Statement,
    builder::{Builder, distinct},
    condition::push_all,
    literal,
};
use crate::database::{
    error::Error,
    identifier::{Identifier, QualifiedName},
    request::{
        Check, ColumnDefinition, DataType, DefaultValue, ForeignKey, ReferentialAction,
        TableDefinition, UniqueKey,
    },
    server::ServerKind,
    value::{Value, encode},
};

/// Makes a table. That it is there already is an error of the statement.
pub(in crate::database) fn create_table<'a>(
    server: ServerKind,
    table: &str,
    definition: &'a TableDefinition,
) -> Result<Statement<'a>, Error> {
    let table = QualifiedName::table(table)?;
    if definition.columns.is_empty() {
        return Err(Error::Invalid(
            "a table needs at least one column".to_owned(),
        ));
    }
    let names = distinct(definition.columns.iter().map(|column| &column.name))?;
    let known: HashSet<&str> = names.iter().map(Identifier::as_str).collect();
    let mut builder = Builder::with_literals();
    builder.sql("CREATE TABLE ").sql(&table).sql(" (");
    for (place, (name, column)) in names.iter().zip(&definition.columns).enumerate() {
        builder.sql(if place == 0 { "" } else { ", " });
        push_column(&mut builder, server, name, column)?;
    }
    if !definition.primary_key.is_empty() {
        let key = key_columns(&definition.primary_key, &known)?;
        builder.sql(", PRIMARY KEY (").names(&key).sql(")");
    }
    for key in &definition.unique_keys {
        push_unique_key(&mut builder, &table, key, &known)?;
    }
    for key in &definition.foreign_keys {
        push_foreign_key(&mut builder, key, &known)?;
    }
    for check in &definition.checks {
        push_check(&mut builder, check, &known)?;
    }
    builder.sql(")");
    Ok(builder.finish())
}

/// Removes a table. That it is not there is an error of the statement.
pub(in crate::database) fn drop_table(
    table: &str,
    cascade: bool,
) -> Result<Statement<'static>, Error> {
    let mut builder = Builder::new();
    builder.sql("DROP TABLE ").sql(QualifiedName::table(table)?);
    builder.sql(if cascade { " CASCADE" } else { "" });
    Ok(builder.finish())
}

fn push_column(
    builder: &mut Builder<'_>,
    server: ServerKind,
    name: &Identifier,
    column: &ColumnDefinition,
) -> Result<(), Error> {
    let data_type = type_name(column)?;
    builder.sql(name).sql(" ").sql(&data_type);
    if column.not_null {
        builder.sql(" NOT NULL");
    }
    let unfit = |what: &str| {
        Error::Invalid(format!(
            "the default of column {:?} does not fit: {what}",
            column.name
        ))
    };
    match &column.default {
        None => {}
        Some(DefaultValue::Constant(value)) => {
            if !may_be(value, column) {
                return Err(unfit("its value is of another kind than the column"));
            }
            let text = encode(value).map_err(|reason| unfit(&reason.to_string()))?;
            if !column.is_array && text.as_deref().is_some_and(|text| is_cut(text, column)) {
                return Err(unfit("the column has no room for all of it"));
            }
            let literal = literal::quoted(text.as_deref());
            builder
                .sql(" DEFAULT CAST(")
                .sql(literal)
                .sql(" AS ")
                .sql(&data_type)
                .sql(")");
        }
        Some(DefaultValue::CurrentTimestamp) => {
            builder
                .sql(" DEFAULT ")
                .sql(match (&column.data_type, column.is_array) {
                    (DataType::Timestamp | DataType::TimestampTz, false) => "now()",
                    (DataType::Date, false) => "current_date",
                    _ => return Err(unfit("the current time is for a date or a timestamp")),
                });
        }
        Some(DefaultValue::RandomUuid) => {
            if column.data_type != DataType::Uuid || column.is_array {
                return Err(unfit("a random UUID is for a uuid"));
            }
            builder.sql(" DEFAULT gen_random_uuid()");
        }
        Some(DefaultValue::UniqueId) => {
            if column.data_type != DataType::Int64 || column.is_array {
                return Err(unfit("a unique id is for an int64"));
            }
            builder.sql(" ").sql(server.unique_id());
        }
    }
    Ok(())
}

fn type_name(column: &ColumnDefinition) -> Result<String, Error> {
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

/// Whether the database would cut a constant to the length of its column, or refuse it only when it is used.
fn is_cut(text: &str, column: &ColumnDefinition) -> bool {
    let is_over =
        |length: usize, room: u32| u32::try_from(length).map_or(true, |length| length > room);
    let characters = text.chars().count();
    if let DataType::Varchar(room) = column.data_type {
        is_over(characters, room)
    } else if let DataType::Bit(room) = column.data_type {
        u32::try_from(characters) != Ok(room)
    } else if let DataType::Numeric { precision, scale } = column.data_type {
        let digits = text.trim_start_matches(['-', '+']);
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let mut characters = whole.bytes().chain(decimals.bytes());
        let is_over_either = is_over(
            whole.trim_start_matches('0').len(),
            precision.saturating_sub(scale),
        ) || is_over(decimals.trim_end_matches('0').len(), scale);
        characters.all(|character| character.is_ascii_digit()) && is_over_either
    } else {
        false
    }
}

/// Whether a constant is of the kind of its column. The database itself says whether its text can be read.
fn may_be(value: &Value<'_>, column: &ColumnDefinition) -> bool {
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

fn key_columns(columns: &[String], known: &HashSet<&str>) -> Result<Vec<Identifier>, Error> {
    if columns.is_empty() {
        return Err(Error::Invalid("a key needs at least one column".to_owned()));
    }
    check_known(columns.iter(), known)?;
    distinct(columns)
}

fn check_known<'a>(
    mut columns: impl Iterator<Item = &'a String>,
    known: &HashSet<&str>,
) -> Result<(), Error> {
    match columns.find(|column| !known.contains(column.as_str())) {
        None => Ok(()),
        Some(column) => Err(Error::Invalid(format!("column {column:?} is not defined"))),
    }
}

/// Adds `, CONSTRAINT "name"`, or the comma alone.
fn push_constraint_name(builder: &mut Builder<'_>, name: Option<&String>) -> Result<(), Error> {
    builder.sql(", ");
    if let Some(name) = name {
        builder
            .sql("CONSTRAINT ")
            .sql(Identifier::new("constraint name", name)?)
            .sql(" ");
    }
    Ok(())
}

fn push_unique_key(
    builder: &mut Builder<'_>,
    table: &QualifiedName,
    key: &UniqueKey,
    known: &HashSet<&str>,
) -> Result<(), Error> {
    if key.name.as_deref() == Some(table.name.as_str()) {
        return Err(Error::Invalid(format!(
            "the unique key on {:?} cannot have the name of its table",
            key.columns
        )));
    }
    push_constraint_name(builder, key.name.as_ref())?;
    builder
        .sql("UNIQUE (")
        .names(&key_columns(&key.columns, known)?)
        .sql(")");
    Ok(())
}

fn push_foreign_key(
    builder: &mut Builder<'_>,
    key: &ForeignKey,
    known: &HashSet<&str>,
) -> Result<(), Error> {
    push_constraint_name(builder, key.name.as_ref())?;
    let columns = key_columns(&key.columns, known)?;
    let referenced = distinct(&key.referenced_columns)?;
    if !referenced.is_empty() && referenced.len() != columns.len() {
        return Err(Error::Invalid(format!(
            "the foreign key on {:?} refers to {} columns, and needs as many as it has",
            key.columns,
            referenced.len()
        )));
    }
    builder
        .sql("FOREIGN KEY (")
        .names(&columns)
        .sql(") REFERENCES ")
        .sql(QualifiedName::table(&key.referenced_table)?);
    if !referenced.is_empty() {
        builder.sql(" (").names(&referenced).sql(")");
    }
    builder
        .sql(" ON DELETE ")
        .sql(action(key.on_delete))
        .sql(" ON UPDATE ")
        .sql(action(key.on_update));
    Ok(())
}

fn action(action: ReferentialAction) -> &'static str {
    match action {
        ReferentialAction::NoAction => "NO ACTION",
        ReferentialAction::Cascade => "CASCADE",
        ReferentialAction::SetNull => "SET NULL",
        ReferentialAction::SetDefault => "SET DEFAULT",
    }
}

fn push_check<'a>(
    builder: &mut Builder<'a>,
    check: &'a Check,
    known: &HashSet<&str>,
) -> Result<(), Error> {
    if check.conditions.is_empty() {
        return Err(Error::Invalid(
            "a check needs at least one condition".to_owned(),
        ));
    }
    check_known(
        check.conditions.iter().map(|condition| &condition.column),
        known,
    )?;
    push_constraint_name(builder, check.name.as_ref())?;
    builder.sql("CHECK (");
    push_all(builder, &check.conditions)?;
    builder.sql(")");
    Ok(())
}
