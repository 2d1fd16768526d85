//! SQL text of guests: read as the server reads it, refused where it is not for a guest, and without a trace for others.

#![expect(
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "these are tests: what is not expected ends them"
)]

use host::database::{ConnectOptions, Database, Error, LimitExceeded, Limits, Session, Value};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::json;
use tests::{Reply, TestDatabase, example};
use tokio_postgres::Client;

fn limited(database: &Database, limits: Limits) -> Session {
    database.session(tests::session_options(limits))
}

async fn single_connection(database: &TestDatabase) -> Database {
    let url = format!("{}&max_connections=1&min_connections=1", database.url());
    let options = ConnectOptions::from_url(&url).expect("a good URL");
    let connected = Database::connect(options, Limits::default()).await;
    connected.expect("it connects")
}

async fn scalar(session: &mut Session, sql: &str) -> String {
    let rows = session.query(sql, &[]).await;
    let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
    match rows.value(0, 0).expect("a value") {
        Value::Text(text) => text.into_owned(),
        other => panic!("{other:?}"),
    }
}

/// How a text was read.
#[derive(Debug, PartialEq)]
enum Read {
    /// One statement with so many parameters.
    One(usize),
    /// A statement without anything in it, or none.
    Nothing,
    Several,
    /// It cannot be read, or not be run, for another reason.
    Otherwise(String),
}

/// How the host reads it, which it tells when it is given more parameters than any text here names.
async fn by_host(session: &mut Session, text: &str) -> Read {
    let parameters = vec![Value::Null; 40];
    match session.execute(text, &parameters).await {
        Err(Error::Invalid(message)) => {
            let named = message.strip_prefix("the text names ");
            let number = named.and_then(|rest| rest.split(' ').next()?.parse().ok());
            match number {
                Some(number) => Read::One(number),
                None if message.contains("more than one") => Read::Several,
                None if message.contains("no statement") => Read::Nothing,
                None => Read::Otherwise(message),
            }
        }
        other => Read::Otherwise(format!("{other:?}")),
    }
}

async fn by_server(client: &Client, text: &str) -> Read {
    match client.prepare(text).await {
        Ok(statement) if statement.columns().is_empty() => Read::Nothing,
        Ok(statement) => Read::One(statement.params().len()),
        Err(error) => {
            let error = error.as_db_error().expect("the server says so");
            if error.message().contains("multiple commands") {
                Read::Several
            } else {
                Read::Otherwise(error.message().to_owned())
            }
        }
    }
}

/// What is hard to read, inside strings, names and comments and outside.
fn crumbs() -> impl Strategy<Value = String> {
    let crumb = prop::sample::select(vec![
        "a", "E", "e", "U&", "x", "'", "\"", "\\", "\\\\", "$", "$$", "$1", "$2", "$a$", "--",
        "/*", "*/", ";", "\n", "\r", " ", "é",
    ]);
    prop::collection::vec(crumb, 0..6).prop_map(|crumbs| crumbs.concat())
}

/// A constant, a name or a parameter as an expression.
fn expression() -> impl Strategy<Value = String> {
    let doubled = |text: &str| text.replace('\'', "''");
    prop_oneof![
        crumbs().prop_map(move |text| format!("'{}'", doubled(&text))),
        crumbs().prop_map(move |text| format!("N'{}'", doubled(&text))),
        crumbs().prop_map(move |text| format!("E'{}'", doubled(&text).replace('\\', "\\\\"))),
        crumbs().prop_map(|text| format!("e'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))),
        (crumbs(), crumbs()).prop_map(move |(one, other)| {
            let escaped = |text: &str| doubled(text).replace('\\', "\\\\");
            format!("E'{}' \n '{}'", escaped(&one), escaped(&other))
        }),
        crumbs().prop_map(move |text| format!("U&'{}'", doubled(&text).replace('\\', "\\\\"))),
        crumbs().prop_map(|text| format!("$q${}$q$", text.replace('$', ""))),
        crumbs().prop_map(|text| format!("$${}$$", text.replace('$', ""))),
        crumbs().prop_map(|text| format!("1 AS \"n{}\"", text.replace('"', "\"\""))),
        Just("X'1F'".to_owned()),
        Just("b'01'".to_owned()),
        Just("1.5e-3".to_owned()),
        Just("1 AS a$1$".to_owned()),
        Just("- -1".to_owned()),
        (1..4).prop_map(|number| format!("${number}::text")),
    ]
}

/// What may stand between tokens.
fn gap() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(" ".to_owned()),
        Just("\t\r\n".to_owned()),
        crumbs().prop_map(|text| format!("--{}\n", text.replace(['\n', '\r'], ""))),
        crumbs().prop_map(|text| format!("/*{}*/", text.replace(['/', '*'], ""))),
        crumbs().prop_map(|text| format!("/* /*{}*/ */", text.replace(['/', '*'], ""))),
    ]
}

