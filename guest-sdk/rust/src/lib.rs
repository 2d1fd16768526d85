//! Write Chitin plugins in Rust.

mod batch;
pub mod bindings;
mod convert;
mod error;
#[doc(hidden)]
pub mod export;
mod logging;
mod packed;
mod plugin;
mod record;
pub mod row;
pub mod session;
pub mod sql;
pub mod time;
mod value;
mod wire;

pub use batch::{Batch, BatchRows};
pub use convert::{FromValue, Json, Mismatch};
pub use error::{
    ConversionError, DatabaseError, DatabaseErrorKind, Error, Exhaustion, LimitExceeded, Result,
    RetryReason, TimeoutStep,
};
pub use packed::{Elements, Numbers};
pub use plugin::{Plugin, init};
pub use row::{Row, Rows};
pub use session::{limits, run_info, setting};
pub use sql::query;
pub use value::{Other, Value, ValueRef};
