//! The table of commit markers: whether it is there, making it, and keeping it small.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::time::Instant;

use super::{BYTES, Examiner, PATIENCE, ROWS};
use crate::database::{
    Database,
    classify::Phase,
    error::{DatabaseError, Error, ErrorKind},
    failure::Failure,
    lease::{Author, BEGIN_READ_COMMITTED, Begin, Bounds, Ending, Lease, Query},
    rows::Rows,
    statement::{self, CLEANED_AT_ONCE, Statement},
    value::Value,
};

/// How long one round of cleaning may take.
const CLEANING: Duration = Duration::from_secs(10);

/// The table of commit markers, by which an ambiguous commit can be settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Markers {
    /// It is not there.
    Missing,
    /// It is there, and the role lacks these privileges.
    Denied(Vec<&'static str>),
    /// It can be used.
    Usable {
        /// Whether the role could also change and delete markers.
        exposed: bool,
        /// Whether old ones are removed.
        cleaned: bool,
    },
}

/// What preparing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prepared {
    /// Everything was there.
    Before,
    /// A role was allowed to use what was there.
    Granted,
    /// What was missing was made.
    Made,
}

/// What is there of it, for a role.
struct Found {
    markers: Markers,
    /// Whether there is what cleans it.
    has_cleaner: bool,
    /// Whether the table is the role's own: then it has all privileges, and what cleans has them from it.
    is_own: bool,
    /// Whether it was given privileges to change and delete markers.
    may_change: bool,
}

impl Examiner<'_> {
    /// Whether commit markers can be written by this role, the one that is logged in if none is named. One round trip.
    pub async fn markers(&mut self, role: Option<&str>) -> Result<Markers, Error> {
        Ok(self.find(role).await?.markers)
    }

    async fn find(&mut self, role: Option<&str>) -> Result<Found, Error> {
        let statement = statement::find_markers(self.database.server().kind, role);
        let rows = self.ask(&statement).await?;
        let (is_own, may_change) = (is(&rows, 4), is(&rows, 5));
        let markers = match lacking(&rows) {
            None => Markers::Missing,
            Some(lacking) if lacking.is_empty() => Markers::Usable {
                exposed: is_own || may_change,
                cleaned: is(&rows, 3),
            },
            Some(lacking) => Markers::Denied(lacking),
        };
        Ok(Found {
            markers,
            has_cleaner: matches!(rows.value(0, 3), Ok(Value::Boolean(_))),
            is_own,
            may_change,
        })
    }

    /// Makes the host's schema and in it what is not there of the table of markers and what cleans it, lets this role use them, and clears
    /// away old markers. Two hosts may do it at once.
    pub async fn prepare(&mut self, role: Option<&str>) -> Result<Prepared, Error> {
        let server = self.database.server().kind;
        let found = self.find(None).await?;
        let mut prepared = Prepared::Before;
        if found.markers == Markers::Missing {
            self.make(&statement::create_own_schema()).await?;
            self.make(&statement::create_markers(server)).await?;
            prepared = Prepared::Made;
        }
        if !found.has_cleaner {
            for statement in statement::create_cleaner(server) {
                self.make(&statement).await?;
                prepared = Prepared::Made;
            }
        }
        if let Some(role) = role
            && self.grant(role).await?
            && prepared == Prepared::Before
        {
            prepared = Prepared::Granted;
        }
        clean(self.database, &mut self.lease, self.deadline).await?;
        Ok(prepared)
    }

    /// Lets a role do with markers what plugins need, and no more, unless they are its own; whether there was something to do.
    async fn grant(&mut self, role: &str) -> Result<bool, Error> {
        let found = self.find(Some(role)).await?;
        let right = Markers::Usable {
            exposed: false,
            cleaned: true,
        };
        if found.is_own || found.markers == right {
            return Ok(false);
        }
        if found.may_change {
            self.ask(&statement::revoke_markers(role)?).await?;
        }
        for statement in statement::grant_markers(self.database.server().kind, role)? {
            self.ask(&statement).await?;
        }
        Ok(true)
    }

    /// Makes something unless it is there. `IF NOT EXISTS` does not help against another host that makes it at the same moment.
    async fn make(&mut self, statement: &Statement<'_>) -> Result<(), Error> {
        match self.ask(statement).await.map(drop) {
            Err(Error::Database(error)) if is_there_already(&error) => Ok(()),
            outcome => outcome,
        }
    }
}

