//! The proxy itself, before a real server and behind a plain client: what it does to what passes, and what it leaves alone.

use std::time::Duration;

use futures_util::future::join_all;
use tests::{
    TestDatabase,
    fault::{Action, Chaos, Failure, Gate, Proxy, Side, Trigger, Which},
};
use tokio_postgres::{Client, Error, NoTls, SimpleQueryMessage};

const COMMIT: Which = Which::Commit;

/// A table with the rows 1, 2 and 3, a client that goes through the proxy, and one that does not.
struct Behind {
    proxy: Proxy,
    client: Client,
    witness: Client,
    test: TestDatabase,
}

impl Behind {
    async fn new() -> Self {
        let test = tests::database().await;
        let proxy = Proxy::start(&test.url()).await;
        Self::with(test, proxy).await
    }

    async fn disguised() -> Self {
        let test = tests::database().await;
        let proxy = Proxy::disguised(&test.url()).await;
        Self::with(test, proxy).await
    }

    async fn with(test: TestDatabase, proxy: Proxy) -> Self {
        let witness = test.client().await;
        let rows = "CREATE TABLE t (id int8 PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3)";
        witness.simple_query(rows).await.expect("made");
        Self {
            client: client(&proxy.url(test.name(), "")).await,
            proxy,
            witness,
            test,
        }
    }

    /// Another client through the proxy.
    async fn another(&self) -> Client {
        client(&self.proxy.url(self.test.name(), "")).await
    }

    async fn count(&self) -> i64 {
        let counted = self.witness.query_one("SELECT count(*) FROM t", &[]).await;
        counted.expect("counted").get(0)
    }
}

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("let in");
    tokio::spawn(connection);
    client
}

fn code<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    let error = outcome.expect_err("it fails");
    error.code().map_or("none", |code| code.code()).to_owned()
}

/// The number of rows that a text gave, or the SQLSTATE of what became of it.
async fn simple(client: &Client, text: &str) -> Result<usize, String> {
    let is_row = |it: &&SimpleQueryMessage| matches!(it, SimpleQueryMessage::Row(_));
    match client.simple_query(text).await {
        Ok(messages) => Ok(messages.iter().filter(is_row).count()),
        Err(error) => Err(code::<()>(Err(error))),
    }
}

fn refused(code: &str) -> Result<usize, String> {
    Err(code.to_owned())
}

#[tokio::test]
async fn what_is_not_spoilt_passes_as_it_is() {
    let behind = Behind::new().await;
    let Behind { client, proxy, .. } = &behind;
    let prepared = client.prepare("SELECT id FROM t WHERE id > $1").await;
    let prepared = prepared.expect("prepared");
    for _ in 0..2 {
        let rows = client.query(&prepared, &[&1_i64]).await;
        assert_eq!(rows.expect("read").len(), 2);
    }
    assert_eq!(simple(client, "SELECT 1; SELECT 2").await, Ok(2));
    assert_eq!(simple(client, "SELECT 1/0").await, refused("22012"));
    // What is sent without awaiting an answer is not held back: the second would wait for ever for the first.
    let lock = "SELECT pg_sleep(0)";
    let both = join_all([client.simple_query(lock), client.simple_query(lock)]);
    assert!(both.await.iter().all(Result::is_ok));
    let cancelling = async {
        let token = client.cancel_token();
        behind.witness.simple_query("SELECT 1").await.expect("idle");
        tests::wait_until("it sleeps", async || {
            let sleeping = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
            let sleeping = behind.witness.query(sleeping, &[]).await;
            !sleeping.expect("asked").is_empty()
        })
        .await;
        token.cancel_query(NoTls).await.expect("asked");
    };
    let (slept, ()) = tokio::join!(client.simple_query("SELECT pg_sleep(600)"), cancelling);
    assert_eq!(code(slept), "57014");
    let texts: Vec<_> = proxy.statements().into_iter().map(|it| it.text).collect();
    let ran = "SELECT id FROM t WHERE id > $1";
    assert_eq!(texts.get(..2), Some(&[ran.to_owned(), ran.to_owned()][..]));
    assert_eq!(proxy.done(), 0);
}

#[tokio::test]
async fn the_bytes_of_both_sides_come_as_slowly_as_is_asked_for() {
    let behind = Behind::new().await;
    for (action, side) in [
        (Action::Slice(1), Side::Client),
        (Action::Slice(2), Side::Server),
        (Action::Throttle(100_000), Side::Server),
        (Action::Delay(Duration::from_millis(5)), Side::Client),
    ] {
        behind.proxy.once(Trigger::Message(side), action);
        let rows = behind.client.query("SELECT * FROM t", &[]).await;
        assert_eq!(rows.expect("read").len(), 3);
    }
    assert_eq!(behind.proxy.done(), 4);
}

