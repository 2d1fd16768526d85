use super::limits::LimitExceeded;

/// Why a call failed, by what the caller can do about it: the cases of `error` in the contract that the database layer gives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The transaction lost a race or its connection and is over; nothing of it was kept. Run it again.
    #[error("the transaction must run again: {}", .0.message)]
    Retry(RetryReason),
    /// All attempts were used up, or the deadline is too near for another. Nothing was kept. Trying again later may work.
    #[error("gave up after {attempts} attempt{}: {}", if *attempts == 1 { "" } else { "s" }, .last.message)]
    AttemptsExhausted {
        /// Attempts made, the first included.
        attempts: u32,
        /// Why the last one failed.
        last: RetryReason,
    },
    /// The write was sent and no clear answer came. It may have happened: never repeat it blindly.
    #[error("the outcome is unknown: {0}")]
    AmbiguousCommit(String),
    /// The database refused the statement.
    #[error("{0}")]
    Database(Box<DatabaseError>),
    /// The request itself is wrong and will never work. The database was not asked.
    #[error("invalid request: {0}")]
    Invalid(String),
    /// A value does not fit the type it met, in either direction.
    #[error("{0}")]
    Conversion(Box<ConversionError>),
    /// The operator did not grant this.
    #[error("denied: {0}")]
    Denied(String),
    /// A limit was reached.
    #[error("{0}")]
    Limit(LimitExceeded),
    /// A step took too long. The statement was cancelled.
    #[error("timeout while {0}")]
    Timeout(TimeoutStep),
    /// The database cannot be reached. Nothing was done.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// All connections are in use. Nothing was done.
    #[error("busy: {0}")]
    Busy(String),
    /// The handle is spent: what it stood for is over.
    #[error("closed: {0}")]
    Closed(String),
    /// The attempt is over, the guest was told, and went on. Its caller ends it: it is to be told nothing more.
    #[error("the attempt is over")]
    Abandoned,
    /// Something the contract has no case for: a dotted code, a colon and a text.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// Why the transaction must run again, if that is what is the matter.
    pub(super) fn lost(&self) -> Option<&RetryReason> {
        if let Self::Retry(reason) = self {
            Some(reason)
        } else {
            None
        }
    }
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryReason {
    /// The five characters of the SQLSTATE; absent for what the database did not say, such as a lost connection.
    pub sqlstate: Option<String>,
    /// The host's own words: the database's can carry the data of others.
    pub message: String,
    /// The table of the conflict, where the database names it.
    pub table: Option<String>,
    /// Which statement of its transaction it was, from 1; absent for the commit, and where there is no such transaction. It is for the log.
    pub statement: Option<u32>,
}

/// What the database said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (SQLSTATE {sqlstate})")]
pub struct DatabaseError {
    /// The five characters of the SQLSTATE.
    pub sqlstate: String,
    /// What it means.
    pub kind: ErrorKind,
    /// The primary message.
    pub message: String,
    /// More about it.
    pub detail: Option<String>,
    /// What may help.
    pub hint: Option<String>,
    /// The schema concerned.
    pub schema: Option<String>,
    /// The table concerned.
    pub table: Option<String>,
    /// The column concerned.
    pub column: Option<String>,
    /// The violated constraint.
    pub constraint: Option<String>,
    /// Where in the text of the statement, in characters from 1.
    pub position: Option<u32>,
    /// Which statement of a batch, from 0.
    pub statement_index: Option<u32>,
    /// Whether the same work could succeed if the whole transaction is run again.
    pub retryable: bool,
}

impl DatabaseError {
    /// What the host found where the server saw no error, said as the server would have.
    pub(super) fn of_host(sqlstate: &str, message: &str) -> Self {
        Self {
            sqlstate: sqlstate.to_owned(),
            kind: ErrorKind::from_sqlstate(sqlstate),
            message: message.to_owned(),
            detail: None,
            hint: None,
            schema: None,
            table: None,
            column: None,
            constraint: None,
            position: None,
            statement_index: None,
            retryable: false,
        }
    }
}

/// What a SQLSTATE means to a program, as in the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "named as in the contract, which describes each"
)]
pub enum ErrorKind {
    UniqueViolation,
    ForeignKeyViolation,
    NotNullViolation,
    CheckViolation,
    ConstraintViolation,
    CardinalityViolation,
    SerializationFailure,
    TransactionAborted,
    ReadOnly,
    DataException,
    SyntaxError,
    UndefinedTable,
    UndefinedColumn,
    UndefinedObject,
    DuplicateObject,
    InsufficientPrivilege,
    NotSupported,
    LockNotAvailable,
    Cancelled,
    InsufficientResources,
    Other,
}

/// A value that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{column}: {message}")]
pub struct ConversionError {
    /// The column, or the parameter as `$1`.
    pub column: String,
    /// Which row of a batch, from 0.
    pub row: Option<u64>,
    /// The database's name of the type that was needed; empty where it is not known.
    pub type_name: String,
    /// What does not fit, and what to do.
    pub message: String,
}

/// Which step took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutStep {
    /// Waiting for a free connection.
    Waiting,
    /// Connecting to the database.
    Connecting,
    /// Running a statement.
    Executing,
    /// Holding a transaction open, from its first statement on.
    Holding,
    /// Holding a transaction open without using it.
    Idling,
    /// All attempts at a transaction, which its own options bound.
    Attempting,
    /// The run as a whole is at its deadline.
    Running,
}

impl std::fmt::Display for TimeoutStep {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Waiting => "waiting for a free connection",
            Self::Connecting => "connecting to the database",
            Self::Executing => {
                "running a statement (limit `statement-timeout`, or what the plugin set)"
            }
            Self::Holding => "holding a transaction open (limit `transaction-timeout`)",
            Self::Idling => {
                "holding a transaction open without using it (limit `idle-in-transaction`)"
            }
            Self::Attempting => "attempting a transaction (the timeout of its own options)",
            Self::Running => "running: the deadline of the run has passed (limit `timeout`)",
        })
    }
}
