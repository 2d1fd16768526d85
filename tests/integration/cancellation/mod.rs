//! Whoever waits for an operation may stop waiting at any moment. What was asked for happened then as a whole or not at all, nothing of it
//! is left open on the server, and the pool is as it was.

#![expect(
    clippy::panic,
    reason = "these are tests: what is not expected ends them"
)]

mod calls;
mod transactions;

use futures_util::future::BoxFuture;
use host::database::{Chaos, ConnectOptions, Database, Limits, Session, SessionOptions};
use tests::{
    TestDatabase,
    fault::{Action, Proxy, Side, Trigger},
    number, polled, wait_until,
};
use tokio_postgres::Client;

/// More polls than any operation needs.
const POLLS: usize = 500;

/// What a database is like before each operation: a table of three rows, and one without.
const SET_UP: &str = "DROP TABLE IF EXISTS t, made CASCADE; \
                      CREATE TABLE t (id int8 PRIMARY KEY, n int8 NOT NULL DEFAULT 0, note text); \
                      INSERT INTO t (id) VALUES (1), (2), (3)";

/// An operation, and how it is told what became of it.
struct Case {
    name: &'static str,
    /// Does it in this session, with a name that nobody else uses.
    operation: for<'a> fn(&'a mut Session, &'a str) -> BoxFuture<'a, ()>,
    /// A number that is another one afterwards, of what a name stands for.
    effect: &'static str,
    /// That number before, and after it was done.
    from_to: (i64, i64),
}

/// A database behind a proxy that gives the answers in pieces, so that they are waited for at more places.
struct Sweep {
    test: TestDatabase,
    proxy: Proxy,
    witness: Client,
    /// A name that nobody else uses.
    name: String,
    chaos: Chaos,
}

impl Sweep {
    async fn new() -> Self {
        let test = tests::database().await;
        let proxy = Proxy::start(&test.url()).await;
        proxy.always(Trigger::Message(Side::Server), Action::Slice(5));
        Self {
            witness: test.client().await,
            name: format!("{}_made", test.name()),
            test,
            proxy,
            chaos: Chaos::default(),
        }
    }

    /// Drops the operation at every poll, each time with connections of its own.
    async fn over(&self, case: &Case) {
        let Case { name, from_to, .. } = case;
        for polls in 1..POLLS {
            self.prepare().await;
            let database = self.connect().await;
            let mut session = self.session(&database);
            let operation = (case.operation)(&mut session, &self.name);
            let is_done = polled(operation, polls).await.is_some();
            drop(session);
            let place = format!("{name} dropped at poll {polls}");
            self.is_clean(&database, &place).await;
            database.close().await;
            self.is_without(&place, "TRUE").await;
            let effect = case.effect.replace("$name", &self.name);
            let effect = number(&self.witness, &effect).await;
            let is_whole = effect == from_to.1 || (effect == from_to.0 && !is_done);
            assert!(is_whole, "{place}: {effect}");
            if is_done {
                // What fails on purpose may do so before anything is sent.
                let may_be_short = self.chaos != Chaos::default();
                assert!(polls > 2 || may_be_short, "{name} waits for nothing");
                return;
            }
        }
        panic!("{name} does not end");
    }

    async fn prepare(&self) {
        self.witness.simple_query(SET_UP).await.expect("set up");
        let others = format!("DROP DATABASE IF EXISTS {}", self.name);
        self.witness.simple_query(&others).await.expect("dropped");
    }

    async fn connect(&self) -> Database {
        let parameters = "min_connections=1&max_connections=2";
        let url = self.proxy.url(self.test.name(), parameters);
        let options = ConnectOptions::from_url(&url).expect("a good URL");
        let database = Database::connect(options, Limits::default()).await;
        database.expect("it connects")
    }

    fn session(&self, database: &Database) -> Session {
        database.session(SessionOptions {
            chaos: self.chaos,
            ..tests::session_options(Limits::default())
        })
    }

    /// All connections that there may be can be had, and nothing is open on them.
    async fn is_clean(&self, database: &Database, place: &str) {
        let options = || tests::session_options(Limits::default());
        let (mut holder, mut other) = (database.session(options()), database.session(options()));
        // Another place would be waited for in vain if one were lost.
        let held = holder.begin(None).await;
        let held = held.unwrap_or_else(|error| panic!("{place}: {error}"));
        for session in [&mut holder, &mut other] {
            let read = session.query("SELECT 1", &[]).await;
            read.unwrap_or_else(|error| panic!("{place}: {error}"));
        }
        let ended = holder.roll_back(held).await;
        ended.unwrap_or_else(|error| panic!("{place}: {error}"));
        assert!(database.open_connections() <= 2, "{place}");
        self.is_without(place, "xact_start IS NOT NULL").await;
    }

    /// Waits until there is no connection like this but the one that asks.
    async fn is_without(&self, place: &str, what: &str) {
        wait_until(&format!("{place}: not {what}"), async || {
            let others = "SELECT count(*) FROM pg_stat_activity \
                          WHERE datname = current_database() AND pid <> pg_backend_pid()";
            number(&self.witness, &format!("{others} AND {what}")).await == 0
        })
        .await;
    }
}
