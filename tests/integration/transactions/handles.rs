//! Transactions and savepoints that are opened by a handle.

use host::database::{
    Batch, Chaos, DataType, Error, ErrorKind, Isolation, LockStrength, LockWait, Returning,
    RowLock, Selection, SessionOptions, Snapshot, TableDefinition, TransactionOptions, Value,
};
use tests::{nothing_is_open, number};

use super::{
    add, found, insert, opened, options, policy, prepared, read, row, rows, session, sqlstate,
    trips,
};

#[tokio::test]
async fn a_transaction_of_n_statements_takes_one_round_trip_more() {
    let (_database, client, connected) = prepared().await;
    let mut session = session(&connected, 0);
    let mut before = 0;
    for (seen, base, statements) in [(0, 0, 1), (1, 10, 3), (4, 20, 10)] {
        let transaction = session.begin(None).await.expect("begun");
        for id in base..base + statements {
            insert(&mut session, id).await.expect("inserted");
        }
        assert_eq!(read(&mut session, base).await, Ok(Some(0)), "its own row");
        assert_eq!(rows(&client).await, seen, "not yet");
        session.commit(transaction).await.expect("committed");
        let sent = statements.unsigned_abs() + 1;
        assert_eq!(trips(&session, &mut before), sent + 1);
    }
    assert_eq!(rows(&client).await, 14);
}

#[tokio::test]
async fn what_does_nothing_costs_nothing() {
    let (_database, _client, connected) = prepared().await;
    let mut session = session(&connected, 0);
    for commits in [true, false] {
        let transaction = session.begin(None).await.expect("begun");
        let savepoint = session.begin(None).await.expect("set");
        session.commit(savepoint).await.expect("released");
        let savepoint = session.begin(None).await.expect("set");
        session.roll_back(savepoint).await.expect("undone");
        if commits {
            session.commit(transaction).await.expect("committed");
        } else {
            session.roll_back(transaction).await.expect("rolled back");
        }
    }
    assert_eq!(session.statistics().round_trips, 0);
}

#[tokio::test]
async fn what_is_rolled_back_or_dropped_is_not_kept() {
    let (_database, client, connected) = prepared().await;
    let mut session = session(&connected, 0);
    let transaction = session.begin(None).await.expect("begun");
    insert(&mut session, 1).await.expect("inserted");
    session.roll_back(transaction).await.expect("rolled back");
    assert!(matches!(
        session.commit(transaction).await,
        Err(Error::Closed(_))
    ));

    let outer = session.begin(None).await.expect("begun");
    insert(&mut session, 2).await.expect("inserted");
    let inner = session.begin(None).await.expect("set");
    insert(&mut session, 3).await.expect("inserted");
    session.drop_transaction(outer).await;
    assert!(!session.is_in_transaction());
    assert!(matches!(session.commit(inner).await, Err(Error::Closed(_))));

    session.begin(None).await.expect("begun, and left open");
    insert(&mut session, 4).await.expect("inserted");
    session.close().await;
    nothing_is_open(&client).await;
    assert_eq!(rows(&client).await, 0);
}

#[tokio::test]
async fn a_savepoint_undoes_its_part_and_its_failure() {
    let (_database, client, connected) = prepared().await;
    let mut session = session(&connected, 0);
    let mut before = 0;
    let transaction = session.begin(None).await.expect("begun");
    insert(&mut session, 1).await.expect("inserted");
    let first = session.begin(None).await.expect("set");
    insert(&mut session, 2).await.expect("inserted");
    let second = session.begin(None).await.expect("set");
    let refused = insert(&mut session, 1).await.expect_err("there already");
    assert_eq!(sqlstate(&refused), "23505");
    let ignored = insert(&mut session, 3).await.expect_err("failed before");
    assert_eq!(sqlstate(&ignored), "25P02");
    let doomed = session.commit(second).await.expect_err("failed before");
    assert_eq!(sqlstate(&doomed), "23505");
    insert(&mut session, 3).await.expect("inserted");
    session.roll_back(first).await.expect("undone");
    let third = session.begin(None).await.expect("set");
    insert(&mut session, 4).await.expect("inserted");
    session.commit(third).await.expect("released");
    session.commit(transaction).await.expect("committed");
    let ids = number(&client, "SELECT sum(id)::int8 FROM t").await;
    assert_eq!(ids, 5, "1 and 4");
    // 1, 2, the one that fails, undo, 3, undo, 4, COMMIT: savepoints travel with statements.
    assert_eq!(trips(&session, &mut before), 8);
}

