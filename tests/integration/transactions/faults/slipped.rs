//! Statements that end a transaction behind the host's back. None is known that does; here the proxy runs one in place of another.

use host::database::Error;

use super::{Action, Behind, Marks, SELECT, Trigger, Which, options, repeat, statements};

#[tokio::test]
async fn a_statement_that_ends_the_transaction_is_noticed_and_the_connection_closed() {
    for text in ["COMMIT", "ROLLBACK", "COMMIT AND CHAIN", "SAVEPOINT s"] {
        let behind = Behind::new(Marks::With).await;
        let slip = Which::Beginning("SELECT 42");
        behind
            .proxy
            .once(Trigger::Asked(slip), Action::Instead(text));
        let mut session = behind.session();
        let outcome = repeat(&mut session, options(), async |session| {
            statements(session).await?;
            let slipped = session.query("SELECT 42", &[]).await;
            assert!(slipped.is_err(), "{text}: {slipped:?}");
            // It goes on as if nothing were wrong.
            drop(session.query("SELECT 43", &[]).await);
            Ok(0)
        });
        let outcome = outcome.await;
        assert!(
            matches!(&outcome, Err(Error::Denied(_) | Error::Database(_))),
            "{text}: {outcome:?}"
        );
        let ran = behind.proxy.statements();
        let slipped = ran.iter().position(|it| it.text == "SELECT 42");
        let slipped = slipped.expect("it was asked");
        let connection = ran[slipped].connection;
        let mut after = ran[slipped + 1..].iter();
        assert!(
            after.all(|it| it.connection != connection || it.text == "ROLLBACK"),
            "{text}: nothing runs on it any more: {ran:?}"
        );
        behind.check(text).await;
    }
}

#[tokio::test]
async fn what_the_host_wrote_itself_is_watched_as_well() {
    let behind = Behind::new(Marks::With).await;
    behind
        .proxy
        .once(Trigger::Asked(SELECT), Action::Instead("COMMIT"));
    let outcome = repeat(&mut behind.session(), options(), statements).await;
    assert!(outcome.is_err(), "{outcome:?}");
    let (from, to) = behind.numbers().await;
    assert_eq!(
        (from, to),
        (-2, 1),
        "the server did commit, and it is not said to be well"
    );
}
