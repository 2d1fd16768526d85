//! Whatever runs at the same time, the outcome is as if it had run one after the other.
//!
//! A module is about one anomaly. Each has a workload, which guests do through the transactions that the host runs and re-runs, and
//! a checker, which knows nothing of databases: it reads what was told and seen, and has tests of its own on histories made by
//! hand. Each workload is also done as plain SQL: at SERIALIZABLE, where it must hold as well, and at READ COMMITTED, where the checker must
//! find the anomaly, which proves that it can.
//!
//! What is drawn at random comes from a seed, and the seed is part of every failure.

mod appends;
mod bank;
mod counter;
mod cuts;
mod decision;
mod hermitage;
mod long_fork;
mod plain;
mod predicate;
mod stage;
mod told;
mod write_skew;

use tests::TestDatabase;

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
