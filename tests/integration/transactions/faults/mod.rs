//! Transactions before a server, a network and a COMMIT that fail: each is done again or reported, never done twice, never half, and never
//! said to be done when it was not.

#![expect(
    clippy::panic,
    reason = "these are tests: what is not expected ends them"
)]

mod disguised;
mod exactly_once;
mod forged;
mod guest;
mod interrupted;
mod lost;
mod slipped;

use std::time::Duration;

use host::database::{
    ConnectOptions, Database, Error, Limits, RetryPolicy, Selection, Session, SessionOptions,
    TransactionOptions,
};
use tests::{
    TestDatabase,
    fault::{Action, Proxy, Trigger, Which},
};
use tokio_postgres::Client;

use super::add;

/// The COMMIT of a transfer: old marks are removed now and then in the background, which has one of its own.
const COMMIT: Which = Which::CommitOf("UPDATE");
const UPDATE: Which = Which::Beginning("UPDATE");
const SELECT: Which = Which::Beginning("SELECT * FROM");
const MARK: Which = Which::Beginning("INSERT INTO chitin_internal");
const FENCE: Which =
    Which::Beginning("INSERT INTO chitin_internal.commit_marker (id, state) VALUES ($1, 'fenced')");

/// A table `t` with the rows 1 and 2, behind a proxy.
struct Behind {
    proxy: Proxy,
    database: Database,
    witness: Client,
    test: TestDatabase,
}

/// Whether the database is prepared to settle a commit whose answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marks {
    With,
    Without,
}

impl Behind {
    async fn new(marks: Marks) -> Self {
        let test = tests::database().await;
        let proxy = Proxy::start(&test.url()).await;
        Self::with(test, proxy, marks).await
    }

    async fn disguised(marks: Marks) -> Self {
        let test = tests::database().await;
        let proxy = Proxy::disguised(&test.url()).await;
        Self::with(test, proxy, marks).await
    }

    async fn with(test: TestDatabase, proxy: Proxy, marks: Marks) -> Self {
        let witness = test.client().await;
        let table = "CREATE TABLE t (id int8 PRIMARY KEY, n int8 NOT NULL); \
                     INSERT INTO t VALUES (1, 0), (2, 0)";
        witness.simple_query(table).await.expect("made");
        if marks == Marks::With {
            prepare(&test).await;
        }
        let url = proxy.url(test.name(), "min_connections=1&max_connections=2");
        let database = connect(&url).await;
        let behind = Self {
            proxy,
            database,
            witness,
            test,
        };
        // What is looked up once is looked up now.
        transfer(&mut behind.session(), &options())
            .await
            .expect("transferred");
        behind
    }

    /// A session whose transactions are done again at most three times, each soon.
    fn session(&self) -> Session {
        self.database.session(SessionOptions {
            retry: soon(3),
            ..tests::session_options(Limits::default())
        })
    }

    /// The numbers of both rows.
    async fn numbers(&self) -> (i64, i64) {
        let numbers = "SELECT (SELECT n FROM t WHERE id = 1), (SELECT n FROM t WHERE id = 2)";
        let row = self.witness.query_one(numbers, &[]).await;
        let row = row.expect("two rows");
        (row.get(0), row.get(1))
    }

    /// How often the transfer was done, of which nothing is ever done by half.
    async fn transfers(&self) -> i64 {
        let (from, to) = self.numbers().await;
        assert_eq!(from + to, 0, "half of it was done");
        to
    }

    /// Ends it: every connection can still be used, and no transaction is open.
    async fn check(self, case: &str) {
        self.proxy.clear();
        let read = transfer(&mut self.session(), &options()).await;
        read.unwrap_or_else(|error| panic!("{case}: {error}"));
        assert!(self.database.open_connections() <= 2, "{case}");
        self.database.close().await;
        tests::nothing_is_open(&self.witness).await;
        drop(self.test);
    }
}

/// Makes the table of marks.
async fn prepare(test: &TestDatabase) {
    let database = test.connect().await;
    super::prepare_marks(&database).await;
    database.close().await;
}

async fn connect(url: &str) -> Database {
    let options = ConnectOptions::from_url(url).expect("a good URL");
    let database = Database::connect(options, Limits::default()).await;
    database.expect("it connects")
}

fn soon(max_retries: u32) -> RetryPolicy {
    let (first, longest) = (Duration::from_millis(1), Duration::from_millis(5));
    RetryPolicy::new(max_retries, first, longest).expect("sane")
}

fn options() -> TransactionOptions {
    TransactionOptions::default()
}

/// Three statements: takes one away, reads both, adds one.
async fn statements(session: &mut Session) -> Result<usize, Error> {
    add(session, 1, -1).await?;
    let rows = session.select("t", &Selection::default()).await?;
    add(session, 2, 1).await?;
    Ok(rows.len())
}

/// Work that is done until it is committed.
async fn repeat<T>(
    session: &mut Session,
    options: TransactionOptions,
    mut work: impl AsyncFnMut(&mut Session) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut repeated = session.repeated(&options).await?;
    loop {
        let mut attempt = repeated.begin().await?;
        let done = work(&mut attempt).await;
        let ended = repeated.end(attempt, done.is_ok()).await;
        if let Some(outcome) = repeated.conclude(ended).await {
            return outcome.and(done);
        }
    }
}

/// One transaction that the host repeats; how many rows it read.
async fn transfer(session: &mut Session, options: &TransactionOptions) -> Result<usize, Error> {
    repeat(session, options.clone(), statements).await
}

/// The places of the three statements and of COMMIT: how to meet each, and how many like it come before.
fn places() -> [(Which, usize); 4] {
    [(UPDATE, 0), (SELECT, 0), (UPDATE, 1), (COMMIT, 0)]
}

fn ambiguous<T: std::fmt::Debug>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::AmbiguousCommit(_)))
}
