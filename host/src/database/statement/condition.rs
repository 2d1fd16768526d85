//! Conditions, as SQL.

use super::builder::Builder;
use crate::database::{
    error::Error,
    identifier::Identifier,
    request::{Condition, Operator},
    value::Value,
};

/// Adds ` WHERE …`, or nothing without conditions.
pub(super) fn push_where<'a>(
    builder: &mut Builder<'a>,
    conditions: &'a [Condition],
) -> Result<(), Error> {
    if !conditions.is_empty() {
        builder.sql(" WHERE ");
        push_all(builder, conditions)?;
    }
    Ok(())
}

/// Adds conditions that all must hold, with those of one group as alternatives where the first of them stands.
pub(super) fn push_all<'a>(
    builder: &mut Builder<'a>,
    conditions: &'a [Condition],
) -> Result<(), Error> {
    for (place, condition) in conditions.iter().enumerate() {
        let (before, rest) = conditions.split_at(place);
        let is_alternative =
            |other: &&Condition| condition.group.is_some() && other.group == condition.group;
        if before.iter().any(|other| is_alternative(&other)) {
            continue;
        }
        if place > 0 {
            builder.sql(" AND ");
        }
        let mut alternatives = rest.iter().skip(1).filter(is_alternative).peekable();
        if alternatives.peek().is_none() {
            push(builder, condition)?;
            continue;
        }
        builder.sql("(");
        push(builder, condition)?;
        for alternative in alternatives {
            builder.sql(" OR ");
            push(builder, alternative)?;
        }
        builder.sql(")");
    }
    Ok(())
}

/// What stands between the column and its value.
fn comparison(operator: Operator) -> &'static str {
    match operator {
        Operator::Eq => " = ",
        Operator::Ne => " <> ",
        Operator::Lt => " < ",
        Operator::Le => " <= ",
        Operator::Gt => " > ",
        Operator::Ge => " >= ",
        Operator::Like => " LIKE ",
        Operator::NotLike => " NOT LIKE ",
        Operator::ILike => " ILIKE ",
        Operator::NotILike => " NOT ILIKE ",
        Operator::Contains => " @> ",
        Operator::Between => " BETWEEN ",
        Operator::InList => " IN ",
        Operator::NotInList => " NOT IN ",
        Operator::IsNull => " IS NULL",
        Operator::IsNotNull => " IS NOT NULL",
    }
}

fn push<'a>(builder: &mut Builder<'a>, condition: &'a Condition) -> Result<(), Error> {
    let column = Identifier::column(&condition.column)?;
    let operator = condition.operator;
    check_values(condition)?;
    match (operator, condition.values.as_slice()) {
        (Operator::Eq, [Value::Null]) => push_is(builder, &column, Operator::IsNull),
        (Operator::Ne, [Value::Null]) => push_is(builder, &column, Operator::IsNotNull),
        (Operator::IsNull | Operator::IsNotNull, _) => push_is(builder, &column, operator),
        (Operator::InList, []) => {
            builder.sql("FALSE");
        }
        (Operator::NotInList, []) => {
            builder.sql("TRUE");
        }
        (Operator::InList | Operator::NotInList, values) => {
            push_list(builder, &column, operator, values)?;
        }
        (_, [value, rest @ ..]) => {
            builder
                .sql(&column)
                .sql(comparison(operator))
                .value(&column, value)?;
            if let [upper] = rest {
                builder.sql(" AND ").value(&column, upper)?;
            }
        }
        (_, []) => return Err(wrong_number(condition)),
    }
    Ok(())
}

fn push_is(builder: &mut Builder<'_>, column: &Identifier, operator: Operator) {
    builder.sql(column).sql(comparison(operator));
}

/// One array is one parameter, whatever the number of values, so that the text stays the same; there are no arrays of arrays, so arrays
/// are listed one by one.
fn push_list<'a>(
    builder: &mut Builder<'a>,
    column: &Identifier,
    operator: Operator,
    values: &'a [Value<'static>],
) -> Result<(), Error> {
    builder.sql(column);
    if builder.writes_literals() || values.iter().any(|value| matches!(value, Value::Array(_))) {
        builder.sql(comparison(operator)).sql("(");
        for (place, value) in values.iter().enumerate() {
            builder
                .sql(if place == 0 { "" } else { ", " })
                .value(column, value)?;
        }
    } else {
        builder.sql(if operator == Operator::InList {
            " = ANY ("
        } else {
            " <> ALL ("
        });
        builder.list(column, values)?;
    }
    builder.sql(")");
    Ok(())
}

/// How many values an operator compares with that does not take a list.
fn expected_values(operator: Operator) -> usize {
    if matches!(operator, Operator::IsNull | Operator::IsNotNull) {
        0
    } else if operator == Operator::Between {
        2
    } else {
        1
    }
}

fn check_values(condition: &Condition) -> Result<(), Error> {
    let Condition {
        column,
        operator,
        values,
        ..
    } = condition;
    let is_list = matches!(operator, Operator::InList | Operator::NotInList);
    if !is_list && values.len() != expected_values(*operator) {
        return Err(wrong_number(condition));
    }
    let takes_null = matches!(operator, Operator::Eq | Operator::Ne);
    if !takes_null && values.contains(&Value::Null) {
        return Err(Error::Invalid(format!(
            "the condition on column {column:?} compares with null, which nothing matches: use is-null or is-not-null"
        )));
    }
    let is_pattern = matches!(
        operator,
        Operator::Like | Operator::NotLike | Operator::ILike | Operator::NotILike
    );
    if is_pattern && !matches!(values.as_slice(), [Value::Text(_)]) {
        return Err(Error::Invalid(format!(
            "the pattern for column {column:?} has to be a text"
        )));
    }
    Ok(())
}

fn wrong_number(condition: &Condition) -> Error {
    let takes = match expected_values(condition.operator) {
        0 => "no values",
        1 => "one value",
        _ => "two values",
    };
    Error::Invalid(format!(
        "the condition on column {:?} takes {takes} and has {}",
        condition.column,
        condition.values.len()
    ))
}
