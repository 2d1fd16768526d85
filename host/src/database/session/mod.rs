//! One guest's use of the database in one run.
//!
//! Every function is one statement in one round trip, on whatever connection is free, unless its documentation says why it is more.
//! Two look-ups come on top, once for all sessions: the columns of a table, when a value comes that some column would cut, and the types
//! of a result that are the users' own. An error that does not name its column costs what it takes to find it.
//! Invariants: a session holds no connection between calls, except those of its open cursors. What was sent and may have had an effect is never sent again.

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
mod upsert;
mod usage;
mod write;

use std::time::Duration;

use tokio::time::Instant;

pub use batch::BatchUpdated;
pub use cursor::CursorId;
pub use usage::LimitState;
use usage::Usage;
pub use write::Written;

use cursor::Cursors;

use super::{
    Database, limits::Limits, pool::SessionId, retry::RetryPolicy, statistics::Statistics,
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
}

/// One guest's use of the database in one run.
#[derive(Debug)]
pub struct Session {
    database: Database,
    id: SessionId,
    grants: Grants,
    limits: Limits,
    deadline: Instant,
    retry: RetryPolicy,
    statement_timeout: Duration,
    usage: Usage,
    statistics: Statistics,
    cursors: Cursors,
}

impl Session {
    pub(super) fn new(database: Database, options: SessionOptions) -> Self {
        let SessionOptions {
            grants,
            limits,
            deadline,
            retry,
        } = options;
        Self {
            id: database.pool().new_session(),
            database,
            grants,
            limits,
            deadline,
            retry,
            statement_timeout: limits.statement_timeout,
            usage: Usage::default(),
            statistics: Statistics::default(),
            cursors: Cursors::default(),
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

    /// What was done so far.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// Every limit of the session that a guest can reach, with what was used of it.
    pub fn limits(&self) -> Vec<LimitState> {
        self.usage.states(&self.limits)
    }

    /// Ends the session and what it left open. The connections that its SQL text ran on are reset or closed, as they are when it is
    /// dropped.
    pub async fn close(mut self) {
        self.close_cursors().await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.database.pool().forget(self.id);
    }
}
