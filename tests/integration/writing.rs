//! What the tests of writes have in common.

#![expect(
    clippy::unnecessary_wraps,
    clippy::wildcard_enum_match_arm,
    reason = "a cell could be left out, and these tables hold few types"
)]

use std::time::Duration;

use host::database::{
    Batch, Conflict, ConflictAction, Database, Error, Field, Limits, Returning, Rows, Session,
    SessionOptions, Value,
};
use serde_json::{Value as Json, json};
use tests::{TestDatabase, example};
use tokio::time::Instant;

/// A cell of a batch.
pub(crate) type Cell = Option<Value<'static>>;

pub(crate) fn number(number: i64) -> Cell {
    Some(Value::Int64(number))
}

pub(crate) fn text(text: impl Into<String>) -> Cell {
    Some(Value::Text(text.into().into()))
}

pub(crate) fn decimal(digits: impl Into<String>) -> Cell {
    Some(Value::Decimal(digits.into().into()))
}

pub(crate) const NULL: Cell = Some(Value::Null);

pub(crate) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

pub(crate) fn batch(columns: &[&str], rows: Vec<Vec<Cell>>) -> Batch<'static> {
    Batch {
        columns: names(columns),
        rows,
    }
}

pub(crate) fn fields(fields: &[(&str, Cell)]) -> Vec<Field> {
    let fields = fields.iter().map(|(column, value)| Field {
        column: (*column).to_owned(),
        value: value.clone().expect("a field has a value"),
    });
    fields.collect()
}

pub(crate) fn columns(columns: &[&str]) -> Returning {
    Returning::Columns(names(columns))
}

pub(crate) fn update(key: &[&str]) -> Conflict {
    Conflict {
        key: names(key),
        action: ConflictAction::Update,
    }
}

pub(crate) fn keep(key: &[&str]) -> Conflict {
    Conflict {
        key: names(key),
        action: ConflictAction::Keep,
    }
}

/// A session with these limits on a pool that may be shared.
pub(crate) fn limited(database: &Database, limits: Limits) -> Session {
    database.session(SessionOptions {
        deadline: Instant::now() + Duration::from_mins(2),
        ..tests::session_options(limits)
    })
}

/// A session on a new database where these statements were run.
pub(crate) async fn on(statements: &str) -> (TestDatabase, Session) {
    let database = tests::database().await;
    run(&database, statements).await;
    let session = limited(&database.connect().await, Limits::default());
    (database, session)
}

/// Runs statements past the host.
pub(crate) async fn run(database: &TestDatabase, statements: &str) {
    let client = database.client().await;
    let outcome = client.simple_query(statements).await;
    outcome.expect("the statements of a test are good");
}

/// The rows of a query, past every limit on what a write gives back.
pub(crate) async fn table(session: &mut Session, query: &str) -> Vec<Vec<Value<'static>>> {
    let rows = session.query(query, &[]).await.expect("it can be read");
    values(&rows)
}

pub(crate) fn values(rows: &Rows) -> Vec<Vec<Value<'static>>> {
    let owned = |value: Value<'_>| match value {
        Value::Text(text) => Value::Text(text.into_owned().into()),
        Value::Decimal(digits) => Value::Decimal(digits.into_owned().into()),
        Value::Uuid(uuid) => Value::Uuid(uuid.into_owned().into()),
        Value::Int64(number) => Value::Int64(number),
        Value::Timestamp(time) => Value::Timestamp(time),
        Value::Boolean(truth) => Value::Boolean(truth),
        Value::Null => Value::Null,
        other => unreachable!("{other:?} is in none of these tables"),
    };
    let row = |row| {
        let places = 0..rows.columns().len();
        places
            .map(|column| owned(rows.value(row, column).expect("sound")))
            .collect()
    };
    (0..rows.len()).map(row).collect()
}

/// Rows as cells of a batch are written.
pub(crate) fn expected(rows: Vec<Vec<Cell>>) -> Vec<Vec<Value<'static>>> {
    let row = |row: Vec<Cell>| row.into_iter().map(|cell| cell.unwrap_or(Value::Null));
    rows.into_iter().map(|cells| row(cells).collect()).collect()
}

/// The text of a refusal.
#[track_caller]
pub(crate) fn invalid(outcome: Result<impl std::fmt::Debug, Error>) -> String {
    match outcome {
        Err(Error::Invalid(text)) => text,
        other => unreachable!("it is refused, but: {other:?}"),
    }
}

/// How many round trips happened since the last question.
pub(crate) struct Trips(u64);

impl Trips {
    pub(crate) fn since_now(session: &Session) -> Self {
        Self(session.statistics().round_trips)
    }

    pub(crate) fn more(&mut self, session: &Session) -> u64 {
        let before = std::mem::replace(&mut self.0, session.statistics().round_trips);
        self.0 - before
    }
}

/// What a guest answers to these operations in both forms of results, with rows as lists of values.
pub(crate) async fn tell(database: &TestDatabase, packed: bool, operations: &[Json]) -> Vec<Json> {
    let format = if packed { "packed" } else { "typed" };
    let mut told = vec![json!({ "call": "set-result-format", "format": format })];
    told.extend_from_slice(operations);
    let finished = tests::run(&example("does_as_told"), &database.url())
        .arg("--input")
        .arg("-")
        .input(Json::from(told).to_string())
        .run()
        .await;
    let answers = finished.expect(0, &[]).json();
    let answers = answers.as_array().expect("a list of answers");
    for answer in answers {
        let shape = &answer["ok"]["rows"]["shape"];
        assert!(shape.is_null() || shape == format, "{answer}");
    }
    answers.iter().skip(1).cloned().collect()
}
