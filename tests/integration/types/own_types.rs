//! Types of the users' own: what they cost, and that they cannot go stale or hang.

use host::database::{Batch, Database, Limits, Other, Returning, Rows, Selection, Session, Value};
use tests::TestDatabase;

use super::{cell, field, make_types, misfits::conversion, prepare};
use crate::operations::{session, text};

/// One more session of a database, with what the host knows of it.
fn another(database: &Database) -> Session {
    database.session(tests::session_options(Limits::default()))
}

fn label(type_name: &'static str, text: &'static str) -> Value<'static> {
    Value::Other(Other {
        type_name: type_name.into(),
        text: Some(text.into()),
        bytes: text.as_bytes().into(),
    })
}

/// The only row, as names of types and values.
fn row(rows: &Rows) -> Vec<(&str, Value<'_>)> {
    let column = |column: usize| {
        (
            rows.columns()[column].type_name.as_str(),
            cell(rows, 0, column),
        )
    };
    (0..rows.columns().len()).map(column).collect()
}

#[tokio::test]
async fn a_type_of_the_users_own_is_looked_up_once_for_all_sessions() {
    let database = tests::database().await;
    make_types(&database).await;
    let statement = "CREATE TABLE t AS SELECT 'happy'::mood AS one, '{happy}'::mood[] AS many FROM generate_series(1, 3000)";
    prepare(&database, statement).await;
    let connected = database.connect().await;
    for round_trips in [2, 1] {
        let mut session = another(&connected);
        // On a task of its own, as the runtime's are: what a session does can move between threads.
        let (session, rows) = tokio::spawn(async move {
            let rows = session.select("t", &Selection::default()).await;
            (session, rows.expect("selected"))
        })
        .await
        .expect("it ends");
        assert_eq!(session.statistics().round_trips, round_trips);
        let happy = label("mood", "happy");
        assert_eq!((rows.len(), cell(&rows, 2_999, 0)), (3_000, happy.clone()));
        assert_eq!(cell(&rows, 0, 1), Value::Array(vec![happy]));
    }
}
#[tokio::test]
async fn domains_are_written_and_read_as_what_they_are_made_of() {
    let database = tests::database().await;
    let statement =
        "CREATE DOMAIN small AS int4 CHECK (value < 10); CREATE TABLE t (a small, b small[])";
    prepare(&database, statement).await;
    let mut session = session(&database).await;
    let row = vec![
        Some(Value::Int64(3)),
        Some(Value::Array(vec![Value::Int64(4), Value::Null])),
    ];
    let batch = Batch {
        columns: vec!["a".to_owned(), "b".to_owned()],
        rows: vec![row.clone()],
    };
    let written = session
        .batch_insert("t", &batch, None, &Returning::AllColumns)
        .await
        .expect("inserted");
    let rows = written.rows.expect("they were asked for");
    assert_eq!(
        [Some(cell(&rows, 0, 0)), Some(cell(&rows, 0, 1))].to_vec(),
        row
    );
    assert_eq!(rows.columns()[0].type_name, "int4");
}

/// A cast to the domain would have cut the text, and said nothing.
#[tokio::test]
async fn a_batch_never_cuts_a_text_to_the_size_of_a_domain() {
    let database = tests::database().await;
    let statement = "CREATE DOMAIN short AS varchar(3); CREATE DOMAIN shorter AS short; CREATE DOMAIN words AS varchar(3)[]; \
                     CREATE TABLE t (a short, b shorter, c short[], d words, e varchar(3)[])";
    prepare(&database, statement).await;
    let mut session = session(&database).await;
    let good = text("abc");
    let many = |value: &Value<'static>| Value::Array(vec![Value::Null, value.clone()]);
    let cells = |value: &Value<'static>| {
        [
            value.clone(),
            value.clone(),
            many(value),
            many(value),
            many(value),
        ]
        .map(Some)
    };
    let columns = ["a", "b", "c", "d", "e"].map(str::to_owned);
    let batch = |row: [Option<Value<'static>>; 5]| Batch {
        columns: columns.to_vec(),
        rows: vec![cells(&good).to_vec(), row.to_vec()],
    };
    for (place, column) in columns.iter().enumerate() {
        let mut row = cells(&good);
        row[place] = cells(&text("abcd"))[place].clone();
        let inserted = session
            .batch_insert("t", &batch(row), None, &Returning::Nothing)
            .await;
        let error = conversion(inserted);
        assert_eq!((&error.column, error.row), (column, Some(1)), "{error}");
    }
    let inserted = session
        .batch_insert("t", &batch(cells(&good)), None, &Returning::AllColumns)
        .await;
    let rows = inserted.expect("it fits").rows.expect("asked for");
    assert_eq!(cell(&rows, 1, 1), good);
    assert_eq!(cell(&rows, 1, 2), many(&good));
}

