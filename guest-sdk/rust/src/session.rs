//! What this run is, and what it may use. Nothing here asks the database.

use std::time::Duration;

use crate::bindings::chitin::db::session;
pub use crate::bindings::chitin::db::session::{DatabaseProduct, LimitState, RunInfo};

/// What is known about this run: its plugin, tenant, id, attempt, start, deadline and the database's product.
///
/// ```no_run
/// let run = chitin::run_info();
/// log::info!("{} runs for {}, attempt {}", run.plugin, run.tenant, run.attempt);
/// ```
pub fn run_info() -> RunInfo {
    session::info()
}

/// A setting that the operator gave to this plugin (`--set name=value`), or none.
///
/// ```no_run
/// let region = chitin::setting("region").unwrap_or_else(|| "eu".to_owned());
/// ```
pub fn setting(name: &str) -> Option<String> {
    session::setting(name)
}

/// The limits of this run with what was used of each so far.
///
/// ```no_run
/// let rows = chitin::limits().into_iter().find(|limit| limit.name == "result-rows");
/// let rows_at_once = rows.map_or(1_000, |limit| limit.maximum);
/// ```
pub fn limits() -> Vec<LimitState> {
    session::limits()
}

/// Bounds every later statement; zero, and anything above the operator's own bound, means that bound.
///
/// ```no_run
/// chitin::session::set_statement_timeout(std::time::Duration::from_millis(200));
/// ```
pub fn set_statement_timeout(timeout: Duration) {
    session::set_statement_timeout(u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX));
}