#[tokio::test]
async fn transactions_end_in_the_reverse_order_of_their_beginning() {
    let (_database, client, connected) = prepared().await;
    let mut session = session(&connected, 0);
    let outer = session.begin(None).await.expect("begun");
    let inner = session.begin(None).await.expect("set");
    insert(&mut session, 1).await.expect("inserted");
    for ended in [session.commit(outer).await, session.roll_back(outer).await] {
        let Err(Error::Invalid(why)) = ended else {
            panic!("{ended:?}");
        };
        assert!(why.contains("inner one first"), "{why}");
    }
    let with_options = session.begin(Some(&TransactionOptions::default())).await;
    assert!(matches!(with_options, Err(Error::Invalid(_))));
    let restarted = session.restart(inner).await;
    assert!(matches!(restarted, Err(Error::Invalid(_))), "{restarted:?}");
    session.commit(inner).await.expect("released");
    let restarted = session.restart(outer).await;
    assert!(matches!(restarted, Err(Error::Invalid(_))), "{restarted:?}");
    session.commit(outer).await.expect("committed");
    assert_eq!(rows(&client).await, 1);
}

#[tokio::test]
async fn what_failed_is_never_committed() {
    let (_database, client, connected) = prepared().await;
    let mut session = session(&connected, 0);
    insert(&mut session, 1).await.expect("inserted");
    let transaction = session.begin(None).await.expect("begun");
    insert(&mut session, 2).await.expect("inserted");
    insert(&mut session, 1).await.expect_err("there already");
    // Its locks are gone before anybody rolls it back.
    nothing_is_open(&client).await;
    let refused = insert(&mut session, 3).await.expect_err("failed before");
    assert_eq!(sqlstate(&refused), "25P02");
    let committed = session.commit(transaction).await.expect_err("failed");
    assert_eq!(sqlstate(&committed), "23505");
    assert_eq!(rows(&client).await, 1);
    insert(&mut session, 3).await.expect("a call of its own");
}

/// Two who read both rows and change one each: the later one loses, does it again, and sees what the first one did.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_race_is_restarted_in_the_same_handle() {
    let (_database, client, connected) = prepared().await;
    let made = client.simple_query("INSERT INTO t VALUES (1, 0), (2, 0)");
    made.await.expect("made");
    let mut ours = session(&connected, 2);
    let mut theirs = session(&connected, 0);
    let transaction = ours.begin(None).await.expect("begun");
    let other = theirs.begin(None).await.expect("begun");
    for session in [&mut ours, &mut theirs] {
        read(session, 1).await.expect("read");
        read(session, 2).await.expect("read");
    }
    add(&mut theirs, 1, 1).await.expect("changed");
    theirs.commit(other).await.expect("the first wins");
    let lost = match add(&mut ours, 2, 1).await {
        Ok(_) => ours
            .commit(transaction)
            .await
            .expect_err("it read the past"),
        Err(error) => error,
    };
    assert!(matches!(lost, Error::Retry(_)), "{lost:?}");
    assert_eq!(ours.attempt(), 1);
    // Until it is restarted, it says the same to everything.
    assert!(matches!(read(&mut ours, 1).await, Err(Error::Retry(_))));
    ours.restart(transaction).await.expect("again");
    assert_eq!(ours.attempt(), 2);
    assert_eq!(read(&mut ours, 1).await, Ok(Some(1)));
    add(&mut ours, 2, 1).await.expect("changed");
    ours.commit(transaction).await.expect("committed");
    assert_eq!(ours.statistics().retries, 1);
    assert_eq!(ours.retries()[0].sqlstate.as_deref(), Some("40001"));
    assert_eq!(number(&client, "SELECT sum(n)::int8 FROM t").await, 2);
}

#[tokio::test]
async fn when_no_attempt_is_left_the_handle_is_spent() {
    let (_database, client, connected) = prepared().await;
    let mut session = connected.session(SessionOptions {
        chaos: Chaos::new(1.0).expect("all"),
        retry: policy(2),
        ..options()
    });
    let transaction = session.begin(None).await.expect("begun");
    let mut attempts = 0;
    let exhausted = loop {
        attempts += 1;
        assert_eq!(session.attempt(), attempts);
        let mut outcome = Ok(());
        for id in 0..3 {
            outcome = outcome.and(insert(&mut session, id).await.map(drop));
        }
        let lost = match outcome {
            Ok(()) => session.commit(transaction).await,
            lost => lost,
        };
        assert!(matches!(lost, Err(Error::Retry(_))), "{lost:?}");
        if let Err(error) = session.restart(transaction).await {
            break error;
        }
    };
    assert!(
        matches!(exhausted, Error::AttemptsExhausted { attempts: 3, .. }),
        "{exhausted:?}"
    );
    assert_eq!(attempts, 3);
    assert!(matches!(
        session.restart(transaction).await,
        Err(Error::Closed(_))
    ));
    assert_eq!(rows(&client).await, 0);
}

