//! Transactions of a loan. Nothing is sent to begin one, or to set or release a savepoint: that goes with the next statement.

use std::borrow::Cow;

use tokio::time::Instant;
use tokio_postgres::SimpleQueryMessage;

use super::{
    Author, Bounds, Broken, COMMIT, Lease, Query,
    operation::{OnDrop, Operation, PATIENCE, Timed},
    together::Ending,
};
use crate::database::{
    error::TimeoutStep,
    failure::Failure,
    wire::{Exchange, Status},
};

/// How the host begins a transaction. Every new connection is tried with it.
pub(in crate::database) const BEGIN: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE";
/// The same for one that changes nothing.
pub(in crate::database) const BEGIN_READ_ONLY: &str =
    "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY";
/// The same for one that sees what others commit meanwhile.
pub(in crate::database) const BEGIN_READ_COMMITTED: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// How a transaction begins.
///
/// Behind a BEGIN that fails, a statement would commit by itself. So it is sent with the first statement only where it is known to work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::database) enum Begin {
    /// By this text: alone the first time on a connection, then together with the first statement.
    Known(&'static str),
    /// By this text, together with a first statement that does no harm by itself, such as that of a cursor, which fails without.
    Needed(&'static str),
    /// By this text, always alone: it can fail.
    Alone(String),
}

/// What is to be sent before the next statement, in the same flight.
#[derive(Debug, Default)]
pub(super) struct Opening {
    pub(super) begin: Option<Begin>,
    pub(super) controls: Vec<Control>,
}

/// Something that takes no round trip of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Control {
    /// A savepoint is set.
    Set(String),
    /// A savepoint is released.
    Release(String),
    /// Anything else, such as a cursor that is closed.
    Other(String),
}

impl Begin {
    pub(in crate::database) fn text(&self) -> Cow<'static, str> {
        match self {
            Self::Known(text) | Self::Needed(text) => Cow::Borrowed(text),
            Self::Alone(text) => Cow::Owned(text.clone()),
        }
    }
}

impl Control {
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Set(name) => Cow::Owned(format!("SAVEPOINT {name}")),
            Self::Release(name) => Cow::Owned(format!("RELEASE SAVEPOINT {name}")),
            Self::Other(text) => Cow::Borrowed(text),
        }
    }
}

impl Opening {
    pub(super) fn is_empty(&self) -> bool {
        self.begin.is_none() && self.controls.is_empty()
    }
}

impl Lease {
    /// Begins a transaction with the next statement.
    pub(in crate::database) fn begin(&mut self, begin: Begin) {
        self.opening = Opening {
            begin: Some(begin),
            controls: Vec::new(),
        };
    }

