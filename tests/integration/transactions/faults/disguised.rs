//! The whole way of a transaction before a server that looks and refuses like CockroachDB.

use host::database::{Chaos, Error, Limits, ServerKind, SessionOptions};
use tests::fault::Failure;

use super::{
    Action, Behind, COMMIT, Marks, Trigger, UPDATE, add, ambiguous, options, places, soon,
    statements, transfer,
};

#[tokio::test]
async fn it_is_taken_for_cockroachdb_and_transactions_work() {
    let behind = Behind::disguised(Marks::With).await;
    let server = behind.database.server();
    assert_eq!(server.kind, ServerKind::CockroachDb);
    let mut session = behind.session();
    assert_eq!(transfer(&mut session, &options()).await, Ok(2));
    let transaction = session.begin(None).await.expect("begun");
    let undone = session.begin(None).await.expect("a savepoint");
    statements(&mut session).await.expect("done");
    session.roll_back(undone).await.expect("undone");
    let kept = session.begin(None).await.expect("a savepoint");
    statements(&mut session).await.expect("done");
    session.commit(kept).await.expect("released");
    session.commit(transaction).await.expect("committed");
    assert_eq!(behind.transfers().await, 3);
    drop(session);
    behind.check("disguised").await;
}

#[tokio::test]
async fn lost_races_are_run_again_and_no_statement_is_sent_that_is_refused() {
    let behind = Behind::disguised(Marks::With).await;
    for (done, (which, number)) in (2..).zip(places()) {
        let trigger = Trigger::Asked(which);
        let fail = Action::Fail(Failure::retry());
        behind.proxy.nth(number, trigger, fail);
        let mut session = behind.session();
        let outcome = transfer(&mut session, &options()).await;
        assert_eq!(outcome, Ok(2), "{which:?} {number}");
        assert_eq!(behind.transfers().await, done);
        let connections = behind.proxy.statements();
        let connections = connections.iter().map(|it| it.connection);
        assert!(connections.max() <= Some(2), "none was closed");
    }
    let refused = behind.proxy.journal();
    let refused: Vec<_> = refused
        .iter()
        .filter(|line| line.contains("C25P01") || line.contains("C25001"))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
    behind.check("disguised").await;
}

/// A savepoint does not survive a lost race there: the whole is begun again.
#[tokio::test]
async fn a_lost_race_inside_a_savepoint_is_one_of_the_whole() {
    let behind = Behind::disguised(Marks::Without).await;
    let mut session = behind.session();
    let transaction = session.begin(None).await.expect("begun");
    add(&mut session, 1, -1).await.expect("done");
    let savepoint = session.begin(None).await.expect("a savepoint");
    let fail = Action::Fail(Failure::retry());
    behind.proxy.once(Trigger::Asked(UPDATE), fail);
    let lost = add(&mut session, 1, -1).await;
    assert!(matches!(lost, Err(Error::Retry(_))), "{lost:?}");
    session.drop_transaction(savepoint).await;
    session.restart(transaction).await.expect("begun again");
    statements(&mut session).await.expect("done");
    session.commit(transaction).await.expect("committed");
    assert_eq!(behind.transfers().await, 2);
    drop(session);
    behind.check("disguised").await;
}

#[tokio::test]
async fn commits_of_unclear_end_are_settled_there_too() {
    for marks in [Marks::With, Marks::Without] {
        let behind = Behind::disguised(marks).await;
        for failure in [Failure::ambiguous(), Failure::ambiguous().after_all()] {
            let fail = Action::Fail(failure);
            behind.proxy.once(Trigger::Asked(COMMIT), fail);
            let outcome = transfer(&mut behind.session(), &options()).await;
            match marks {
                Marks::With => assert_eq!(outcome, Ok(2)),
                Marks::Without => assert!(ambiguous(&outcome), "{outcome:?}"),
            }
        }
        let done = if marks == Marks::With { 3 } else { 2 };
        assert_eq!(behind.transfers().await, done);
        behind.check("disguised").await;
    }
}

/// `transaction committed but schema change aborted` (pkg/sql/conn_executor.go): the data is there, so it is not done again.
#[tokio::test]
async fn a_commit_whose_schema_change_failed_is_not_done_again() {
    let behind = Behind::disguised(Marks::With).await;
    let message = "transaction committed but schema change aborted with error: (23505): forged";
    let failure = Failure::new("XXA00", message).after_all();
    behind
        .proxy
        .once(Trigger::Asked(COMMIT), Action::Fail(failure));
    let outcome = transfer(&mut behind.session(), &options()).await;
    assert!(
        matches!(&outcome, Err(Error::Other(text)) if text.starts_with("schema-change-failed")),
        "{outcome:?}"
    );
    assert_eq!(behind.transfers().await, 2);
    behind.check("disguised").await;
}

/// CockroachDB fails attempts by itself when they are to fail on purpose, at a statement; at COMMIT the host does.
#[tokio::test]
async fn attempts_that_are_to_fail_are_failed_by_the_server() {
    let behind = Behind::disguised(Marks::Without).await;
    let mut failed_there = 0;
    for _ in 0..20 {
        let mut session = behind.database.session(SessionOptions {
            retry: soon(2),
            chaos: Chaos::new(1.0).expect("all"),
            ..tests::session_options(Limits::default())
        });
        let outcome = transfer(&mut session, &options()).await;
        assert!(
            matches!(outcome, Err(Error::AttemptsExhausted { attempts: 3, .. })),
            "{outcome:?}"
        );
        failed_there = behind
            .proxy
            .statements()
            .iter()
            .filter(|it| it.text.contains("inject_retry_errors_enabled"))
            .count();
    }
    assert!(failed_there > 0, "some attempts fail at a statement");
    assert_eq!(behind.transfers().await, 1);
    behind.check("after injected errors").await;
}
