//! Every database function against a real server, with no guest in sight; a module for each interface.

#![expect(
    clippy::panic,
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "these are tests: what is not expected ends them, and lists of cases are long"
)]

mod batches;
mod limits;
mod names;
mod reads;
mod sql_text;
mod tables;
mod writes;

use host::{
    database::{
        Assignment, Batch, Change, ColumnDefinition, Condition, DataType, Database, DatabaseError,
        DefaultValue, Error, ErrorKind, Field, Limits, Operator, Returning, Rows, Session,
        SessionOptions, TableDefinition, Target, UniqueKey, Value,
    },
    tenancy::Grants,
};
use tests::TestDatabase;

pub(crate) fn text(text: &'static str) -> Value<'static> {
    Value::Text(text.into())
}

pub(crate) fn decimal(text: &'static str) -> Value<'static> {
    Value::Decimal(text.into())
}

/// A session that may do everything, on a pool of its own.
pub(crate) async fn session(database: &TestDatabase) -> Session {
    limited(&database.connect().await, Limits::default())
}

pub(crate) fn limited(database: &Database, limits: Limits) -> Session {
    granted(database, limits, Grants::all())
}

pub(crate) fn granted(database: &Database, limits: Limits, grants: Grants) -> Session {
    database.session(SessionOptions {
        grants,
        ..tests::session_options(limits)
    })
}

pub(crate) fn field(column: &str, value: Value<'static>) -> Field {
    Field {
        column: column.to_owned(),
        value,
    }
}

pub(crate) fn condition(column: &str, operator: Operator, values: &[Value<'static>]) -> Condition {
    Condition {
        column: column.to_owned(),
        operator,
        values: values.to_vec(),
        group: None,
    }
}

pub(crate) fn is(column: &str, value: Value<'static>) -> Condition {
    condition(column, Operator::Eq, &[value])
}

pub(crate) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

pub(crate) fn assign(column: &str, change: Change) -> Assignment {
    Assignment {
        column: column.to_owned(),
        change,
    }
}

pub(crate) fn column(name: &str, data_type: DataType) -> ColumnDefinition {
    ColumnDefinition {
        name: name.to_owned(),
        data_type,
        is_array: false,
        not_null: false,
        default: None,
    }
}

pub(crate) fn matching(condition: Condition) -> Target {
    Target::Matching(vec![condition])
}

pub(crate) fn values(rows: &Rows) -> Vec<Vec<Value<'_>>> {
    let row = |row| {
        (0..rows.columns().len())
            .map(|column| rows.value(row, column).expect("sound"))
            .collect()
    };
    (0..rows.len()).map(row).collect()
}

pub(crate) fn numbers(rows: &Rows) -> Vec<i64> {
    let number = |row: &Vec<Value<'_>>| match row[0] {
        Value::Int64(number) => number,
        ref other => panic!("{other:?}"),
    };
    values(rows).iter().map(number).collect()
}

pub(crate) fn database_error(result: Result<impl std::fmt::Debug, Error>) -> DatabaseError {
    match result.expect_err("the database refuses it") {
        Error::Database(error) => *error,
        error => panic!("{error:?}"),
    }
}

pub(crate) fn kind(result: Result<impl std::fmt::Debug, Error>) -> ErrorKind {
    database_error(result).kind
}

pub(crate) fn accounts() -> TableDefinition {
    TableDefinition {
        columns: vec![
            ColumnDefinition {
                default: Some(DefaultValue::UniqueId),
                ..column("id", DataType::Int64)
            },
            ColumnDefinition {
                not_null: true,
                ..column("owner", DataType::Text)
            },
            ColumnDefinition {
                default: Some(DefaultValue::Constant(decimal("0.00"))),
                ..column(
                    "balance",
                    DataType::Numeric {
                        precision: 12,
                        scale: 2,
                    },
                )
            },
            column("seen", DataType::TimestampTz),
        ],
        primary_key: names(&["id"]),
        unique_keys: vec![UniqueKey {
            name: Some("one_owner".to_owned()),
            columns: names(&["owner"]),
        }],
        ..TableDefinition::default()
    }
}

/// A session on a database with the accounts of ann, bob and cy.
pub(crate) async fn with_accounts() -> (TestDatabase, Session) {
    let database = tests::database().await;
    let mut session = session(&database).await;
    session
        .create_table("accounts", &accounts(), false)
        .await
        .expect("a table");
    let row = |id, owner, balance| {
        vec![
            Some(Value::Int64(id)),
            Some(text(owner)),
            Some(decimal(balance)),
        ]
    };
    let batch = Batch {
        columns: names(&["id", "owner", "balance"]),
        rows: vec![
            row(1, "ann", "10.50"),
            row(2, "bob", "0.00"),
            row(3, "cy", "-3.25"),
        ],
    };
    session
        .batch_insert("accounts", &batch, None, &Returning::Nothing)
        .await
        .expect("inserted");
    (database, session)
}
