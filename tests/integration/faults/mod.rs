//! Whatever a server does, each call ends: in its result, in an error that says what is known, or on another connection. Never in a
//! hang, never in a panic, and never twice where once may have been enough.

#![expect(
    clippy::panic,
    reason = "these are tests: what is not expected ends them"
)]

mod fuzz;
mod lost;
mod outcome;
mod protocol;
mod proxy;

use host::{
    database::{
        Assignment, Change, ConnectOptions, Database, Error, Field, Limits, Returning, Rows,
        Selection, Session, SessionOptions, Target, Value, Written,
    },
    tenancy::Grants,
};

async fn connect(url: &str) -> Database {
    let options = ConnectOptions::from_url(url).expect("a good URL");
    let database = Database::connect(options, Limits::default()).await;
    database.expect("it connects")
}

fn session(database: &Database) -> Session {
    database.session(SessionOptions {
        grants: Grants::standard(),
        ..tests::session_options(Limits::default())
    })
}

/// Reads all rows.
async fn read(session: &mut Session) -> Result<Rows, Error> {
    session.select("t", &Selection::default()).await
}

/// Writes one row, by one statement alone.
async fn write(session: &mut Session, id: i64) -> Result<Written, Error> {
    let field = Field {
        column: "id".to_owned(),
        value: Value::Int64(id),
    };
    session.insert("t", &[field], &Returning::Nothing).await
}

/// Adds one to all rows and gives them back, between a BEGIN and a COMMIT.
async fn update(session: &mut Session) -> Result<Written, Error> {
    let assignment = Assignment {
        column: "id".to_owned(),
        change: Change::Add(Value::Int64(1)),
    };
    let all = Returning::AllColumns;
    session
        .update("t", &[assignment], &Target::AllRows, &all)
        .await
}

fn is_ambiguous<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::AmbiguousCommit(_)))
}