#[tokio::test]
async fn options_are_honoured_or_refused() {
    let (_database, _client, connected) = prepared().await;
    let mut session = session(&connected, 0);
    let read_only = TransactionOptions {
        read_only: true,
        ..TransactionOptions::default()
    };
    let transaction = session.begin(Some(&read_only)).await.expect("begun");
    let refused = insert(&mut session, 1).await.expect_err("it only reads");
    assert!(matches!(&refused, Error::Database(error) if error.kind == ErrorKind::ReadOnly));
    session.roll_back(transaction).await.expect("rolled back");

    let read_committed = TransactionOptions {
        isolation: Isolation::ReadCommitted,
        ..TransactionOptions::default()
    };
    let refused = session.begin(Some(&read_committed)).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    let mut allowed = connected.session(SessionOptions {
        read_committed: true,
        ..options()
    });
    for (options, level) in [
        (&read_committed, "read committed"),
        (&read_only, "serializable"),
    ] {
        let transaction = allowed.begin(Some(options)).await.expect("begun");
        let shown = allowed
            .query("SELECT current_setting('transaction_isolation')", &[])
            .await
            .expect("shown");
        assert_eq!(shown.value(0, 0), Ok(Value::Text(level.into())));
        allowed.commit(transaction).await.expect("committed");
    }

    for (snapshot, read_only, words) in [
        (
            Snapshot::FollowerRead,
            true,
            "PostgreSQL cannot read the past",
        ),
        (
            Snapshot::At(1_700_000_000_000_000),
            true,
            "PostgreSQL cannot read the past",
        ),
        (Snapshot::FollowerRead, false, "must be read-only"),
        (Snapshot::At(-1), true, "after 1970"),
    ] {
        let options = TransactionOptions {
            snapshot: Some(snapshot),
            read_only,
            ..TransactionOptions::default()
        };
        let Err(Error::Invalid(why)) = session.begin(Some(&options)).await else {
            panic!("{options:?}");
        };
        assert!(why.contains(words), "{why}");
    }
    assert!(!session.is_in_transaction());
}