fn statement() -> impl Strategy<Value = String> {
    let items = prop::collection::vec((gap(), expression(), gap()), 1..5);
    items.prop_map(|items| {
        let items: Vec<String> = items
            .into_iter()
            .map(|(before, expression, after)| format!("{before}{expression}{after}"))
            .collect();
        format!("SELECT {}", items.join(","))
    })
}

fn text() -> impl Strategy<Value = String> {
    let tail = prop::sample::select(vec![
        "",
        "",
        ";",
        " ; ; -- x",
        "; SELECT 1",
        ";/**/VALUES ($1)",
    ]);
    let whole =
        (gap(), statement(), tail).prop_map(|(gap, text, tail)| format!("{gap}{text}{tail}"));
    // As it is, with something put in, or with something taken out.
    (whole, crumbs(), 0..3, any::<prop::sample::Index>()).prop_map(
        |(text, crumb, change, place)| {
            let mut characters: Vec<char> = text.chars().collect();
            let place = place.index(characters.len());
            match change {
                0 => {}
                1 => drop(characters.splice(place..place, crumb.chars())),
                _ => drop(characters.remove(place)),
            }
            characters.into_iter().collect()
        },
    )
}

#[tokio::test]
async fn texts_are_read_as_the_server_reads_them() {
    let database = tests::database().await;
    let client = database.client().await;
    let mut session = limited(&database.connect().await, Limits::default());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (mut one, mut several, mut otherwise) = (0, 0, 0);
    for _ in 0..4_000 {
        let text = text().new_tree(&mut runner).expect("generated").current();
        let (host, server) = (
            by_host(&mut session, &text).await,
            by_server(&client, &text).await,
        );
        match &server {
            Read::One(_) | Read::Nothing => one += 1,
            Read::Several => several += 1,
            Read::Otherwise(_) => otherwise += 1,
        }
        // `SELECT` alone is a statement of no columns.
        let is_alike = host == server || (server == Read::Nothing && host == Read::One(0));
        let is_told = !matches!(server, Read::Otherwise(_));
        assert!(is_alike || !is_told, "{text:?}: {host:?}, {server:?}");
    }
    assert_eq!(session.statistics().statements, 0, "nothing was sent");
    assert!(
        one > 1_000 && several > 300,
        "{one} {several} {otherwise}: the texts prove nothing"
    );
}

#[tokio::test]
async fn the_length_of_a_text_is_checked_before_it_is_read() {
    let database = tests::database().await;
    let mut session = limited(&database.connect().await, Limits::default());
    let long = format!("COMMIT '\0 {}", "(".repeat(64 << 10));
    let expected = LimitExceeded {
        name: "sql-text-bytes",
        used: long.len() as u64,
        maximum: 64 << 10,
    };
    assert_eq!(
        session.execute(&long, &[]).await,
        Err(Error::Limit(expected))
    );
    let deep = format!("SELECT {}1", "/*".repeat(30_000));
    assert!(matches!(
        session.execute(&deep, &[]).await,
        Err(Error::Invalid(_))
    ));
    assert_eq!(session.statistics().statements, 0);
}

#[tokio::test]
async fn a_setting_by_which_texts_are_read_is_not_changed() {
    let database = tests::database().await;
    let connected = single_connection(&database).await;
    let mut session = limited(&connected, Limits::default());
    for (setting, value) in [
        ("standard_conforming_strings", "off"),
        ("client_encoding", "LATIN1"),
    ] {
        let sql = format!("SELECT set_config('{setting}', '{value}', false)");
        for _ in 0..2 {
            let set = session.query(&sql, &[]).await;
            assert!(
                matches!(&set, Err(Error::Denied(reason)) if reason.contains(setting)),
                "{set:?}"
            );
            let shown = scalar(&mut session, &format!("SHOW {setting}")).await;
            assert_ne!(shown, value);
        }
    }
    connected.close().await;
}

#[tokio::test]
async fn nothing_that_a_function_leaves_behind_reaches_another_session() {
    let database = tests::database().await;
    let connected = single_connection(&database).await;
    let mut first = limited(&connected, Limits::default());
    let function = "CREATE FUNCTION leave() RETURNS text LANGUAGE plpgsql AS $$ BEGIN
        EXECUTE 'LISTEN gossip'; EXECUTE 'PREPARE theirs AS SELECT 1'; EXECUTE 'DECLARE held CURSOR WITH HOLD FOR SELECT 1';
        EXECUTE 'SET search_path = nowhere'; EXECUTE 'SET ROLE pg_monitor'; EXECUTE 'SET my.own = ''secret''';
        PERFORM pg_advisory_lock(7); EXECUTE 'CREATE TEMP TABLE left_over ()';
        RETURN 'done'; END $$";
    first.execute(function, &[]).await.expect("made");
    assert_eq!(scalar(&mut first, "SELECT public.leave()").await, "done");
    let backend = scalar(&mut first, "SELECT pg_backend_pid()::text").await;
    let left = [
        "(SELECT count(*) FROM pg_catalog.pg_listening_channels())",
        "(SELECT count(*) FROM pg_catalog.pg_prepared_statements WHERE name = 'theirs')",
        "(SELECT count(*) FROM pg_catalog.pg_cursors WHERE name = 'held')",
        "(SELECT count(*) FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())",
        "(current_setting('search_path') = 'nowhere')::int",
        "(current_user = 'pg_monitor')::int",
        "(coalesce(current_setting('my.own', true), '') = 'secret')::int",
        "(to_regclass('pg_temp.left_over') IS NOT NULL)::int",
    ];
    let sql = format!("SELECT array_to_string(ARRAY[{}], ',')", left.join(", "));
    let mut probe = limited(&connected, Limits::default());
    let seen = scalar(&mut first, &sql).await;
    assert_eq!(seen, "1,1,1,1,1,1,1,1", "the function left nothing behind");
    assert_eq!(scalar(&mut probe, &sql).await, "0,0,0,0,0,0,0,0");
    let same = scalar(&mut probe, "SELECT pg_backend_pid()::text").await;
    assert_eq!(same, backend, "it was reset, not replaced");
    connected.close().await;
}

