//! Connections that end, at every place.

use std::time::Duration;

use host::database::{Error, Limits, Session, SessionOptions, TransactionOptions};
use tests::fault::Gate;

use super::{
    Action, Behind, COMMIT, FENCE, MARK, Marks, Trigger, ambiguous, options, places, soon, transfer,
};

#[tokio::test]
async fn a_connection_that_is_lost_before_commit_was_sent_is_no_loss() {
    for marks in [Marks::With, Marks::Without] {
        for action in [Action::Reset, Action::Close] {
            let behind = Behind::new(marks).await;
            let mut done = 1;
            for (which, number) in places() {
                if which == COMMIT {
                    continue;
                }
                for trigger in [
                    Trigger::Asked(which),
                    Trigger::Reply(which),
                    Trigger::Done(which),
                    Trigger::Ready(which),
                    Trigger::ReplyByte(which, 7),
                ] {
                    let case = format!("{trigger:?} {number} {action:?}");
                    behind.proxy.clear();
                    behind.proxy.nth(number, trigger, action.clone());
                    let mut session = behind.session();
                    let outcome = transfer(&mut session, &options()).await;
                    assert_eq!(outcome, Ok(2), "{case}");
                    done += 1;
                    assert_eq!(behind.transfers().await, done, "{case}");
                    assert_eq!(session.statistics().retries, 1, "{case}");
                }
            }
            behind.check("after lost connections").await;
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_during_commit_is_ambiguous_or_settled() {
    let before = [Trigger::Named(COMMIT), Trigger::Asked(COMMIT)];
    let after = [
        Trigger::Reply(COMMIT),
        Trigger::Done(COMMIT),
        Trigger::Ready(COMMIT),
        Trigger::ReplyByte(COMMIT, 0),
        Trigger::ReplyByte(COMMIT, 5),
    ];
    let before = before.map(|trigger| (trigger, false));
    let after = after.map(|trigger| (trigger, true));
    for (trigger, is_kept) in before.into_iter().chain(after) {
        for action in [Action::Reset, Action::Close] {
            for marks in [Marks::With, Marks::Without] {
                let case = format!("{trigger:?} {action:?} {marks:?}");
                let behind = Behind::new(marks).await;
                behind.proxy.once(trigger, action.clone());
                let mut session = behind.session();
                let outcome = transfer(&mut session, &options()).await;
                let retries = session.statistics().retries;
                if marks == Marks::With {
                    assert_eq!(outcome, Ok(2), "{case}");
                    assert_eq!(retries, u64::from(!is_kept), "{case}");
                } else {
                    assert!(ambiguous(&outcome), "{case}: {outcome:?}");
                    assert_eq!(retries, 0, "{case}");
                }
                let done = 1 + i64::from(is_kept || marks == Marks::With);
                assert_eq!(behind.transfers().await, done, "{case}");
                behind.check(&case).await;
            }
        }
    }
}

#[tokio::test]
async fn a_mark_whose_flight_is_lost_is_settled_too() {
    for (trigger, is_kept) in [
        (Trigger::Asked(MARK), false),
        (Trigger::Reply(MARK), true),
        (Trigger::Done(MARK), true),
    ] {
        let behind = Behind::new(Marks::With).await;
        behind.proxy.once(trigger, Action::Reset);
        let outcome = transfer(&mut behind.session(), &options()).await;
        assert_eq!(outcome, Ok(2), "{trigger:?}");
        // COMMIT may have been on its way already or not: it is done once in any case.
        assert_eq!(behind.transfers().await, 2, "{trigger:?} {is_kept}");
        behind.check("after a lost mark").await;
    }
}

#[tokio::test]
async fn a_transaction_that_is_not_to_be_settled_is_ambiguous() {
    let behind = Behind::new(Marks::With).await;
    behind.proxy.once(Trigger::Reply(COMMIT), Action::Reset);
    let unsettled = TransactionOptions {
        resolve_ambiguous: Some(false),
        ..options()
    };
    let outcome = transfer(&mut behind.session(), &unsettled).await;
    assert!(ambiguous(&outcome), "{outcome:?}");
    assert_eq!(behind.transfers().await, 2);
}

/// The network is parted: COMMIT never arrives, and on the server the transaction stays open. Whoever fences it off waits for the server to
/// end it.
#[tokio::test]
async fn a_commit_that_never_arrives_is_fenced_off_and_done_again() {
    let behind = Behind::new(Marks::With).await;
    behind.proxy.once(Trigger::Named(COMMIT), Action::Strand);
    let mut session = behind.session();
    let outcome = transfer(&mut session, &options()).await;
    assert_eq!(outcome, Ok(2));
    assert_eq!(session.statistics().retries, 1);
    assert_eq!(behind.transfers().await, 2);
    behind.check("after a parted network").await;
}

/// A session whose statements, COMMIT among them, are waited for no longer than a moment.
fn impatient(behind: &Behind) -> Session {
    behind.database.session(SessionOptions {
        retry: soon(3),
        ..tests::session_options(Limits {
            statement_timeout: Duration::from_millis(200),
            ..Limits::default()
        })
    })
}

#[tokio::test]
async fn a_commit_that_arrives_after_it_was_fenced_off_does_not_happen() {
    let behind = Behind::new(Marks::With).await;
    let gate = Gate::new();
    let hold = Action::Hold(gate.clone());
    behind.proxy.once(Trigger::Named(COMMIT), hold);
    let mut session = impatient(&behind);
    let outcome = transfer(&mut session, &options()).await;
    assert_eq!(outcome, Ok(2));
    assert_eq!(session.statistics().retries, 1);
    gate.open();
    assert_eq!(behind.transfers().await, 2);
    behind.check("after a late commit").await;
}

#[tokio::test]
async fn a_commit_that_arrives_before_it_is_fenced_off_is_not_done_again() {
    let behind = Behind::new(Marks::With).await;
    let (commit, fence) = (Gate::new(), Gate::new());
    let hold = |gate: &Gate| Action::Hold(gate.clone());
    behind.proxy.once(Trigger::Named(COMMIT), hold(&commit));
    behind.proxy.once(Trigger::Asked(FENCE), hold(&fence));
    let mut session = impatient(&behind);
    let arriving = async {
        fence.reached().await;
        commit.open();
        tests::wait_until("it is committed", async || behind.transfers().await == 2).await;
        fence.open();
    };
    let options = options();
    let (outcome, ()) = tokio::join!(transfer(&mut session, &options), arriving);
    assert_eq!(outcome, Ok(2));
    assert_eq!(session.statistics().retries, 0);
    assert_eq!(behind.transfers().await, 2);
    behind.check("after a late commit").await;
}

#[tokio::test]
async fn a_commit_that_cannot_be_settled_stays_ambiguous() {
    let behind = Behind::new(Marks::With).await;
    behind.proxy.once(Trigger::Reply(COMMIT), Action::Reset);
    behind.proxy.always(Trigger::Start, Action::Reset);
    behind.proxy.always(Trigger::Asked(FENCE), Action::Reset);
    let outcome = transfer(&mut behind.session(), &options()).await;
    assert!(ambiguous(&outcome), "{outcome:?}");
    assert_eq!(behind.transfers().await, 2);
    behind.check("after a lost database").await;
}

/// The answer of the fence itself is lost: the next one finds it there, and does not take it for a commit.
#[tokio::test]
async fn a_fence_whose_answer_is_lost_is_not_taken_for_a_commit() {
    for trigger in [
        Trigger::Asked(FENCE),
        Trigger::Reply(FENCE),
        Trigger::Done(FENCE),
    ] {
        let behind = Behind::new(Marks::With).await;
        behind.proxy.once(Trigger::Asked(COMMIT), Action::Reset);
        behind.proxy.once(trigger, Action::Reset);
        let mut session = behind.session();
        let outcome = transfer(&mut session, &options()).await;
        assert_eq!(outcome, Ok(2), "{trigger:?}");
        assert_eq!(session.statistics().retries, 1, "{trigger:?}");
        assert_eq!(behind.transfers().await, 2, "{trigger:?}");
        behind.check("after a lost fence").await;
    }
}

#[tokio::test]
async fn a_database_that_is_away_for_a_moment_is_waited_for() {
    let behind = Behind::new(Marks::With).await;
    for (which, number) in places() {
        behind
            .proxy
            .nth(number, Trigger::Asked(which), Action::Reset);
        behind.proxy.once(Trigger::Start, Action::Reset);
        let mut session = behind.database.session(SessionOptions {
            retry: soon(10),
            ..tests::session_options(Limits::default())
        });
        let outcome = transfer(&mut session, &options()).await;
        assert_eq!(outcome, Ok(2), "{which:?} {number}");
        behind.proxy.clear();
    }
    assert_eq!(behind.transfers().await, 5);
    behind.check("after a moment away").await;
}

#[tokio::test]
async fn handles_are_told_what_became_of_a_lost_connection() {
    for (which, number) in places() {
        let behind = Behind::new(Marks::Without).await;
        let mut session = behind.session();
        let transaction = session.begin(None).await.expect("begun");
        behind
            .proxy
            .nth(number, Trigger::Asked(which), Action::Reset);
        let outcome = match super::statements(&mut session).await {
            Ok(_) => session.commit(transaction).await,
            Err(error) => Err(error),
        };
        if which == COMMIT {
            assert!(ambiguous(&outcome), "{outcome:?}");
            assert_eq!(behind.transfers().await, 1);
            continue;
        }
        assert!(matches!(&outcome, Err(Error::Retry(_))), "{outcome:?}");
        session.restart(transaction).await.expect("begun again");
        assert_eq!(session.attempt(), 2);
        super::statements(&mut session).await.expect("done");
        session.commit(transaction).await.expect("committed");
        assert_eq!(behind.transfers().await, 2, "{which:?} {number}");
        drop(session);
        behind.check("after a handle").await;
    }
}
