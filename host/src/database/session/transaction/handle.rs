//! Transactions and savepoints that the guest opens, each by a handle.

use tokio::time::Instant;

use super::{Begin, Effects, Error, Form, OVER, Session, Transaction, give_up, injected};
use crate::database::{
    classify::Phase,
    error::TimeoutStep,
    lease::{Author, Bounds},
    pool::Borrower,
    retry::Attempts,
    statistics::Statistics,
    transaction::{Isolation, Snapshot, TransactionOptions},
};

/// Names a transaction or a savepoint of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransactionId(u64);

/// Where a handle stands.
enum Place {
    /// It is the transaction.
    Outermost,
    /// It is a savepoint, so many below the transaction.
    Savepoint(usize),
}

impl TransactionId {
    fn savepoint(self) -> String {
        format!("chitin_{}", self.0)
    }
}

impl Session {
    /// Opens a transaction, or in an open one sets a savepoint. It takes no round trip: nothing is sent before the first statement, unless
    /// the options are such as the server may refuse.
    pub async fn begin(
        &mut self,
        options: Option<&TransactionOptions>,
    ) -> Result<TransactionId, Error> {
        if self.is_in_transaction() {
            return self.set_savepoint(options);
        }
        let options = options.cloned().unwrap_or_default();
        let begin = self.how_to_begin(&options)?;
        if options.resolve_ambiguous == Some(true) {
            self.find_markers().await;
        }
        let mut attempts = self.attempts_at(&options);
        attempts.of_transaction(self.borrower.account.next_transaction());
        let id = self.next_handle();
        let until = attempts.deadline();
        let transaction = self
            .open_transaction(Form::Handle(attempts), until, options, begin)
            .await?;
        self.transaction = Some(Box::new(Transaction {
            handles: vec![id],
            ..transaction
        }));
        Ok(id)
    }

    fn set_savepoint(
        &mut self,
        options: Option<&TransactionOptions>,
    ) -> Result<TransactionId, Error> {
        if options.is_some() {
            return Err(Error::Invalid(
                "a transaction inside another is a savepoint, which has no options of its own"
                    .to_owned(),
            ));
        }
        let refusal = self.transaction.as_ref().and_then(|it| it.refusal());
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        let others = self.depth();
        self.charge(|usage, limits| usage.open_savepoints(others, limits))?;
        let id = self.next_handle();
        let Some(transaction) = &mut self.transaction else {
            return Err(closed());
        };
        if let Some(lease) = &mut transaction.lease {
            lease.set_savepoint(&id.savepoint());
        }
        transaction.handles.push(id);
        Ok(id)
    }

    /// Commits a transaction, or makes what was done since a savepoint a part of the transaction around it. The handle is spent, also
    /// when it fails; only after [`Error::Retry`] it can be [restarted](Self::restart).
    ///
    /// One round trip for a transaction in which something was done, else none.
    pub async fn commit(&mut self, id: TransactionId) -> Result<(), Error> {
        match self.place_of_innermost(id)? {
            Place::Outermost => {
                let Some(transaction) = self.transaction.take() else {
                    return Err(closed());
                };
                let (transaction, outcome) = self.commit_transaction(transaction).await;
                if matches!(outcome, Err(Error::Retry(_))) {
                    self.transaction = Some(transaction);
                }
                outcome
            }
            Place::Savepoint(depth) => self.release(id, depth).await,
        }
    }

    async fn release(&mut self, id: TransactionId, depth: usize) -> Result<(), Error> {
        let Some(transaction) = &mut self.transaction else {
            return Err(closed());
        };
        let doom = transaction.doom.clone();
        match doom {
            None => {
                if let Some(lease) = &mut transaction.lease {
                    lease.release_savepoint(&id.savepoint());
                }
                transaction.handles.pop();
                self.cursors.release(depth);
                Ok(())
            }
            Some(doom) => {
                self.undo(id, depth).await?;
                Err(doom.error)
            }
        }
    }

    /// Undoes all since the handle was opened. The handle is spent.
    pub async fn roll_back(&mut self, id: TransactionId) -> Result<(), Error> {
        match self.place_of_innermost(id)? {
            Place::Outermost => {
                self.abandon_transaction().await;
                Ok(())
            }
            Place::Savepoint(depth) => self.undo(id, depth).await,
        }
    }

