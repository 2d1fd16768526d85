//! The database, with no guest in sight: connections, statements, values, errors.
//!
//! [`Database`] is the front door: one per database and login role, it owns the pool. A [`Session`] is one guest's use of it in
//! one run. Below them: `wire`, the guard under the driver that sees every frame; `pool`, which connects, lends and takes back;
//! `statement`, which turns a request into SQL and parameters; `value`, ours to Postgres and back; `dialect`, all that differs
//! between CockroachDB and PostgreSQL; `classify`, what a SQLSTATE means.
//!
//! Invariants: knows nothing of WebAssembly or of the contract's generated types. No text of a caller is ever pasted into SQL,
//! except the SQL text that a caller gives as such. No connection goes back to the pool unless the guard saw it idle and nothing
//! was left unfinished on it. Nothing is retried here without being named so.

mod catalog;
mod complaint;
mod dialect;
mod error;
mod identifier;
mod limits;
mod request;
mod rows;
mod statement;
mod value;

pub use dialect::ServerKind;
pub use error::{ConversionError, DatabaseError, Error, ErrorKind, RetryReason, TimeoutStep};
pub use limits::{LimitExceeded, Limits};
pub use request::{
    Assignment, Batch, Change, Check, ColumnDefinition, Condition, Conflict, ConflictAction,
    DataType, DefaultValue, Field, ForeignKey, LockStrength, LockWait, Nulls, Operator, Ordering,
    ReferentialAction, Returning, RowLock, Selection, TableDefinition, Target, UniqueKey,
};
pub use rows::{Column, Rows};
pub use value::{Interval, Other, TimeTz, Value};
