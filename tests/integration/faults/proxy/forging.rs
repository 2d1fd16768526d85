//! Answers that the server did not give.

use tests::fault::{Action, Failure, Trigger, Which};
use tokio_postgres::SimpleQueryMessage;

use super::{Behind, COMMIT, code, refused, simple};

#[tokio::test]
async fn a_forged_error_leaves_the_server_as_if_it_were_its_own() {
    let behind = Behind::new().await;
    let Behind { client, proxy, .. } = &behind;
    let all = "SELECT * FROM t";
    let rows = Which::Beginning("SELECT * FROM t");
    for point in 0..3 {
        for is_simple in [true, false] {
            let case = format!("point {point}, simple {is_simple}");
            let failure = match point {
                0 => Failure::retry(),
                1 => Failure::retry().after_rows(2),
                _ => Failure::retry().after_all(),
            };
            proxy.once(Trigger::Asked(rows), Action::Fail(failure));
            client.simple_query("BEGIN").await.expect("begun");
            let lost = if is_simple {
                client.simple_query(all).await.map(drop)
            } else {
                client.query(all, &[]).await.map(drop)
            };
            let error = lost.expect_err("forged");
            let error = error.as_db_error().expect("told by the server");
            assert_eq!(error.code().code(), "40001", "{case}");
            assert!(error.hint().is_some_and(|hint| hint.contains("retry")));
            assert_eq!(simple(client, "SELECT 1").await, refused("25P02"), "{case}");
            client.simple_query("ROLLBACK").await.expect("rolled back");
            assert_eq!(simple(client, all).await, Ok(3), "{case}");
        }
    }
    assert_eq!(proxy.done(), 6);
}

#[tokio::test]
async fn an_error_after_some_rows_comes_after_them() {
    use futures_util::TryStreamExt as _;
    let behind = Behind::new().await;
    let trigger = Trigger::Asked(Which::Beginning("SELECT * FROM t"));
    let failure = Failure::retry().after_rows(2);
    behind.proxy.once(trigger, Action::Fail(failure));
    let none: [i64; 0] = [];
    let stream = behind.client.query_raw("SELECT * FROM t", none).await;
    let mut stream = std::pin::pin!(stream.expect("it begins"));
    for _ in 0..2 {
        assert!(stream.try_next().await.expect("a row").is_some());
    }
    assert_eq!(code(stream.try_next().await), "40001");
}

#[tokio::test]
async fn a_statement_that_fails_alone_was_done_or_not_as_is_asked_for() {
    let behind = Behind::new().await;
    let Behind { client, proxy, .. } = &behind;
    let insert = Which::Beginning("INSERT");
    for (failure, count) in [
        (Failure::ambiguous(), 3),
        (Failure::ambiguous().after_rows(0), 3),
        (Failure::ambiguous().after_all(), 4),
    ] {
        proxy.once(Trigger::Asked(insert), Action::Fail(failure));
        let written = client.execute("INSERT INTO t VALUES (4)", &[]).await;
        assert_eq!(code(written), "40003");
        assert_eq!(behind.count().await, count);
        assert_eq!(
            simple(client, "SELECT 1").await,
            Ok(1),
            "no transaction is open"
        );
    }
}

#[tokio::test]
async fn a_commit_that_fails_was_done_or_not_and_is_over() {
    for is_simple in [true, false] {
        let behind = Behind::new().await;
        let Behind { client, proxy, .. } = &behind;
        let prepared = client.prepare("COMMIT").await.expect("prepared");
        for (failure, count) in [
            (Failure::retry(), 3),
            (Failure::ambiguous(), 3),
            (Failure::ambiguous().after_all(), 4),
        ] {
            proxy.once(Trigger::Asked(COMMIT), Action::Fail(failure));
            let text = "BEGIN; INSERT INTO t VALUES (4)";
            client.simple_query(text).await.expect("written");
            let committed = if is_simple {
                client.simple_query("COMMIT").await.map(drop)
            } else {
                client.execute(&prepared, &[]).await.map(drop)
            };
            assert!(code(committed).starts_with("4000"));
            assert_eq!(behind.count().await, count);
            assert_eq!(
                simple(client, "SELECT 1").await,
                Ok(1),
                "no transaction is open"
            );
        }
    }
}

#[tokio::test]
async fn a_tag_is_another_and_the_deed_the_same() {
    let behind = Behind::new().await;
    let update = Which::Beginning("UPDATE");
    for trigger in [Trigger::Asked(update), Trigger::Done(update)] {
        behind.proxy.once(trigger, Action::Tag("UPDATE 77"));
        let text = "UPDATE t SET id = id + 10 WHERE id < 3";
        let messages = behind.client.simple_query(text).await.expect("done");
        let [SimpleQueryMessage::CommandComplete(count)] = messages[..] else {
            panic!("{messages:?}");
        };
        assert_eq!(count, 77);
    }
    let moved = "SELECT FROM t WHERE id = 11";
    assert_eq!(simple(&behind.witness, moved).await, Ok(1));
}