    /// Undoes all since a savepoint, and with it the failure of a statement since.
    async fn undo(&mut self, id: TransactionId, depth: usize) -> Result<(), Error> {
        let Some(mut transaction) = self.transaction.take() else {
            return Err(closed());
        };
        let bounds = self.bounds_in(&transaction, self.bounds(Author::Host));
        transaction.handles.pop();
        self.cursors
            .end_inside(depth, "the savepoint that it was opened in was undone");
        let undone = match &mut transaction.lease {
            Some(lease) => lease.undo_savepoint(&id.savepoint(), &bounds).await,
            // The whole is over, and this part of it.
            None => Ok(()),
        };
        if undone.is_ok()
            && let Some(doom) = &transaction.doom
            && doom.depth.is_some_and(|failed_at| failed_at >= depth)
        {
            transaction.doom = None;
        }
        let kind = self.database.server().kind;
        let undone = undone.map_err(|failure| failure.into_error(Phase::Transaction, kind));
        if let Err(error) = &undone {
            transaction.doom = None;
            transaction.doom(error);
        }
        self.keep(transaction).await;
        undone
    }

    /// Rolls back what lost a race, waits, and begins the next attempt in the same handle. Fails with [`Error::AttemptsExhausted`] if there
    /// is none left: the handle is spent then, as after any other failure but [`Error::Invalid`].
    pub async fn restart(&mut self, id: TransactionId) -> Result<(), Error> {
        let Some(transaction) = self.transaction.take() else {
            return Err(closed());
        };
        let doom = transaction.doom.as_ref();
        let lost = doom.and_then(|doom| doom.error.lost()).cloned();
        let refusal = match (&transaction.form, lost) {
            (Form::Host, _) => Err("only the host can do this transaction again: return"),
            (Form::Handle(_), _) if transaction.handles.first() != Some(&id) => {
                Err("a savepoint is not restarted: drop it, and restart the transaction around it")
            }
            (Form::Handle(_), None) => Err("there is nothing to restart: it has lost no race"),
            (Form::Handle(_), Some(reason)) => Ok(reason),
        };
        let reason = match refusal {
            Ok(reason) => reason,
            Err(why) => {
                self.transaction = Some(transaction);
                return Err(Error::Invalid(why.to_owned()));
            }
        };
        let Transaction {
            form: Form::Handle(mut attempts),
            options,
            begin,
            ..
        } = *transaction
        else {
            return Err(closed());
        };
        if let Some(outcome) = attempts.conclude::<()>(Err(Error::Retry(reason))).await {
            return outcome;
        }
        let until = attempts.deadline();
        let form = Form::Handle(attempts);
        let transaction = self.open_transaction(form, until, options, begin).await?;
        self.transaction = Some(Box::new(Transaction {
            handles: vec![id],
            ..transaction
        }));
        Ok(())
    }

    /// Which attempt at the open transaction is under way, from 1.
    pub fn attempt(&self) -> u32 {
        match self.transaction.as_ref().map(|it| &it.form) {
            Some(Form::Handle(attempts)) => attempts.current(),
            Some(Form::Host) | None => self.borrower.attempt.map_or(1, |(_, attempt)| attempt),
        }
    }

    /// Rolls back what the handle stands for if it is open, and all that was opened after it.
    pub async fn drop_transaction(&mut self, id: TransactionId) {
        loop {
            let handles = self.transaction.as_ref().map(|it| it.handles.as_slice());
            let Some((&innermost, true)) = handles.and_then(|handles| {
                let last = handles.last()?;
                Some((last, handles.contains(&id)))
            }) else {
                return;
            };
            if let Err(error) = self.roll_back(innermost).await {
                tracing::debug!(%error, "a dropped transaction was not rolled back in order");
            }
        }
    }

    /// Ends whatever transaction is open.
    pub(in crate::database::session) async fn abandon_transaction(&mut self) {
        let transaction = self.transaction.take();
        self.cursors.end_inside(0, OVER);
        if let Some(lease) = transaction.and_then(|transaction| transaction.lease) {
            give_up(lease).await;
        }
    }

    /// Commits, and gives the transaction back, which is over now.
    pub(super) async fn commit_transaction(
        &mut self,
        mut transaction: Box<Transaction>,
    ) -> (Box<Transaction>, Result<(), Error>) {
        let outcome = if let Some(doom) = &transaction.doom {
            Err(doom.error.clone())
        } else if let Some(error) = transaction.overdue(&self.limits) {
            Err(error)
        } else if transaction.chaos.is_some() {
            Err(injected())
        } else {
            Ok(())
        };
        self.cursors.end_inside(0, OVER);
        let lease = transaction.lease.take();
        let outcome = match (outcome, lease) {
            (Ok(()), Some(lease)) => self.commit_lease(lease, &transaction).await,
            (Ok(()), None) => Err(closed()),
            (Err(error), Some(lease)) => {
                give_up(lease).await;
                Err(error)
            }
            (Err(error), None) => Err(error),
        };
        if let Err(error) = &outcome {
            transaction.doom(error);
        }
        (transaction, outcome)
    }

