//! Cursors: any number of rows, a part at a time, beside everything else.

#![expect(
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "these are tests: what is not expected ends them"
)]

use std::time::Duration;

use host::database::{
    ConnectOptions, CursorId, Database, Error, ErrorKind, Limits, Rows, Session, Value,
};
use serde_json::json;
use tests::{TestDatabase, example, nothing_is_open, number};
use tokio::time::{Instant, timeout};

fn limited(database: &Database, limits: Limits) -> Session {
    database.session(tests::session_options(limits))
}

fn session(database: &Database) -> Session {
    limited(database, Limits::default())
}

async fn opened(database: &TestDatabase, parameters: &str) -> Database {
    let url = format!("{}&{parameters}", database.url());
    let options = ConnectOptions::from_url(&url).expect("a good URL");
    let connected = Database::connect(options, Limits::default()).await;
    connected.expect("it connects")
}

fn numbers(rows: &Rows) -> Vec<i64> {
    let number = |row| match rows.value(row, 0).expect("a value") {
        Value::Int64(number) => number,
        other => panic!("{other:?}"),
    };
    (0..rows.len()).map(number).collect()
}

async fn part(session: &mut Session, cursor: CursorId, rows: u32) -> Option<Vec<i64>> {
    let part = session.fetch(cursor, rows).await.expect("a part");
    part.as_ref().map(numbers)
}

const SERIES: &str = "SELECT n FROM generate_series(1, $1::int8) AS n";

#[tokio::test]
async fn rows_come_in_parts_and_then_none_for_ever() {
    let database = tests::database().await;
    let connected = database.connect().await;
    let mut session = session(&connected);
    let mut before = 0;
    let mut trips = |session: &Session| {
        let now = session.statistics().round_trips;
        now - std::mem::replace(&mut before, now)
    };
    let cursor = session
        .open_cursor(SERIES, &[Value::Int64(1_025)])
        .await
        .expect("open");
    assert_eq!(trips(&session), 1, "to open it");
    let columns = session.cursor_columns(cursor);
    assert_eq!(
        (columns[0].name.as_str(), columns[0].type_name.as_str()),
        ("n", "int8")
    );
    assert_eq!(trips(&session), 0, "the columns are known");
    assert_eq!(part(&mut session, cursor, 1).await, Some(vec![1]));
    assert_eq!(trips(&session), 0, "the first row has come");
    assert_eq!(
        part(&mut session, cursor, 24).await,
        Some((2..=25).collect())
    );
    assert_eq!(trips(&session), 1, "a part");
    assert_eq!(
        part(&mut session, cursor, 1_000).await,
        Some((26..=1_025).collect())
    );
    assert_eq!(trips(&session), 2, "a large part after few rows");
    assert_eq!(part(&mut session, cursor, 9).await, None);
    assert_eq!(trips(&session), 2, "the end, and its commit");
    for _ in 0..3 {
        assert_eq!(part(&mut session, cursor, u32::MAX).await, None);
    }
    assert_eq!(trips(&session), 0);
    assert!(matches!(
        session.fetch(cursor, 0).await,
        Err(Error::Invalid(_))
    ));
    session.close_cursor(cursor).await;
    assert!(matches!(
        session.fetch(cursor, 1).await,
        Err(Error::Closed(_))
    ));

    let empty = session
        .open_cursor(SERIES, &[Value::Int64(0)])
        .await
        .expect("open");
    assert_eq!(session.cursor_columns(empty).len(), 1);
    assert_eq!(part(&mut session, empty, 1).await, None);
    nothing_is_open(&database.client().await).await;
}