#[tokio::test]
async fn a_write_over_the_limit_is_undone_whatever_it_looks_like() {
    let database = tests::database().await;
    let client = database.client().await;
    let rows = "CREATE TABLE t AS SELECT n FROM generate_series(1, 9) AS n";
    client.simple_query(rows).await.expect("rows");
    let limits = Limits {
        result_rows: 1,
        ..Limits::default()
    };
    let mut session = limited(&database.connect().await, limits);
    for sql in [
        "EXPLAIN ANALYZE DELETE FROM t",
        "EXPLAIN (ANALYZE, FORMAT TEXT) UPDATE t SET n = 0",
        "WITH d AS (DELETE FROM t) SELECT n FROM t",
        "WITH d AS (DELETE FROM t RETURNING n) TABLE d",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 2) SEARCH DEPTH FIRST BY n SET o \
         DELETE FROM t RETURNING n",
    ] {
        let over = session.query(sql, &[]).await;
        assert!(
            matches!(&over, Err(Error::Limit(limit)) if limit.name == "result-rows"),
            "{sql}: {over:?}"
        );
    }
    let count = "SELECT count(*)::text FROM t WHERE n > 0";
    assert_eq!(scalar(&mut session, count).await, "9");
    assert_eq!(session.execute("EXPLAIN DELETE FROM t", &[]).await, Ok(0));
    assert_eq!(scalar(&mut session, count).await, "9");
}

#[tokio::test]
async fn a_statement_that_touched_the_transaction_is_denied_and_its_connection_closed() {
    for (tag, status, is_sound) in [
        ("SELECT 0", b'I', true),
        ("SELECT 0", b'T', false),
        ("SELECT 0", b'E', false),
        ("COMMIT", b'I', false),
        ("ROLLBACK", b'I', false),
        ("BEGIN", b'T', false),
    ] {
        let port = tests::scripted_server(vec![Reply::tag(tag, status)]).await;
        let url = format!("postgresql://127.0.0.1:{port}/d?min_connections=0");
        let options = ConnectOptions::from_url(&url).expect("a good URL");
        let database = Database::connect(options, Limits::default())
            .await
            .expect("it connects");
        let mut session = limited(&database, Limits::default());
        let answer = session.execute("SELECT 1", &[]).await;
        if is_sound {
            assert_eq!(answer, Ok(0));
            assert_eq!(database.open_connections(), 1);
        } else {
            assert!(matches!(answer, Err(Error::Denied(_))), "{tag}: {answer:?}");
            tests::wait_until("the connection to be closed", || async {
                database.open_connections() == 0
            })
            .await;
        }
        database.close().await;
    }
}

#[tokio::test]
async fn a_guest_is_told_what_its_text_may_not_do() {
    let database = tests::database().await;
    let mut operations = Vec::new();
    for format in ["typed", "packed"] {
        operations.push(json!({ "call": "set-result-format", "format": format }));
        for text in [
            "/**/ ; COMMIT",
            "SET a = 1",
            "SELECT 1; SELECT 2",
            "SELEKT",
            "SHOW server_encoding",
            "EXPLAIN SELECT 1",
        ] {
            operations.push(json!({ "call": "query", "text": text }));
        }
    }
    let finished = tests::run(&example("does_as_told"), &database.url())
        .arg("--input")
        .arg("-")
        .input(json!(operations).to_string())
        .run()
        .await;
    let answers = finished.expect(0, &[]).json();
    for (place, shape) in [(1, "typed"), (8, "packed")] {
        assert_eq!(answers[place]["error"]["case"], "denied");
        assert_eq!(answers[place + 1]["error"]["case"], "denied");
        assert_eq!(answers[place + 2]["error"]["case"], "invalid");
        assert_eq!(answers[place + 3]["error"]["kind"], "syntax-error");
        let shown = json!({ "shape": shape, "columns": [["server_encoding", "text"]], "rows": [[["text", "UTF8"]]] });
        assert_eq!(answers[place + 4]["ok"], shown);
        assert_eq!(answers[place + 5]["ok"]["columns"][0][0], "QUERY PLAN");
    }
}