#[tokio::test]
async fn a_held_message_waits_and_the_other_direction_goes_on() {
    let behind = Behind::new().await;
    let gate = Gate::new();
    let hold = Action::Hold(gate.clone());
    behind.proxy.once(Trigger::Asked(COMMIT), hold);
    let writing = async {
        behind.client.simple_query("BEGIN").await.expect("begun");
        let written = "INSERT INTO t VALUES (4)";
        behind.client.simple_query(written).await.expect("written");
        behind.client.simple_query("COMMIT").await
    };
    let watching = async {
        gate.reached().await;
        let count = behind.count().await;
        gate.open();
        count
    };
    let (committed, count) = tokio::join!(writing, watching);
    committed.expect("committed");
    assert_eq!((count, behind.count().await), (3, 4));
}

#[tokio::test]
async fn a_commit_is_seen_however_it_is_sent() {
    for is_simple in [true, false] {
        let behind = Behind::new().await;
        let client = &behind.client;
        behind.proxy.once(Trigger::Reply(COMMIT), Action::Reset);
        let prepared = client.prepare("COMMIT").await.expect("only prepared");
        let text = "BEGIN; INSERT INTO t VALUES (4)";
        client.simple_query(text).await.expect("written");
        let committed = if is_simple {
            client.simple_query("COMMIT").await.map(drop)
        } else {
            client.execute(&prepared, &[]).await.map(drop)
        };
        assert_eq!(code(committed), "none", "the connection is lost");
        assert_eq!(behind.count().await, 4, "and it was committed");
    }
}

#[tokio::test]
async fn a_connection_ends_where_it_is_told_to() {
    let before = [
        (Trigger::Asked(COMMIT), Action::Reset),
        (Trigger::Asked(COMMIT), Action::Close),
        (Trigger::Done(Which::Beginning("INSERT")), Action::Reset),
        (Trigger::Ready(Which::Beginning("INSERT")), Action::Close),
        (Trigger::Asked(Which::Number(1)), Action::Reset),
        (Trigger::ReplyByte(Which::Number(1), 6), Action::Reset),
        // In the middle of the Parse of the second statement.
        (Trigger::Byte(Side::Client, 40), Action::Close),
        (Trigger::Byte(Side::Server, 40), Action::Close),
    ];
    let after = [
        (Trigger::Reply(COMMIT), Action::Reset),
        (Trigger::Done(COMMIT), Action::Close),
        (Trigger::Ready(COMMIT), Action::Reset),
        (Trigger::ReplyByte(COMMIT, 3), Action::Close),
    ];
    let before = before.map(|fault| (fault, 3));
    let after = after.map(|fault| (fault, 4));
    for ((trigger, action), count) in before.into_iter().chain(after) {
        let behind = Behind::new().await;
        let case = format!("{trigger:?} {action:?}");
        behind.proxy.once(trigger, action);
        let all = async {
            behind.client.simple_query("BEGIN").await?;
            let written = behind.client.execute("INSERT INTO t VALUES (4)", &[]);
            written.await?;
            behind.client.simple_query("COMMIT").await
        };
        assert_eq!(code(all.await), "none", "{case}");
        assert_eq!(behind.proxy.done(), 1, "{case}");
        assert_eq!(behind.count().await, count, "{case}");
        let next = behind.another().await;
        assert_eq!(simple(&next, "SELECT 1").await, Ok(1), "{case}");
    }
}

#[tokio::test]
async fn what_is_dropped_never_arrives() {
    let behind = Behind::new().await;
    let client = &behind.client;
    let text = "BEGIN; INSERT INTO t VALUES (4)";
    client.simple_query(text).await.expect("written");
    behind.proxy.once(Trigger::Asked(COMMIT), Action::Drop);
    let waiting = Duration::from_millis(50);
    let committed = tokio::time::timeout(waiting, client.simple_query("COMMIT")).await;
    assert!(committed.is_err(), "nobody answers");
    assert_eq!(behind.count().await, 3);
    let Behind { proxy, witness, .. } = behind;
    drop(proxy);
    let open = "SELECT FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()";
    tests::wait_until("it is rolled back", async || {
        witness.query(open, &[]).await.expect("asked").is_empty()
    })
    .await;
    assert_eq!(simple(&witness, "SELECT FROM t").await, Ok(3));
}

