//! What the host keeps prepared: it costs less, means the same, and heals when the server or the tables have changed.

#![expect(
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "these are tests: what is not expected ends them"
)]

use host::database::{
    Assignment, Change, ColumnDefinition, Condition, DataType, Database, Error, ErrorKind, Field,
    LimitExceeded, Limits, Operator, Returning, Rows, Selection, Session, TableDefinition, Target,
    Value,
};
use tests::{
    TestDatabase,
    fault::{Answer, FakeServer, Product, Relation, error, ready, serve},
};

fn session(database: &Database, limits: Limits) -> Session {
    database.session(tests::session_options(limits))
}

/// One connection, with a table.
async fn with_table(limits: Limits) -> (TestDatabase, Database, Session) {
    let test = tests::database().await;
    let client = test.client().await;
    let table = "CREATE TYPE mood AS ENUM ('sad', 'ok');
        CREATE TABLE t (id int8 PRIMARY KEY, small int4, share float8, mood mood);
        INSERT INTO t SELECT i, i, i, 'ok' FROM generate_series(1, 9) AS i";
    client.simple_query(table).await.expect("made");
    let database = one_connection(&test, limits).await;
    let session = session(&database, limits);
    (test, database, session)
}

async fn one_connection(test: &TestDatabase, limits: Limits) -> Database {
    let url = format!("{}&min_connections=1&max_connections=1", test.url());
    connect(&url, limits).await
}

async fn connect(url: &str, limits: Limits) -> Database {
    let options = host::database::ConnectOptions::from_url(url).expect("a good URL");
    Database::connect(options, limits)
        .await
        .expect("it connects")
}

fn by_id(id: i64) -> Selection {
    Selection {
        filter: vec![Condition {
            column: "id".to_owned(),
            operator: Operator::Eq,
            values: vec![Value::Int64(id)],
            group: None,
        }],
        ..Selection::default()
    }
}

