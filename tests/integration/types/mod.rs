//! Every type of the contract, both ways, exact.

#![expect(
    clippy::panic,
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "these are tests: what is not expected ends them, and lists of cases are long"
)]

mod guest;
mod kinds;
mod losses;
mod misfits;
mod native;
mod own_types;
mod readable;

use host::database::{Field, Rows, Value};
use tests::TestDatabase;

/// Whether two values are the same to the last bit, which `==` does not say of NaN and of the two zeros.
pub(crate) fn is_same(one: &Value<'_>, other: &Value<'_>) -> bool {
    match (one, other) {
        (Value::Float64(one), Value::Float64(other)) => {
            one.to_bits() == other.to_bits() || (one.is_nan() && other.is_nan())
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| is_same(one, other))
        }
        (Value::Other(one), Value::Other(other)) => one.text == other.text,
        _ => one == other,
    }
}

pub(crate) fn cell(rows: &Rows, row: usize, column: usize) -> Value<'_> {
    rows.value(row, column).expect("the server is sound")
}

pub(crate) fn field(column: &str, value: Value<'static>) -> Field {
    Field {
        column: column.to_owned(),
        value,
    }
}

/// Runs statements that prepare a database.
pub(crate) async fn prepare(database: &TestDatabase, statements: &str) {
    let client = database.client().await;
    client.simple_query(statements).await.expect(statements);
}

/// Makes the enumerations that the kinds speak of.
pub(crate) async fn make_types(database: &TestDatabase) {
    prepare(
        database,
        "CREATE TYPE mood AS ENUM ('happy', 'it''s \"complicated\"'); CREATE SCHEMA odd; CREATE TYPE odd.\"Mood\" AS ENUM ('x')",
    )
    .await;
}
