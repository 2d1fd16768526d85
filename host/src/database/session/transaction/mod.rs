//! The open transaction of a session: its state, and the statements in it.
//!
//! A session has at most one, with savepoints in it. The guest opens it by a handle (`handle`), or the host does for each attempt of work
//! that it repeats (`repeated`). BEGIN, savepoints and releases travel with the next statement, COMMIT with the mark that settles a lost
//! answer (`marker`): n statements take n + 1 round trips, and none if there are no statements.
//!
//! Invariants: what failed is never committed, unless the savepoint around it was undone. A transaction that lost a race, its connection
//! or its time is over as a whole, and gives its connection back at once. The host decides by what it saw; the guest cannot hide it.

mod cursors;
mod handle;
mod marker;
mod repeated;

use tokio::time::Instant;
use tokio_postgres::types::Oid;

pub use handle::TransactionId;
pub use repeated::Repeated;

use super::Session;
use crate::database::{
    classify::Phase,
    error::{DatabaseError, Error, RetryReason, TimeoutStep},
    failure::Failure,
    lease::{Answer, Author, Begin, Bounds, Broken, Ending, Lease, Parameter, Query},
    limits::Limits,
    retry::Attempts,
    statement::Statement,
    transaction::TransactionOptions,
};

/// Why a cursor is over that was opened in the transaction.
const OVER: &str = "its transaction is over";

/// A transaction that is open, or was until it failed.
pub(super) struct Transaction {
    /// There until the transaction has failed as a whole, or was ended.
    lease: Option<Lease>,
    form: Form,
    options: TransactionOptions,
    begin: Begin,
    /// When all attempts at it must be over, if that is before the run must be.
    until: Option<Instant>,
    /// The handle of the transaction, if it has one, and those of the savepoints in it, the innermost last.
    handles: Vec<TransactionId>,
    doom: Option<Doom>,
    effects: Effects,
    /// How many statements were sent.
    statements: u32,
    /// When the first was sent, and when the last was answered.
    held: Option<(Instant, Instant)>,
    /// The statement before which it fails on purpose, the COMMIT being the one after the last.
    chaos: Option<u32>,
}

/// Who opened it, and so who can do it again.
#[derive(Debug)]
pub(super) enum Form {
    /// The host, for one attempt of work that it repeats.
    Host,
    /// The guest, by a handle.
    Handle(Attempts),
}

/// Why a transaction cannot be committed any more.
#[derive(Debug, Clone)]
struct Doom {
    error: Error,
    /// How many savepoints were open then: one of them, undone, undoes this. None if nothing does.
    depth: Option<usize>,
}

/// What the statements of a transaction may have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effects {
    /// Nothing: the host wrote them all, and they read.
    None,
    /// Nothing that can be seen in them.
    Unseen,
    /// They wrote.
    Some,
}

impl Transaction {
    /// The savepoints in it.
    fn savepoints(&self) -> &[TransactionId] {
        match self.form {
            Form::Host => &self.handles,
            Form::Handle(_) => self.handles.get(1..).unwrap_or_default(),
        }
    }

    /// Notes that it cannot be committed any more, unless a savepoint is undone that was open when this statement failed.
    fn doom(&mut self, error: &Error) {
        if self.doom.is_some() {
            return;
        }
        let is_refusal = matches!(
            error,
            Error::Database(_) | Error::Conversion(_) | Error::Invalid(_) | Error::Limit(_)
        );
        let is_open = self.lease.as_ref().is_some_and(Lease::is_in_transaction);
        let depth = self.savepoints().len();
        self.doom = Some(Doom {
            error: error.clone(),
            depth: (is_refusal && is_open && depth > 0).then_some(depth),
        });
    }

    /// Whether it has failed as a whole.
    fn is_over(&self) -> bool {
        self.doom.as_ref().is_some_and(|doom| doom.depth.is_none())
    }

    /// What a guest is told that goes on in a transaction that has failed.
    fn refusal(&self) -> Option<Error> {
        let doom = self.doom.as_ref()?;
        Some(match (&doom.error, &self.form) {
            // It was told before.
            (Error::Retry(_), Form::Host) => Error::Abandoned,
            (
                Error::Database(_) | Error::Conversion(_) | Error::Limit(_) | Error::Invalid(_),
                _,
            ) => Error::Database(Box::new(DatabaseError::of_host(
                "25P02",
                "the transaction has failed: undo it, or the savepoint around the statement that failed",
            ))),
            (error, _) => error.clone(),
        })
    }