fn fields(values: &[(&str, Value<'static>)]) -> Vec<Field> {
    let field = |(column, value): &(&str, Value<'static>)| Field {
        column: (*column).to_owned(),
        value: value.clone(),
    };
    values.iter().map(field).collect()
}

async fn insert(session: &mut Session, values: &[(&str, Value<'static>)]) -> Result<u64, Error> {
    let written = session
        .insert("t", &fields(values), &Returning::Nothing)
        .await;
    written.map(|written| written.count)
}

fn only(rows: &Rows) -> Value<'_> {
    rows.value(0, 0).expect("sound")
}

/// How many statements are prepared on the connection whose text holds this.
async fn prepared(session: &mut Session, part: &str) -> i64 {
    let text = format!(
        "SELECT count(*) FROM pg_prepared_statements WHERE strpos(statement, '{part}') > 0"
    );
    let rows = session.query(&text, &[]).await.expect("a count");
    match only(&rows) {
        Value::Int64(count) => count,
        other => panic!("{other:?}"),
    }
}

/// Selects until that is prepared.
async fn warm(session: &mut Session) {
    for _ in 0..100 {
        for _ in 0..3 {
            session.select("t", &by_id(1)).await.expect("read");
        }
        if prepared(session, "FROM \"t\" WHERE").await > 0 {
            return;
        }
    }
    panic!("it is never prepared");
}

#[tokio::test]
async fn every_use_of_a_statement_is_one_round_trip() {
    let (_test, database, mut session) = with_table(Limits::default()).await;
    // The names of the types are learnt once.
    session
        .select("t", &Selection::default())
        .await
        .expect("read");
    let before = session.statistics().round_trips;
    for id in 1..=9 {
        let rows = session.select("t", &by_id(id)).await.expect("read");
        assert_eq!(only(&rows), Value::Int64(id));
        let names: Vec<_> = rows
            .columns()
            .iter()
            .map(|column| column.type_name.as_str())
            .collect();
        assert_eq!(
            names,
            ["int8", "int4", "float8", "mood"],
            "by the true types"
        );
        let mood = rows.value(0, 3).expect("sound");
        assert!(
            matches!(&mood, Value::Other(other) if other.text.as_deref() == Some("ok")),
            "{mood:?}"
        );
    }
    for id in 10..20 {
        assert_eq!(
            insert(&mut session, &[("id", Value::Int64(id))]).await,
            Ok(1)
        );
    }
    let nothing = session.select("t", &by_id(77)).await.expect("read");
    assert_eq!((nothing.len(), nothing.columns().len()), (0, 4));
    assert_eq!(session.statistics().round_trips - before, 20);
    warm(&mut session).await;
    database.close().await;
}

#[tokio::test]
async fn a_connection_keeps_so_many_statements_and_no_more() {
    let limits = Limits {
        prepared_statements: 3,
        ..Limits::default()
    };
    let (_test, database, mut session) = with_table(limits).await;
    let columns = ["id", "small", "share", "mood"];
    let before = session.statistics().round_trips;
    let mut uses = 0;
    for first in columns {
        for second in columns {
            for _ in 0..3 {
                let selection = Selection {
                    columns: vec![first.to_owned(), second.to_owned()],
                    ..by_id(1)
                };
                session.select("t", &selection).await.expect("read");
                uses += 1;
            }
        }
    }
    let trips = session.statistics().round_trips - before;
    // The name of the enumeration is looked up once, on a connection of its own, which is this one.
    assert!(trips <= uses + 1, "{trips} round trips for {uses} uses");
    warm(&mut session).await;
    let kept = prepared(&mut session, "FROM \"t\"").await;
    assert!((1..=3).contains(&kept), "{kept}");
    database.close().await;
}

#[tokio::test]
async fn nothing_is_prepared_where_the_limit_is_zero() {
    let limits = Limits {
        prepared_statements: 0,
        ..Limits::default()
    };
    let (_test, database, mut session) = with_table(limits).await;
    for _ in 0..5 {
        session.select("t", &by_id(1)).await.expect("read");
    }
    assert_eq!(prepared(&mut session, "").await, 0);
    database.close().await;
}

#[tokio::test]
async fn neither_sql_text_nor_definitions_are_prepared() {
    let (_test, database, mut session) = with_table(Limits::default()).await;
    let definition = TableDefinition {
        columns: vec![ColumnDefinition {
            name: "a".to_owned(),
            data_type: DataType::Int64,
            is_array: false,
            not_null: false,
            default: None,
        }],
        ..TableDefinition::default()
    };
    for _ in 0..4 {
        session.query("SELECT 'mine'", &[]).await.expect("read");
        let made = session.create_table("made", &definition, true).await;
        made.expect("made");
    }
    assert_eq!(prepared(&mut session, "mine").await, 0);
    assert_eq!(prepared(&mut session, "made").await, 0);
    database.close().await;
}

#[tokio::test]
async fn a_table_that_changes_is_read_and_written_as_it_is() {
    let (test, database, mut session) = with_table(Limits::default()).await;
    let client = test.client().await;
    for (change, columns) in [
        ("ALTER TABLE t ADD COLUMN more text DEFAULT 'x'", 5),
        ("ALTER TABLE t RENAME COLUMN more TO most", 5),
        ("ALTER TABLE t ALTER COLUMN most TYPE varchar(9)", 5),
        ("ALTER TABLE t DROP COLUMN most", 4),
        ("ALTER TABLE t ALTER COLUMN mood TYPE text", 4),
    ] {
        warm(&mut session).await;
        client.simple_query(change).await.expect("changed");
        let rows = session.select("t", &by_id(1)).await.expect(change);
        assert_eq!(rows.columns().len(), columns, "{change}");
    }
    // What was too large for a column, and no number, is so no more.
    for id in 100..104 {
        let values = [("id", Value::Int64(id)), ("small", Value::Int64(1))];
        assert_eq!(insert(&mut session, &values).await, Ok(1));
    }
    for (change, value) in [
        (
            "ALTER TABLE t ALTER COLUMN small TYPE int8",
            Value::Int64(5_000_000_000),
        ),
        (
            "ALTER TABLE t ALTER COLUMN small TYPE text",
            Value::Text("seven".into()),
        ),
    ] {
        client.simple_query(change).await.expect("changed");
        let values = [("id", Value::Int64(200)), ("small", value.clone())];
        assert_eq!(insert(&mut session, &values).await, Ok(1), "{change}");
        let target = Target::Matching(by_id(200).filter);
        let small = Returning::Columns(vec!["small".to_owned()]);
        let deleted = session.delete("t", &target, &small);
        let rows = deleted.await.expect("deleted").rows.expect("asked for");
        assert_eq!(only(&rows), value);
    }
    database.close().await;
}

#[tokio::test]
async fn no_digit_is_lost_when_a_session_changes_the_type_of_a_column() {
    let (_test, database, mut session) = with_table(Limits::default()).await;
    let exact = Value::Decimal("0.1234567890123456789".into());
    for id in 10..14 {
        let values = [("id", Value::Int64(id)), ("share", Value::Float64(0.5))];
        assert_eq!(insert(&mut session, &values).await, Ok(1));
    }
    let change = "ALTER TABLE t ALTER COLUMN share TYPE numeric";
    session.execute(change, &[]).await.expect("changed");
    let values = [("id", Value::Int64(20)), ("share", exact.clone())];
    assert_eq!(insert(&mut session, &values).await, Ok(1));
    let selection = Selection {
        columns: vec!["share".to_owned()],
        ..by_id(20)
    };
    let rows = session.select("t", &selection).await.expect("read");
    assert_eq!(only(&rows), exact);
    database.close().await;
}

#[tokio::test]
async fn a_table_that_changes_under_a_transaction_makes_it_run_again() {
    let (test, database, mut session) = with_table(Limits::default()).await;
    let client = test.client().await;
    let assignment = Assignment {
        column: "small".to_owned(),
        change: Change::Set(Value::Int64(7)),
    };
    let target = Target::Matching(by_id(1).filter);
    for columns in 4..8 {
        for _ in 0..3 {
            // With rows given back, it runs between BEGIN and COMMIT.
            let updated = session
                .update(
                    "t",
                    std::slice::from_ref(&assignment),
                    &target,
                    &Returning::AllColumns,
                )
                .await;
            let rows = updated.expect("updated").rows.expect("asked for");
            assert_eq!((rows.len(), rows.columns().len()), (1, columns));
        }
        let change = format!("ALTER TABLE t ADD COLUMN c{columns} text");
        client.simple_query(&change).await.expect("changed");
    }
    database.close().await;
}

#[tokio::test]
async fn statements_that_the_server_has_forgotten_are_prepared_again() {
    let (test, database, mut session) = with_table(Limits::default()).await;
    let client = test.client().await;
    let forget = "CREATE FUNCTION forget() RETURNS text LANGUAGE plpgsql
        AS $$ BEGIN EXECUTE 'DEALLOCATE ALL'; RETURN 'done'; END $$";
    client.simple_query(forget).await.expect("made");
    for _ in 0..3 {
        warm(&mut session).await;
        session
            .query("SELECT forget()", &[])
            .await
            .expect("forgotten");
        let rows = session.select("t", &by_id(2)).await.expect("read");
        assert_eq!(only(&rows), Value::Int64(2));
    }
    database.close().await;
}

#[tokio::test]
async fn a_reset_leaves_no_statement_that_the_host_believes_in() {
    let (test, database, mut first) = with_table(Limits::default()).await;
    let client = test.client().await;
    // A statement of the same name that answers something else.
    let replace = "CREATE FUNCTION replace_all() RETURNS text LANGUAGE plpgsql AS $$
        DECLARE name text;
        BEGIN
            FOR name IN SELECT s.name FROM pg_prepared_statements s LOOP
                EXECUTE format('DEALLOCATE %I', name);
                EXECUTE format('PREPARE %I (int8) AS SELECT 666::int8, 1::int4, 1::float8, ''sad''::mood', name);
            END LOOP;
            RETURN 'done';
        END $$";
    client.simple_query(replace).await.expect("made");
    warm(&mut first).await;
    let own = "SELECT pg_backend_pid()";
    let backend = first.query(own, &[]).await.expect("asked");
    first
        .query("SELECT replace_all()", &[])
        .await
        .expect("done");
    let mut second = session(&database, Limits::default());
    for id in 1..5 {
        let rows = second.select("t", &by_id(id)).await.expect("read");
        assert_eq!(only(&rows), Value::Int64(id));
    }
    let same = second.query(own, &[]).await.expect("asked");
    assert_eq!(only(&same), only(&backend), "it was reset, not replaced");
    warm(&mut second).await;
    database.close().await;
}

#[tokio::test]
async fn an_error_is_the_same_however_often_a_statement_ran() {
    let (_test, database, mut session) = with_table(Limits::default()).await;
    let own = "SELECT pg_backend_pid()";
    let backend = session.query(own, &[]).await.expect("asked");
    for use_number in 0..5 {
        let refused = insert(&mut session, &[("id", Value::Int64(1))]).await;
        let Err(Error::Database(refused)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(refused.kind, ErrorKind::UniqueViolation, "{use_number}");
        let values = [("id", Value::Int64(50)), ("small", Value::Text("x".into()))];
        let unfit = insert(&mut session, &values).await;
        let Err(Error::Conversion(unfit)) = unfit else {
            panic!("{unfit:?}");
        };
        assert_eq!(
            (unfit.column.as_str(), unfit.type_name.as_str()),
            ("small", "integer")
        );
    }
    let same = session.query(own, &[]).await.expect("asked");
    assert_eq!(only(&same), only(&backend), "an error costs no connection");
    database.close().await;
}

#[tokio::test]
async fn a_result_that_is_too_large_is_refused_in_every_use() {
    let limits = Limits {
        result_bytes: 100,
        ..Limits::default()
    };
    let (_test, database, mut session) = with_table(limits).await;
    for _ in 0..4 {
        let refused = session.select("t", &Selection::default()).await;
        let Err(Error::Limit(LimitExceeded { name, .. })) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(name, "result-bytes");
        session
            .select("t", &by_id(1))
            .await
            .expect("the pool works");
    }
    database.close().await;
}

/// CockroachDB refuses a statement whose result has changed at Bind since v26.2 and at Execute before, and forgets statements when its
/// cache is full (pkg/sql/pgwire/testdata/pgtest: aborted_txn, prepared_stmt_invalidation).
#[tokio::test]
async fn what_cockroachdb_says_of_old_statements_is_healed_at_once() {
    let refusals = [
        vec![error(
            "ERROR",
            "0A000",
            "cached plan must not change result type",
        )],
        vec![
            tests::fault::frame(b'2', b""),
            error("ERROR", "0A000", "cached plan must not change result type"),
        ],
        vec![error("ERROR", "26000", "unknown prepared statement")],
    ];
    for refusal in refusals {
        let refused = [refusal.concat(), ready(b'I')].concat();
        let server = FakeServer::start(Product::CockroachDb, move |asked| {
            if asked.kinds == "BES" {
                Answer::Bytes(refused.clone())
            } else if asked.text.contains("FROM \"t\"") {
                Answer::Bytes(serve(asked, &Relation::number(5), b'I').concat())
            } else {
                Answer::Sound
            }
        });
        let server = server.await;
        let url = server.url("min_connections=1&max_connections=1");
        let database = connect(&url, Limits::default()).await;
        let mut session = session(&database, Limits::default());
        for _ in 0..6 {
            let rows = session.select("t", &by_id(1)).await.expect("healed");
            assert_eq!(only(&rows), Value::Int64(5));
        }
        database.close().await;
    }
}