#[tokio::test]
async fn the_schema_is_not_changed_in_a_transaction() {
    let (_database, client, connected) = prepared().await;
    let mut session = session(&connected, 0);
    let transaction = session.begin(None).await.expect("begun");
    insert(&mut session, 1).await.expect("inserted");
    let definition = TableDefinition {
        columns: vec![host::database::ColumnDefinition {
            name: "id".to_owned(),
            data_type: DataType::Int64,
            is_array: false,
            not_null: true,
            default: None,
        }],
        ..TableDefinition::default()
    };
    let refused = [
        session
            .create_table("made", &definition, false)
            .await
            .map(drop),
        session.drop_table("t", false, false).await.map(drop),
        session.create_database("made", false).await.map(drop),
        session
            .execute("CREATE TABLE made (id int8)", &[])
            .await
            .map(drop),
        session.execute("/* */ ; DROP TABLE t", &[]).await.map(drop),
    ];
    for refused in refused {
        let Err(Error::Denied(why)) = refused else {
            panic!("{refused:?}");
        };
        assert!(why.contains("inside a transaction"), "{why}");
    }
    // None of it was sent: the transaction goes on.
    assert!(session.describe_table("t").await.is_ok());
    session.commit(transaction).await.expect("committed");
    assert_eq!(rows(&client).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_locked_until_the_end() {
    let (_database, _client, connected) = prepared().await;
    let mut ours = session(&connected, 0);
    let mut theirs = session(&connected, 0);
    insert(&mut ours, 1).await.expect("inserted");
    let locked = Selection {
        filter: row(1),
        lock: Some(RowLock {
            strength: LockStrength::Exclusive,
            wait: LockWait::NoWait,
        }),
        ..Selection::default()
    };
    assert!(matches!(
        ours.select("t", &locked).await,
        Err(Error::Invalid(_))
    ));
    let transaction = ours.begin(None).await.expect("begun");
    assert_eq!(ours.select("t", &locked).await.expect("locked").len(), 1);
    let other = theirs.begin(None).await.expect("begun");
    let refused = theirs.select("t", &locked).await.expect_err("locked");
    assert!(
        matches!(&refused, Error::Database(error) if error.kind == ErrorKind::LockNotAvailable)
    );
    theirs.roll_back(other).await.expect("rolled back");
    ours.commit(transaction).await.expect("committed");
    let other = theirs.begin(None).await.expect("begun");
    assert_eq!(theirs.select("t", &locked).await.expect("free").len(), 1);
    theirs.commit(other).await.expect("committed");
}

/// One row, with a column that the table does not have.
fn batch_of_no_column() -> Batch<'static> {
    Batch {
        columns: vec!["none".to_owned()],
        rows: vec![vec![Some(Value::Int64(1))]],
    }
}

/// Wherever the database's refusal was found, on this connection or another one.
#[tokio::test]
async fn what_was_refused_beside_the_transaction_fails_it_too() {
    let (_database, client, connected) = prepared().await;
    let mut session = session(&connected, 0);
    for id in [1, 2] {
        insert(&mut session, id).await.expect("inserted");
    }
    let batch = batch_of_no_column();
    for case in ["a batch", "one of two rows"] {
        let transaction = session.begin(None).await.expect("begun");
        insert(&mut session, 3).await.expect("inserted");
        let refused = if case == "a batch" {
            let inserted = session.batch_insert("t", &batch, None, &Returning::Nothing);
            inserted.await.map(drop)
        } else {
            let all = Selection::default();
            let one = session.select_one("t", &all, true);
            one.await.map(drop)
        };
        let refused = refused.expect_err("refused");
        let expected = if case == "a batch" { "42703" } else { "21000" };
        assert_eq!(sqlstate(&refused), expected, "{case}");
        let ignored = insert(&mut session, 4).await.expect_err("failed before");
        assert_eq!(sqlstate(&ignored), "25P02", "{case}");
        let doomed = session.commit(transaction).await.expect_err("failed");
        assert_eq!(sqlstate(&doomed), expected, "{case}");
        assert_eq!(rows(&client).await, 2, "{case}");
    }
}

/// With one connection a batch is described on that of the transaction, where the savepoint before it must be set first.
#[tokio::test]
async fn a_savepoint_confines_what_is_refused_on_the_only_connection() {
    let (database, client, _) = prepared().await;
    let connected = opened(&database, "min_connections=1&max_connections=1").await;
    let mut session = session(&connected, 0);
    let batch = batch_of_no_column();
    let transaction = session.begin(None).await.expect("begun");
    insert(&mut session, 1).await.expect("inserted");
    let savepoint = session.begin(None).await.expect("set");
    let refused = session.batch_insert("t", &batch, None, &Returning::Nothing);
    assert_eq!(sqlstate(&refused.await.expect_err("refused")), "42703");
    session.roll_back(savepoint).await.expect("undone");
    insert(&mut session, 2).await.expect("inserted");
    session.commit(transaction).await.expect("committed");
    assert_eq!(rows(&client).await, 2);
}

/// What is dropped in a savepoint is closed, whatever becomes of that.
#[tokio::test]
async fn cursors_are_closed_with_whatever_comes_next() {
    let (_database, _client, connected) = prepared().await;
    let mut session = session(&connected, 0);
    let transaction = session.begin(None).await.expect("begun");
    insert(&mut session, 1).await.expect("inserted");
    for (sets, undoes) in [(false, false), (false, true), (true, false), (true, true)] {
        let cursor = session.open_cursor("SELECT 1 UNION SELECT 2", &[]).await;
        let savepoint = session.begin(None).await.expect("set");
        if sets {
            read(&mut session, 1).await.expect("read");
        }
        session.close_cursor(cursor.expect("open")).await;
        if undoes {
            session.roll_back(savepoint).await.expect("undone");
        } else {
            session.commit(savepoint).await.expect("released");
        }
        // The one without a name is the question itself.
        let open = "SELECT count(*) FROM pg_cursors WHERE name <> ''";
        let open = session.query(open, &[]).await;
        assert_eq!(found(&open.expect("asked")), Some(0), "{sets} {undoes}");
    }
    session.commit(transaction).await.expect("committed");
}