    /// What it has taken too long for, if it has.
    fn overdue(&self, limits: &Limits) -> Option<Error> {
        let now = Instant::now();
        let idle = self.held.map(|(_, last)| {
            let until = last + limits.idle_in_transaction;
            (until, TimeoutStep::Idling)
        });
        let first = self
            .held_until(limits)
            .into_iter()
            .chain(idle)
            .min_by_key(|(until, _)| *until);
        first
            .filter(|(until, _)| *until <= now)
            .map(|(_, step)| Error::Timeout(step))
    }

    /// When it must be over, and by what.
    fn held_until(&self, limits: &Limits) -> Option<(Instant, TimeoutStep)> {
        let aged = self.held.map(|(since, _)| {
            let until = since + limits.transaction_timeout;
            (until, TimeoutStep::Holding)
        });
        let late = self.until.map(|until| (until, TimeoutStep::Attempting));
        aged.into_iter().chain(late).min_by_key(|(until, _)| *until)
    }
}

impl Session {
    /// Whether a transaction is open, also one that has failed.
    pub fn is_in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// Refuses what cannot be done in a transaction.
    pub(super) fn refuse_in_transaction(&self, what: &str) -> Result<(), Error> {
        let Some(transaction) = &self.transaction else {
            return Ok(());
        };
        let advice = match transaction.form {
            Form::Handle(_) => "do it before the transaction begins, or after its end",
            Form::Host => "do it in `run`, which must not be run with `--transaction` then",
        };
        Err(Error::Denied(format!(
            "{what} inside a transaction: {advice}"
        )))
    }

    /// Runs a statement in the open transaction.
    pub(super) async fn run_in_transaction(
        &mut self,
        statement: &Statement<'_>,
        bounds: &Bounds,
        effects: Effects,
    ) -> Result<Answer, Error> {
        let mut transaction = self.enter(effects, 1).await?;
        let bounds = self.bounds_in(&transaction, *bounds);
        let outcome = match &mut transaction.lease {
            Some(lease) => {
                let Statement {
                    sql, parameters, ..
                } = statement;
                lease.run(sql, parameters, &bounds).await
            }
            None => Err(Failure::Over),
        };
        let outcome = outcome
            .map_err(|failure| self.explain(failure, statement, bounds.author, Phase::Transaction));
        self.leave(transaction, outcome).await
    }

    /// Asks the database's own tables on the connection of the transaction, which fails if that does.
    pub(super) async fn ask_inside(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
        bounds: &Bounds,
    ) -> Result<Answer, Error> {
        let outcome = self.own_lease()?.run(sql, parameters, bounds).await;
        self.doomed_by(outcome).await
    }

    /// The types of the parameters of a statement, found out on the connection of the transaction, which fails if that does.
    pub(super) async fn describe_inside(
        &mut self,
        sql: &str,
        bounds: &Bounds,
    ) -> Result<Vec<Oid>, Error> {
        let outcome = self.own_lease()?.describe(sql, bounds).await;
        self.doomed_by(outcome).await
    }

    /// The connection of the transaction, if it is sound and no SQL text of the guest's has run on it.
    fn own_lease(&mut self) -> Result<&mut Lease, Error> {
        let transaction = self.transaction.as_mut();
        let sound = transaction.filter(|transaction| transaction.doom.is_none());
        let lease = sound.and_then(|transaction| {
            let now = Instant::now();
            transaction.held.get_or_insert((now, now));
            transaction.lease.as_mut()
        });
        lease.filter(|lease| !lease.is_touched()).ok_or_else(|| {
            Error::Busy(
                "no connection is free beside that of the transaction, on which SQL text has run"
                    .to_owned(),
            )
        })
    }

    async fn doomed_by<T>(&mut self, outcome: Result<T, Failure>) -> Result<T, Error> {
        match outcome {
            Ok(answer) => Ok(answer),
            Err(failure) => {
                let kind = self.database.server().kind;
                let error = failure.into_error(Phase::Transaction, kind);
                self.doom(&error).await;
                Err(error)
            }
        }
    }

