use super::{
    Place, Statement,
    builder::{Builder, distinct},
    condition::push_where,
};
use crate::database::{
    error::Error,
    identifier::{Identifier, QualifiedName},
    lease::Parameter,
    request::{Assignment, Change, ConflictAction, Field, Returning, Target},
    value::{Value, declared_type, encode},
};

/// Inserts one row.
pub(in crate::database) fn insert<'a>(
    table: &str,
    fields: &'a [Field],
    returning: &Returning,
) -> Result<Statement<'a>, Error> {
    let mut builder = Builder::new();
    builder
        .sql("INSERT INTO ")
        .sql(QualifiedName::table(table)?);
    push_fields(&mut builder, fields)?;
    push_returning(&mut builder, returning)?;
    Ok(builder.finish())
}

/// Inserts one row, or does what `action` says if there is one with this key.
pub(in crate::database) fn upsert<'a>(
    table: &QualifiedName,
    fields: &'a [Field],
    key: &[Identifier],
    action: ConflictAction,
    returning: &Returning,
) -> Result<Statement<'a>, Error> {
    let mut builder = Builder::new();
    builder.sql("INSERT INTO ").sql(table).sql(" AS target");
    let columns = push_fields(&mut builder, fields)?;
    push_conflict(&mut builder, key, action, &columns);
    push_returning(&mut builder, returning)?;
    Ok(builder.finish())
}

/// Adds the columns and values of one row, and gives the columns.
fn push_fields<'a>(
    builder: &mut Builder<'a>,
    fields: &'a [Field],
) -> Result<Vec<Identifier>, Error> {
    let columns = distinct(fields.iter().map(|field| &field.column))?;
    if columns.is_empty() {
        builder.sql(" DEFAULT VALUES");
        return Ok(columns);
    }
    builder.sql(" (").names(&columns).sql(") VALUES (");
    for (place, (column, field)) in columns.iter().zip(fields).enumerate() {
        builder
            .sql(if place == 0 { "" } else { ", " })
            .value(column, &field.value)?;
    }
    builder.sql(")").all_written();
    Ok(columns)
}

/// Adds ` ON CONFLICT …` to an insert of these columns into the table `target`. Columns of the key stay as they are in the row that is
/// there; where nothing else is given, one of them is set to itself, so that the row counts and comes back.
pub(super) fn push_conflict(
    builder: &mut Builder<'_>,
    key: &[Identifier],
    action: ConflictAction,
    given: &[Identifier],
) {
    builder.sql(" ON CONFLICT (").names(key);
    if action == ConflictAction::Keep {
        builder.sql(") DO NOTHING");
        return;
    }
    let changes: Vec<String> = given
        .iter()
        .filter(|column| !key.contains(column))
        .map(|column| format!("{column} = excluded.{column}"))
        .collect();
    builder.sql(") DO UPDATE SET ");
    if changes.is_empty() {
        for column in key.iter().take(1) {
            builder.sql(format_args!("{column} = target.{column}"));
        }
    } else {
        builder.sql(changes.join(", "));
    }
}

/// Changes rows.
pub(in crate::database) fn update<'a>(
    table: &str,
    assignments: &'a [Assignment],
    target: &'a Target,
    returning: &Returning,
) -> Result<Statement<'a>, Error> {
    if assignments.is_empty() {
        return Err(Error::Invalid(
            "an update needs at least one assignment".to_owned(),
        ));
    }
    let columns = distinct(assignments.iter().map(|assignment| &assignment.column))?;
    let mut builder = Builder::new();
    builder
        .sql("UPDATE ")
        .sql(QualifiedName::table(table)?)
        .sql(" SET ");
    for (place, (column, assignment)) in columns.iter().zip(assignments).enumerate() {
        builder
            .sql(if place == 0 { "" } else { ", " })
            .sql(column)
            .sql(" = ");
        match &assignment.change {
            Change::Set(value) => {
                builder.value(column, value)?;
            }
            Change::Add(value) => push_addition(&mut builder, column, value)?,
            Change::Reset => {
                builder.sql("DEFAULT");
            }
        }
    }
    builder.all_written();
    push_target(&mut builder, target)?;
    push_returning(&mut builder, returning)?;
    Ok(builder.finish())
}

/// Deletes rows.
pub(in crate::database) fn delete<'a>(
    table: &str,
    target: &'a Target,
    returning: &Returning,
) -> Result<Statement<'a>, Error> {
    let mut builder = Builder::new();
    builder
        .sql("DELETE FROM ")
        .sql(QualifiedName::table(table)?);
    push_target(&mut builder, target)?;
    push_returning(&mut builder, returning)?;
    Ok(builder.finish())
}

/// Reads what an addition would come to, for the same rows, so that its error is about this column alone.
pub(in crate::database) fn try_addition<'a>(
    table: &str,
    column: &str,
    value: &'a Value<'_>,
    target: &'a Target,
) -> Result<Statement<'a>, Error> {
    let column = Identifier::column(column)?;
    let mut builder = Builder::new();
    builder.sql("SELECT count(");
    push_addition(&mut builder, &column, value)?;
    builder.sql(") FROM ").sql(QualifiedName::table(table)?);
    push_target(&mut builder, target)?;
    Ok(builder.finish())
}

/// A number takes the type of the column it is added to, so that nothing is rounded; an interval may be added to a time as well.
fn push_addition<'a>(
    builder: &mut Builder<'a>,
    column: &Identifier,
    value: &'a Value<'_>,
) -> Result<(), Error> {
    builder.sql(column).sql(" + ");
    if let Value::Interval(_) = value {
        let place = Place {
            column: column.as_str().to_owned(),
            row: None,
        };
        let text = encode(value).map_err(|reason| place.unfit(reason))?;
        let parameter = Parameter {
            data_type: declared_type(value),
            text,
        };
        builder.parameter(place, parameter);
    } else if matches!(
        value,
        Value::Int64(_) | Value::Float64(_) | Value::Decimal(_) | Value::Text(_)
    ) {
        builder.value(column, value)?;
    } else {
        return Err(Error::Invalid(format!(
            "column {:?} can grow by a number or an interval, and by nothing else",
            column.as_str()
        )));
    }
    Ok(())
}

fn push_target<'a>(builder: &mut Builder<'a>, target: &'a Target) -> Result<(), Error> {
    match target {
        Target::Matching(conditions) if conditions.is_empty() => Err(Error::Invalid(
            "without conditions this would be for every row: say so with all-rows".to_owned(),
        )),
        Target::Matching(conditions) => push_where(builder, conditions),
        Target::AllRows => Ok(()),
    }
}

/// Adds ` RETURNING …`, or nothing.
pub(super) fn push_returning(
    builder: &mut Builder<'_>,
    returning: &Returning,
) -> Result<(), Error> {
    match returning {
        Returning::Nothing => {}
        Returning::AllColumns => {
            builder.sql(" RETURNING *");
        }
        Returning::Columns(columns) if columns.is_empty() => {
            return Err(Error::Invalid(
                "no columns to return are named: ask for nothing, or for all".to_owned(),
            ));
        }
        Returning::Columns(columns) => {
            let names = columns
                .iter()
                .map(|column| Identifier::column(column))
                .collect::<Result<Vec<_>, _>>()?;
            builder.sql(" RETURNING ").names(&names);
        }
    }
    Ok(())
}
