//! Definitions of tables, which are told at once what contradicts itself in them: types and defaults in `column`, keys, references and
//! checks in `constraint`.

mod column;
mod constraint;

use super::{
    Statement,
    builder::{Builder, distinct},
};
use crate::database::{
    error::Error,
    identifier::{Identifier, QualifiedName},
    request::{ColumnDefinition, DefaultValue, TableDefinition},
    server::ServerKind,
};

/// Makes a table. That it is there already is an error of the statement.
pub(in crate::database) fn create_table<'a>(
    server: ServerKind,
    table: &str,
    definition: &'a TableDefinition,
) -> Result<Statement<'a>, Error> {
    let table = Table {
        name: QualifiedName::table(table)?,
        definition,
    };
    if definition.columns.is_empty() {
        return Err(Error::Invalid(
            "a table needs at least one column".to_owned(),
        ));
    }
    let names = distinct(definition.columns.iter().map(|column| &column.name))?;
    let mut builder = Builder::with_literals();
    builder.sql("CREATE TABLE ").sql(&table.name).sql(" (");
    for (place, (name, column)) in names.iter().zip(&definition.columns).enumerate() {
        builder.sql(if place == 0 { "" } else { ", " });
        column::push(&mut builder, server, name, column)?;
        table.check_null(column)?;
    }
    constraint::push_all(&mut builder, &table)?;
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

/// A table as it is defined.
struct Table<'a> {
    name: QualifiedName,
    definition: &'a TableDefinition,
}

impl<'a> Table<'a> {
    fn column(&self, name: &str) -> Result<&'a ColumnDefinition, Error> {
        let mut columns = self.definition.columns.iter();
        columns
            .find(|column| column.name == name)
            .ok_or_else(|| Error::Invalid(format!("column {name:?} is not defined")))
    }

    /// Columns of a key: at least one, each defined, none twice.
    fn key(&self, columns: &[String]) -> Result<Vec<Identifier>, Error> {
        if columns.is_empty() {
            return Err(Error::Invalid("a key needs at least one column".to_owned()));
        }
        for column in columns {
            self.column(column)?;
        }
        distinct(columns)
    }

    /// Whether a column never holds NULL.
    fn is_required(&self, column: &ColumnDefinition) -> bool {
        column.not_null
            || column.default == Some(DefaultValue::UniqueId)
            || self.definition.primary_key.contains(&column.name)
    }

    fn check_null(&self, column: &ColumnDefinition) -> Result<(), Error> {
        if self.is_required(column) && column.default.as_ref().is_some_and(column::is_null) {
            return Err(column::unfit(
                column,
                "it is NULL, which the column refuses",
            ));
        }
        Ok(())
    }
}