    /// Begins the transaction at once, with a round trip of its own.
    pub(in crate::database) async fn begin_now(&mut self, bounds: &Bounds) -> Result<(), Failure> {
        let Some(begin) = self.opening.begin.clone() else {
            return Ok(());
        };
        self.ready(bounds.deadline).await?;
        loop {
            let may_be_stale = self.may_be_stale();
            let (end, step) = bounds.end()?;
            let sent = self.control(&begin.text(), OnDrop::Cancel, end, step).await;
            match sent {
                Ok(exchange) if exchange.status == Status::Transaction => {
                    self.in_transaction = true;
                    self.opening.begin = None;
                    if let Begin::Known(text) = begin {
                        self.conn()?.begins.push(text);
                    }
                    return Ok(());
                }
                Ok(_) => return Err(self.unexpected("BEGIN began no transaction")),
                Err(Failure::Lost { sent: false, .. }) if may_be_stale => {
                    self.replace(bounds.deadline).await?;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Sends this with the next statement, before it.
    pub(in crate::database) fn before_next(&mut self, control: String) {
        self.opening.controls.push(Control::Other(control));
    }

    /// Makes the next statement fail by this text, which goes before it. The connection is reset before it is used for anything else.
    pub(in crate::database) fn lose_races(&mut self, text: &str) {
        self.before_next(text.to_owned());
        if let Some(conn) = &mut self.object {
            conn.touched_by = Some(self.borrower.session);
        }
    }

    /// Sets a savepoint with the next statement.
    pub(in crate::database) fn set_savepoint(&mut self, name: &str) {
        let set = Control::Set(name.to_owned());
        self.opening.controls.push(set);
    }

    /// Releases a savepoint, the innermost one: nothing is sent if it was not set yet, or else with the next statement.
    pub(in crate::database) fn release_savepoint(&mut self, name: &str) {
        if !self.unset_savepoint(name) {
            let release = Control::Release(name.to_owned());
            self.opening.controls.push(release);
        }
    }

    /// Undoes all since a savepoint was set, and releases it. In one round trip, or in none if nothing was sent since.
    pub(in crate::database) async fn undo_savepoint(
        &mut self,
        name: &str,
        bounds: &Bounds,
    ) -> Result<(), Failure> {
        if self.unset_savepoint(name) {
            return Ok(());
        }
        if !self.in_transaction || self.is_spoilt() {
            return Err(self.over());
        }
        let (end, step) = bounds.end()?;
        // Savepoints in it go with it. A cursor in which all this happened is not opened again by it.
        let pending = std::mem::take(&mut self.opening.controls);
        let others = pending.iter().filter(|it| matches!(it, Control::Other(_)));
        let others: String = others.flat_map(|it| [it.text(), "; ".into()]).collect();
        let sql = format!("{others}ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}");
        let exchange = self.control(&sql, OnDrop::Cancel, end, step).await?;
        if exchange.status != Status::Transaction {
            return Err(self.unexpected("a savepoint could not be undone"));
        }
        Ok(())
    }

    /// Forgets a savepoint that was not set yet, the innermost one; whether that was so.
    fn unset_savepoint(&mut self, name: &str) -> bool {
        let controls = &mut self.opening.controls;
        let is_set = |it: &Control| matches!(it, Control::Set(set) if set == name);
        let place = controls.iter().position(is_set);
        if let Some(place) = place {
            controls.remove(place);
        }
        place.is_some()
    }

    /// Commits the transaction, with a last statement of the host's in the same flight. It is over in any case; a COMMIT is never
    /// cancelled, and done only if the server said `COMMIT`. What was not begun is not committed.
    pub(in crate::database) async fn commit(
        &mut self,
        last: Option<Query<'_>>,
        bounds: &Bounds,
    ) -> Result<(), Broken> {
        let opening = std::mem::take(&mut self.opening);
        if opening.begin.is_some() {
            return Ok(());
        }
        if !self.in_transaction || self.is_spoilt() {
            self.in_transaction = false;
            return Err(Broken::before(self.over()));
        }
        if let Some(last) = last {
            let last = [last];
            let committed = self.run_together(&last, Ending::CommitForSure, bounds);
            return committed.await.map(drop);
        }
        self.in_transaction = false;
        self.commit_alone(bounds).await.map_err(Broken::at_commit)
    }

    async fn commit_alone(&mut self, bounds: &Bounds) -> Result<(), Failure> {
        let (end, step) = bounds.end()?;
        let exchange = self.control(COMMIT, OnDrop::Leave, end, step).await?;
        let verb = exchange.tag.map(|tag| tag.verb);
        match (verb.as_deref(), exchange.status) {
            (Some("COMMIT"), Status::Idle) => Ok(()),
            (Some("ROLLBACK"), Status::Idle) => Err(Failure::RolledBack),
            _ => Err(self.unexpected("COMMIT did not end the transaction")),
        }
    }

    /// Rolls the transaction back. Where that cannot be done in order, the connection is closed, which does it too.
    pub(in crate::database) async fn roll_back(&mut self) {
        self.opening = Opening::default();
        if !std::mem::take(&mut self.in_transaction) || self.is_spoilt() {
            return;
        }
        let end = Instant::now() + PATIENCE;
        let sent = self.control("ROLLBACK", OnDrop::Cancel, end, TimeoutStep::Executing);
        if !matches!(sent.await, Ok(exchange) if exchange.status == Status::Idle) {
            self.unexpected("ROLLBACK did not end the transaction");
        }
    }

    async fn control(
        &mut self,
        sql: &str,
        on_drop: OnDrop,
        end: Instant,
        step: TimeoutStep,
    ) -> Result<Exchange, Failure> {
        self.start();
        let operation = self.operation(on_drop, Author::Host)?;
        let outcome = Box::pin(send(operation, sql, on_drop, end, step)).await;
        self.told(sql, 0, outcome.as_ref().err());
        outcome
    }

    fn unexpected(&mut self, what: &str) -> Failure {
        if let Ok(conn) = self.conn() {
            conn.tainted = true;
        }
        Failure::Protocol(what.to_owned())
    }
}

async fn send(
    mut operation: Operation<'_>,
    sql: &str,
    on_drop: OnDrop,
    end: Instant,
    step: TimeoutStep,
) -> Result<Exchange, Failure> {
    let client = operation.client;
    let sending = client.simple_query(sql);
    let outcome: Result<Vec<SimpleQueryMessage>, _> = match operation.timed(end, sending).await {
        Timed::InTime(outcome) => outcome,
        // It was not cancelled, only late.
        Timed::Cancelled(outcome) if on_drop == OnDrop::Leave => outcome,
        Timed::Cancelled(_) | Timed::Never => {
            return Err(Failure::TimedOut {
                step,
                settled: false,
            });
        }
    };
    match outcome {
        Ok(_) => operation.finish().await,
        Err(error) => Err(operation.failed(&error).await),
    }
}
