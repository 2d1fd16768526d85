//! Work that the host does again.

use host::database::{Chaos, Error, Repeated, Session, SessionOptions, TransactionOptions};
use tests::{Lost, lose_races, nothing_is_open, number};

use super::{
    add, found, insert, options, policy, prepare_marks, prepared, read, rows, session, sqlstate,
};

/// Locks that outlive transactions.
const LOCKS: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' \
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

async fn repeated(session: &mut Session) -> Repeated {
    let options = TransactionOptions::default();
    session.repeated(&options).await.expect("it may begin")
}

async fn finish(
    repeated: &mut Repeated,
    attempt: Session,
    done: bool,
) -> Option<Result<(), Error>> {
    let ended = repeated.end(attempt, done).await;
    repeated.conclude(ended).await
}

#[tokio::test]
async fn what_is_done_is_committed_and_what_is_not_is_rolled_back() {
    let (_database, client, connected) = prepared().await;
    let mut session = session(&connected, 3);
    for (id, done) in [(1, true), (2, false)] {
        let mut work = repeated(&mut session).await;
        let mut attempt = work.begin().await.expect("begun");
        insert(&mut attempt, id).await.expect("inserted");
        assert_eq!(finish(&mut work, attempt, done).await, Some(Ok(())));
    }
    nothing_is_open(&client).await;
    assert_eq!(number(&client, "SELECT sum(id)::int8 FROM t").await, 1);
}

#[tokio::test]
async fn every_attempt_begins_anew_and_is_counted() {
    let (_database, client, connected) = prepared().await;
    client
        .simple_query("INSERT INTO t VALUES (1, 0)")
        .await
        .expect("made");
    let mut session = session(&connected, 5);
    let mut blocker = connected.session(options());
    let mut work = repeated(&mut session).await;
    let mut attempts = 0;
    let outcome = loop {
        let mut attempt = work.begin().await.expect("begun");
        attempts += 1;
        assert_eq!(work.attempt(), attempts);
        read(&mut attempt, 1).await.expect("read");
        if attempts < 3 {
            add(&mut blocker, 1, 1).await.expect("in between");
        }
        let counted = add(&mut attempt, 1, 1).await;
        assert_eq!(counted.is_ok(), attempts == 3, "{counted:?}");
        // It does not matter what the work says of itself.
        if let Some(outcome) = finish(&mut work, attempt, true).await {
            break outcome;
        }
    };
    assert_eq!(outcome, Ok(()));
    assert_eq!(session.statistics().retries, 2);
    assert_eq!(number(&client, "SELECT n FROM t").await, 3);
}

#[tokio::test]
async fn what_failed_is_not_committed_whatever_the_work_says() {
    let (_database, client, connected) = prepared().await;
    let mut session = session(&connected, 3);
    insert(&mut session, 1).await.expect("inserted");
    let mut work = repeated(&mut session).await;
    let mut attempt = work.begin().await.expect("begun");
    insert(&mut attempt, 2).await.expect("inserted");
    insert(&mut attempt, 1).await.expect_err("there already");
    let outcome = finish(&mut work, attempt, true).await.expect("it is over");
    assert_eq!(sqlstate(&outcome.expect_err("it failed")), "23505");

    let mut work = repeated(&mut session).await;
    let mut attempt = work.begin().await.expect("begun");
    insert(&mut attempt, 3).await.expect("inserted");
    attempt.begin(None).await.expect("a savepoint");
    let outcome = finish(&mut work, attempt, true).await.expect("it is over");
    assert!(matches!(outcome, Err(Error::Invalid(_))), "{outcome:?}");
    assert_eq!(rows(&client).await, 1);
}

/// It is told once that its attempt is over; who goes on then is to be ended.
#[tokio::test]
async fn an_attempt_that_goes_on_after_its_end_is_abandoned() {
    let (_database, _client, connected) = prepared().await;
    let mut session = connected.session(SessionOptions {
        chaos: Chaos::new(1.0).expect("all"),
        retry: policy(1),
        ..options()
    });
    let mut work = repeated(&mut session).await;
    let mut attempt = work.begin().await.expect("begun");
    let told = loop {
        if let Err(error) = insert(&mut attempt, 1).await {
            break error;
        }
        insert(&mut attempt, 2).await.ok();
        if let Err(error) = insert(&mut attempt, 3).await {
            break error;
        }
    };
    assert!(
        matches!(told, Error::Retry(_) | Error::Abandoned),
        "{told:?}"
    );
    assert_eq!(insert(&mut attempt, 4).await, Err(Error::Abandoned));
    assert_eq!(attempt.begin(None).await, Err(Error::Abandoned));
    assert_eq!(finish(&mut work, attempt, true).await, None);
    let attempt = work.begin().await.expect("begun");
    let exhausted = finish(&mut work, attempt, true).await;
    assert!(
        matches!(
            exhausted,
            Some(Err(Error::AttemptsExhausted { attempts: 2, .. }))
        ),
        "{exhausted:?}"
    );
}

