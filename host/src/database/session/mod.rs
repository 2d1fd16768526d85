//! One guest's use of the database in one run.
//!
//! Every function is one statement in one round trip, on whatever connection is free, unless its documentation says why it is more.
//! Two look-ups come on top, once for all sessions: the columns of a table, when a value comes that some column would cut, and the types
//! of a result that are the users' own. An error that does not name its column costs what it takes to find it.
//! Invariants: a session holds no connection between calls, except those of its open cursors and of its open transaction. What was sent and may have had an effect is never sent again.

mod batch;
mod columns;
mod complaint;
mod cursor;
mod databases;
mod explain;
mod inspect;
mod read;
mod run;
mod schema;
mod sql_batch;
mod table_info;
mod text;
mod transaction;
mod upsert;
mod usage;
mod write;

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

pub use batch::BatchUpdated;
pub use cursor::CursorId;
pub use transaction::{Repeated, TransactionId};
pub use usage::LimitState;
pub(super) use usage::Usage;
pub use write::Written;

use cursor::Cursors;
use transaction::Transaction;

use super::{
    Database,
    account::{Account, RetryCount},
    error::Error,
    limits::Limits,
    pool::Borrower,
    retry::RetryPolicy,
    statistics::Statistics,
    transaction::Chaos,
};
use crate::tenancy::Grants;

/// What a session may do, and for how long.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// What the plugin was granted.
    pub grants: Grants,
    /// The limits of this session.
    pub limits: Limits,
    /// When the run must be over.
    pub deadline: Instant,
    /// How often, and after what wait, work that lost a race is done again.
    pub retry: RetryPolicy,
    /// Whether transactions may be READ COMMITTED if they ask for it.
    pub read_committed: bool,
    /// The share of the attempts at transactions that fail on purpose.
    pub chaos: Chaos,
}

/// One guest's use of the database in one run.
#[derive(Debug)]
pub struct Session {
    database: Database,
    borrower: Borrower,
    /// Whether it is the one that the run began with: the others are its attempts at transactions.
    is_first: bool,
    grants: Arc<Grants>,
    limits: Limits,
    deadline: Instant,
    retry: RetryPolicy,
    read_committed: bool,
    chaos: Chaos,
    statement_timeout: Duration,
    cursors: Cursors,
    transaction: Option<Box<Transaction>>,
    /// How many transactions and savepoints had a handle.
    handles: u64,
}

impl Session {
    pub(super) fn new(database: Database, options: SessionOptions) -> Self {
        let SessionOptions {
            grants,
            limits,
            deadline,
            retry,
            read_committed,
            chaos,
        } = options;
        Self {
            borrower: database.pool().new_borrower(),
            is_first: true,
            database,
            grants: Arc::new(grants),
            limits,
            deadline,
            retry,
            read_committed,
            chaos,
            statement_timeout: limits.statement_timeout,
            cursors: Cursors::default(),
            transaction: None,
            handles: 0,
        }
    }

    /// Bounds every later statement; zero and anything above the limit mean the limit.
    pub fn set_statement_timeout(&mut self, timeout: Duration) {
        let maximum = self.limits.statement_timeout;
        self.statement_timeout = if timeout.is_zero() {
            maximum
        } else {
            timeout.min(maximum)
        };
    }

    /// Counts something against the limits of the run.
    fn charge<T>(&self, use_of: impl FnOnce(&mut Usage, &Limits) -> T) -> T {
        self.borrower
            .account
            .charge(|usage| use_of(usage, &self.limits))
    }

    /// Counts so many statements about to be sent.
    fn count_statements(&self, count: usize) -> Result<(), Error> {
        (0..count).try_for_each(|_| self.charge(Usage::statement))
    }

    /// The account of the run that it is part of, which can be read after its end.
    pub fn account(&self) -> Account {
        self.borrower.account.clone()
    }

    /// What was done so far.
    pub fn statistics(&self) -> Statistics {
        self.borrower.account.statistics()
    }

    /// Why attempts failed, the most frequent reason first.
    pub fn retries(&self) -> Vec<RetryCount> {
        self.borrower.account.retries()
    }

    /// Every limit of the session that a guest can reach, with what was used of it.
    pub fn limits(&self) -> Vec<LimitState> {
        self.borrower.account.limits(&self.limits)
    }

    /// Ends the session and what it left open. The connections that its SQL text ran on are reset or closed, as they are when it is
    /// dropped.
    pub async fn close(mut self) {
        self.close_cursors().await;
        self.abandon_transaction().await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_first {
            self.database.pool().forget(self.borrower.session);
        }
    }
}
