//! The schema of a database: what is there is listed and described, and what was defined is found again.

#![expect(
    clippy::panic,
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "these are tests: what is not expected ends them, and lists of cases are long"
)]

mod defaults;
mod definitions;
mod descriptions;
mod guest;
mod lists;
mod round_trip;

use host::database::{
    ColumnDefinition, ColumnDescription, DataType, DefaultValue, Session, TableDescription, Value,
};
use tests::TestDatabase;

/// Runs SQL of the test's own.
async fn run(database: &TestDatabase, sql: &str) {
    let ran = database.client().await.simple_query(sql).await;
    ran.unwrap_or_else(|error| panic!("{error}: {sql}"));
}

async fn describe(session: &mut Session, table: &str) -> TableDescription {
    let described = session.describe_table(table).await;
    described.unwrap_or_else(|error| panic!("{table}: {error}"))
}

fn described<'d>(table: &'d TableDescription, column: &str) -> &'d ColumnDescription {
    let mut columns = table.columns.iter();
    let found = columns.find(|described| described.name == column);
    found.unwrap_or_else(|| panic!("{column} is not in {table:?}"))
}

fn defaulting(name: &str, data_type: DataType, default: DefaultValue) -> ColumnDefinition {
    ColumnDefinition {
        default: Some(default),
        ..crate::operations::column(name, data_type)
    }
}

fn constant(name: &str, data_type: DataType, value: Value<'static>) -> ColumnDefinition {
    defaulting(name, data_type, DefaultValue::Constant(value))
}