#[tokio::test]
async fn nothing_is_repeated_inside_a_transaction_or_beside_a_cursor() {
    let (_database, _client, connected) = prepared().await;
    let mut session = session(&connected, 3);
    let default = TransactionOptions::default();
    let transaction = session.begin(None).await.expect("begun");
    let refused = session.repeated(&default).await.map(drop);
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    session.roll_back(transaction).await.expect("rolled back");
    let cursor = session.open_cursor("SELECT 1 UNION SELECT 2", &[]).await;
    let refused = session.repeated(&default).await.map(drop);
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    session.close_cursor(cursor.expect("open")).await;
    let mut work = repeated(&mut session).await;
    let mut attempt = work.begin().await.expect("begun");
    let refused = attempt.repeated(&default).await.map(drop);
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    assert_eq!(finish(&mut work, attempt, true).await, Some(Ok(())));
}

/// The mark travels with the COMMIT, where the database is prepared for it.
#[tokio::test]
async fn a_transaction_that_wrote_leaves_a_mark() {
    let (_database, client, connected) = prepared().await;
    prepare_marks(&connected).await;
    let mut session = session(&connected, 3);
    let marks = "SELECT count(*) FROM chitin_internal.commit_marker WHERE state = 'committed'";
    for (id, resolve_ambiguous, expected) in [(1, None, 1), (2, Some(false), 1), (3, Some(true), 2)]
    {
        let options = TransactionOptions {
            resolve_ambiguous,
            ..TransactionOptions::default()
        };
        let mut work = session.repeated(&options).await.expect("begins");
        let before = session.statistics().round_trips;
        let mut attempt = work.begin().await.expect("begun");
        insert(&mut attempt, id).await.expect("inserted");
        assert_eq!(finish(&mut work, attempt, true).await, Some(Ok(())));
        assert_eq!(session.statistics().round_trips - before, 2);
        assert_eq!(number(&client, marks).await, expected);
    }
    let mut work = repeated(&mut session).await;
    let mut attempt = work.begin().await.expect("begun");
    assert_eq!(read(&mut attempt, 1).await, Ok(Some(0)));
    assert_eq!(finish(&mut work, attempt, true).await, Some(Ok(())));
    assert_eq!(number(&client, marks).await, 2, "it only read");
}

/// A transaction that only reads leaves no mark, whatever it tried; and nobody else loses theirs by it.
#[tokio::test]
async fn what_only_reads_leaves_no_mark() {
    let (_database, client, connected) = prepared().await;
    prepare_marks(&connected).await;
    let mut session = session(&connected, 0);
    let mut work = repeated(&mut session).await;
    let mut attempt = work.begin().await.expect("begun");
    insert(&mut attempt, 1).await.expect("inserted");
    assert_eq!(finish(&mut work, attempt, true).await, Some(Ok(())));

    let reads = TransactionOptions {
        read_only: true,
        ..TransactionOptions::default()
    };
    let mut work = session.repeated(&reads).await.expect("begins");
    let mut attempt = work.begin().await.expect("begun");
    let savepoint = attempt.begin(None).await.expect("set");
    let refused = insert(&mut attempt, 2).await.expect_err("it only reads");
    assert_eq!(sqlstate(&refused), "25006");
    attempt.roll_back(savepoint).await.expect("undone");
    assert_eq!(read(&mut attempt, 1).await, Ok(Some(0)));
    assert_eq!(finish(&mut work, attempt, true).await, Some(Ok(())));

    let mut work = repeated(&mut session).await;
    let mut attempt = work.begin().await.expect("begun");
    insert(&mut attempt, 2).await.expect("inserted");
    assert_eq!(finish(&mut work, attempt, true).await, Some(Ok(())));
    let marks = "SELECT count(*) FROM chitin_internal.commit_marker";
    assert_eq!(number(&client, marks).await, 2);
}

/// What SQL text left on the connection of an attempt that failed is gone before the next: here a lock that outlives transactions.
#[tokio::test]
async fn no_connection_of_a_failed_attempt_is_used_for_the_next() {
    let (_database, client, connected) = prepared().await;
    for lost in Lost::BOTH {
        let drop =
            "DROP FUNCTION IF EXISTS race() CASCADE; DROP SEQUENCE IF EXISTS races; DELETE FROM t";
        client.simple_query(drop).await.expect("dropped");
        lose_races(&client, "t", "true", lost, 1).await;
        let mut session = session(&connected, 1);
        let mut work = repeated(&mut session).await;
        for committed in [None, Some(Ok(()))] {
            let mut attempt = work.begin().await.expect("begun");
            let held = attempt.query(LOCKS, &[]).await.expect("asked");
            assert_eq!(found(&held), Some(0), "{lost:?}");
            let lock = attempt.query("SELECT pg_advisory_lock(7)", &[]).await;
            lock.expect("locked");
            let done = insert(&mut attempt, 1).await.is_ok();
            assert_eq!(
                finish(&mut work, attempt, done).await,
                committed,
                "{lost:?}"
            );
            if committed.is_none() {
                tests::wait_until("the lock to go", async || number(&client, LOCKS).await == 0)
                    .await;
            }
        }
        session.close().await;
        tests::wait_until("the lock to go", async || number(&client, LOCKS).await == 0).await;
    }
}

/// The same of a transaction that was rolled back, while its session goes on.
#[tokio::test]
async fn what_was_rolled_back_holds_no_lock() {
    let (_database, client, connected) = prepared().await;
    let mut session = session(&connected, 0);
    let transaction = session.begin(None).await.expect("begun");
    let lock = session.query("SELECT pg_advisory_lock(8)", &[]).await;
    lock.expect("locked");
    session.roll_back(transaction).await.expect("rolled back");
    tests::wait_until("the lock to go", async || number(&client, LOCKS).await == 0).await;
}
