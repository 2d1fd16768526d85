//! Transactions: by handle and repeated by the host, natively and through guests.

#![expect(
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "these are tests: what is not expected ends them"
)]

mod faults;
mod guest;
mod handles;
mod limits;
mod repeated;
mod stopped;
mod together;

use std::time::Duration;

use host::database::{
    Assignment, Change, Condition, ConnectOptions, Database, Error, Field, Limits, Operator,
    RetryPolicy, Returning, Rows, Selection, Session, SessionOptions, Target, Value,
};
use tests::{TestDatabase, number};
use tokio_postgres::Client;

/// A database with a table `t (id int8 primary key, n int8)`.
async fn prepared() -> (TestDatabase, Client, Database) {
    let database = tests::database().await;
    let client = database.client().await;
    let made = client.simple_query("CREATE TABLE t (id int8 PRIMARY KEY, n int8, note text)");
    made.await.expect("made");
    let connected = database.connect().await;
    (database, client, connected)
}

fn options() -> SessionOptions {
    tests::session_options(Limits::default())
}

/// A session whose transactions are done again at most so often.
fn session(database: &Database, max_retries: u32) -> Session {
    database.session(SessionOptions {
        retry: policy(max_retries),
        ..options()
    })
}

/// So many retries, each soon.
fn policy(max_retries: u32) -> RetryPolicy {
    let (first, longest) = (Duration::from_millis(1), Duration::from_millis(10));
    RetryPolicy::new(max_retries, first, longest).expect("sane")
}

/// The front door to the database with other connection parameters.
async fn opened(database: &TestDatabase, parameters: &str) -> Database {
    let url = format!("{}&{parameters}", database.url());
    let options = ConnectOptions::from_url(&url).expect("a good URL");
    let connected = Database::connect(options, Limits::default()).await;
    connected.expect("it connects")
}

fn field(column: &str, value: i64) -> Field {
    Field {
        column: column.to_owned(),
        value: Value::Int64(value),
    }
}

async fn insert(session: &mut Session, id: i64) -> Result<u64, Error> {
    let row = [field("id", id), field("n", 0)];
    let written = session.insert("t", &row, &Returning::Nothing).await?;
    Ok(written.count)
}

fn row(id: i64) -> Vec<Condition> {
    vec![Condition {
        column: "id".to_owned(),
        operator: Operator::Eq,
        values: vec![Value::Int64(id)],
        group: None,
    }]
}

/// Adds so much to the number of a row.
async fn add(session: &mut Session, id: i64, number: i64) -> Result<u64, Error> {
    let grow = Assignment {
        column: "n".to_owned(),
        change: Change::Add(Value::Int64(number)),
    };
    let target = Target::Matching(row(id));
    let written = session
        .update("t", &[grow], &target, &Returning::Nothing)
        .await?;
    Ok(written.count)
}

async fn read(session: &mut Session, id: i64) -> Result<Option<i64>, Error> {
    let selection = Selection {
        columns: vec!["n".to_owned()],
        filter: row(id),
        ..Selection::default()
    };
    let rows = session.select("t", &selection).await?;
    Ok(found(&rows))
}

fn found(rows: &Rows) -> Option<i64> {
    match (rows.len(), rows.value(0, 0)) {
        (0, _) => None,
        (_, Ok(Value::Int64(number))) => Some(number),
        other => panic!("{other:?}"),
    }
}

/// Makes the table of marks.
async fn prepare_marks(database: &Database) {
    let mut examiner = database.examiner().await.expect("looked at");
    examiner.prepare(None).await.expect("prepared");
}

async fn rows(client: &Client) -> i64 {
    number(client, "SELECT count(*) FROM t").await
}

/// What was done since the last call.
fn trips(session: &Session, before: &mut u64) -> u64 {
    let now = session.statistics().round_trips;
    now - std::mem::replace(before, now)
}

fn sqlstate(error: &Error) -> &str {
    match error {
        Error::Database(error) => &error.sqlstate,
        other => panic!("{other:?}"),
    }
}