#[tokio::test]
async fn everything_else_works_while_cursors_are_open() {
    let database = tests::database().await;
    let mut session = session(&database.connect().await);
    session
        .execute(
            "CREATE TABLE t AS SELECT n FROM generate_series(1, 6) AS n",
            &[],
        )
        .await
        .expect("rows");
    let sql = "SELECT n::int8 FROM t ORDER BY n";
    let first = session.open_cursor(sql, &[]).await.expect("open");
    assert_eq!(part(&mut session, first, 2).await, Some(vec![1, 2]));
    assert_eq!(
        session.execute("INSERT INTO t VALUES (7)", &[]).await,
        Ok(1)
    );
    let second = session.open_cursor(sql, &[]).await.expect("open");
    assert_eq!(
        session.execute("DELETE FROM t WHERE n > 3", &[]).await,
        Ok(4)
    );
    let mut both = Vec::new();
    while let Some(rows) = part(&mut session, first, 1).await {
        both.push((rows, part(&mut session, second, 1).await));
    }
    let expected =
        [(3, 1), (4, 2), (5, 3), (6, 4)].map(|(one, other)| (vec![one], Some(vec![other])));
    assert_eq!(
        both, expected,
        "each sees what was there when it was opened"
    );
    assert_eq!(part(&mut session, second, 9).await, Some(vec![5, 6, 7]));
    let rows = session
        .query("SELECT count(*) FROM t", &[])
        .await
        .expect("counted");
    assert_eq!(numbers(&rows), [3]);
}

#[tokio::test]
async fn cursors_are_limited_and_never_wait_for_a_connection() {
    let database = tests::database().await;
    let connected = opened(&database, "max_connections=3&acquire_timeout=30").await;
    let mut session = session(&connected);
    let mut cursors = Vec::new();
    for _ in 0..2 {
        cursors.push(
            session
                .open_cursor(SERIES, &[Value::Int64(9)])
                .await
                .expect("open"),
        );
    }
    let began = Instant::now();
    let busy = session.open_cursor(SERIES, &[Value::Int64(9)]).await;
    assert!(matches!(busy, Err(Error::Busy(_))), "{busy:?}");
    let mut other = limited(&connected, Limits::default());
    let busy = other.open_cursor(SERIES, &[Value::Int64(9)]).await;
    assert!(matches!(busy, Err(Error::Busy(_))), "{busy:?}");
    assert!(began.elapsed() < Duration::from_secs(15), "it waited");
    // The last connection is for everything else.
    assert_eq!(session.execute("SELECT 1", &[]).await, Ok(1));
    assert_eq!(other.execute("SELECT 1", &[]).await, Ok(1));
    session.close_cursor(cursors.remove(0)).await;
    let again = other
        .open_cursor(SERIES, &[Value::Int64(9)])
        .await
        .expect("a place is free");
    assert_eq!(part(&mut other, again, 1).await, Some(vec![1]));
    drop((session, other));
    connected.close().await;

    let connected = database.connect().await;
    let limits = Limits {
        open_cursors: 2,
        ..Limits::default()
    };
    let mut session = limited(&connected, limits);
    for _ in 0..2 {
        cursors.push(
            session
                .open_cursor(SERIES, &[Value::Int64(1)])
                .await
                .expect("open"),
        );
    }
    match session.open_cursor(SERIES, &[Value::Int64(1)]).await {
        Err(Error::Limit(limit)) => assert_eq!(
            (limit.name, limit.used, limit.maximum),
            ("open-cursors", 3, 2)
        ),
        other => panic!("{other:?}"),
    }
    let last = cursors.pop().expect("one");
    assert_eq!(part(&mut session, last, 9).await, Some(vec![1]));
    session
        .open_cursor(SERIES, &[Value::Int64(1)])
        .await
        .expect("what is at its end does not count");
    let single = opened(&database, "max_connections=1&min_connections=1").await;
    let mut alone = limited(&single, Limits::default());
    assert!(matches!(
        alone.open_cursor("SELECT 1", &[]).await,
        Err(Error::Busy(_))
    ));
    assert_eq!(alone.execute("SELECT 1", &[]).await, Ok(1));
}

