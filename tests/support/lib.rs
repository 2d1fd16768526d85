//! What the tests stand on: a real database server, real components, the real host. Everything is started on first use, shared by
//! the tests of the process, and ended with it. Nothing is skipped: what is missing fails the test that needs it, with the reason.

#![expect(clippy::panic, reason = "to panic is how a test fails")]

mod bench;
mod cluster;
mod database;
pub mod fault;
mod guest;
mod poll;
mod random;
mod runner;
mod scripted;
mod witness;

pub use bench::{Bench, answer, request, transaction};
pub use cluster::{Cluster, cluster};
pub use database::{TestDatabase, database, session_options};
pub use guest::{example, plugin};
pub use poll::polled;
pub use random::Random;
pub use runner::{Finished, HostCommand, host, host_binary, run, wait_until};
pub use scripted::{Reply, scripted_server};
pub use witness::{Lost, lose_races, nothing_is_open, number};

use std::path::{Path, PathBuf};

/// The root of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie in the workspace")
}

/// A file of the workspace, by its path from the root.
pub fn workspace_file(path: &str) -> PathBuf {
    workspace().join(path)
}

/// A name that no other test uses, beginning with `prefix`.
pub fn unique_name(prefix: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "{prefix}_{}_{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}
