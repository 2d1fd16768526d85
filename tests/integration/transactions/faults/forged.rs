//! Errors of the server, at every place.

use host::database::{Error, ErrorKind};
use tests::fault::Failure;

use super::{
    Action, Behind, COMMIT, Marks, SELECT, Trigger, UPDATE, Which, ambiguous, options, places,
    repeat, statements, transfer,
};

#[tokio::test]
async fn a_lost_race_at_any_statement_and_at_commit_is_run_again_and_done_once() {
    for marks in [Marks::With, Marks::Without] {
        let behind = Behind::new(marks).await;
        let mut done = behind.transfers().await;
        for (which, number) in places() {
            for failure in [
                Failure::retry(),
                Failure::retry().after_rows(0),
                Failure::new("CR000", "restart"),
                Failure::new("40P01", "deadlock detected"),
            ] {
                let mut session = behind.session();
                let case = format!("{which:?} {number} {failure:?}");
                let trigger = Trigger::Asked(which);
                behind.proxy.nth(number, trigger, Action::Fail(failure));
                let rows = transfer(&mut session, &options()).await;
                assert_eq!(rows, Ok(2), "{case}");
                done += 1;
                assert_eq!(behind.transfers().await, done, "{case}");
                assert_eq!(session.statistics().retries, 1, "{case}");
            }
        }
        assert_eq!(behind.proxy.done(), 16);
        behind.check("after lost races").await;
    }
}

#[tokio::test]
async fn races_that_are_lost_again_and_again_are_given_up_and_nothing_is_kept() {
    for which in [UPDATE, SELECT, COMMIT] {
        let behind = Behind::new(Marks::With).await;
        let before = behind.numbers().await;
        let mut session = behind.session();
        let fail = Action::Fail(Failure::retry());
        behind.proxy.always(Trigger::Asked(which), fail);
        let outcome = transfer(&mut session, &options()).await;
        let Err(Error::AttemptsExhausted { attempts, last }) = outcome else {
            panic!("{which:?}: {outcome:?}");
        };
        assert_eq!((attempts, last.sqlstate.as_deref()), (4, Some("40001")));
        assert_eq!(behind.numbers().await, before);
        behind.check("after all attempts").await;
    }
}

#[tokio::test]
async fn an_error_after_some_rows_is_seen_and_the_rows_are_not() {
    let behind = Behind::new(Marks::With).await;
    for rows in [0, 1, 2] {
        let failure = Failure::retry().after_rows(rows);
        behind
            .proxy
            .once(Trigger::Asked(SELECT), Action::Fail(failure));
        let mut attempts = Vec::new();
        let mut session = behind.session();
        let read = repeat(&mut session, options(), async |session| {
            let read = statements(session).await;
            attempts.push(read.clone());
            read
        });
        assert_eq!(read.await, Ok(2));
        let [Err(Error::Retry(reason)), Ok(2)] = &attempts[..] else {
            panic!("{attempts:?}");
        };
        assert_eq!(reason.sqlstate.as_deref(), Some("40001"));
    }
    assert_eq!(behind.transfers().await, 4);
}

#[tokio::test]
async fn a_guest_that_hides_an_error_does_not_commit() {
    for (code, is_race) in [("40001", true), ("23505", false), ("XX000", false)] {
        let behind = Behind::new(Marks::With).await;
        let failure = Failure::new(code, "forged").after_rows(0);
        behind
            .proxy
            .once(Trigger::Asked(SELECT), Action::Fail(failure));
        let mut session = behind.session();
        let hidden = repeat(&mut session, options(), async |session| {
            Ok(statements(session).await.unwrap_or(0))
        });
        let hidden = hidden.await;
        if is_race {
            assert_eq!(hidden, Ok(2), "it was run again");
        } else {
            assert!(matches!(&hidden, Err(Error::Database(error)) if error.sqlstate == code));
        }
        let done = if is_race { 2 } else { 1 };
        assert_eq!(behind.transfers().await, done, "{code}");
        behind.check(code).await;
    }
}

#[tokio::test]
async fn a_commit_that_is_answered_with_rollback_is_a_failure() {
    for marks in [Marks::With, Marks::Without] {
        let behind = Behind::new(marks).await;
        let instead = Action::Instead("ROLLBACK");
        behind.proxy.once(Trigger::Asked(COMMIT), instead);
        let outcome = transfer(&mut behind.session(), &options()).await;
        let Err(Error::Database(error)) = &outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(error.kind, ErrorKind::TransactionAborted);
        assert_eq!(behind.transfers().await, 1, "only that of the set-up");
        behind.check("after a rollback").await;
    }
}

/// The server says itself that it does not know: applied or not, it is the same answer.
#[tokio::test]
async fn a_commit_of_unclear_end_is_ambiguous_or_settled() {
    let unclear = [
        Failure::ambiguous(),
        Failure::ambiguous().after_all(),
        Failure::new("08006", "connection failure"),
        Failure::new("57P01", "terminating connection").after_all(),
    ];
    for (number, failure) in unclear.into_iter().enumerate() {
        let is_kept = number % 2 == 1;
        for marks in [Marks::With, Marks::Without] {
            let case = format!("{failure:?} {marks:?}");
            let behind = Behind::new(marks).await;
            let fail = Action::Fail(failure.clone());
            behind.proxy.once(Trigger::Asked(COMMIT), fail);
            let mut session = behind.session();
            let outcome = transfer(&mut session, &options()).await;
            let retries = session.statistics().retries;
            match marks {
                Marks::With => {
                    assert_eq!(outcome, Ok(2), "{case}");
                    assert_eq!(retries, u64::from(!is_kept), "{case}");
                    assert_eq!(behind.transfers().await, 2, "{case}");
                }
                Marks::Without => {
                    assert!(ambiguous(&outcome), "{case}: {outcome:?}");
                    assert_eq!(retries, 0, "{case}");
                    let done = 1 + i64::from(is_kept);
                    assert_eq!(behind.transfers().await, done, "{case}");
                }
            }
            behind.check(&case).await;
        }
    }
}

#[tokio::test]
async fn a_statement_of_unclear_end_before_commit_is_not_kept() {
    let behind = Behind::new(Marks::With).await;
    let fail = Action::Fail(Failure::ambiguous().after_rows(0));
    behind.proxy.once(Trigger::Asked(UPDATE), fail);
    let outcome = transfer(&mut behind.session(), &options()).await;
    assert!(ambiguous(&outcome), "{outcome:?}");
    assert_eq!(behind.transfers().await, 1);
    behind.check("after 40003").await;
}

#[tokio::test]
async fn what_was_sent_with_a_begin_that_fails_is_not_said_to_be_undone() {
    for is_answered in [true, false] {
        let behind = Behind::new(Marks::With).await;
        let begin = Which::Beginning("BEGIN");
        let fail = Action::Fail(Failure::retry());
        behind.proxy.once(Trigger::Asked(begin), fail);
        if !is_answered {
            behind.proxy.once(Trigger::Reply(UPDATE), Action::Close);
        }
        let outcome = transfer(&mut behind.session(), &options()).await;
        // The first statement ran without it, and by itself.
        assert!(ambiguous(&outcome), "{is_answered}: {outcome:?}");
        assert_eq!(behind.numbers().await, (-2, 1), "{is_answered}");
    }
}
