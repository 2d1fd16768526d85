//! Work that the host does again: a transaction for each attempt.

use std::sync::Arc;

use super::{Begin, Error, Form, Session, Transaction};
use crate::database::session::cursor::Cursors;
use crate::database::{
    error::RetryReason, pool::Borrower, retry::Attempts, transaction::TransactionOptions,
};

/// Work that the host does until it is committed, each time in a new transaction and a new session.
#[derive(Debug)]
pub struct Repeated {
    /// What the session of an attempt is made from.
    origin: Session,
    options: TransactionOptions,
    begin: Begin,
    attempts: Attempts,
}

impl Session {
    /// Work that is to be one transaction. Refused inside another one, and while cursors are open: what it waits for could be held by
    /// those.
    pub async fn repeated(&mut self, options: &TransactionOptions) -> Result<Repeated, Error> {
        self.refuse_in_transaction("no operation is run")?;
        if self.cursors.open() > 0 {
            return Err(Error::Denied(
                "no transaction is run while a cursor is open: read it to its end, or drop it"
                    .to_owned(),
            ));
        }
        let begin = self.how_to_begin(options)?;
        if options.resolve_ambiguous != Some(false) && !options.read_only {
            self.find_markers().await;
        }
        let mut attempts = self.attempts_at(options);
        attempts.of_transaction(self.borrower.account.next_transaction());
        Ok(Repeated {
            origin: self.another(),
            options: options.clone(),
            begin,
            attempts,
        })
    }

    /// Takes out what is open. What is left can only be dropped.
    #[must_use]
    pub fn take(&mut self) -> Self {
        let left = self.another();
        std::mem::replace(self, left)
    }

    /// A session of the same run, with nothing open.
    fn another(&self) -> Self {
        Self {
            database: self.database.clone(),
            borrower: self.borrower.clone(),
            is_first: false,
            grants: Arc::clone(&self.grants),
            limits: self.limits,
            deadline: self.deadline,
            retry: self.retry,
            read_committed: self.read_committed,
            chaos: self.chaos,
            statement_timeout: self.limits.statement_timeout,
            cursors: Cursors::default(),
            transaction: None,
            handles: 0,
        }
    }
}

impl Repeated {
    /// Which attempt is under way, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempts.current()
    }

    /// The session of the next attempt, in which a transaction is open.
    ///
    /// A database that went away during the attempt before may take a moment to come back: that is waited for like any other reason to
    /// do it again.
    pub async fn begin(&mut self) -> Result<Session, Error> {
        loop {
            let mut session = self.origin.another();
            session.borrower = Borrower {
                attempt: self.attempts.place(),
                ..session.borrower.clone()
            };
            let opened = session
                .open_transaction(
                    Form::Host,
                    self.attempts.deadline(),
                    self.options.clone(),
                    self.begin.clone(),
                )
                .await;
            let opened = match opened {
                Err(Error::Unavailable(message)) if self.attempt() > 1 => {
                    Err(Error::Retry(RetryReason {
                        sqlstate: None,
                        message,
                        table: None,
                        statement: None,
                    }))
                }
                opened => opened,
            };
            match self.attempts.conclude(opened).await {
                Some(Ok(transaction)) => {
                    session.transaction = Some(Box::new(transaction));
                    return Ok(session);
                }
                Some(Err(error)) => return Err(error),
                None => {}
            }
        }
    }

    /// Ends an attempt: commits it if the work was done, and rolls it back if not. What became of a commit is awaited, also when its answer
    /// is lost: whoever drops the future does not know.
    ///
    /// A lost race counts, whatever the work says of itself. Work that is done and left a savepoint open, or went on after a failure, is
    /// not committed.
    pub async fn end(&mut self, session: Session, done: bool) -> Result<(), Error> {
        session.end_attempt(done).await
    }

    /// How the work ended, or none if it must be done once more: after the wait, which is over then, and while which nothing was held.
    pub async fn conclude(&mut self, outcome: Result<(), Error>) -> Option<Result<(), Error>> {
        self.attempts.conclude(outcome).await
    }
}

impl Session {
    async fn end_attempt(mut self, done: bool) -> Result<(), Error> {
        let Some(transaction) = self.transaction.take() else {
            return Err(Error::Closed("the transaction is over".to_owned()));
        };
        let doom = transaction.doom.as_ref();
        let lost = doom.and_then(|doom| doom.error.lost()).cloned();
        let left_open = !transaction.savepoints().is_empty();
        let failed = transaction.doom.as_ref().map(|doom| doom.error.clone());
        let verdict = match (lost, done, failed) {
            (Some(lost), ..) => Err(Error::Retry(lost)),
            // What it says of itself does not matter then either.
            (None, false, Some(unclear @ Error::AmbiguousCommit(_))) => Err(unclear),
            (None, false, _) => Ok(()),
            (None, true, Some(failed)) => Err(failed),
            (None, true, None) if left_open => Err(Error::Invalid(
                "a savepoint was left open: commit it, or roll it back".to_owned(),
            )),
            (None, true, None) => return self.commit_attempt(transaction).await,
        };
        self.transaction = Some(transaction);
        self.abandon_transaction().await;
        self.close().await;
        verdict
    }

    async fn commit_attempt(mut self, transaction: Box<Transaction>) -> Result<(), Error> {
        let (_, outcome) = self.commit_transaction(transaction).await;
        self.close().await;
        outcome
    }
}
