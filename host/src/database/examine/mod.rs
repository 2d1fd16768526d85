//! What an operator wants to know about a database before plugins run on it, and what the host needs there.

mod markers;

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

pub(super) use markers::lacking;
pub use markers::{Markers, Prepared};

use super::{
    Database,
    account::Account,
    classify::Phase,
    error::Error,
    lease::{Author, Bounds, Lease},
    retry::{Attempts, RetryPolicy},
    rows::Rows,
    statement::{self, Statement},
    value::Value,
};

/// How long looking may take in all.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the clock is asked: the quickest answer says most, and the middle one is the usual round trip.
const SAMPLES: usize = 7;

/// Rows and bytes of an answer: none has more than a row.
const ROWS: u64 = 2;
const BYTES: u64 = 64 << 10;

/// Looks at a database over one connection. Nothing is changed but by [`prepare`](Self::prepare).
pub struct Examiner<'a> {
    database: &'a Database,
    lease: Lease,
    deadline: Instant,
    account: Account,
}

/// The role that the host logs in as.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are a database's, each with its own meaning"
)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Whether no privilege stops it.
    pub is_superuser: bool,
    /// Whether row-level security does not bind it.
    pub bypasses_row_security: bool,
    /// Whether it may make roles.
    pub creates_roles: bool,
    /// How many connections it may have, if that is bounded.
    pub connection_limit: Option<u64>,
    /// Whether it may make schemas in the database.
    pub creates_schemas: bool,
    /// Where names without a schema are made, if there is such a schema.
    pub schema: Option<String>,
    /// Whether it may make tables there.
    pub creates_tables: bool,
}

/// How many connections the server takes, as far as it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// The most of all clients together.
    pub maximum: Option<u64>,
    /// Those that are there now.
    pub in_use: Option<u64>,
}

/// The server's clock, and the way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// How far the server's clock is ahead of ours, in milliseconds; negative if it is behind.
    pub ahead_ms: i64,
    /// How far that may be off.
    pub uncertainty: Duration,
    /// One round trip, the middle of several.
    pub round_trip: Duration,
}

impl Database {
    /// Takes a connection to look at the database.
    pub async fn examiner(&self) -> Result<Examiner<'_>, Error> {
        let deadline = Instant::now() + PATIENCE;
        let borrower = self.pool().new_borrower();
        let lease = self.pool().acquire(&borrower, deadline).await;
        let lease = lease.map_err(|failure| failure.into_error(Phase::Read, self.server().kind))?;
        Ok(Examiner {
            database: self,
            lease,
            deadline,
            account: borrower.account,
        })
    }
}

impl Examiner<'_> {
    /// The table of commit markers, with its schema: both belong to the host.
    pub const MARKERS: &'static str = "chitin_internal.commit_marker";

    /// What the role may do. One round trip.
    pub async fn role(&mut self) -> Result<Role, Error> {
        let rows = self.ask(&statement::role()).await?;
        let is = |column| matches!(rows.value(0, column), Ok(Value::Boolean(true)));
        let name = rows
            .text(0, 0)
            .ok_or_else(|| strange("the role is not in its own list"))?;
        Ok(Role {
            name,
            is_superuser: is(1),
            bypasses_row_security: is(2),
            creates_roles: is(3),
            connection_limit: count(&rows, 4),
            creates_schemas: is(5),
            schema: rows.text(0, 6),
            creates_tables: is(7),
        })
    }

    /// How transactions are kept apart. One round trip.
    pub async fn isolation(&mut self) -> Result<String, Error> {
        let rows = self.ask(&statement::isolation()).await?;
        rows.text(0, 0)
            .ok_or_else(|| strange("the server does not say how transactions are isolated"))
    }

    /// How many connections there can be. One round trip.
    pub async fn capacity(&mut self) -> Result<Capacity, Error> {
        let statement = statement::capacity(self.database.server().kind);
        let rows = self.ask(&statement).await?;
        Ok(Capacity {
            maximum: rows
                .text(0, 0)
                .and_then(|number| number.parse().ok())
                .filter(|&maximum| maximum > 0),
            in_use: count(&rows, 1),
        })
    }

    /// What time it is there, and how long it takes to ask. Seven round trips.
    pub async fn clock(&mut self) -> Result<Clock, Error> {
        let mut samples = Vec::with_capacity(SAMPLES);
        for _ in 0..SAMPLES {
            let (asked, started) = (milliseconds(SystemTime::now()), Instant::now());
            let rows = self.ask(&statement::clock()).await?;
            let round_trip = started.elapsed();
            let theirs = rows
                .number(0, 0)
                .ok_or_else(|| strange("the server does not say what time it is"))?;
            let half = i64::try_from(round_trip.as_millis() / 2).unwrap_or(i64::MAX);
            samples.push((
                round_trip,
                theirs.saturating_sub(asked.saturating_add(half)),
            ));
        }
        samples.sort_unstable();
        let quickest = samples.first().copied().unwrap_or_default();
        let middle = samples.get(SAMPLES / 2).copied().unwrap_or_default();
        Ok(Clock {
            ahead_ms: quickest.1,
            uncertainty: quickest.0 / 2 + Duration::from_millis(1),
            round_trip: middle.0,
        })
    }

    async fn ask(&mut self, statement: &Statement<'_>) -> Result<Rows, Error> {
        let mut attempts = Attempts::new(
            "examination",
            RetryPolicy::default(),
            self.deadline,
            self.account.clone(),
        );
        loop {
            let outcome = self.ask_once(statement).await;
            if let Some(outcome) = attempts.conclude(outcome).await {
                return outcome;
            }
        }
    }

    async fn ask_once(&mut self, statement: &Statement<'_>) -> Result<Rows, Error> {
        let bounds = Bounds {
            held_until: None,
            rows: ROWS,
            bytes: BYTES,
            keeps_rows: true,
            timeout: PATIENCE,
            deadline: self.deadline,
            author: Author::Host,
        };
        let answer = self
            .lease
            .run(&statement.sql, &statement.parameters, &bounds)
            .await;
        let server = self.database.server().kind;
        let answer = answer.map_err(|failure| failure.into_error(Phase::Read, server))?;
        Ok(Rows::of_builtin_types(answer.columns, answer.rows))
    }
}

impl std::fmt::Debug for Examiner<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Examiner")
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// How many there can be; a negative number says that there is no bound.
fn count(rows: &Rows, column: usize) -> Option<u64> {
    u64::try_from(rows.number(0, column)?).ok()
}

fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

fn strange(what: &str) -> Error {
    Error::Other(format!("unexpected-answer: {what}"))
}
