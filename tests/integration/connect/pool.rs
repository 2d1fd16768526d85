//! Connections on loan: kept, replaced, cancelled, and never lent with anything left on them.

use std::time::Duration;

use host::database::{Database, Error, LimitExceeded, Limits, TimeoutStep};
use tests::{unique_name, wait_until};
use tokio::time::timeout;

use super::{connections, limited, opened, running, scalar, session, terminate};

#[tokio::test]
async fn the_minimum_of_connections_is_kept_open() {
    let test = tests::database().await;
    let client = test.client().await;
    let name = unique_name("minimum");
    let database = opened(&test, &format!("min_connections=3&application_name={name}")).await;
    let three = || async { connections(&client, &name).await == 3 };
    wait_until("three connections", three).await;
    terminate(&client, &name).await;
    wait_until("three connections again", three).await;
    assert_eq!(database.open_connections(), 3);
    database.close().await;
    wait_until("none", || async { connections(&client, &name).await == 0 }).await;
}

#[tokio::test]
async fn connections_end_with_their_lifetime() {
    let test = tests::database().await;
    let database = opened(&test, "max_lifetime=1&min_connections=1").await;
    let mut session = session(&database);
    let first = scalar(&mut session, "pg_backend_pid()").await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_ne!(scalar(&mut session, "pg_backend_pid()").await, first);
    database.close().await;
}

#[tokio::test]
async fn connections_that_were_lost_while_idle_are_replaced() {
    let test = tests::database().await;
    let client = test.client().await;
    let name = unique_name("stale");
    let database = opened(&test, &format!("application_name={name}")).await;
    let mut session = session(&database);
    session
        .execute("CREATE TABLE t (a int8)", &[])
        .await
        .expect("made");
    for _ in 0..5 {
        terminate(&client, &name).await;
        let written = session.execute("INSERT INTO t VALUES (1)", &[]).await;
        assert_eq!(written, Ok(1));
    }
    assert_eq!(scalar(&mut session, "SELECT count(*) FROM t").await, "5");
    database.close().await;
}

#[tokio::test]
async fn a_write_whose_connection_is_lost_is_ambiguous() {
    let test = tests::database().await;
    let client = test.client().await;
    let name = unique_name("lost");
    let database = opened(&test, &format!("application_name={name}")).await;
    let mut session = session(&database);
    session
        .execute("CREATE TABLE t (a text)", &[])
        .await
        .expect("made");
    let sql = "INSERT INTO t SELECT pg_sleep(30)::text";
    let killing = async {
        wait_until("the statement to run", || async {
            running(&client, sql).await == 1
        })
        .await;
        terminate(&client, &name).await;
    };
    let (written, ()) = tokio::join!(session.execute(sql, &[]), killing);
    assert!(
        matches!(written, Err(Error::AmbiguousCommit(_))),
        "{written:?}"
    );
    assert_eq!(scalar(&mut session, "SELECT count(*) FROM t").await, "0");
    database.close().await;
}

