use std::collections::{BTreeSet, HashSet};

use super::{Table, column::may_be};
use crate::database::{
    error::Error,
    identifier::{Identifier, QualifiedName},
    request::{
        Check, ColumnDefinition, Condition, DataType, ForeignKey, Operator, ReferentialAction,
        UniqueKey,
    },
    statement::{
        builder::{Builder, distinct},
        condition,
    },
};

/// Adds keys, references and checks, each with a comma before it.
pub(super) fn push_all<'a>(builder: &mut Builder<'a>, table: &Table<'a>) -> Result<(), Error> {
    let definition = table.definition;
    check_names(table)?;
    if !definition.primary_key.is_empty() {
        let key = table.key(&definition.primary_key)?;
        builder.sql(", PRIMARY KEY (").names(&key).sql(")");
    }
    for key in &definition.unique_keys {
        push_unique_key(builder, table, key)?;
    }
    for key in &definition.foreign_keys {
        push_foreign_key(builder, table, key)?;
    }
    for check in &definition.checks {
        push_check(builder, table, check)?;
    }
    Ok(())
}

/// No two constraints have one name. A unique key is an index too, which lives beside the tables.
fn check_names(table: &Table<'_>) -> Result<(), Error> {
    let definition = table.definition;
    let unique = definition.unique_keys.iter().map(|key| &key.name);
    let foreign = definition.foreign_keys.iter().map(|key| &key.name);
    let checks = definition.checks.iter().map(|check| &check.name);
    let mut seen = HashSet::new();
    for name in unique.clone().chain(foreign).chain(checks).flatten() {
        if !seen.insert(name) {
            return Err(Error::Invalid(format!(
                "two constraints are named {name:?}"
            )));
        }
    }
    if unique
        .flatten()
        .any(|name| name == table.name.name.as_str())
    {
        return Err(Error::Invalid(format!(
            "a unique key cannot have the name of its table, {:?}",
            table.name.name.as_str()
        )));
    }
    Ok(())
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
    table: &Table<'_>,
    key: &UniqueKey,
) -> Result<(), Error> {
    push_constraint_name(builder, key.name.as_ref())?;
    let columns = table.key(&key.columns)?;
    builder.sql("UNIQUE (").names(&columns).sql(")");
    Ok(())
}

fn push_foreign_key(
    builder: &mut Builder<'_>,
    table: &Table<'_>,
    key: &ForeignKey,
) -> Result<(), Error> {
    push_constraint_name(builder, key.name.as_ref())?;
    let columns = table.key(&key.columns)?;
    let referenced_table = QualifiedName::table(&key.referenced_table)?;
    let referenced = distinct(&key.referenced_columns)?;
    if !referenced.is_empty() && referenced.len() != columns.len() {
        return Err(Error::Invalid(format!(
            "the foreign key on {:?} refers to {} columns, and needs as many as it has",
            key.columns,
            referenced.len()
        )));
    }
    if referenced_table == table.name {
        check_own_key(table, key)?;
    }
    check_actions(table, key)?;
    builder
        .sql("FOREIGN KEY (")
        .names(&columns)
        .sql(") REFERENCES ")
        .sql(referenced_table);
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

/// What refers to the table itself has to refer to a key that is defined beside it.
fn check_own_key(table: &Table<'_>, key: &ForeignKey) -> Result<(), Error> {
    let definition = table.definition;
    for column in &key.referenced_columns {
        table.column(column)?;
    }
    let is_key = if key.referenced_columns.is_empty() {
        definition.primary_key.len() == key.columns.len()
    } else {
        let set = |columns: &[String]| columns.iter().cloned().collect::<BTreeSet<_>>();
        let referenced = set(&key.referenced_columns);
        let unique = definition.unique_keys.iter().map(|key| &key.columns);
        unique
            .chain([&definition.primary_key])
            .any(|columns| set(columns) == referenced)
    };
    if is_key {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "the foreign key on {:?} refers to this table, which has no such key",
        key.columns
    )))
}

/// A reference can become NULL, or its default, only where the columns allow it.
fn check_actions(table: &Table<'_>, key: &ForeignKey) -> Result<(), Error> {
    let actions = [key.on_delete, key.on_update];
    for name in &key.columns {
        let column = table.column(name)?;
        if !table.is_required(column) {
            continue;
        }
        let problem = if actions.contains(&ReferentialAction::SetNull) {
            "become NULL, which it refuses"
        } else if actions.contains(&ReferentialAction::SetDefault) && column.default.is_none() {
            "become its default, and has none but NULL, which it refuses"
        } else {
            continue;
        };
        return Err(Error::Invalid(format!(
            "the foreign key on {:?} lets column {name:?} {problem}",
            key.columns
        )));
    }
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
    table: &Table<'a>,
    check: &'a Check,
) -> Result<(), Error> {
    if check.conditions.is_empty() {
        return Err(Error::Invalid(
            "a check needs at least one condition".to_owned(),
        ));
    }
    for condition in &check.conditions {
        check_kinds(table.column(&condition.column)?, condition)?;
    }
    push_constraint_name(builder, check.name.as_ref())?;
    builder.sql("CHECK (");
    condition::push_all(builder, &check.conditions)?;
    builder.sql(")");
    Ok(())
}

/// Refuses a comparison with what is of another kind than the column: the database would take its text as it is.
fn check_kinds(column: &ColumnDefinition, condition: &Condition) -> Result<(), Error> {
    let is_text = !column.is_array
        && matches!(
            column.data_type,
            DataType::Text | DataType::Varchar(_) | DataType::Named(_)
        );
    let holds_others =
        column.is_array || matches!(column.data_type, DataType::Json | DataType::Named(_));
    let has_pattern = matches!(
        condition.operator,
        Operator::Like | Operator::NotLike | Operator::ILike | Operator::NotILike
    );
    let problem = if has_pattern && !is_text {
        "has a pattern, which is for texts"
    } else if condition.operator == Operator::Contains && !holds_others {
        "asks what it contains, which is for arrays and json"
    } else if !condition.values.iter().all(|value| may_be(value, column)) {
        "compares it with a value of another kind"
    } else {
        return Ok(());
    };
    Err(Error::Invalid(format!(
        "a check on column {:?} {problem}",
        column.name
    )))
}