#[tokio::test]
async fn a_cursor_that_is_not_read_to_its_end_leaves_nothing_behind() {
    let database = tests::database().await;
    let client = database.client().await;
    let connected = opened(&database, "max_connections=2").await;
    for way in [
        "closed",
        "session closed",
        "session dropped",
        "call dropped",
    ] {
        let mut session = session(&connected);
        let cursor = session.open_cursor(SERIES, &[Value::Int64(100_000)]).await;
        let cursor = cursor.unwrap_or_else(|error| panic!("{way}: {error}"));
        assert_eq!(part(&mut session, cursor, 2).await, Some(vec![1, 2]));
        match way {
            "closed" => session.close_cursor(cursor).await,
            "session closed" => session.close().await,
            "session dropped" => drop(session),
            _ => {
                let sleeps = "SELECT n, pg_sleep(CASE WHEN n > 1 THEN 30 ELSE 0 END) FROM generate_series(1, 9::int8) AS n";
                session.close_cursor(cursor).await;
                let cursor = session.open_cursor(sleeps, &[]).await.expect("open");
                let dropped = timeout(Duration::from_millis(50), session.fetch(cursor, 9)).await;
                assert!(dropped.is_err());
                let next = session.fetch(cursor, 9).await;
                assert!(matches!(next, Err(Error::Closed(_))), "{next:?}");
            }
        }
        nothing_is_open(&client).await;
    }
    connected.close().await;
}

#[tokio::test]
async fn a_cursor_changes_nothing() {
    let database = tests::database().await;
    let client = database.client().await;
    let objects = "CREATE TABLE t (a int8); CREATE SEQUENCE s; CREATE FUNCTION writes() RETURNS int8 LANGUAGE sql AS \
                   'INSERT INTO t VALUES (1) RETURNING a'";
    client.simple_query(objects).await.expect("made");
    let mut session = session(&database.connect().await);
    for sql in [
        "INSERT INTO t VALUES (1) RETURNING a",
        "WITH d AS (DELETE FROM t RETURNING a) SELECT a FROM d",
        "UPDATE t SET a = 1 RETURNING a",
        "SELECT 1 AS a INTO u",
        "EXPLAIN ANALYZE SELECT 1",
        "SHOW server_version",
        "CREATE TABLE u ()",
    ] {
        let refused = session.open_cursor(sql, &[]).await;
        assert!(
            matches!(refused, Err(Error::Invalid(_))),
            "{sql}: {refused:?}"
        );
    }
    assert!(matches!(
        session.open_cursor("COMMIT", &[]).await,
        Err(Error::Denied(_))
    ));
    assert_eq!(session.statistics().statements, 0);
    for sql in [
        "SELECT writes()",
        "SELECT nextval('s')",
        "SELECT a FROM t FOR UPDATE",
    ] {
        match session.open_cursor(sql, &[]).await {
            Err(Error::Database(error)) => assert_eq!(error.kind, ErrorKind::ReadOnly, "{sql}"),
            other => panic!("{sql}: {other:?}"),
        }
    }
    let turns = "SELECT set_config('transaction_read_only', 'off', true), writes()";
    assert!(matches!(
        session.open_cursor(turns, &[]).await,
        Err(Error::Database(_))
    ));
    assert_eq!(number(&client, "SELECT count(*) FROM t").await, 0);
    let quoted = session
        .open_cursor("SELECT 1::int8 AS \"delete\" -- ; the end", &[])
        .await;
    assert_eq!(
        part(&mut session, quoted.expect("a name"), 1).await,
        Some(vec![1])
    );
    session.close().await;
    nothing_is_open(&client).await;
}

