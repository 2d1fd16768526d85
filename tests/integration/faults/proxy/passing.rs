//! What passes, and what does not arrive as it was sent.

use std::time::Duration;

use futures_util::future::join_all;
use tests::fault::{Action, Chaos, Gate, Side, Trigger, Which};
use tokio_postgres::NoTls;

use super::{Behind, COMMIT, code, refused, simple};

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
