use tokio_postgres::error::DbError;

use super::{error::TimeoutStep, limits::LimitExceeded};

/// Why a statement on a connection failed, before it is known what that means for the caller.
///
/// [`into_error`](Self::into_error) says that.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server refused it.
    Server(Box<DbError>),
    /// It refused because a column of the result is of a type that has no binary form.
    Unreadable {
        /// The column.
        column: String,
        /// Its type.
        type_name: String,
    },
    /// The server refused a statement that was prepared, and may take it when it is not. Nothing was kept.
    Outdated(Box<DbError>),
    /// The connection was lost.
    Lost {
        /// Whether the whole request had been written: what was not, cannot have been committed.
        sent: bool,
        /// The server's last word, if it had one.
        sqlstate: Option<String>,
    },
    /// A step took too long.
    TimedOut {
        /// Which.
        step: TimeoutStep,
        /// Whether the server confirmed that nothing was done, or nothing had been sent.
        settled: bool,
    },
    /// A limit of the result was reached, and the statement cancelled.
    Limit {
        /// Which.
        limit: LimitExceeded,
        /// Whether it is known that nothing was done.
        settled: bool,
    },
    /// The text did what no text may do.
    Denied(&'static str),
    /// The request cannot be put into the protocol.
    Invalid(&'static str),
    /// No connection could be made. Why, in words that a guest may read.
    Unavailable(&'static str),
    /// All connections are in use, and the caller does not wait.
    Busy,
    /// BEGIN failed, and statements that were sent with it may have been committed one by one.
    Loose,
    /// COMMIT was answered with ROLLBACK: the transaction had failed before.
    RolledBack,
    /// The connection that held the transaction is gone, or was left in the middle of a statement.
    Over,
    /// The server answered what the protocol does not provide for.
    Protocol(String),
}

impl Failure {
    /// The SQLSTATE, or a word for what happened.
    pub(super) fn word(&self) -> &str {
        match self {
            Self::Server(error) | Self::Outdated(error) => error.code().code(),
            Self::Lost {
                sqlstate: Some(code),
                ..
            } => code,
            Self::Lost { sqlstate: None, .. } => "lost",
            Self::Unreadable { .. } => "unreadable",
            Self::TimedOut { .. } => "timeout",
            Self::Limit { limit, .. } => limit.name,
            Self::Denied(_) => "denied",
            Self::Invalid(_) => "invalid",
            Self::Unavailable(_) => "unavailable",
            Self::Busy => "busy",
            Self::Loose => "loose",
            Self::RolledBack => "rolled-back",
            Self::Over => "over",
            Self::Protocol(_) => "protocol",
        }
    }
}
