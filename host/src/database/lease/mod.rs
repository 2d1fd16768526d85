//! A connection on loan, and what can be done with it.
//!
//! Invariants: whatever is begun marks the connection until it ran to its end, so that a call whose future is dropped leaves a
//! connection that is closed, and a statement that is cancelled on the server. A connection that is lost before anything was sent
//! is replaced; nothing that was sent is ever sent again.

mod operation;
mod run;
mod send;
mod settle;
mod together;
mod transaction;

use std::{borrow::Cow, time::Duration};

use bytes::BytesMut;
use deadpool::managed::Object;
use tokio::time::Instant;
use tokio_postgres::{
    Row,
    types::{Format, IsNull, ToSql, Type, to_sql_checked},
};

use operation::{OnDrop, Operation};
pub(super) use send::Query;
pub(super) use together::{Broken, Ending};
use transaction::Opening;
pub(super) use transaction::{BEGIN, BEGIN_READ_COMMITTED, BEGIN_READ_ONLY, Begin};

use super::{
    error::TimeoutStep,
    failure::Failure,
    pool::{Borrower, Conn, Manager, Pool},
    rows::Measure,
    statistics::Statistics,
    wire::{CommandTag, Counters, End, RawColumn},
};

/// Ends a transaction.
const COMMIT: &str = "COMMIT";

/// The target of the event that is emitted for every statement.
pub const TRACE: &str = "chitin::trace";

/// A connection on loan. Dropping it gives it back, or closes it.
pub(super) struct Lease {
    pool: Pool,
    /// There until the lease is dropped.
    object: Option<Object<Manager>>,
    borrower: Borrower,
    /// How long it may take to get another connection in the place of one that was lost.
    patience: Duration,
    in_transaction: bool,
    opening: Opening,
    /// What was done since it was last told to the account.
    statistics: Statistics,
    /// When what is under way began.
    since: Option<Instant>,
    /// What had passed on the connection then.
    baseline: Counters,
}

/// A parameter, always sent as text.
#[derive(Debug, Clone)]
pub(super) struct Parameter<'a> {
    /// The type that is declared; [`Type::UNKNOWN`] lets the server take that of the place where it is used.
    pub(super) data_type: Type,
    /// The type's text notation; absent for NULL.
    pub(super) text: Option<Cow<'a, str>>,
}

/// What bounds a statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Rows of its result.
    pub(super) rows: u64,
    /// Bytes of its result.
    pub(super) bytes: u64,
    /// Whether the rows are wanted. Otherwise they are dropped as they come, and rows and bytes are not bounded.
    pub(super) keeps_rows: bool,
    /// How long it may run.
    pub(super) timeout: Duration,
    /// When the run as a whole must be over.
    pub(super) deadline: Instant,
    /// Who wrote its text.
    pub(super) author: Author,
    /// When the transaction that it is part of must be over, and by what.
    pub(super) held_until: Option<(Instant, TimeoutStep)>,
}

/// Who wrote a statement's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Author {
    /// The host, which knows what it does.
    Host,
    /// The guest: it may leave something behind on the connection.
    Guest,
}

/// What a statement came to.
#[derive(Debug)]
pub(super) struct Answer {
    /// The columns of the result, with the OIDs that the server gave; empty if there is no result.
    pub(super) columns: Vec<RawColumn>,
    /// The rows, every value in binary format. The driver knows columns of types that are not its own as `unknown`.
    pub(super) rows: Vec<Row>,
    /// What it did.
    pub(super) tag: CommandTag,
}

impl<'a> Parameter<'a> {
    /// A value of the type of the place where it is used.
    pub(super) fn untyped(text: impl Into<Cow<'a, str>>) -> Self {
        Self {
            data_type: Type::UNKNOWN,
            text: Some(text.into()),
        }
    }
}

impl Answer {
    /// How many bytes its rows take, their decimals as text included.
    pub(super) fn bytes(&self) -> u64 {
        let measure = Measure::of(&self.columns);
        self.rows.iter().map(|row| measure.bytes(row)).sum()
    }
}

impl Lease {
    pub(super) fn new(
        pool: Pool,
        object: Object<Manager>,
        borrower: Borrower,
        patience: Duration,
    ) -> Self {
        let baseline = object.wire.counters();
        Self {
            pool,
            object: Some(object),
            borrower,
            patience,
            in_transaction: false,
            opening: Opening::default(),
            statistics: Statistics::default(),
            since: None,
            baseline,
        }
    }

    /// Whether a transaction is open on it that statements can run in.
    pub(super) fn is_in_transaction(&self) -> bool {
        self.in_transaction && !self.is_spoilt()
    }

    /// Whether SQL text of the guest ran on the connection.
    pub(super) fn is_touched(&self) -> bool {
        let conn = self.object.as_ref();
        conn.is_some_and(|conn| conn.touched_by.is_some())
    }

