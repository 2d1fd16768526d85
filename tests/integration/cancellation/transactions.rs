//! Transactions, whoever opens them, from their beginning to their end.

use host::database::{Chaos, Error, Field, Returning, Session, TransactionOptions, Value};

use tests::number;

use super::{Case, Sweep};

const ROWS: &str = "SELECT count(*) FROM t";

async fn insert(session: &mut Session, id: i64) -> Result<(), Error> {
    let row = [Field {
        column: "id".to_owned(),
        value: Value::Int64(id),
    }];
    session.insert("t", &row, &Returning::Nothing).await?;
    Ok(())
}

const HANDLES: &[Case] = &[
    Case {
        name: "a transaction by handle",
        operation: |session, _| {
            Box::pin(async {
                let transaction = session.begin(None).await.expect("begun");
                for id in [4, 5] {
                    insert(session, id).await.expect("written");
                }
                session.commit(transaction).await.expect("committed");
            })
        },
        effect: ROWS,
        from_to: (3, 5),
    },
    Case {
        name: "a transaction with savepoints",
        operation: |session, _| {
            Box::pin(async {
                let transaction = session.begin(None).await.expect("begun");
                insert(session, 4).await.expect("written");
                let undone = session.begin(None).await.expect("a savepoint");
                insert(session, 5).await.expect("written");
                session.roll_back(undone).await.expect("undone");
                let kept = session.begin(None).await.expect("a savepoint");
                insert(session, 6).await.expect("written");
                session.commit(kept).await.expect("released");
                session.commit(transaction).await.expect("committed");
            })
        },
        effect: ROWS,
        from_to: (3, 5),
    },
    Case {
        name: "a cursor in a transaction",
        operation: |session, _| {
            Box::pin(async {
                let transaction = session.begin(None).await.expect("begun");
                insert(session, 4).await.expect("written");
                let cursor = session.open_cursor("SELECT id FROM t", &[]).await;
                let cursor = cursor.expect("opened");
                session.fetch(cursor, 2).await.expect("a part");
                session.close_cursor(cursor).await;
                session.commit(transaction).await.expect("committed");
            })
        },
        effect: ROWS,
        from_to: (3, 4),
    },
    Case {
        name: "a transaction that is rolled back",
        operation: |session, _| {
            Box::pin(async {
                let transaction = session.begin(None).await.expect("begun");
                insert(session, 4).await.expect("written");
                session.roll_back(transaction).await.expect("rolled back");
            })
        },
        effect: ROWS,
        from_to: (3, 3),
    },
    Case {
        name: "a transaction whose handle is dropped",
        operation: |session, _| {
            Box::pin(async {
                let transaction = session.begin(None).await.expect("begun");
                insert(session, 4).await.expect("written");
                session.drop_transaction(transaction).await;
            })
        },
        effect: ROWS,
        from_to: (3, 3),
    },
];

const REPEATED: &[Case] = &[Case {
    name: "a transaction that the host repeats",
    operation: |session, _| {
        Box::pin(async {
            let options = TransactionOptions::default();
            let mut repeated = session.repeated(&options).await.expect("allowed");
            let mut attempt = repeated.begin().await.expect("begun");
            for id in [4, 5] {
                insert(&mut attempt, id).await.expect("written");
            }
            let ended = repeated.end(attempt, true).await;
            let concluded = repeated.conclude(ended).await;
            assert_eq!(concluded, Some(Ok(())));
        })
    },
    effect: ROWS,
    from_to: (3, 5),
}];

const RESTARTED: &[Case] = &[Case {
    name: "a transaction that is begun again",
    operation: |session, _| {
        Box::pin(async {
            let transaction = session.begin(None).await.expect("begun");
            for id in 4.. {
                match insert(session, id).await {
                    Ok(()) => {}
                    Err(Error::Retry(_)) => break,
                    Err(error) => panic!("{error}"),
                }
            }
            session.restart(transaction).await.expect("begun again");
            assert_eq!(session.attempt(), 2);
            session.drop_transaction(transaction).await;
        })
    },
    effect: ROWS,
    from_to: (3, 3),
}];

#[tokio::test]
async fn a_transaction_that_is_dropped_was_committed_as_a_whole_or_not_at_all() {
    let sweep = Sweep::new().await;
    for case in HANDLES {
        sweep.over(case).await;
    }
}

#[tokio::test]
async fn work_that_the_host_repeats_can_be_dropped_at_any_moment() {
    let sweep = Sweep::new().await;
    for case in REPEATED {
        sweep.over(case).await;
        // With a mark in the flight of its COMMIT.
        let connected = sweep.connect().await;
        let mut examiner = connected.examiner().await.expect("looked at");
        examiner.prepare(None).await.expect("prepared");
        drop(examiner);
        connected.close().await;
        sweep.over(case).await;
        let marks = "SELECT count(*) FROM chitin_internal.commit_marker";
        assert!(
            number(&sweep.witness, marks).await > 0,
            "the marks are used"
        );
    }
}

#[tokio::test]
async fn a_restart_can_be_dropped_at_any_moment() {
    let sweep = Sweep {
        chaos: Chaos::new(1.0).expect("all"),
        ..Sweep::new().await
    };
    for case in RESTARTED {
        sweep.over(case).await;
    }
}