    /// Runs statements in the open transaction, in one round trip. `explain` says what a failure means.
    pub(super) async fn run_together_in_transaction(
        &mut self,
        requests: &[Query<'_>],
        effects: Effects,
        explain: impl FnOnce(&Self, Broken) -> Error,
    ) -> Result<Vec<Answer>, Error> {
        let mut transaction = self.enter(effects, requests.len()).await?;
        let bounds = self.bounds_in(&transaction, self.bounds(Author::Guest));
        let outcome = match &mut transaction.lease {
            Some(lease) => lease.run_together(requests, Ending::Open, &bounds).await,
            None => Err(Broken::in_transaction(Failure::Over)),
        };
        let outcome = outcome.map_err(|broken| {
            // The transaction is there, whether anything of this was sent or not.
            let phase = Phase::Transaction;
            explain(self, Broken { phase, ..broken })
        });
        self.leave(transaction, outcome).await
    }

    /// Notes that something failed in the open transaction which the server does not know of, such as a result that is too large.
    pub(super) async fn doom(&mut self, error: &Error) {
        if let Some(mut transaction) = self.transaction.take() {
            transaction.doom(error);
            self.keep(transaction).await;
        }
    }

    /// Passes an outcome on. What the database refused, wherever that was found, fails the open transaction too.
    pub(super) async fn doomed_if_refused<T>(
        &mut self,
        outcome: Result<T, Error>,
    ) -> Result<T, Error> {
        if let Err(error @ Error::Database(_)) = &outcome {
            self.doom(error).await;
        }
        outcome
    }

    /// Takes the transaction out for statements about to be sent. Whoever drops the future that has it ends it.
    async fn enter(&mut self, effects: Effects, count: usize) -> Result<Box<Transaction>, Error> {
        let Some(mut transaction) = self.transaction.take() else {
            return Err(Error::Closed("the transaction is over".to_owned()));
        };
        if let Some(refusal) = transaction.refusal() {
            self.transaction = Some(transaction);
            return Err(refusal);
        }
        if let Some(error) = transaction.overdue(&self.limits) {
            return self.leave(transaction, Err(error)).await;
        }
        if let Err(limit) = self.count_statements(count) {
            self.transaction = Some(transaction);
            return Err(limit);
        }
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        transaction.statements = transaction.statements.saturating_add(count);
        if transaction
            .chaos
            .is_some_and(|at| at <= transaction.statements)
        {
            let by_itself = self.database.server().kind.lose_races();
            match (by_itself, &mut transaction.lease) {
                (Some(text), Some(lease)) => lease.lose_races(text),
                (None, _) | (_, None) => return self.leave(transaction, Err(injected())).await,
            }
        }
        transaction.effects = transaction.effects.max(effects);
        let now = Instant::now();
        transaction.held.get_or_insert((now, now));
        Ok(transaction)
    }

    /// Puts the transaction back, with what came of it.
    async fn leave<T>(
        &mut self,
        mut transaction: Box<Transaction>,
        outcome: Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some((_, last)) = &mut transaction.held {
            *last = Instant::now();
        }
        let outcome = outcome.map_err(|error| at_statement(error, transaction.statements));
        if let Err(error) = &outcome {
            transaction.doom(error);
        }
        self.keep(transaction).await;
        outcome
    }

    /// Puts the transaction back. One that is over gives its connection back: others may be waiting for what it holds.
    async fn keep(&mut self, mut transaction: Box<Transaction>) {
        if transaction.is_over()
            && let Some(lease) = transaction.lease.take()
        {
            give_up(lease).await;
            self.cursors.end_inside(0, OVER);
        }
        self.transaction = Some(transaction);
    }

    fn bounds_in(&self, transaction: &Transaction, bounds: Bounds) -> Bounds {
        Bounds {
            held_until: transaction.held_until(&self.limits),
            ..bounds
        }
    }
}

/// Rolls back. Nothing of what SQL text left on the connection is there for the next attempt.
async fn give_up(mut lease: Lease) {
    lease.roll_back().await;
    lease.give_back_reset();
}

/// Says at which statement a transaction lost.
fn at_statement(error: Error, statement: u32) -> Error {
    let Error::Retry(reason) = error else {
        return error;
    };
    Error::Retry(RetryReason {
        statement: Some(statement),
        ..reason
    })
}

/// The loss of a race that did not happen.
fn injected() -> Error {
    Error::Retry(RetryReason {
        sqlstate: Some("40001".to_owned()),
        message: "the host makes this attempt fail, as `--chaos` asks for".to_owned(),
        table: None,
        statement: None,
    })
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Transaction")
            .field("form", &self.form)
            .field("handles", &self.handles)
            .field("doom", &self.doom)
            .field("statements", &self.statements)
            .finish_non_exhaustive()
    }
}
