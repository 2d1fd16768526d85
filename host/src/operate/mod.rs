//! What an operator does with no guest involved.
//!
//! - [`development`]: the database that the host starts by itself when it is given none
//!
//! This layer knows no engine and no plugin, and reads no flags: its callers resolve those.

pub mod development;
