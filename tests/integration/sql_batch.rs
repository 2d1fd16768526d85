//! Several statements at once: one round trip, all or none.

#![expect(
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "these are tests: what is not expected ends them, and lists of cases are long"
)]

use std::time::Duration;

use host::database::{
    ConnectOptions, Database, Error, ErrorKind, Limits, Session, SqlStatement, Value, Written,
};
use serde_json::json;
use tests::{Reply, TestDatabase, example, number, unique_name, wait_until};
use tokio::time::timeout;
use tokio_postgres::Client;

fn limited(database: &Database, limits: Limits) -> Session {
    database.session(tests::session_options(limits))
}

fn sql(text: &str, parameters: &[Value<'static>]) -> SqlStatement {
    SqlStatement {
        text: text.to_owned(),
        parameters: parameters.to_vec(),
    }
}

fn text(text: &'static str) -> Value<'static> {
    Value::Text(text.into())
}

/// A database with a table of accounts, and a plain client for it.
async fn accounts() -> (TestDatabase, Client) {
    let database = tests::database().await;
    let client = database.client().await;
    let table = "CREATE TABLE accounts (id int8 PRIMARY KEY, owner text NOT NULL UNIQUE, balance int8 DEFAULT 0)";
    client.simple_query(table).await.expect("a table");
    (database, client)
}

async fn owners(client: &Client) -> Vec<String> {
    let rows = client.query("SELECT owner FROM accounts ORDER BY id", &[]);
    let rows = rows.await.expect("rows");
    rows.iter().map(|row| row.get(0)).collect()
}

fn insert(id: i64, owner: &'static str) -> SqlStatement {
    let insert = "INSERT INTO accounts (id, owner) VALUES ($1, $2)";
    sql(insert, &[Value::Int64(id), text(owner)])
}

fn first(written: &Written) -> Value<'_> {
    let rows = written.rows.as_ref().expect("it gives rows");
    rows.value(0, 0).expect("a value")
}

#[tokio::test]
async fn a_batch_is_one_round_trip() {
    let (database, client) = accounts().await;
    let mut session = limited(&database.connect().await, Limits::default());
    let results = session
        .batch(&[
            insert(1, "ann"),
            sql(
                "INSERT INTO accounts VALUES ($1, $2) RETURNING id, balance",
                &[Value::Int64(2), text("bob")],
            ),
            sql(
                "UPDATE accounts SET balance = balance + $1",
                &[Value::Int64(5)],
            ),
            sql("DELETE FROM accounts WHERE id = 1;", &[]),
        ])
        .await
        .expect("done");
    assert_eq!(session.statistics().round_trips, 1);
    assert_eq!(
        results
            .iter()
            .map(|result| result.count)
            .collect::<Vec<_>>(),
        [1, 1, 2, 1]
    );
    assert_eq!(first(&results[1]), Value::Int64(2));
    assert!(results[0].rows.is_none() && results[2].rows.is_none());
    assert_eq!(number(&client, "SELECT balance FROM accounts").await, 5);

    // Nothing depends on the rows: they may come together with the commit.
    let reads = [sql("SELECT 1::int8", &[]), sql("VALUES ($1)", &[text("x")])];
    let results = session.batch(&reads).await.expect("read");
    assert_eq!(
        (first(&results[0]), first(&results[1])),
        (Value::Int64(1), text("x"))
    );
    assert_eq!(session.statistics().round_trips, 2);

    // Too many rows would have to undo the write.
    let both = [insert(3, "cy"), sql("SELECT count(*) FROM accounts", &[])];
    let results = session.batch(&both).await.expect("done");
    assert_eq!(first(&results[1]), Value::Int64(2));
    assert_eq!(session.statistics().round_trips, 4);

    assert!(session.batch(&[]).await.expect("nothing").is_empty());
    assert_eq!(session.statistics().round_trips, 4);
}

#[tokio::test]
async fn the_first_statement_that_fails_is_named_and_nothing_is_kept() {
    let (database, client) = accounts().await;
    let url = format!("{}&max_connections=1&min_connections=1", database.url());
    let options = ConnectOptions::from_url(&url).expect("a good URL");
    let connected = Database::connect(options, Limits::default())
        .await
        .expect("it connects");
    let mut session = limited(&connected, Limits::default());
    let pid = [sql("SELECT pg_backend_pid()::int8", &[])];
    let before = session.batch(&pid).await.expect("a number");
    for (failing, place, kind) in [
        (
            sql("INSERT INTO accounts VALUES (1, NULL)", &[]),
            1,
            ErrorKind::NotNullViolation,
        ),
        (
            sql("INSERT INTO nowhere VALUES (1)", &[]),
            1,
            ErrorKind::UndefinedTable,
        ),
        (
            sql("UPDATE accounts SET id = 1 / 0", &[]),
            1,
            ErrorKind::DataException,
        ),
        (sql("SELECT 1 / 0", &[]), 1, ErrorKind::DataException),
        (sql("INSERT INTO", &[]), 1, ErrorKind::SyntaxError),
    ] {
        let batch = [insert(1, "ann"), failing.clone(), insert(2, "bob")];
        let trips = session.statistics().round_trips;
        let error = match session.batch(&batch).await.expect_err("it fails") {
            Error::Database(error) => *error,
            error => panic!("{error:?}"),
        };
        assert_eq!(
            (error.statement_index, error.kind),
            (Some(place), kind),
            "{failing:?}"
        );
        let trips = session.statistics().round_trips - trips;
        assert!(trips <= 2, "{trips} for {failing:?}");
        assert_eq!(owners(&client).await, [""; 0], "{failing:?}");
    }
    let wrong = [
        insert(1, "ann"),
        sql("UPDATE accounts SET id = $1", &[text("one")]),
    ];
    let error = session.batch(&wrong).await.expect_err("no number");
    let Error::Conversion(error) = error else {
        panic!("{error:?}");
    };
    assert!(
        error.column == "$1" && error.message.contains("statement 1"),
        "{error:?}"
    );
    let after = session.batch(&pid).await.expect("a number");
    assert_eq!(
        first(&before[0]),
        first(&after[0]),
        "the connection goes on"
    );
    connected.close().await;
}

#[tokio::test]
async fn a_commit_that_fails_keeps_nothing() {
    let (database, client) = accounts().await;
    let table = "CREATE TABLE checked_late (a int8 UNIQUE DEFERRABLE INITIALLY DEFERRED)";
    client.simple_query(table).await.expect("a table");
    let mut session = limited(&database.connect().await, Limits::default());
    let twice = sql("INSERT INTO checked_late VALUES (1)", &[]);
    let error = session
        .batch(&[twice.clone(), insert(1, "ann"), twice])
        .await;
    match error.expect_err("the same twice") {
        Error::Database(error) => {
            let seen = (error.kind, error.statement_index);
            assert_eq!(seen, (ErrorKind::UniqueViolation, None));
        }
        error => panic!("{error:?}"),
    }
    assert_eq!(session.statistics().round_trips, 1);
    assert_eq!(owners(&client).await, [""; 0]);
}

#[tokio::test]
async fn a_batch_is_checked_before_any_of_it_is_sent() {
    let (database, client) = accounts().await;
    let limits = Limits {
        statements: 3,
        ..Limits::default()
    };
    let mut session = limited(&database.connect().await, limits);
    for (text, expected) in [
        (
            "COMMIT",
            "denied: statement 1 of the batch, counted from 0: COMMIT is not for SQL text",
        ),
        ("/**/;(RoLLback)", "denied: statement 1"),
        ("SET a = 1", "denied: statement 1"),
        ("CREATE TABLE t ()", "denied: statement 1"),
        ("TRUNCATE accounts", "denied: statement 1"),
        ("SELECT 1; COMMIT", "invalid request: statement 1"),
        ("SELECT $1::int8", "invalid request: statement 1"),
        ("", "invalid request: statement 1"),
        ("SELECT '", "invalid request: statement 1"),
    ] {
        let batch = [insert(1, "ann"), sql(text, &[]), insert(2, "bob")];
        let error = session.batch(&batch).await.expect_err(text).to_string();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
    let many = [
        insert(1, "a"),
        insert(2, "b"),
        insert(3, "c"),
        insert(4, "d"),
    ];
    assert!(
        matches!(session.batch(&many).await, Err(Error::Limit(limit)) if limit.name == "statements")
    );
    assert_eq!(session.statistics().round_trips, 0);
    assert_eq!(owners(&client).await, [""; 0]);
}

#[tokio::test]
async fn limits_are_for_all_results_together_and_undo_the_batch() {
    let (database, client) = accounts().await;
    let limits = Limits {
        result_rows: 10,
        result_bytes: 1_000,
        ..Limits::default()
    };
    let mut session = limited(&database.connect().await, limits);
    let six = sql("SELECT n FROM generate_series(1, 6) AS n", &[]);
    let long = sql("SELECT repeat('x', 600)", &[]);
    let huge = sql("SELECT 1e2000::numeric", &[]);
    for (rows, name) in [
        ([&six, &six], "result-rows"),
        ([&long, &long], "result-bytes"),
        ([&long, &huge], "result-bytes"),
    ] {
        let batch = [insert(1, "ann"), rows[0].clone(), rows[1].clone()];
        for batch in [&batch[..], &batch[1..]] {
            let over = session.batch(batch).await;
            assert!(
                matches!(&over, Err(Error::Limit(limit)) if limit.name == name),
                "{over:?}"
            );
        }
        wait_until("it to be undone", || async {
            let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'";
            number(&client, sql).await == 0
        })
        .await;
        assert_eq!(owners(&client).await, [""; 0]);
    }
    session
        .batch(&[insert(1, "ann"), six])
        .await
        .expect("few enough");
    assert_eq!(owners(&client).await, ["ann"]);
}

async fn end_what_sleeps(client: &Client, mark: &str) {
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'";
    wait_until("the statement to run", || async {
        let row = client.query_one(sleeping, &[&mark]).await.expect("a count");
        row.get::<_, i64>(0) == 1
    })
    .await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'";
    client.query(end, &[&mark]).await.expect("ended");
}

#[tokio::test]
async fn a_server_that_goes_away_before_the_commit_costs_nothing() {
    let (database, client) = accounts().await;
    client
        .simple_query("CREATE SEQUENCE attempts")
        .await
        .expect("a sequence");
    let mut session = limited(&database.connect().await, Limits::default());
    let sleep = "pg_sleep(CASE nextval('attempts') % 2 WHEN 1 THEN 30 ELSE 0 END)::text";
    // COMMIT waits for the rows of the first, and is on its way behind the second.
    for (id, statement) in [
        (1, "SELECT"),
        (2, "UPDATE accounts SET owner = owner || left"),
    ] {
        let mark = unique_name("gone");
        let sleeping = match id {
            1 => format!("{statement} {sleep} AS {mark}"),
            _ => format!("{statement}((SELECT {sleep} || '{mark}'), 0)"),
        };
        let owner = if id == 1 { "ann" } else { "bob" };
        let batch = [insert(id, owner), sql(&sleeping, &[])];
        let (done, ()) = tokio::join!(session.batch(&batch), end_what_sleeps(&client, &mark));
        assert_eq!(done.expect("it is done again").len(), 2);
    }
    assert_eq!(owners(&client).await, ["ann", "bob"]);
}

#[tokio::test]
async fn what_became_of_a_batch_is_never_guessed() {
    use Reply::{Cut, Done, Refused};
    let (begin, insert, commit) = (
        Done("BEGIN", b'T'),
        Done("INSERT 0 1", b'T'),
        Done("COMMIT", b'I'),
    );
    let alone = Done("INSERT 0 1", b'I');
    for (replies, expected) in [
        (
            vec![
                begin.clone(),
                insert.clone(),
                insert.clone(),
                commit.clone(),
            ],
            "done",
        ),
        // Cut after everything had been sent.
        (
            vec![begin.clone(), insert.clone(), insert.clone(), Cut],
            "ambiguous",
        ),
        (vec![begin.clone(), insert.clone(), Cut], "ambiguous"),
        (vec![begin.clone(), Cut], "ambiguous"),
        (vec![Cut], "ambiguous"),
        // The transaction had failed before: there was nothing to commit.
        (
            vec![begin.clone(), Refused("23505", b'E'), Cut],
            "database 23505 Some(0)",
        ),
        (
            vec![
                begin.clone(),
                insert.clone(),
                Refused("23505", b'E'),
                Refused("25P02", b'E'),
            ],
            "database 23505 Some(1)",
        ),
        // COMMIT itself.
        (
            vec![
                begin.clone(),
                insert.clone(),
                insert.clone(),
                Done("ROLLBACK", b'I'),
            ],
            "database 25P02 None",
        ),
        (
            vec![
                begin.clone(),
                insert.clone(),
                insert.clone(),
                Refused("23505", b'I'),
            ],
            "database 23505 None",
        ),
        (
            vec![
                begin.clone(),
                insert.clone(),
                insert.clone(),
                Refused("40003", b'I'),
            ],
            "ambiguous",
        ),
        (
            vec![
                begin.clone(),
                insert.clone(),
                insert.clone(),
                insert.clone(),
            ],
            "ambiguous",
        ),
        // BEGIN failed, and what followed was alone, or was refused as well.
        (
            vec![
                Refused("57014", b'I'),
                alone.clone(),
                alone.clone(),
                commit.clone(),
            ],
            "ambiguous",
        ),
        (
            vec![
                Refused("57014", b'I'),
                Refused("23505", b'I'),
                alone.clone(),
                commit.clone(),
            ],
            "ambiguous",
        ),
        (
            vec![
                Refused("53200", b'I'),
                Refused("23505", b'I'),
                Refused("23505", b'I'),
                commit.clone(),
            ],
            "database 53200 None",
        ),
        // A statement that ended the transaction.
        (
            vec![begin.clone(), commit.clone(), alone.clone(), commit.clone()],
            "denied",
        ),
    ] {
        let port = tests::scripted_server(replies.clone()).await;
        let url = format!("postgresql://127.0.0.1:{port}/d?min_connections=0&acquire_timeout=1");
        let options = ConnectOptions::from_url(&url).expect("a good URL");
        let database = Database::connect(options, Limits::default())
            .await
            .expect("it connects");
        let mut session = limited(&database, Limits::default());
        let one = sql("INSERT INTO t VALUES (1)", &[]);
        let seen = match session.batch(&[one.clone(), one]).await {
            Ok(_) => "done".to_owned(),
            Err(Error::AmbiguousCommit(_)) => "ambiguous".to_owned(),
            Err(Error::Denied(_)) => "denied".to_owned(),
            Err(Error::Database(error)) => {
                format!("database {} {:?}", error.sqlstate, error.statement_index)
            }
            Err(error) => panic!("{replies:?}: {error:?}"),
        };
        assert_eq!(seen, expected, "{replies:?}");
        database.close().await;
    }
}

#[tokio::test]
async fn a_batch_that_takes_too_long_is_cancelled_and_undone() {
    let (database, client) = accounts().await;
    let mut session = limited(&database.connect().await, Limits::default());
    session.set_statement_timeout(Duration::from_millis(300));
    for sleeping in [
        "SELECT pg_sleep(30)",
        "UPDATE accounts SET owner = pg_sleep(30)::text",
    ] {
        let done = session.batch(&[insert(1, "ann"), sql(sleeping, &[])]).await;
        assert!(matches!(done, Err(Error::Timeout(_))), "{done:?}");
        assert_eq!(owners(&client).await, [""; 0]);
    }
    session.set_statement_timeout(Duration::ZERO);
    session
        .batch(&[insert(1, "ann")])
        .await
        .expect("it goes on");
}

#[tokio::test]
async fn a_batch_dropped_at_any_moment_is_kept_whole_or_not_at_all() {
    let (database, client) = accounts().await;
    let connected = database.connect().await;
    for step in 0..60_i64 {
        let mut session = limited(&connected, Limits::default());
        let owner = |place: i64| Value::Text(format!("{step} {place}").into());
        let one = |place| {
            let insert = "INSERT INTO accounts (id, owner) VALUES ($1, $2)";
            sql(insert, &[Value::Int64(step * 2 + place), owner(place)])
        };
        let moment = Duration::from_micros(u64::try_from(step).expect("small") * 60);
        // Whether it is dropped or done does not matter here.
        drop(timeout(moment, session.batch(&[one(0), one(1)])).await);
        session.close().await;
    }
    connected.close().await;
    let torn = "SELECT count(*) FROM (SELECT id / 2 FROM accounts GROUP BY id / 2 HAVING count(*) <> 2) AS torn";
    assert_eq!(number(&client, torn).await, 0);
}

#[tokio::test]
async fn batches_that_race_lose_nothing() {
    let (database, client) = accounts().await;
    client
        .simple_query("INSERT INTO accounts VALUES (1, 'ann'), (2, 'bob')")
        .await
        .expect("rows");
    let connected = database.connect().await;
    let racing = (0..4).map(|_| {
        let mut session = limited(&connected, Limits::default());
        tokio::spawn(async move {
            let mut done = 0;
            for _ in 0..25 {
                let batch = [
                    sql(
                        "UPDATE accounts SET balance = balance - 1 WHERE id = 1",
                        &[],
                    ),
                    sql(
                        "UPDATE accounts SET balance = balance + 1 WHERE id = 2",
                        &[],
                    ),
                ];
                match session.batch(&batch).await {
                    Ok(_) => done += 1,
                    Err(Error::Retry(_)) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
            done
        })
    });
    let mut done = 0;
    for racer in racing.collect::<Vec<_>>() {
        done += racer.await.expect("raced");
    }
    let balances = "SELECT balance FROM accounts ORDER BY id";
    let balances: Vec<i64> = client
        .query(balances, &[])
        .await
        .expect("rows")
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(balances, [-done, done]);
    assert!(done > 0);
}

#[tokio::test]
async fn a_guest_sends_a_batch_in_both_forms() {
    let (database, client) = accounts().await;
    let mut operations = Vec::new();
    for (format, id) in [("typed", 1), ("packed", 3)] {
        operations.push(json!({ "call": "set-result-format", "format": format }));
        operations.push(json!({ "call": "batch", "statements": [
            { "text": "INSERT INTO accounts VALUES ($1, $2) RETURNING owner", "parameters": [id, format] },
            { "text": "UPDATE accounts SET balance = 1" },
        ]}));
        operations.push(json!({ "call": "batch", "statements": [
            { "text": "INSERT INTO accounts VALUES ($1, 'lost')", "parameters": [id + 1] },
            { "text": "INSERT INTO accounts VALUES ($1, 'twice')", "parameters": [id] },
        ]}));
        operations.push(json!({ "call": "batch", "statements": [] }));
    }
    let finished = tests::run(&example("does_as_told"), &database.url())
        .arg("--input")
        .arg("-")
        .input(json!(operations).to_string())
        .run()
        .await;
    let answers = finished.expect(0, &[]).json();
    for (place, format, updated) in [(0, "typed", 1), (4, "packed", 2)] {
        let rows = json!({ "shape": format, "columns": [["owner", "text"]], "rows": [[["text", format]]] });
        let expected = json!([{ "count": 1, "rows": rows }, { "count": updated, "rows": null }]);
        assert_eq!(answers[place + 1], json!({ "ok": expected }));
        let error = &answers[place + 2]["error"];
        assert_eq!(
            (&error["kind"], &error["statement-index"]),
            (&json!("unique-violation"), &json!(1))
        );
        assert_eq!(answers[place + 3], json!({ "ok": [] }));
    }
    assert_eq!(owners(&client).await, ["typed", "packed"]);
}
