//! The database, with no guest in sight: connections, statements, values, errors.
//!
//! [`Database`] is the front door: one per database and login role, it owns the pool. A [`Session`] is one guest's use of it in
//! one run. Below them: `wire`, the guard under the driver that sees every frame; `pool`, which connects, lends and takes back;
//! `statement`, which turns a request into SQL and parameters; `value`, ours to Postgres and back; `catalog`, the types and
//! tables that were looked up; `description`, tables as they are; `dialect`, all that differs between CockroachDB and PostgreSQL; `classify`, what a
//! SQLSTATE means; `retry`, when what lost a race is done again.
//!
//! Invariants: knows nothing of WebAssembly or of the contract's generated types. No text of a caller is ever pasted into SQL,
//! except the SQL text that a caller gives as such. No connection goes back to the pool unless the guard saw it idle and nothing
//! was left unfinished on it. Nothing is retried here without being named so.

mod account;
mod catalog;
mod classify;
mod connect;
mod description;
mod dialect;
mod error;
mod examine;
mod failure;
mod identifier;
mod lease;
mod limits;
mod options;
mod pool;
mod request;
mod retry;
mod rows;
mod server;
mod session;
mod statement;
mod statistics;
mod table_info;
mod tls;
mod transaction;
mod value;
mod wire;

pub use account::{Account, RetryCount};
pub use connect::{ConnectError, Unreachable};
pub use description::{ColumnDescription, TableDescription, TableEntry, TableKind};
pub use error::{ConversionError, DatabaseError, Error, ErrorKind, RetryReason, TimeoutStep};
pub use examine::{Capacity, Clock, Examiner, Markers, Prepared, Role};
pub use lease::TRACE;
pub use limits::{LimitExceeded, Limits};
pub use options::{
    Address, ChannelBinding, ClientCertificate, ConnectOptions, Host, InvalidOptions,
    NetworkOptions, OptionsBuilder, Password, PoolOptions, RootCertificates, SslMode, TlsOptions,
};
pub use request::{
    Assignment, Batch, Change, Check, ColumnDefinition, Condition, Conflict, ConflictAction,
    DataType, DefaultValue, Field, ForeignKey, LockStrength, LockWait, Nulls, Operator, Ordering,
    ReferentialAction, Returning, RowLock, Selection, SqlStatement, TableDefinition, Target,
    UniqueKey,
};
pub use retry::{InvalidRetryPolicy, RetryPolicy};
pub use rows::{Column, Rows};
pub use server::{Server, ServerKind};
pub use session::{
    BatchUpdated, CursorId, LimitState, Repeated, Session, SessionOptions, TransactionId, Written,
};
pub use statistics::Statistics;
pub use transaction::{Chaos, InvalidChaos, Isolation, Snapshot, TransactionOptions};
pub use value::{Interval, Other, TimeTz, Value};

use std::sync::{Arc, Mutex, PoisonError, atomic::AtomicU64};

use catalog::Catalog;
use connect::Connector;
use pool::Pool;

/// The databases' front door: one per database and login role. Cheap to clone; all clones share one pool.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    pool: Pool,
    server: Server,
    limits: Limits,
    catalog: Catalog,
    /// Whether there is a table of commit markers that can be used, as far as that is known.
    markers: Mutex<Option<bool>>,
    /// How many were left, counted from a number of chance: of many hosts, or many short runs, some clean up.
    markers_left: AtomicU64,
}

impl Database {
    /// Connects, tells what is at the other end, verifies that it runs transactions SERIALIZABLE, and begins to open the minimum
    /// of connections.
    pub async fn connect(options: ConnectOptions, limits: Limits) -> Result<Self, ConnectError> {
        let connector = Connector::new(options, limits)?;
        let (pool, server) = Box::pin(Pool::open(connector)).await?;
        tracing::debug!(%server, "connected to the database");
        Ok(Self(Arc::new(Inner {
            pool,
            server,
            limits,
            catalog: Catalog::default(),
            markers: Mutex::new(None),
            markers_left: AtomicU64::new(rand::random()),
        })))
    }

    /// What is at the other end.
    pub fn server(&self) -> &Server {
        &self.0.server
    }

    /// The limits that sessions of this database begin with.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// One guest's use of this database in one run. It asks nothing of the database yet.
    pub fn session(&self, options: SessionOptions) -> Session {
        Session::new(self.clone(), options)
    }

    /// Whether this database can run a transaction with these options at all, said without asking it.
    pub fn check_transaction(&self, options: &TransactionOptions) -> Result<(), Error> {
        self.0.server.kind.begin(options).map(drop)
    }

    /// How many connections are open, those that are being made or closed included.
    pub fn open_connections(&self) -> usize {
        self.0.pool.open_connections()
    }

    fn pool(&self) -> &Pool {
        &self.0.pool
    }

    fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    fn knows_markers(&self) -> bool {
        self.markers().is_some()
    }

    /// Whether the database is known to be prepared for commit markers.
    fn has_markers(&self) -> bool {
        *self.markers() == Some(true)
    }

    fn keep_markers(&self, can_be_used: bool) {
        *self.markers() = Some(can_be_used);
    }

    fn markers(&self) -> std::sync::MutexGuard<'_, Option<bool>> {
        self.0
            .markers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note that tables may have changed: what is known about their columns is asked for again, and prepared again.
    fn forget_tables(&self) {
        self.0.catalog.forget_columns();
        self.0.pool.forget_statements();
    }

    /// Waits until statements that are being cancelled are gone, and closes every connection. It takes some seconds at most.
    pub async fn close(&self) {
        self.0.pool.close().await;
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Database")
            .field("server", &self.0.server)
            .finish_non_exhaustive()
    }
}
