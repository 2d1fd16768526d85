//! The proxy itself, before a real server and behind a plain client: what it does to what passes, and what it leaves alone.

mod disguise;
mod forging;
mod passing;

use tests::{
    TestDatabase,
    fault::{Proxy, Which},
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