#[tokio::test]
async fn a_part_is_never_larger_than_a_result() {
    let database = tests::database().await;
    let connected = database.connect().await;
    let limits = Limits {
        result_rows: 50,
        result_bytes: 10_000,
        ..Limits::default()
    };
    let mut session = limited(&connected, limits);
    let sql = "SELECT n, repeat('x', (n % 7)::int * 150) FROM generate_series(1, 1000::int8) AS n";
    let cursor = session.open_cursor(sql, &[]).await.expect("open");
    let mut seen = Vec::new();
    while let Some(rows) = part(&mut session, cursor, 10_000).await {
        assert!(!rows.is_empty() && rows.len() <= 50);
        seen.extend(rows);
    }
    assert_eq!(seen, (1..=1_000).collect::<Vec<i64>>());
    let used = session.limits();
    let largest = used
        .iter()
        .find(|limit| limit.name == "result-bytes")
        .expect("it is told");
    assert!(
        largest.used > 5_000 && largest.used <= 10_000,
        "{largest:?}"
    );

    // One row that can never be given; it is not passed over.
    let sql = "SELECT n, repeat('x', CASE n WHEN 3 THEN 10000 ELSE 1 END) FROM generate_series(1, 9::int8) AS n";
    let cursor = session.open_cursor(sql, &[]).await.expect("open");
    assert_eq!(part(&mut session, cursor, 9).await, Some(vec![1, 2]));
    for _ in 0..2 {
        let over = session.fetch(cursor, 1).await;
        assert!(
            matches!(&over, Err(Error::Limit(limit)) if limit.name == "result-bytes"),
            "{over:?}"
        );
    }
    // As text, this number is larger than it came.
    let cursor = session
        .open_cursor("SELECT 1e20000::numeric", &[])
        .await
        .expect("open");
    assert!(matches!(
        session.fetch(cursor, 1).await,
        Err(Error::Limit(_))
    ));

    // So many so much larger rows that even holding them is too much: with fewer at a time, they come.
    let sql = "SELECT n, repeat('x', CASE WHEN n > 2 THEN 9000 ELSE 1 END) FROM generate_series(1, 40::int8) AS n";
    let cursor = session.open_cursor(sql, &[]).await.expect("open");
    let over = session.fetch(cursor, 40).await;
    assert!(
        matches!(&over, Err(Error::Limit(limit)) if limit.name == "result-bytes"),
        "{over:?}"
    );
    let closed = session.fetch(cursor, 1).await;
    assert!(
        matches!(&closed, Err(Error::Closed(how)) if how.contains("result-bytes")),
        "{closed:?}"
    );
    let cursor = session.open_cursor(sql, &[]).await.expect("open");
    let mut count = 0;
    while let Some(rows) = part(&mut session, cursor, 2).await {
        count += rows.len();
    }
    assert_eq!(count, 40);
    session.close().await;
    nothing_is_open(&database.client().await).await;
}

#[tokio::test]
async fn an_error_is_about_the_text_of_the_guest_and_ends_the_cursor() {
    let database = tests::database().await;
    let mut session = session(&database.connect().await);
    for (sql, position) in [("SELECT wrong", 8), (" /* é */ ;SELECT wrong", 18)] {
        match session.open_cursor(sql, &[]).await {
            Err(Error::Database(error)) => {
                assert_eq!(
                    (error.kind, error.position),
                    (ErrorKind::UndefinedColumn, Some(position))
                );
            }
            other => panic!("{other:?}"),
        }
    }
    match session
        .open_cursor(
            "SELECT n FROM generate_series(1, 2) AS n WHERE n = $1",
            &[Value::Text("x".into())],
        )
        .await
    {
        Err(Error::Conversion(error)) => assert_eq!(error.column, "$1"),
        other => panic!("{other:?}"),
    }
    let sql = "SELECT n / (500 - n) FROM generate_series(1, 1000::int8) AS n";
    let cursor = session.open_cursor(sql, &[]).await.expect("open");
    assert_eq!(
        part(&mut session, cursor, 499).await.map(|rows| rows.len()),
        Some(499)
    );
    match session.fetch(cursor, 1).await {
        Err(Error::Database(error)) => assert_eq!(error.sqlstate, "22012"),
        other => panic!("{other:?}"),
    }
    for _ in 0..2 {
        let closed = session.fetch(cursor, 1).await;
        assert!(
            matches!(&closed, Err(Error::Closed(how)) if how.contains("division")),
            "{closed:?}"
        );
    }
    let client = database.client().await;
    nothing_is_open(&client).await;

    let cursor = session
        .open_cursor(SERIES, &[Value::Int64(9)])
        .await
        .expect("open");
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()";
    client.query(end, &[]).await.expect("ended");
    assert!(matches!(
        session.fetch(cursor, 9).await,
        Err(Error::Retry(_))
    ));
    assert!(matches!(
        session.fetch(cursor, 9).await,
        Err(Error::Closed(_))
    ));
}

