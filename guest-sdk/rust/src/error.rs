//! [`Error`]: why a call failed, by what the caller can do about it.

use std::fmt;

use crate::bindings::chitin::db::types::Error as Contract;
pub use crate::bindings::chitin::db::types::{
    ConversionError, DatabaseError, DatabaseErrorKind, Exhaustion, LimitExceeded, RetryReason,
    TimeoutStep,
};

/// What this crate returns, and what a plugin may return too.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed.
///
/// The cases up to [`Other`](Self::Other) are those of the contract; the last two are the guest's own.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// The transaction lost a race or its connection and is over; nothing of it was kept. Return it: whoever began the
    /// transaction runs it again.
    Retry(RetryReason),
    /// All attempts were used up. Nothing was kept. Trying again later may work.
    AttemptsExhausted(Exhaustion),
    /// The commit was sent and no clear answer came. Never repeat blindly: read back first.
    AmbiguousCommit(String),
    /// The database refused the statement; the [kind](DatabaseError::kind) says what to do.
    Database(Box<DatabaseError>),
    /// The request itself is wrong and will never work.
    Invalid(String),
    /// A value does not fit the type it met, in either direction.
    Conversion(Box<ConversionError>),
    /// The operator did not grant this.
    Denied(String),
    /// A limit of the host was reached. Ask for less at a time.
    Limit(LimitExceeded),
    /// A step took too long. The statement was cancelled.
    Timeout(TimeoutStep),
    /// The database cannot be reached. Nothing was done.
    Unavailable(String),
    /// The tenant's share of connections is in use. Nothing was done. Trying again later may work.
    Busy(String),
    /// The transaction or cursor is over.
    Closed(String),
    /// The transactional operation returned this error of its own. It was rolled back.
    Rejected(String),
    /// The transactional operation was stopped by the sandbox. It was rolled back.
    Trapped(String),
    /// Something this version of the contract has no case for: a dotted code, a colon, and a text.
    Other(String),
    /// So many rows came where one was expected.
    NotOneRow(u64),
    /// The plugin's own words.
    Message(String),
}

impl Error {
    /// The plugin's own error, in its own words.
    pub fn message(message: impl fmt::Display) -> Self {
        Self::Message(message.to_string())
    }

    /// What the database said, if it was the database that refused.
    pub fn database(&self) -> Option<&DatabaseError> {
        if let Self::Database(error) = self {
            Some(error)
        } else {
            None
        }
    }

    /// What the database's refusal means, if it was the database that refused.
    pub fn kind(&self) -> Option<DatabaseErrorKind> {
        self.database().map(|error| error.kind)
    }

    /// A row with this key is there already.
    pub fn is_unique_violation(&self) -> bool {
        self.kind() == Some(DatabaseErrorKind::UniqueViolation)
    }

    /// The row referred to is missing, or is still referred to.
    pub fn is_foreign_key_violation(&self) -> bool {
        self.kind() == Some(DatabaseErrorKind::ForeignKeyViolation)
    }

    /// A required column is NULL.
    pub fn is_not_null_violation(&self) -> bool {
        self.kind() == Some(DatabaseErrorKind::NotNullViolation)
    }

    /// A check refused the row.
    pub fn is_check_violation(&self) -> bool {
        self.kind() == Some(DatabaseErrorKind::CheckViolation)
    }

    /// There is no such table, schema or database.
    pub fn is_undefined_table(&self) -> bool {
        self.kind() == Some(DatabaseErrorKind::UndefinedTable)
    }

    /// Another transaction holds the row, and [`RowLock::no_wait`](crate::RowLock::no_wait) was asked for.
    pub fn is_lock_not_available(&self) -> bool {
        self.kind() == Some(DatabaseErrorKind::LockNotAvailable)
    }

    /// The transaction lost a race and is over. Return the error: the transaction is run again.
    pub fn is_retry(&self) -> bool {
        matches!(self, Self::Retry(_))
    }

    /// The changes may be there or not. Read back before doing anything again.
    ///
    /// ```no_run
    /// use chitin::{Result, eq, json, table};
    ///
    /// fn book(id: &str) -> Result<()> {
    ///     match table("bookings").insert(&json!({ "id": id })) {
    ///         Err(error) if error.is_ambiguous_commit() => {
    ///             match table("bookings").filter(eq("id", id)).count()? {
    ///                 0 => Err(error),
    ///                 _ => Ok(()),
    ///             }
    ///         }
    ///         result => result,
    ///     }
    /// }
    /// # fn main() {}
    /// ```
    pub fn is_ambiguous_commit(&self) -> bool {
        matches!(self, Self::AmbiguousCommit(_))
    }

    /// What an [operation](macro@crate::operation) said that failed by itself. Nothing of it was kept.
    pub fn rejection(&self) -> Option<&str> {
        if let Self::Rejected(message) = self {
            Some(message)
        } else {
            None
        }
    }

    /// A value that does not fit; `column` is its name, or `$1` for a parameter.
    pub(crate) fn conversion(column: &str, type_name: &str, message: impl fmt::Display) -> Self {
        Self::Conversion(Box::new(ConversionError {
            column: column.to_owned(),
            row: None,
            type_name: type_name.to_owned(),
            message: message.to_string(),
        }))
    }
}

