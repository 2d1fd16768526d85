//! A real server, and what is lost between it and the host.

use host::database::{Database, Error};
use tests::{
    Cluster, TestDatabase,
    fault::{Action, Proxy, Side, Trigger, Which},
    number,
};
use tokio_postgres::{Client, NoTls};

use super::{connect, is_ambiguous, read, session, update, write};

const ONE: &str = "min_connections=1&max_connections=1";

/// A table behind a proxy that spoils what has to do with statements that begin with `text`.
struct Spoilt {
    text: &'static str,
    client: Client,
    database: Database,
    proxy: Proxy,
    _test: TestDatabase,
}

impl Spoilt {
    async fn new(text: &'static str) -> Self {
        let test = tests::database().await;
        let client = test.client().await;
        client
            .simple_query("CREATE TABLE t (id int8)")
            .await
            .expect("made");
        let proxy = Proxy::start(&test.url()).await;
        let database = connect(&proxy.url(test.name(), ONE)).await;
        Self {
            text,
            client,
            database,
            proxy,
            _test: test,
        }
    }

    /// Cuts the connection when so many bytes of the next answer have passed, if it has so many.
    fn cut(&self, bytes: usize) {
        self.proxy.clear();
        let trigger = Trigger::ReplyByte(Which::Beginning(self.text), bytes);
        self.proxy.once(trigger, Action::Close);
    }

