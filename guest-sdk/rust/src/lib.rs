//! Write Chitin plugins in Rust: sandboxed components that work in the database their operator lets them use.
//!
//! A plugin is a crate of the type `cdylib`, built for `wasm32-wasip2`. This is the sample `hello`, all of it:
//!
//! ```
#![doc = include_str!("../../../plugins/hello/src/lib.rs")]
//! ```
//!
//! [`plugin!`] names the function that is the plugin. Its input is parsed from JSON and its output printed as JSON; any
//! error that can be displayed ends the run with its message.
//!
//! # The database
//!
//! - [`table`] reads and changes the rows of a table: [`select`](Table::select), [`count`](Table::count),
//!   [`insert`](Table::insert), [`upsert`](Table::upsert), and after a [`filter`](Table::filter)
//!   [`update`](Filtered::update) and [`delete`](Filtered::delete); many rows at once by
//!   [`batch_insert`](Table::batch_insert) and [`batch_update`](Table::batch_update). A record is any struct or map that
//!   serde knows; [`json!`] makes one on the spot.
//! - [`query`] runs SQL text with parameters, [`sql::batch`] several texts at once, and a [`sql::Cursor`] reads any number of
//!   rows. They need the grant `sql`.
//! - [`create_table`] and [`drop_table`] change the schema, [`schema::tables`] and [`schema::describe_table`] tell what is
//!   there. They need the grant `schema`; [`create_database`] needs `databases`.
//! - [`operation`](macro@operation) makes a function a transaction that the host runs again after a conflict, and
//!   [`transaction`](transaction()) does so with a closure. [The page on transactions](mod@transaction) says which to choose, and what
//!   both promise.
//! - [`Rows`] and [`Row`] are results, read by [`Row::get`] or as records by [`Rows::deserialize`].
//! - [`Error`] is why a call failed, by what can be done about it.
//! - [`run_info`], [`setting`] and [`limits`] tell a plugin what this run is.
//!
//! What a plugin calls is what it needs to be granted; nothing else is even part of the component. This is the sample
//! `users`, which does all of it:
//!
//! ```
#![doc = include_str!("../../../plugins/users/src/lib.rs")]
//! ```
//!
//! # Types
//!
//! Every value can be read as a [`Value`], and nothing is ever rounded or cut off unasked. Dates and times have types of
//! their own in [`time`](mod@time); the features `chrono`, `uuid` and `decimal` add those of the crates `chrono`, `uuid` and
//! `rust_decimal`.
//!
//! # Programs
//!
//! An ordinary program with a `main` is a plugin too: it calls [`init`] first, reads its arguments and standard input,
//! and what it prints is its output.
//!
//! ```no_run
//! fn main() -> chitin::Result<()> {
//!     chitin::init();
//!     for table in std::env::args().skip(1) {
//!         println!("{table}: {}", chitin::table(&*table).count()?);
//!     }
//!     Ok(())
//! }
//! ```

mod batch;
pub mod bindings;
pub mod condition;
mod convert;
pub mod databases;
mod error;
#[doc(hidden)]
pub mod export;
mod logging;
mod packed;
mod plugin;
mod record;
pub mod row;
pub mod schema;
pub mod session;
pub mod sql;
mod table;
pub mod time;
pub mod transaction;
mod value;
mod wire;

pub use serde_json::json;

pub use batch::{Batch, BatchRows};
/// Makes a function an operation: a transaction that the host runs, and runs again after a conflict.
///
/// The function takes one input or none, and returns a `Result`; input and output are types that serde can write and read. It
/// must be listed in [`plugin!`], or every call fails. Calling it looks like calling a function, and is more: the host opens a
/// transaction, makes a fresh instance of the plugin, performs the body there, and commits when it returns `Ok`. After a conflict,
/// in any statement or in the commit, it drops that instance, rolls back, waits, and performs the body in a new one.
///
/// ```
/// use chitin::{Result, TransactionOptions, add, eq, operation, table};
///
/// chitin::plugin!(run, operations: [visit]);
///
/// fn run(page: String) -> Result<i64> {
///     visit(page)
/// }
///
/// /// Counts a visit, and says how many there were.
/// #[operation]
/// fn visit(page: String) -> Result<i64> {
///     let page = table("pages").filter(eq("path", page));
///     let Some(row) = page.update_one([add("visits", 1)])? else {
///         return Err("there is no such page".into());
///     };
///     row.get("visits")
/// }
///
/// /// The same, but not again after a conflict: one visit more or less does not matter.
/// fn visit_once(page: String) -> Result<i64> {
///     visit::with(TransactionOptions::new().max_retries(0), page)
/// }
/// # fn main() {}
/// ```
///
/// - `visit(page)` calls it, and `visit::with(options, page)` does with [`TransactionOptions`], which can lower the number of
///   retries that the operator set, and not raise it.
/// - `visit::here(page)` does what the body does in the transaction that is open here: operations cannot call operations, but
///   they can be made of them.
///
/// An error that the body returns rolls the transaction back, and reaches the caller as [`Error::Rejected`] with its text,
/// whatever its type: an `Err(Error::Retry(_))` of a body is no request to run it again, since the host has seen by itself
/// whether there was a conflict, and runs it again in that case even if the body returned `Ok`. A function may return any
/// error that can be displayed and made from an [`Error`].
pub use chitin_macros::operation;
pub use condition::{
    Condition, Operator, Ordering, asc, between, contains, desc, eq, ge, gt, ilike, is_not_null,
    is_null, le, like, lt, ne, none_of, not_ilike, not_like, one_of,
};
pub use convert::{FromValue, Json, Mismatch};
pub use databases::create_database;
pub use error::{
    ConversionError, DatabaseError, DatabaseErrorKind, Error, Exhaustion, LimitExceeded, Result,
    RetryReason, TimeoutStep,
};
pub use packed::{Elements, Numbers};
pub use plugin::{Plugin, init};
pub use row::{Row, Rows};
pub use schema::{Column, create_table, drop_table};
pub use session::{limits, run_info, setting};
pub use sql::query;
pub use table::{
    AllColumns, Assignment, BatchUpdate, Changes, Conflict, Filtered, Returning, RowLock, Select,
    Table, add, reset, set, table,
};
pub use transaction::{Isolation, Transaction, TransactionOptions, transaction, transaction_with};
pub use value::{Other, Value, ValueRef};