#[tokio::test]
async fn a_stranded_transaction_stays_open_on_the_server() {
    let behind = Behind::new().await;
    behind.proxy.once(Trigger::Asked(COMMIT), Action::Strand);
    let text = "BEGIN; INSERT INTO t VALUES (4)";
    behind.client.simple_query(text).await.expect("written");
    assert_eq!(code(behind.client.simple_query("COMMIT").await), "none");
    let open = "SELECT FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()";
    let is_open = async || {
        !behind
            .witness
            .query(open, &[])
            .await
            .expect("asked")
            .is_empty()
    };
    assert!(is_open().await, "it waits for a COMMIT that never comes");
    drop(behind.proxy);
    tests::wait_until("it ends with the proxy", async || !is_open().await).await;
}

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

#[tokio::test]
async fn the_same_seed_spoils_the_same() {
    let mut journals = Vec::new();
    for seed in [1, 1, 2] {
        let behind = Behind::new().await;
        let actions = [
            Action::Slice(3),
            Action::Slice(7),
            Action::Delay(Duration::ZERO),
        ];
        behind.proxy.by_chance(Chaos::new(seed, 5, actions));
        for _ in 0..20 {
            assert_eq!(simple(&behind.client, "SELECT * FROM t").await, Ok(3));
        }
        behind.proxy.clear();
        journals.push(behind.proxy.journal());
    }
    assert_eq!(journals[0], journals[1]);
    assert_ne!(journals[0], journals[2]);
}

#[tokio::test]
async fn disguised_the_server_refuses_what_cockroachdb_refuses() {
    let behind = Behind::disguised().await;
    let client = &behind.client;
    for (text, expected) in [
        ("COMMIT", refused("25P01")),
        ("ROLLBACK", refused("25P01")),
        ("BEGIN", Ok(0)),
        ("BEGIN", refused("25001")),
        ("SELECT 1", refused("25P02")),
        // Answered with the tag ROLLBACK, and no error.
        ("COMMIT", Ok(0)),
        ("COMMIT", refused("25P01")),
        ("SELECT pg_advisory_unlock_all()", refused("42883")),
        ("SET autocommit_before_ddl = off", Ok(0)),
        ("SET inject_retry_errors_enabled = 'true'", Ok(0)),
        ("SELECT 1", Ok(1)),
        ("BEGIN", Ok(0)),
        ("SELECT 1", refused("40001")),
        ("ROLLBACK", Ok(0)),
        ("SET inject_retry_errors_enabled = 'false'", Ok(0)),
        ("BEGIN", Ok(0)),
        ("SAVEPOINT s", Ok(0)),
        ("SELECT 1/0", refused("22012")),
        ("ROLLBACK TO SAVEPOINT s", Ok(0)),
        ("SELECT 1", Ok(1)),
        ("COMMIT", Ok(0)),
    ] {
        assert_eq!(simple(client, text).await, expected, "{text}");
    }
    let forged = Action::Fail(Failure::retry());
    let trigger = Trigger::Asked(Which::Beginning("SELECT * FROM t"));
    behind.proxy.once(trigger, forged);
    for (text, expected) in [
        ("BEGIN", Ok(0)),
        ("SAVEPOINT s", Ok(0)),
        ("SELECT * FROM t", refused("40001")),
        // No savepoint survives that.
        ("ROLLBACK TO SAVEPOINT s", refused("40001")),
        ("ROLLBACK", Ok(0)),
        ("SELECT * FROM t", Ok(3)),
    ] {
        assert_eq!(simple(client, text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn disguised_the_server_says_what_it_is_and_no_more_of_an_error_than_cockroachdb() {
    let test = tests::database().await;
    let proxy = Proxy::disguised(&test.url()).await;
    let url = proxy.url(test.name(), "");
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("let in");
    let version = connection.parameter("crdb_version").map(str::to_owned);
    assert!(version.is_some_and(|version| version.starts_with("CockroachDB")));
    assert_eq!(connection.parameter("in_hot_standby"), None);
    assert_eq!(connection.parameter("client_encoding"), Some("UTF8"));
    tokio::spawn(connection);
    let table = "CREATE TABLE t (id int8 PRIMARY KEY); INSERT INTO t VALUES (1)";
    client.simple_query(table).await.expect("made");
    let twice = client.execute("INSERT INTO t VALUES (1)", &[]).await;
    let error = twice.expect_err("twice");
    let error = error.as_db_error().expect("told by the server");
    assert_eq!(error.code().code(), "23505");
    assert_eq!((error.constraint(), error.table()), (Some("t_pkey"), None));
    let wrong = client.simple_query("SELECT nothing").await;
    let error = wrong.expect_err("there is no such column");
    assert_eq!(error.as_db_error().expect("told").position(), None);
}