#[tokio::test]
async fn waiting_for_a_connection_ends_in_time() {
    let test = tests::database().await;
    let client = test.client().await;
    let pool = "max_connections=1&min_connections=1&acquire_timeout=1";
    let database = opened(&test, pool).await;
    let (mut first, mut second) = (session(&database), session(&database));
    let mark = unique_name("holding");
    let sql = format!("SELECT pg_sleep(30) AS {mark}");
    let holding = first.query(&sql, &[]);
    let waiting = async {
        wait_until("the statement to run", || async {
            running(&client, &mark).await == 1
        })
        .await;
        second.query("SELECT 1", &[]).await
    };
    let waited = tokio::select! {
        held = holding => panic!("{held:?}"),
        waited = waiting => waited,
    };
    assert!(
        matches!(waited, Err(Error::Timeout(TimeoutStep::Waiting))),
        "{waited:?}"
    );
    assert_eq!(database.open_connections(), 1);
    database.close().await;
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_cancelled_on_the_server() {
    let test = tests::database().await;
    let client = test.client().await;
    let database = opened(&test, "max_connections=1&min_connections=1").await;
    let mut session = session(&database);
    session.set_statement_timeout(Duration::from_millis(100));
    let mark = unique_name("too_long");
    let asked = session
        .query(&format!("SELECT pg_sleep(30) AS {mark}"), &[])
        .await;
    assert!(
        matches!(asked, Err(Error::Timeout(TimeoutStep::Executing))),
        "{asked:?}"
    );
    assert_eq!(running(&client, &mark).await, 0);
    assert_eq!(scalar(&mut session, "1").await, "1", "the pool still works");
    database.close().await;
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled_on_the_server() {
    let test = tests::database().await;
    let client = test.client().await;
    let database = opened(&test, "max_connections=1&min_connections=1").await;
    for last in [false, true] {
        let mut session = session(&database);
        let mark = unique_name("dropped");
        let sql = format!("SELECT pg_sleep(30) AS {mark}");
        let started = async {
            wait_until("the statement to run", || async {
                running(&client, &mark).await == 1
            })
            .await;
        };
        tokio::select! {
            asked = session.query(&sql, &[]) => panic!("{asked:?}"),
            () = started => {}
        }
        if last {
            database.close().await;
            assert_eq!(database.open_connections(), 0);
        }
        wait_until("it to be gone", || async {
            running(&client, &mark).await == 0
        })
        .await;
    }
}

#[tokio::test]
async fn calls_dropped_at_any_moment_leave_nothing_behind() {
    let test = tests::database().await;
    let database = opened(&test, "max_connections=2").await;
    for microseconds in (0..2_000).step_by(40) {
        let mut dropped = session(&database);
        let batch = async {
            dropped
                .execute("CREATE TEMP TABLE IF NOT EXISTS left_over (a int8)", &[])
                .await?;
            dropped
                .query("SELECT set_config('my.left_over', 'yes', false)", &[])
                .await
        };
        // Whether it is dropped or done does not matter here.
        drop(timeout(Duration::from_micros(microseconds), batch).await);
        dropped.close().await;
        let mut next = session(&database);
        let setting = "coalesce(current_setting('my.left_over', true), '')";
        assert_eq!(
            scalar(&mut next, setting).await,
            "",
            "after {microseconds} µs"
        );
        assert_eq!(
            scalar(&mut next, "to_regclass('pg_temp.left_over')").await,
            "NULL"
        );
        next.close().await;
        assert!(database.open_connections() <= 2);
    }
    database.close().await;
}

#[tokio::test]
async fn nothing_of_a_session_is_left_on_its_connection() {
    let test = tests::database().await;
    let database = opened(
        &test,
        "max_connections=1&min_connections=1&application_name=ours",
    )
    .await;
    let mut first = session(&database);
    first.execute("CREATE SEQUENCE s", &[]).await.expect("made");
    first
        .execute("CREATE TEMP TABLE t (a int8)", &[])
        .await
        .expect("made");
    for text in [
        "SELECT set_config('search_path', 'pg_catalog', false)",
        "SELECT set_config('application_name', 'theirs', false)",
        "SELECT set_config('my.own', 'secret', false)",
        "SELECT set_config('default_transaction_isolation', 'read committed', false)",
        "SELECT nextval('public.s')",
        "SELECT pg_advisory_lock(42)",
        "SELECT set_config('role', 'pg_monitor', false)",
    ] {
        let done = first.query(text, &[]).await;
        done.unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    let own = scalar(&mut first, "current_setting('my.own')").await;
    assert_eq!(own, "secret", "one session sees what it did");
    let backend = scalar(&mut first, "pg_backend_pid()").await;

    // The first session is still open, its connection is lent to another.
    let mut second = session(&database);
    for (expression, expected) in [
        ("current_user = session_user", "true"),
        ("current_setting('search_path')", "\"$user\", public"),
        ("current_setting('application_name')", "ours"),
        ("current_setting('my.own', true)", ""),
        (
            "current_setting('default_transaction_isolation')",
            "serializable",
        ),
        (
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
            "0",
        ),
        ("to_regclass('pg_temp.t')", "NULL"),
    ] {
        assert_eq!(
            scalar(&mut second, expression).await,
            expected,
            "{expression}"
        );
    }
    assert!(second.query("SELECT currval('s')", &[]).await.is_err());
    let same = scalar(&mut second, "pg_backend_pid()").await;
    assert_eq!(same, backend, "it was reset, not replaced");
    database.close().await;
}

#[tokio::test]
async fn a_session_that_is_over_holds_nothing() {
    let test = tests::database().await;
    let client = test.client().await;
    let database = opened(&test, "max_connections=3").await;
    let mut session = session(&database);
    let key = i64::from(std::process::id());
    let lock = format!("SELECT pg_advisory_lock({key})");
    session.query(&lock, &[]).await.expect("locked");
    session.close().await;
    wait_until("the lock to be free", || async {
        let free = format!("SELECT pg_try_advisory_lock({key})");
        let row = client.query_one(&free, &[]).await.expect("asked");
        row.get::<_, bool>(0)
    })
    .await;
    database.close().await;
}

#[tokio::test]
async fn a_message_over_the_cap_is_refused_before_it_is_read() {
    let test = tests::database().await;
    let limits = Limits {
        frame_bytes: 1 << 20,
        ..Limits::default()
    };
    let database = Database::connect(test.options(), limits)
        .await
        .expect("it connects");
    let mut session = limited(&database, limits);
    let asked = session.query("SELECT repeat('x', 200000000)", &[]).await;
    let Err(Error::Limit(LimitExceeded {
        name,
        used,
        maximum,
    })) = asked
    else {
        panic!("{asked:?}");
    };
    assert_eq!((name, maximum), ("frame-bytes", 1 << 20));
    assert!(used > 200_000_000);
    assert_eq!(scalar(&mut session, "1").await, "1", "the pool still works");
    database.close().await;
}

#[tokio::test]
async fn columns_of_types_that_the_driver_does_not_know_neither_hang_nor_cost() {
    let test = tests::database().await;
    let database = test.connect().await;
    let mut session = session(&database);
    session
        .execute("CREATE TYPE mood AS ENUM ('sad', 'ok')", &[])
        .await
        .expect("made");
    let sql = "SELECT 'ok'::mood AS mood, g FROM generate_series(1, 10000) g";
    let mut round_trips = Vec::new();
    for _ in 0..2 {
        let before = session.statistics().round_trips;
        let asking = timeout(Duration::from_secs(10), session.query(sql, &[]));
        let rows = asking.await.expect("it does not hang").expect("rows");
        assert_eq!(
            (rows.len(), rows.columns()[0].type_name.as_str()),
            (10_000, "mood")
        );
        round_trips.push(session.statistics().round_trips - before);
    }
    assert_eq!(
        round_trips[1], 1,
        "{round_trips:?}: the first asks for the type's name"
    );
    database.close().await;
}