#[tokio::test]
async fn a_domain_over_a_type_of_the_users_own_is_read_as_that_is() {
    let database = tests::database().await;
    make_types(&database).await;
    let statement = "CREATE DOMAIN fine AS mood; CREATE DOMAIN finer AS fine; CREATE TABLE t (a finer, b finer[]); \
                     INSERT INTO t VALUES ('happy', '{happy,NULL}')";
    prepare(&database, statement).await;
    let mut session = session(&database).await;
    let rows = session
        .select("t", &Selection::default())
        .await
        .expect("read");
    assert_eq!(
        row(&rows),
        [
            ("mood", label("mood", "happy")),
            (
                "finer[]",
                Value::Array(vec![label("finer", "happy"), Value::Null])
            ),
        ]
    );
    let fields = [field("a", text("no mood"))];
    let error = conversion(session.insert("t", &fields, &Returning::Nothing).await);
    assert_eq!(error.column, "a", "{error}");
}

#[tokio::test]
async fn a_type_of_the_same_name_in_another_schema_is_another_type() {
    let database = tests::database().await;
    let statement = "CREATE SCHEMA one; CREATE SCHEMA two; CREATE TYPE one.kind AS ENUM ('a'); CREATE TYPE two.kind AS (n int8); \
                     CREATE TABLE t (x one.kind, y two.kind, z one.kind[]); INSERT INTO t VALUES ('a', ROW(1), '{a}')";
    prepare(&database, statement).await;
    let mut session = session(&database).await;
    let rows = session
        .select("t", &Selection::default())
        .await
        .expect("read");
    let names: Vec<&str> = row(&rows).iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["one.kind", "two.kind", "one.kind[]"]);
    assert_eq!(cell(&rows, 0, 0), label("one.kind", "a"));
    let batch = Batch {
        columns: vec!["x".to_owned(), "z".to_owned()],
        rows: vec![vec![
            Some(label("one.kind", "a")),
            Some(Value::Array(vec![text("a"), Value::Null])),
        ]],
    };
    let inserted = session
        .batch_insert("t", &batch, None, &Returning::Nothing)
        .await;
    assert_eq!(inserted.expect("it fits").count, 1);
}

#[tokio::test]
async fn a_type_that_was_dropped_and_made_again_is_not_taken_for_the_old_one() {
    let database = tests::database().await;
    prepare(&database, "CREATE TYPE kind AS ENUM ('a')").await;
    let connected = database.connect().await;
    let mut session = another(&connected);
    let read = async |session: &mut Session, sql: &str| {
        let rows = session.query(sql, &[]).await.expect("read");
        (
            rows.columns()[0].type_name.clone(),
            format!("{:?}", cell(&rows, 0, 0)),
        )
    };
    let (name, value) = read(&mut session, "SELECT 'a'::kind").await;
    assert!(name == "kind" && value.contains("\"a\""), "{value}");
    prepare(
        &database,
        "DROP TYPE kind; CREATE TYPE kind AS (n int8, s text)",
    )
    .await;
    let (name, value) = read(&mut session, "SELECT ROW(1, 'x')::kind").await;
    assert!(name == "kind" && value.contains("text: None"), "{value}");
    // What the guest itself renames has its new name at once, in every session of the host.
    for statement in [
        "ALTER TYPE kind RENAME TO sort",
        "CREATE SCHEMA other",
        "ALTER TYPE sort SET SCHEMA other",
    ] {
        session.execute(statement, &[]).await.expect(statement);
    }
    let (name, _) = read(&mut another(&connected), "SELECT ROW(1, 'x')::other.sort").await;
    assert_eq!(name, "other.sort");
}

/// The driver by itself would ask for the types while the rows arrive, and hang.
#[tokio::test]
async fn many_rows_of_many_types_of_the_users_own_arrive() {
    let database: TestDatabase = tests::database().await;
    let mut statement = String::new();
    for number in 0..40 {
        let own =
            format!("CREATE TYPE e{number} AS ENUM ('x'); CREATE TYPE c{number} AS (e e{number});");
        statement.push_str(&own);
    }
    prepare(&database, &statement).await;
    let columns: Vec<String> = (0..40)
        .flat_map(|n| {
            [
                format!("'x'::e{n}"),
                format!("ROW('x')::c{n}"),
                format!("'{{x}}'::e{n}[]"),
            ]
        })
        .collect();
    let sql = format!(
        "SELECT {} FROM generate_series(1, 2000)",
        columns.join(", ")
    );
    let connected = database.connect().await;
    let limits = Limits {
        result_bytes: 64 << 20,
        ..Limits::default()
    };
    for round_trips in [2, 1] {
        let mut session = connected.session(tests::session_options(limits));
        let rows = session.query(&sql, &[]).await.expect("selected");
        assert_eq!(rows.len(), 2_000);
        assert_eq!(cell(&rows, 1_999, 117), label("e39", "x"));
        assert_eq!(session.statistics().round_trips, round_trips);
    }
}
