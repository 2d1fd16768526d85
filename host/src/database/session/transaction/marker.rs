//! Marks that settle a commit whose answer was lost.
//!
//! A transaction that writes also writes a mark, a row with an id of its own that nobody else knows, in the flight of its COMMIT. When the
//! answer is lost, the host inserts the same key from another connection: that waits for the transaction if it is still open. If the key
//! is there, the transaction was committed; if it is not, the row of the host keeps it from ever being committed: it is fenced off.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_postgres::{error::SqlState, types::Type};

use super::{Effects, Error, Phase, Session, Transaction};
use crate::database::{
    error::{ErrorKind, RetryReason},
    examine::lacking,
    failure::Failure,
    lease::{Author, Bounds, Broken, Lease, Parameter, Query},
    rows::Rows,
    statement::{FENCE, MARK, READ_MARKER, find_markers},
};

/// How long the host tries to find out what became of a commit. A transaction that is still open keeps it waiting until the server ends
/// it for being idle.
const SETTLING: Duration = Duration::from_secs(15);
/// How long to wait after a try that failed.
const PAUSE: Duration = Duration::from_millis(100);

/// The mark of one attempt at a transaction.
struct Marker([Parameter<'static>; 1]);

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It was committed.
    Committed,
    /// It was not, and never will be.
    Fenced,
}

impl Marker {
    fn new() -> Self {
        let id: u128 = rand::random();
        Self([Parameter {
            data_type: Type::UUID,
            text: Some(format!("{id:032x}").into()),
        }])
    }

    fn query<'a>(&'a self, sql: &'a str) -> Query<'a> {
        Query {
            sql,
            parameters: &self.0,
        }
    }
}

impl Session {
    /// Commits what ran on this connection. What became of it is found out, if that is not clear and it left a mark.
    pub(super) async fn commit_lease(
        &mut self,
        lease: Lease,
        transaction: &Transaction,
    ) -> Result<(), Error> {
        let committing = self.borrower.account.commit_begins();
        let outcome = self.commit_and_settle(lease, transaction).await;
        committing.ended(&outcome);
        outcome
    }

    async fn commit_and_settle(
        &mut self,
        mut lease: Lease,
        transaction: &Transaction,
    ) -> Result<(), Error> {
        let marker = self.marker(transaction);
        let mark = marker.as_ref().map(|marker| marker.query(MARK));
        let bounds = self.bounds_in(transaction, self.bounds(Author::Host));
        let committed = lease.commit(mark, &bounds).await;
        let Err(broken) = committed else {
            if marker.is_some() {
                self.database.left_marker();
            }
            return Ok(());
        };
        lease.give_back_reset();
        let kind = self.database.server().kind;
        let error = match broken {
            Broken {
                place: Some(_),
                failure: Failure::Server(error),
                ..
            } => {
                let error = Failure::Server(error).into_error(Phase::Transaction, kind);
                if matches!(&error, Error::Database(refused) if cannot_mark(&refused.sqlstate)) {
                    self.without_markers(&error)
                } else {
                    error
                }
            }
            // What changed nothing can be done again, whatever became of it.
            Broken { failure, .. } if transaction.effects == Effects::None => {
                failure.into_error(Phase::Transaction, kind)
            }
            Broken { phase, failure, .. } => {
                // What fails before anything is sent leaves the transaction to be done again.
                let phase = match phase {
                    Phase::Read | Phase::Write | Phase::Transaction => Phase::Transaction,
                    Phase::Commit => Phase::Commit,
                };
                failure.into_error(phase, kind)
            }
        };
        match (error, marker) {
            (Error::AmbiguousCommit(seen), Some(marker)) => self.settle(&marker, seen).await,
            (Error::AmbiguousCommit(seen), None) => Err(Error::AmbiguousCommit(seen)),
            (error, _) => Err(error),
        }
    }

    /// The mark that this transaction is to leave, if it wrote and the database is prepared for marks.
    fn marker(&self, transaction: &Transaction) -> Option<Marker> {
        let is_wanted = match transaction.options.resolve_ambiguous {
            Some(wanted) => wanted,
            None => matches!(transaction.form, super::Form::Host),
        };
        let wrote = transaction.effects == Effects::Some;
        let is_wanted = is_wanted && wrote && !transaction.options.read_only;
        (is_wanted && self.database.has_markers()).then(Marker::new)
    }

    /// Finds out, once for all sessions, whether the database is prepared for marks.
    pub(super) async fn find_markers(&mut self) {
        if self.database.knows_markers() {
            return;
        }
        let find = find_markers(self.database.server().kind, None);
        match self.ask_catalog(&find).await {
            Ok(found) => {
                let can_be_used = lacking(&found).is_some_and(|lacking| lacking.is_empty());
                self.database.keep_markers(can_be_used);
            }
            Err(error) => {
                tracing::debug!(%error, "whether there is a table of commit markers is not known");
            }
        }
    }

    /// Does without marks from now on: one could not be written. The transaction can be done again.
    fn without_markers(&self, error: &Error) -> Error {
        tracing::warn!(%error, "a commit marker cannot be written; from now on commits whose answer is lost are ambiguous. `host check --prepare` makes their table");
        self.database.keep_markers(false);
        Error::Retry(RetryReason {
            sqlstate: None,
            message: "the commit marker could not be written".to_owned(),
            table: None,
            statement: None,
        })
    }

    /// Finds out what became of a commit.
    async fn settle(&self, marker: &Marker, seen: String) -> Result<(), Error> {
        let until = Instant::now() + SETTLING;
        while Instant::now() < until {
            match self.fence(marker, until).await {
                Ok(Fate::Committed) => {
                    tracing::info!(
                        seen,
                        "the answer to a commit was lost; its marker says that it was done"
                    );
                    return Ok(());
                }
                Ok(Fate::Fenced) => {
                    tracing::info!(
                        seen,
                        "the answer to a commit was lost; it was not done, and never will be"
                    );
                    return Err(Error::Retry(RetryReason {
                        sqlstate: None,
                        message: "the connection was lost during a commit that was not done"
                            .to_owned(),
                        table: None,
                        statement: None,
                    }));
                }
                Err(error) => {
                    tracing::debug!(%error, "what became of a commit is not known yet");
                    sleep(PAUSE).await;
                }
            }
        }
        Err(Error::AmbiguousCommit(format!(
            "{seen}; and what became of it could not be found out within {} s",
            SETTLING.as_secs()
        )))
    }

    async fn fence(&self, marker: &Marker, until: Instant) -> Result<Fate, Error> {
        let pool = self.database.pool();
        let borrower = pool.apart(&self.borrower);
        let kind = self.database.server().kind;
        let acquired = pool.acquire(&borrower, until).await;
        let mut lease = acquired.map_err(|failure| failure.into_error(Phase::Read, kind))?;
        let bounds = Bounds {
            deadline: until,
            timeout: SETTLING,
            ..self.bounds(Author::Host)
        };
        let fence = lease.run(FENCE, &marker.0, &bounds).await;
        let refused = match fence {
            Ok(_) => return Ok(Fate::Fenced),
            Err(failure) => failure.into_error(Phase::Write, kind),
        };
        if !matches!(&refused, Error::Database(error) if error.kind == ErrorKind::UniqueViolation) {
            return Err(refused);
        }
        // A fence of the host's own is there too, if its answer was lost.
        let found = lease.run(READ_MARKER, &marker.0, &bounds).await;
        let found = found.map_err(|failure| failure.into_error(Phase::Read, kind))?;
        let found = Rows::of_builtin_types(found.columns, found.rows);
        match found.text(0, 0).as_deref() {
            Some("committed") => Ok(Fate::Committed),
            Some("fenced") => Ok(Fate::Fenced),
            _ => Err(refused),
        }
    }
}

/// Whether the table of markers is not there any more, or not for this role, or not as it should be.
fn cannot_mark(sqlstate: &str) -> bool {
    let codes = [
        SqlState::UNDEFINED_TABLE,
        SqlState::UNDEFINED_COLUMN,
        SqlState::INVALID_SCHEMA_NAME,
        SqlState::INSUFFICIENT_PRIVILEGE,
    ];
    codes.iter().any(|code| code.code() == sqlstate)
}