    /// Takes a connection for a transaction, which begins with the first statement. All attempts at it must be over by then.
    pub(super) async fn open_transaction(
        &mut self,
        form: Form,
        until: Instant,
        options: TransactionOptions,
        begin: Begin,
    ) -> Result<Transaction, Error> {
        let until = (until < self.deadline).then_some(until);
        let borrower = match &form {
            Form::Host => self.borrower.clone(),
            Form::Handle(attempts) => Borrower {
                attempt: attempts.place(),
                ..self.borrower.clone()
            },
        };
        let lease = self.acquire_until(&borrower, until.unwrap_or(self.deadline));
        let mut lease = match lease.await {
            // It is not that of the run.
            Err(Error::Timeout(TimeoutStep::Running)) if until.is_some() => {
                return Err(Error::Timeout(TimeoutStep::Attempting));
            }
            lease => lease?,
        };
        lease.begin(begin.clone());
        if matches!(begin, Begin::Alone(_)) {
            let bounds = Bounds {
                held_until: until.map(|until| (until, TimeoutStep::Attempting)),
                ..self.bounds(Author::Host)
            };
            let begun = lease.begin_now(&bounds).await;
            let kind = self.database.server().kind;
            begun.map_err(|failure| failure.into_error(Phase::Transaction, kind))?;
        }
        self.borrower.account.add(Statistics {
            transaction_attempts: 1,
            ..Statistics::default()
        });
        let chaos = self.chaos.strikes(rand::random());
        Ok(Transaction {
            lease: Some(lease),
            form,
            options,
            begin,
            until,
            handles: Vec::new(),
            doom: None,
            effects: Effects::None,
            statements: 0,
            held: None,
            chaos: chaos.then(|| rand::random_range(1..=3)),
        })
    }

    pub(super) fn how_to_begin(&self, options: &TransactionOptions) -> Result<Begin, Error> {
        if options.isolation == Isolation::ReadCommitted && !self.read_committed {
            return Err(Error::Denied(
                "the operator has not allowed transactions that are READ COMMITTED".to_owned(),
            ));
        }
        if options.snapshot.is_some() && !options.read_only {
            return Err(Error::Invalid(
                "a transaction that reads the past must be read-only".to_owned(),
            ));
        }
        if options.snapshot.is_some() && options.isolation == Isolation::ReadCommitted {
            return Err(Error::Invalid(
                "a transaction that reads the past sees one state of it: leave the isolation out"
                    .to_owned(),
            ));
        }
        if let Some(Snapshot::At(instant)) = options.snapshot
            && instant <= 0
        {
            return Err(Error::Invalid(
                "the instant to read at must be after 1970-01-01T00:00:00Z".to_owned(),
            ));
        }
        self.database.server().kind.begin(options)
    }

    /// The attempts at a transaction with these options.
    pub(super) fn attempts_at(&self, options: &TransactionOptions) -> Attempts {
        let allowed = self.retry.max_retries();
        let retries = options.max_retries.unwrap_or(allowed).min(allowed);
        let deadline = options
            .timeout
            .and_then(|timeout| Instant::now().checked_add(timeout))
            .map_or(self.deadline, |deadline| deadline.min(self.deadline));
        Attempts::new(
            "transaction",
            self.retry.with_max_retries(retries),
            deadline,
            self.borrower.account.clone(),
        )
    }

    fn next_handle(&mut self) -> TransactionId {
        self.handles += 1;
        TransactionId(self.handles)
    }

    /// Where the innermost of the open handles stands, which this must be.
    fn place_of_innermost(&self, id: TransactionId) -> Result<Place, Error> {
        let transaction = self.transaction.as_ref().ok_or_else(closed)?;
        let handles = &transaction.handles;
        match handles.iter().position(|handle| *handle == id) {
            None => Err(closed()),
            Some(at) if at + 1 < handles.len() => Err(Error::Invalid(
                "transactions end in the reverse order of their beginning: end the inner one first"
                    .to_owned(),
            )),
            Some(_) => Ok(match (&transaction.form, handles.len()) {
                (Form::Handle(_), 1) => Place::Outermost,
                _ => Place::Savepoint(transaction.savepoints().len()),
            }),
        }
    }
}

fn closed() -> Error {
    Error::Closed("the transaction is over".to_owned())
}
