//! How long and how deep a transaction may be.

use std::time::Duration;

use host::database::{Database, Error, Limits, TimeoutStep, TransactionOptions};
use tests::{nothing_is_open, number};

use super::{insert, prepared};

#[tokio::test]
async fn savepoints_are_bounded() {
    let (_database, _client, connected) = prepared().await;
    let limits = Limits {
        open_savepoints: 2,
        ..Limits::default()
    };
    let mut session = connected.session(tests::session_options(limits));
    for _ in 0..3 {
        session.begin(None).await.expect("begun");
    }
    let Err(Error::Limit(limit)) = session.begin(None).await else {
        panic!("there are three");
    };
    assert_eq!(
        (limit.name, limit.used, limit.maximum),
        ("open-savepoints", 3, 2)
    );
}

/// What is sent for a cursor in a transaction counts once: to declare it, to bring its first row, and each part.
#[tokio::test]
async fn a_cursor_in_a_transaction_is_counted_once() {
    let (_database, _client, connected) = prepared().await;
    let mut session = connected.session(tests::session_options(Limits::default()));
    let used = |session: &host::database::Session| {
        let limits = session.limits();
        let statements = limits.iter().find(|limit| limit.name == "statements");
        statements.expect("it is bounded").used
    };
    session.begin(None).await.expect("begun");
    let series = "SELECT n FROM generate_series(1, 100) AS n";
    let cursor = session.open_cursor(series, &[]).await.expect("open");
    assert_eq!(used(&session), 2);
    // The first row is there; the next nine are one part.
    let part = session.fetch(cursor, 10).await.expect("a part");
    assert_eq!(part.map(|rows| rows.len()), Some(10));
    assert_eq!(used(&session), 3);
}

/// A transaction that is held for too long, busy or idle, is over, and holds nothing any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_held_for_too_long_is_over() {
    let (_database, client, connected) = prepared().await;
    let ms = Duration::from_millis;
    for (transaction, idle, step) in [
        (ms(10_000), ms(100), TimeoutStep::Idling),
        (ms(100), ms(10_000), TimeoutStep::Holding),
    ] {
        let limits = Limits {
            transaction_timeout: transaction,
            idle_in_transaction: idle,
            ..Limits::default()
        };
        let mut session = connected.session(tests::session_options(limits));
        let transaction = session.begin(None).await.expect("begun");
        insert(&mut session, 1).await.expect("inserted");
        tokio::time::sleep(ms(120)).await;
        let over = insert(&mut session, 2).await;
        assert_eq!(over, Err(Error::Timeout(step)));
        nothing_is_open(&client).await;
        let over = session.commit(transaction).await;
        assert_eq!(over, Err(Error::Timeout(step)));
    }
    assert_eq!(number(&client, "SELECT count(*) FROM t").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_ends_with_the_time_of_its_transaction() {
    let (_database, client, connected) = prepared().await;
    let limits = Limits {
        transaction_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let mut session = connected.session(tests::session_options(limits));
    session.begin(None).await.expect("begun");
    let over = session.query("SELECT pg_sleep(60)", &[]).await;
    assert!(
        matches!(over, Err(Error::Timeout(TimeoutStep::Holding))),
        "{over:?}"
    );
    nothing_is_open(&client).await;
}

/// The server ends what the host cannot see: here the host believes that it has all the time in the world.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_ends_what_is_idle() {
    let (database, client, _) = prepared().await;
    let limits = Limits {
        idle_in_transaction: Duration::from_millis(100),
        ..Limits::default()
    };
    let connected = Database::connect(database.options(), limits).await;
    let connected = connected.expect("it connects");
    let mut session = connected.session(tests::session_options(Limits::default()));
    let transaction = session.begin(None).await.expect("begun");
    insert(&mut session, 1).await.expect("inserted");
    let mut reader = connected.session(tests::session_options(Limits::default()));
    let series = "SELECT n FROM generate_series(1, 1000) AS n";
    let cursor = reader.open_cursor(series, &[]).await.expect("open");
    tests::wait_until("the server to end it", async || {
        let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'";
        number(&client, open).await == 1
    })
    .await;
    let over = insert(&mut session, 2).await;
    assert_eq!(over, Err(Error::Timeout(TimeoutStep::Idling)));
    let over = session.commit(transaction).await;
    assert_eq!(over, Err(Error::Timeout(TimeoutStep::Idling)));
    assert_eq!(number(&client, "SELECT count(*) FROM t").await, 0);
    let read = reader
        .fetch(cursor, 1_000)
        .await
        .expect("a cursor may be idle");
    assert!(read.is_some());
}

/// The time that its options give a transaction bounds all of it, in every form.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_ends_with_the_time_of_its_options() {
    let (_database, client, connected) = prepared().await;
    let mut session = connected.session(tests::session_options(Limits::default()));
    let soon = TransactionOptions {
        timeout: Some(Duration::from_millis(200)),
        ..TransactionOptions::default()
    };
    let over = Err(Error::Timeout(TimeoutStep::Attempting));
    let handle = session.begin(Some(&soon)).await.expect("begun");
    insert(&mut session, 1).await.expect("inserted");
    let slept = session.query("SELECT pg_sleep(60)", &[]).await.map(drop);
    assert_eq!(slept, over, "a statement");
    nothing_is_open(&client).await;
    assert_eq!(session.commit(handle).await, over);

    let handle = session.begin(Some(&soon)).await.expect("begun");
    insert(&mut session, 1).await.expect("inserted");
    tokio::time::sleep(Duration::from_millis(220)).await;
    assert_eq!(session.commit(handle).await, over, "between statements");

    let mut work = session.repeated(&soon).await.expect("it may begin");
    let mut attempt = work.begin().await.expect("begun");
    let slept = attempt.query("SELECT pg_sleep(60)", &[]).await.map(drop);
    assert_eq!(slept, over, "of the host");
    let ended = work.end(attempt, true).await;
    assert_eq!(work.conclude(ended).await, Some(over.clone()));
    nothing_is_open(&client).await;
    assert_eq!(number(&client, "SELECT count(*) FROM t").await, 0);

    let never = TransactionOptions {
        timeout: Some(Duration::ZERO),
        ..TransactionOptions::default()
    };
    let begun = session.begin(Some(&never)).await.map(drop);
    assert_eq!(begun, over, "no time at all");
}