impl From<Contract> for Error {
    fn from(error: Contract) -> Self {
        match error {
            Contract::Retry(reason) => Self::Retry(reason),
            Contract::AttemptsExhausted(exhaustion) => Self::AttemptsExhausted(exhaustion),
            Contract::AmbiguousCommit(text) => Self::AmbiguousCommit(text),
            Contract::Database(error) => Self::Database(Box::new(error)),
            Contract::Invalid(text) => Self::Invalid(text),
            Contract::Conversion(error) => Self::Conversion(Box::new(error)),
            Contract::Denied(text) => Self::Denied(text),
            Contract::Limit(limit) => Self::Limit(limit),
            Contract::Timeout(step) => Self::Timeout(step),
            Contract::Unavailable(text) => Self::Unavailable(text),
            Contract::Busy(text) => Self::Busy(text),
            Contract::Closed(text) => Self::Closed(text),
            Contract::Rejected(text) => Self::Rejected(text),
            Contract::Trapped(text) => Self::Trapped(text),
            Contract::Other(text) => Self::Other(text),
        }
    }
}

impl From<String> for Error {
    fn from(message: String) -> Self {
        Self::Message(message)
    }
}

impl From<&str> for Error {
    fn from(message: &str) -> Self {
        Self::Message(message.to_owned())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::message(error)
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::message(error)
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry(reason) => {
                write!(f, "the transaction must be run again: {}", reason.message)
            }
            Self::AttemptsExhausted(exhaustion) => {
                let s = if exhaustion.attempts == 1 { "" } else { "s" };
                write!(
                    f,
                    "gave up after {} attempt{s}: {}",
                    exhaustion.attempts, exhaustion.last.message
                )
            }
            Self::AmbiguousCommit(text) => write!(
                f,
                "it is not known whether the changes were committed: {text}"
            ),
            Self::Database(error) => display_database(error, f),
            Self::Conversion(error) => display_conversion(error, f),
            Self::Invalid(text) => write!(f, "invalid request: {text}"),
            Self::Denied(text) => write!(f, "denied: {text}"),
            Self::Limit(limit) => {
                write!(
                    f,
                    "limit {} reached: {} of at most {}",
                    limit.name, limit.used, limit.maximum
                )
            }
            Self::Timeout(step) => f.write_str(match step {
                TimeoutStep::Waiting => "timeout: no connection became free",
                TimeoutStep::Connecting => "timeout: connecting took too long",
                TimeoutStep::Executing => "timeout: the statement took too long (limit `statement-timeout`, or what the plugin set)",
                TimeoutStep::Holding => "timeout: the transaction was open for too long (limit `transaction-timeout`)",
                TimeoutStep::Idling => "timeout: the transaction was idle for too long (limit `idle-in-transaction`)",
                TimeoutStep::Attempting => "timeout: the transaction took longer than its own options allow",
                TimeoutStep::Running => "timeout: the run is at its deadline (limit `timeout`)",
            }),
            Self::Unavailable(text) => write!(f, "the database cannot be reached: {text}"),
            Self::Busy(text) => write!(f, "busy: {text}"),
            Self::Closed(text) => write!(f, "closed: {text}"),
            Self::Trapped(text) => write!(f, "the operation was stopped: {text}"),
            Self::Rejected(text) | Self::Other(text) | Self::Message(text) => f.write_str(text),
            Self::NotOneRow(rows) => write!(f, "expected one row and got {rows}"),
        }
    }
}

fn display_database(error: &DatabaseError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{} (SQLSTATE {})", error.message, error.sqlstate)?;
    if let Some(index) = error.statement_index {
        write!(f, "; in statement {index} of the batch")?;
    }
    if let Some(position) = error.position {
        write!(f, "; at character {position}")?;
    }
    if let Some(detail) = &error.detail {
        write!(f, "; {detail}")?;
    }
    if let Some(hint) = &error.hint {
        write!(f, "; hint: {hint}")?;
    }
    Ok(())
}

fn display_conversion(error: &ConversionError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{}", error.column)?;
    if !error.type_name.is_empty() {
        write!(f, " ({})", error.type_name)?;
    }
    if let Some(row) = error.row {
        write!(f, " in row {row}")?;
    }
    write!(f, ": {}", error.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_error_says_all_that_helps() {
        let error = Error::Database(Box::new(DatabaseError {
            sqlstate: "23505".to_owned(),
            kind: DatabaseErrorKind::UniqueViolation,
            message: "duplicate key".to_owned(),
            detail: Some("Key (email)=(a) already exists.".to_owned()),
            hint: None,
            schema: None,
            table: None,
            column: None,
            constraint: Some("users_email_key".to_owned()),
            position: None,
            statement_index: Some(1),
            retryable: false,
        }));
        assert!(error.is_unique_violation());
        assert_eq!(
            error.to_string(),
            "duplicate key (SQLSTATE 23505); in statement 1 of the batch; Key (email)=(a) already exists."
        );
    }

    #[test]
    fn a_conversion_error_names_column_type_and_row() {
        let mut error = Error::conversion("age", "int8", "300 does not fit into i8");
        assert_eq!(error.to_string(), "age (int8): 300 does not fit into i8");
        if let Error::Conversion(conversion) = &mut error {
            conversion.row = Some(7);
        }
        assert_eq!(
            error.to_string(),
            "age (int8) in row 7: 300 does not fit into i8"
        );
    }
}