    /// Cuts the connection before the server sees the next one.
    fn cut_before(&self) {
        self.proxy.clear();
        let trigger = Trigger::Asked(Which::Beginning(self.text));
        self.proxy.once(trigger, Action::Close);
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_cut_anywhere_happened_once_and_is_not_repeated() {
    let spoilt = Spoilt::new("INSERT").await;
    let mut session = session(&spoilt.database);
    let (mut whole, mut unknown) = (0, 0);
    for bytes in 0..100 {
        spoilt.cut(bytes);
        match write(&mut session, 1).await {
            Ok(_) => whole += 1,
            Err(Error::AmbiguousCommit(_)) => unknown += 1,
            Err(error) => panic!("after {bytes} bytes: {error:?}"),
        }
        let count = number(&spoilt.client, "SELECT count(*) FROM t").await;
        assert_eq!(count, whole + unknown, "after {bytes} bytes");
    }
    assert!(whole > 0 && unknown > 30, "{whole} {unknown}");
    spoilt.cut_before();
    assert!(
        is_ambiguous(&write(&mut session, 1).await),
        "it was sent, and nobody knows how far"
    );
    assert_eq!(number(&spoilt.client, "SELECT count(*) FROM t").await, 100);
    spoilt.database.close().await;
}

#[tokio::test]
async fn a_read_whose_answer_is_cut_anywhere_is_read_again() {
    let spoilt = Spoilt::new("SELECT").await;
    spoilt
        .client
        .simple_query("INSERT INTO t VALUES (1), (2)")
        .await
        .expect("written");
    let mut session = session(&spoilt.database);
    for bytes in 0..160 {
        spoilt.cut(bytes);
        let rows = read(&mut session).await;
        let rows = rows.unwrap_or_else(|error| panic!("after {bytes} bytes: {error}"));
        assert_eq!(rows.len(), 2, "after {bytes} bytes");
    }
    spoilt.database.close().await;
}

#[tokio::test]
async fn a_transaction_that_is_cut_anywhere_happens_once_or_not_at_all() {
    for (text, may_be_unknown) in [("BEGIN", false), ("UPDATE", false), ("COMMIT", true)] {
        let spoilt = Spoilt::new(text).await;
        let row = "INSERT INTO t VALUES (0)";
        spoilt.client.simple_query(row).await.expect("written");
        let mut session = session(&spoilt.database);
        let mut unknown = 0;
        for bytes in (0..60).step_by(3) {
            let before = number(&spoilt.client, "SELECT id FROM t").await;
            spoilt.cut(bytes);
            let updated = update(&mut session).await;
            unknown += i32::from(is_ambiguous(&updated));
            assert!(
                updated.is_ok() || is_ambiguous(&updated),
                "{text} after {bytes} bytes: {updated:?}"
            );
            let after = number(&spoilt.client, "SELECT id FROM t").await;
            assert_eq!(after, before + 1, "{text} after {bytes} bytes");
        }
        assert_eq!(unknown > 0, may_be_unknown, "{text}");
        let before = number(&spoilt.client, "SELECT id FROM t").await;
        spoilt.cut_before();
        let updated = update(&mut session).await;
        assert_eq!(
            is_ambiguous(&updated),
            may_be_unknown,
            "{text}: {updated:?}"
        );
        let after = number(&spoilt.client, "SELECT id FROM t").await;
        assert_eq!(after == before, may_be_unknown, "{text}");
        spoilt.database.close().await;
    }
}

#[tokio::test]
async fn bytes_may_come_one_by_one() {
    let test = tests::database().await;
    let client = test.client().await;
    client
        .simple_query("CREATE TABLE t (id int8)")
        .await
        .expect("made");
    let proxy = Proxy::start(&test.url()).await;
    for side in [Side::Client, Side::Server] {
        proxy.once(Trigger::Message(side), Action::Slice(1));
    }
    let database = connect(&proxy.url(test.name(), ONE)).await;
    let mut session = session(&database);
    for id in 0..4 {
        write(&mut session, id).await.expect("written");
        update(&mut session).await.expect("updated");
        assert_eq!(
            read(&mut session).await.expect("read").len(),
            usize::try_from(id).expect("few") + 1
        );
    }
    database.close().await;
}

#[tokio::test]
async fn when_a_server_is_gone_the_next_of_the_list_is_used() {
    let test = tests::database().await;
    let client = test.client().await;
    client
        .simple_query("CREATE TABLE t (id int8)")
        .await
        .expect("made");
    let first = Proxy::start(&test.url()).await;
    let second = Proxy::start(&test.url()).await;
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", first.port(), second.port());
    let url = format!(
        "postgresql://root@{hosts}/{}?sslmode=disable&{ONE}",
        test.name()
    );
    let database = connect(&url).await;
    let mut session = session(&database);
    write(&mut session, 1).await.expect("written");
    drop(first);
    // A read is run again on whatever is there.
    assert_eq!(read(&mut session).await.expect("read").len(), 1);
    write(&mut session, 2).await.expect("written by the second");
    assert_eq!(read(&mut session).await.expect("read").len(), 2);
    database.close().await;
}

#[tokio::test]
async fn a_server_that_crashes_and_recovers_is_used_again() {
    let cluster = Cluster::start();
    let url = cluster.url("postgres");
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("let in");
    let ending = tokio::spawn(connection);
    let (witness, connection) = tokio_postgres::connect(&url, NoTls).await.expect("let in");
    let witnessing = tokio::spawn(connection);
    let table = "CREATE TABLE t (id int8)";
    client.simple_query(table).await.expect("made");
    let patience = "min_connections=0&max_connections=2&connect_timeout=2";
    let database = connect(&format!("{url}&{patience}")).await;
    let mut session = session(&database);
    write(&mut session, 1).await.expect("written");
    // What is not on the disk yet is lost: the servers of tests do not wait for it.
    client
        .simple_query("CHECKPOINT")
        .await
        .expect("on the disk");
    let own = "SELECT pg_backend_pid()";
    let row = client.query_one(own, &[]).await.expect("asked");
    let pid = rustix::process::Pid::from_raw(row.get(0)).expect("a process");
    // One backend that is killed takes all others along: the server does not trust its memory any more, and recovers.
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
    drop(ending.await.expect("it ended"));
    drop(witnessing.await.expect("it ended"));
    drop(witness);
    let mut last = None;
    for _ in 0..500 {
        match read(&mut session).await {
            Ok(rows) => {
                last = Some(rows.len());
                break;
            }
            Err(Error::Unavailable(_) | Error::Retry(_)) => {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(last, Some(1));
    write(&mut session, 2).await.expect("written");
    assert_eq!(read(&mut session).await.expect("read").len(), 2);
    database.close().await;
}