/// Which privileges a role lacks to use markers, as the database told when it was asked for them; none if they are not there.
pub(in crate::database) fn lacking(rows: &Rows) -> Option<Vec<&'static str>> {
    if rows.is_empty() {
        return None;
    }
    let needed = ["USAGE", "SELECT", "INSERT"].into_iter().enumerate();
    let lacking = needed.filter(|(column, _)| !is(rows, *column));
    Some(lacking.map(|(_, privilege)| privilege).collect())
}

fn is(rows: &Rows, column: usize) -> bool {
    matches!(rows.value(0, column), Ok(Value::Boolean(true)))
}

impl Database {
    /// Removes commit markers that nobody asks for any more, and tells how many those were. Where the database does it by itself, there
    /// are none.
    ///
    /// It is for now and then, and for nobody to wait for: the more markers are written, the more often it is to be done. It takes a
    /// connection, and is over after some seconds at most, whatever is left.
    pub async fn clean_markers(&self) -> Result<u64, Error> {
        if statement::clean_markers(self.server().kind).is_none() {
            return Ok(0);
        }
        let deadline = Instant::now() + CLEANING;
        let borrower = self.pool().new_borrower();
        let lease = self.pool().acquire(&borrower, deadline).await;
        let mut lease =
            lease.map_err(|failure| failure.into_error(Phase::Read, self.server().kind))?;
        clean(self, &mut lease, deadline).await
    }

    /// Takes note that a marker was left, and has old ones removed in the background once in a while: where markers are left, as many are
    /// removed in the long run.
    pub(in crate::database) fn left_marker(&self) {
        let left = self.0.markers_left.fetch_add(1, Ordering::Relaxed);
        if !left.is_multiple_of(CLEANED_AT_ONCE) {
            return;
        }
        let database = self.clone();
        self.pool().background().spawn(async move {
            match database.clean_markers().await {
                Ok(removed) => tracing::debug!(removed, "old commit markers were removed"),
                Err(error) => tracing::debug!(%error, "old commit markers were not removed"),
            }
        });
    }
}

/// Removes old markers part by part, each in a transaction of its own, and none again after the deadline.
async fn clean(database: &Database, lease: &mut Lease, deadline: Instant) -> Result<u64, Error> {
    let server = database.server().kind;
    let Some(statement) = statement::clean_markers(server) else {
        return Ok(0);
    };
    let mut removed = 0;
    loop {
        let part = clean_once(lease, &statement, deadline).await;
        let part = part.map_err(|failure| failure.into_error(Phase::Transaction, server))?;
        removed += part;
        if part < CLEANED_AT_ONCE || Instant::now() >= deadline {
            return Ok(removed);
        }
    }
}

async fn clean_once(
    lease: &mut Lease,
    statement: &Statement<'_>,
    deadline: Instant,
) -> Result<u64, Failure> {
    let bounds = Bounds {
        rows: ROWS,
        bytes: BYTES,
        keeps_rows: true,
        timeout: PATIENCE,
        deadline,
        author: Author::Host,
        held_until: None,
    };
    let queries = [Query {
        sql: &statement.sql,
        parameters: &statement.parameters,
    }];
    // What is serializable would make transactions that write markers meanwhile lose to it.
    lease.begin(Begin::Needed(BEGIN_READ_COMMITTED));
    let sent = lease.run_together(&queries, Ending::Commit, &bounds);
    let answer = sent.await.map_err(|broken| broken.failure)?.pop();
    let rows = answer.map(|answer| Rows::of_builtin_types(answer.columns, answer.rows));
    let removed = rows.and_then(|rows| rows.number(0, 0));
    Ok(removed.unwrap_or_default().unsigned_abs())
}

fn is_there_already(error: &DatabaseError) -> bool {
    matches!(
        error.kind,
        ErrorKind::UniqueViolation | ErrorKind::DuplicateObject
    )
}