#[tokio::test]
async fn a_million_rows_pass_in_flat_memory() {
    let database = tests::database().await;
    let mut session = session(&database.connect().await);
    let sql = "SELECT n, repeat('x', 90) FROM generate_series(1, 1000000::int8) AS n";
    let cursor = session.open_cursor(sql, &[]).await.expect("open");
    let (mut sum, mut parts) = (0, 0);
    while let Some(rows) = part(&mut session, cursor, 2_000).await {
        sum += rows.iter().sum::<i64>();
        parts += 1;
    }
    assert_eq!(sum, 500_000_500_000);
    assert!(parts <= 501, "{parts}");
    let statistics = session.statistics();
    assert!(
        statistics.bytes_received > 100_000_000 && statistics.rows_read == 1_000_000,
        "{statistics:?}"
    );
    let used = session.limits();
    let largest = used
        .iter()
        .find(|limit| limit.name == "result-bytes")
        .expect("it is told");
    assert!(largest.used < 300_000, "{largest:?}");
}

#[tokio::test]
async fn a_guest_sums_a_million_rows_in_flat_memory() {
    let database = tests::database().await;
    let finished = tests::run(&example("sums_rows"), &database.url())
        .run()
        .await;
    let answer = finished.expect(0, &[]).json();
    assert_eq!(
        (&answer["rows"], &answer["sum"]),
        (&json!(1_000_000), &json!(500_000_500_000_i64))
    );
    let largest = answer["largest-part-bytes"].as_u64().expect("it is told");
    assert!(largest < 150_000, "{largest}");
}

#[tokio::test]
async fn a_guest_reads_cursors_in_both_forms_and_forgets_them() {
    let database = tests::database().await;
    let mut operations = Vec::new();
    for (format, cursor) in [("typed", 0), ("packed", 1)] {
        let series = "SELECT n, n::text AS t FROM generate_series(1, $1::int8) AS n";
        operations.push(json!({ "call": "set-result-format", "format": format }));
        operations.push(json!({ "call": "open-cursor", "text": series, "parameters": [3] }));
        operations.push(json!({ "call": "cursor-columns", "cursor": cursor }));
        operations.push(json!({ "call": "cursor-next", "cursor": cursor, "max-rows": 2 }));
        operations.push(
            json!({ "call": "execute", "text": "CREATE TABLE IF NOT EXISTS beside (a int8)" }),
        );
        operations.push(json!({ "call": "cursor-next", "cursor": cursor, "max-rows": 2 }));
        operations.push(json!({ "call": "cursor-next", "cursor": cursor, "max-rows": 2 }));
    }
    operations.push(json!({ "call": "drop-cursor", "cursor": 0 }));
    operations.push(json!({ "call": "open-cursor", "text": "DELETE FROM beside RETURNING a" }));
    operations.extend((0..9).map(|_| json!({ "call": "open-cursor", "text": "SELECT 1" })));
    let run = |operations: &[serde_json::Value]| {
        tests::run(&example("does_as_told"), &database.url())
            .arg("--input")
            .arg("-")
            .input(json!(operations).to_string())
            .run()
    };
    let answers = run(&operations).await.expect(0, &[]).json();
    for (place, shape) in [(0, "typed"), (7, "packed")] {
        let columns = json!([["n", "int8"], ["t", "text"]]);
        let rows = |rows: &[i64]| {
            let row = |n: &i64| json!([["int64", n], ["text", n.to_string()]]);
            let rows: Vec<_> = rows.iter().map(row).collect();
            json!({ "ok": { "shape": shape, "columns": columns, "rows": rows } })
        };
        assert_eq!(answers[place + 2], json!({ "ok": columns }));
        assert_eq!(answers[place + 3], rows(&[1, 2]));
        assert_eq!(answers[place + 5], rows(&[3]));
        assert_eq!(answers[place + 6], json!({ "ok": null }));
    }
    assert_eq!(answers[14], json!({ "ok": null }));
    assert_eq!(answers[15]["error"]["case"], "invalid");
    assert_eq!(answers[23]["ok"], 9, "the eighth that is open at once");
    let limit = json!({ "case": "limit", "name": "open-cursors", "used": 9, "maximum": 8 });
    assert_eq!(answers[24]["error"], limit);

    operations.truncate(4);
    operations.push(json!({ "call": "panic", "message": "with a cursor open" }));
    run(&operations).await.expect(5, &["with a cursor open"]);
    nothing_is_open(&database.client().await).await;
}