    /// Gives the connection back. If SQL text of the guest ran on it, it is reset first, which is not waited for.
    pub(super) fn give_back_reset(mut self) {
        self.tell();
        if let Some(object) = self.object.take() {
            self.pool.renew(object);
        }
    }

    /// Begins to count the time of what is done now.
    fn start(&mut self) {
        self.since = Some(Instant::now());
    }

    /// Tells what a text came to: the account, and who watches the statements of this run.
    fn told(&mut self, sql: &str, rows: usize, failure: Option<&Failure>) {
        if tracing::enabled!(target: TRACE, tracing::Level::DEBUG) {
            self.trace(sql, rows, failure);
        }
        self.tell();
    }

    fn trace(&self, sql: &str, rows: usize, failure: Option<&Failure>) {
        let (transaction, attempt) = self.borrower.attempt.unzip();
        let elapsed = self.since.map(|since| since.elapsed()).unwrap_or_default();
        let counters = self.object.as_ref().map(|object| object.wire.counters());
        let round_trips = counters.map(|counters| (counters - self.baseline).flights);
        tracing::debug!(
            target: TRACE,
            transaction,
            attempt,
            sql,
            elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
            rows,
            round_trips,
            error = failure.map(Failure::word),
            "statement"
        );
    }

    /// Tells the account what was done since it was last told, also if that was broken off.
    fn tell(&mut self) {
        if let Some(since) = self.since.take() {
            self.statistics.time += since.elapsed();
        }
        if let Some(object) = &self.object {
            let counters = object.wire.counters();
            self.statistics.add_counters(counters - self.baseline);
            self.baseline = counters;
        }
        self.borrower
            .account
            .add(std::mem::take(&mut self.statistics));
    }

    /// Sees to it that there is a connection for a statement: one that was spoilt is replaced if no transaction is open.
    async fn ready(&mut self, deadline: Instant) -> Result<(), Failure> {
        match (self.is_spoilt(), self.in_transaction) {
            (false, _) => Ok(()),
            (true, false) => self.replace(deadline).await,
            (true, true) => Err(self.over()),
        }
    }

    /// Why the open transaction cannot go on, whose connection is spoilt.
    fn over(&self) -> Failure {
        let end = self.object.as_ref().and_then(|object| object.wire.end());
        match end {
            Some(End::Closed { sqlstate }) => Failure::Lost {
                sent: false,
                sqlstate,
            },
            _ => Failure::Over,
        }
    }

    fn is_spoilt(&self) -> bool {
        self.object
            .as_ref()
            .is_none_or(|object| object.tainted || object.wire.end().is_some())
    }

    /// Whether the connection may have been lost while it lay idle, and could be replaced.
    fn may_be_stale(&self) -> bool {
        !self.in_transaction && self.object.as_ref().is_some_and(|object| object.used)
    }

    /// Counts a statement that is about to be sent.
    fn operation(&mut self, on_drop: OnDrop, author: Author) -> Result<Operation<'_>, Failure> {
        self.statistics.statements += 1;
        let conn: &mut Conn = self.object.as_mut().ok_or(Failure::Over)?;
        if author == Author::Guest {
            conn.touched_by = Some(self.borrower.session);
        }
        Ok(Operation::begin(conn, self.pool.background(), on_drop))
    }

    /// Gives the connection back and takes another.
    async fn replace(&mut self, deadline: Instant) -> Result<(), Failure> {
        let since = self.since;
        self.give_back();
        self.since = since.map(|_| Instant::now());
        let session = self.borrower.session;
        let object = self.pool.object(session, deadline, self.patience).await?;
        self.baseline = object.wire.counters();
        self.object = Some(object);
        Ok(())
    }

    fn give_back(&mut self) {
        self.tell();
        if let Some(object) = self.object.take() {
            Pool::release(object);
        }
    }

    fn conn(&mut self) -> Result<&mut Conn, Failure> {
        match &mut self.object {
            Some(object) => Ok(object),
            None => Err(Failure::Over),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl Bounds {
    /// When a statement that starts now must be over, and which step took too long if it is not.
    fn end(&self) -> Result<(Instant, TimeoutStep), Failure> {
        let now = Instant::now();
        let end = now + self.timeout;
        let bounds = [
            Some((end, TimeoutStep::Executing)),
            self.held_until,
            Some((self.deadline, TimeoutStep::Running)),
        ];
        let first = bounds.into_iter().flatten().min_by_key(|(end, _)| *end);
        let (end, step) = first.unwrap_or((end, TimeoutStep::Executing));
        if end <= now {
            return Err(Failure::TimedOut {
                step,
                settled: true,
            });
        }
        Ok((end, step))
    }
}

impl ToSql for Parameter<'_> {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match &self.text {
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}
