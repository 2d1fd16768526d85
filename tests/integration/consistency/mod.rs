//! Whatever runs at the same time, the outcome is as if it had run one after the other.
//!
//! A module is about one anomaly. Each has a workload, which guests do through the transactions that the host runs and re-runs, and
//! a checker, which knows nothing of databases: it reads what was told and seen, and has tests of its own on histories made by
//! hand. Each workload is also done as plain SQL: at SERIALIZABLE, where it must hold as well, and at READ COMMITTED, where the checker must
//! find the anomaly, which proves that it can.
//!
//! What is drawn at random comes from a seed, and the seed is part of every failure.

#![expect(
    clippy::panic,
    reason = "these are tests: what is not expected ends them"
)]

mod appends;
mod bank;
mod counter;
mod decision;
mod hermitage;
mod long_fork;
mod plain;
mod predicate;
mod stage;
mod told;
mod write_skew;

use host::database::Prepared;
use tests::{
    TestDatabase,
    fault::{Action, Chaos, Proxy, Trigger, Which},
};

/// A database for a proof.
async fn database() -> TestDatabase {
    let database = tests::database().await;
    let client = database.client().await;
    let version = client.query_one("SELECT version()", &[]).await;
    let version: String = version.expect("it has one").get(0);
    if version.starts_with("PostgreSQL") {
        // It looks for deadlocks only now and then, and these workloads are made of them.
        let name = database.name();
        let look = format!("ALTER DATABASE {name} SET deadlock_timeout = '5ms'");
        client.simple_query(&look).await.expect("set");
    }
    database
}

/// Has connections lost at random, at one message of so many, whoever sends it and however much of it has passed; and every so often
/// with a COMMIT, before it arrives or before its answer does.
fn spoil(proxy: &Proxy, seed: u64) {
    for number in (5..100).step_by(10) {
        proxy.nth(number, Trigger::Asked(Which::Commit), Action::Reset);
        proxy.nth(number, Trigger::Reply(Which::Commit), Action::Reset);
    }
    proxy.by_chance(Chaos::new(seed, 400, [Action::Reset, Action::Close]));
}

/// Makes the table by which the host settles commits whose answer was lost.
async fn prepare(database: &TestDatabase) {
    let connected = database.connect().await;
    let mut examiner = connected.examiner().await.expect("a connection");
    let prepared = examiner.prepare(None).await;
    assert_eq!(prepared, Ok(Prepared::Made));
}
