//! What an operator does with no guest involved.
//!
//! - [`development`]: the database that the host starts by itself when it is given none
//! - [`check()`]: whether the configured database is fit for plugins
//! - [`OpenDatabase`]: the configured database, connected to, and started if it is that one
//!
//! This layer knows no engine and no plugin, and reads no flags: its callers resolve those.

mod check;
pub mod development;
mod open;

pub use check::{Extent, Finding, Preparation, Verdict, check};
pub use open::{OpenDatabase, OpenError};
