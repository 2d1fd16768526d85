use wasmtime::component::ResourceTableError;

use crate::database::{self, DatabaseError, Error, ErrorKind, RetryReason, TimeoutStep};

use super::wit;

/// Why a call of a guest fails.
#[derive(Debug)]
pub enum Failure {
    /// The guest gets this answer and goes on.
    Answer(Error),
    /// The operation of the guest returned this error of its own.
    Rejected(String),
    /// The operation of the guest was stopped.
    Trapped(String),
    /// The guest was told that its attempt is over and went on: it is stopped and learns nothing more.
    Ended,
    /// The guest holds all the handles that it may, and is stopped by that limit.
    Full,
    /// The host is wrong: the guest is stopped and learns nothing.
    Bug(HostBug),
}

/// A state that the host never lets happen. It reaches the caller of the guest as a trap.
#[derive(Debug, Clone, thiserror::Error)]
#[error("a bug of the host: {0}")]
pub struct HostBug(pub(super) String);

impl HostBug {
    /// A state, in words for whoever mends it.
    pub fn new(state: String) -> Self {
        Self(state)
    }
}

/// The attempt that the guest is part of is over, and it has been told so. It reaches the caller of the guest as a trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "its attempt at the transaction was over, it was told to return, and called the database again"
)]
pub struct AttemptOver;

impl Failure {
    /// The answer for the guest; a trap if there is none.
    pub(super) fn into_answer(self) -> wasmtime::Result<wit::Error> {
        match self {
            Self::Answer(error) => Ok(error.into()),
            Self::Rejected(message) => Ok(wit::Error::Rejected(message)),
            Self::Trapped(message) => Ok(wit::Error::Trapped(message)),
            Self::Ended => Err(AttemptOver.into()),
            Self::Full => Err(ResourceTableError::Full.into()),
            Self::Bug(bug) => Err(bug.into()),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if error == Error::Abandoned {
            Self::Ended
        } else {
            Self::Answer(error)
        }
    }
}

impl From<database::ConversionError> for Failure {
    fn from(error: database::ConversionError) -> Self {
        Self::Answer(Error::Conversion(Box::new(error)))
    }
}

impl From<HostBug> for Failure {
    fn from(bug: HostBug) -> Self {
        Self::Bug(bug)
    }
}

/// A handle that is to be given to the guest.
impl From<ResourceTableError> for Failure {
    fn from(error: ResourceTableError) -> Self {
        if matches!(error, ResourceTableError::Full) {
            Self::Full
        } else {
            Self::Bug(error.into())
        }
    }
}

/// The engine has checked a handle before it reaches the host: one that stands for nothing was lost by the host.
impl From<ResourceTableError> for HostBug {
    fn from(error: ResourceTableError) -> Self {
        Self(format!("a handle of the guest stands for nothing: {error}"))
    }
}

impl From<Error> for wit::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Retry(reason) => Self::Retry(reason.into()),
            Error::AttemptsExhausted { attempts, last } => {
                Self::AttemptsExhausted(wit::Exhaustion {
                    attempts,
                    last: last.into(),
                })
            }
            Error::AmbiguousCommit(seen) => Self::AmbiguousCommit(seen),
            Error::Database(error) => Self::Database((*error).into()),
            Error::Invalid(message) => Self::Invalid(message),
            Error::Conversion(error) => Self::Conversion(wit::ConversionError {
                column: error.column,
                row: error.row,
                type_name: error.type_name,
                message: error.message,
            }),
            Error::Denied(message) => Self::Denied(message),
            Error::Limit(limit) => Self::Limit(wit::LimitExceeded {
                name: limit.name.to_owned(),
                used: limit.used,
                maximum: limit.maximum,
            }),
            Error::Timeout(step) => Self::Timeout(step.into()),
            Error::Unavailable(message) => Self::Unavailable(message),
            Error::Busy(message) => Self::Busy(message),
            Error::Closed(message) => Self::Closed(message),
            // Intercepted before: who is told this is ended.
            Error::Abandoned => Self::Closed("the attempt is over".to_owned()),
            Error::Other(message) => Self::Other(message),
        }
    }
}

impl From<RetryReason> for wit::RetryReason {
    fn from(reason: RetryReason) -> Self {
        Self {
            sqlstate: reason.sqlstate,
            message: reason.message,
            table: reason.table,
        }
    }
}

impl From<DatabaseError> for wit::DatabaseError {
    fn from(error: DatabaseError) -> Self {
        Self {
            sqlstate: error.sqlstate,
            kind: error.kind.into(),
            message: error.message,
            detail: error.detail,
            hint: error.hint,
            schema: error.schema,
            table: error.table,
            column: error.column,
            constraint: error.constraint,
            position: error.position,
            statement_index: error.statement_index,
            retryable: error.retryable,
        }
    }
}

impl From<ErrorKind> for wit::DatabaseErrorKind {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::UniqueViolation => Self::UniqueViolation,
            ErrorKind::ForeignKeyViolation => Self::ForeignKeyViolation,
            ErrorKind::NotNullViolation => Self::NotNullViolation,
            ErrorKind::CheckViolation => Self::CheckViolation,
            ErrorKind::ConstraintViolation => Self::ConstraintViolation,
            ErrorKind::CardinalityViolation => Self::CardinalityViolation,
            ErrorKind::SerializationFailure => Self::SerializationFailure,
            ErrorKind::TransactionAborted => Self::TransactionAborted,
            ErrorKind::ReadOnly => Self::ReadOnly,
            ErrorKind::DataException => Self::DataException,
            ErrorKind::SyntaxError => Self::SyntaxError,
            ErrorKind::UndefinedTable => Self::UndefinedTable,
            ErrorKind::UndefinedColumn => Self::UndefinedColumn,
            ErrorKind::UndefinedObject => Self::UndefinedObject,
            ErrorKind::DuplicateObject => Self::DuplicateObject,
            ErrorKind::InsufficientPrivilege => Self::InsufficientPrivilege,
            ErrorKind::NotSupported => Self::NotSupported,
            ErrorKind::LockNotAvailable => Self::LockNotAvailable,
            ErrorKind::Cancelled => Self::Cancelled,
            ErrorKind::InsufficientResources => Self::InsufficientResources,
            ErrorKind::Other => Self::Other,
        }
    }
}

impl From<TimeoutStep> for wit::TimeoutStep {
    fn from(step: TimeoutStep) -> Self {
        match step {
            TimeoutStep::Waiting => Self::Waiting,
            TimeoutStep::Connecting => Self::Connecting,
            TimeoutStep::Executing => Self::Executing,
            TimeoutStep::Holding => Self::Holding,
            TimeoutStep::Idling => Self::Idling,
            TimeoutStep::Attempting => Self::Attempting,
            TimeoutStep::Running => Self::Running,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, Failure, HostBug, wit};

    #[test]
    fn a_mistake_of_a_guest_is_an_answer_and_a_bug_of_the_host_is_a_trap() {
        let mistake = Failure::from(Error::Invalid("an empty name".to_owned()));
        match mistake.into_answer() {
            Ok(wit::Error::Invalid(message)) => assert_eq!(message, "an empty name"),
            other => panic!("{other:?}"),
        }
        let bug = Failure::from(HostBug("lost".to_owned()));
        let trap = bug.into_answer().expect_err("no answer");
        assert!(trap.downcast_ref::<HostBug>().is_some(), "{trap:?}");
    }
}
