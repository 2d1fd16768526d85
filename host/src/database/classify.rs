//! What a SQLSTATE, and what a failure in its place, means to a caller.

use tokio_postgres::error::{DbError, ErrorPosition};

use super::{
    error::{ConversionError, DatabaseError, Error, ErrorKind, RetryReason, TimeoutStep},
    failure::Failure,
    server::ServerKind,
};

/// Where a statement stood when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Alone, and it changes nothing.
    Read,
    /// Alone, and it may change something, so that its end is a commit.
    Write,
    /// In a transaction that the host has open.
    Transaction,
    /// The COMMIT of such a transaction.
    Commit,
}

impl Phase {
    /// Whether the end of the statement is, or may be, the end of a commit.
    fn commits(self) -> bool {
        matches!(self, Self::Write | Self::Commit)
    }
}

/// What an error of the server means in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The statement failed, and that is certain.
    Failed,
    /// Nothing was kept, and the same work can succeed when run again.
    Retry(&'static str),
    /// It may have been committed.
    Ambiguous,
    /// The transaction was open for too long, and is rolled back.
    HeldTooLong(TimeoutStep),
    /// The data was committed, the schema change of the same transaction was not done.
    SchemaChangeFailed,
}

const RACE: &str = "the transaction lost a race against another one";
const DEADLOCK: &str = "the transaction was in a deadlock with another one";
const SHUTDOWN: &str = "the database server went away";
const FULL: &str = "the database server has no connection left";
const CHANGED: &str = "a table has changed since a statement on it was prepared";
const LOST: &str = "the connection to the database was lost";

fn verdict(code: &str, phase: Phase, server: ServerKind) -> Verdict {
    if phase == Phase::Transaction
        && let Some(step) = held(code)
    {
        return Verdict::HeldTooLong(step);
    }
    let class = code.get(..2).unwrap_or_default();
    match (code, class) {
        ("40001" | "CR000", _) => Verdict::Retry(RACE),
        ("40P01", _) => Verdict::Retry(DEADLOCK),
        ("40003", _) if phase == Phase::Read => Verdict::Retry(LOST),
        ("40003", _) => Verdict::Ambiguous,
        ("XXA00", _) => Verdict::SchemaChangeFailed,
        ("57P01" | "57P02" | "57P03", _) if !phase.commits() => Verdict::Retry(SHUTDOWN),
        ("53300", _) if !phase.commits() => Verdict::Retry(FULL),
        (_, "08") if !phase.commits() => Verdict::Retry(LOST),
        ("57014", _) if phase == Phase::Write && server.cancels_for_certain() => Verdict::Failed,
        ("08P01", _) if phase == Phase::Write => Verdict::Failed,
        (_, "08" | "57" | "58" | "XX") if phase.commits() => Verdict::Ambiguous,
        (_, "53") if phase == Phase::Commit => Verdict::Ambiguous,
        _ => Verdict::Failed,
    }
}

impl Failure {
    /// What the failure means to a caller, in its place and on that server.
    pub(super) fn into_error(self, phase: Phase, server: ServerKind) -> Error {
        match self {
            Self::Server(error) => from_server(&error, phase, server),
            Self::Unreadable { column, type_name } => Error::Conversion(Box::new(ConversionError {
                message: format!("the database has no binary form of {type_name}: cast it to text, as in `{column}::text`"),
                column,
                row: None,
                type_name,
            })),
            Self::Outdated(error) => retry(Some(error.code().code().to_owned()), CHANGED, None),
            Self::Lost { sent: true, .. } if phase.commits() => Error::AmbiguousCommit(
                "the connection was lost after the statement was sent and before it was answered".to_owned(),
            ),
            Self::Lost { sent: false, .. } if !matches!(phase, Phase::Transaction | Phase::Commit) => {
                Error::Unavailable("the connection was lost before the statement was sent".to_owned())
            }
            Self::Lost { sqlstate, .. } => match sqlstate.as_deref().and_then(held) {
                Some(step) => Error::Timeout(step),
                None => retry(sqlstate, LOST, None),
            },
            Self::TimedOut { settled: false, .. } if phase.commits() => Error::AmbiguousCommit(
                "no answer came in time, nor to the request to cancel".to_owned(),
            ),
            Self::TimedOut { step, .. } => Error::Timeout(step),
            Self::Limit {
                limit,
                settled: false,
            } if phase.commits() => Error::AmbiguousCommit(format!(
                "{limit} in what the statement gave back, and it could not be stopped for certain"
            )),
            Self::Limit { limit, .. } => Error::Limit(limit),
            Self::Denied(reason) => Error::Denied(reason.to_owned()),
            Self::Invalid(reason) => Error::Invalid(reason.to_owned()),
            Self::Unavailable(reason) => Error::Unavailable(reason.to_owned()),
            Self::Loose => Error::AmbiguousCommit(
                "BEGIN failed, and statements that were sent with it may have been committed one by one".to_owned(),
            ),
            Self::Busy => Error::Busy("all connections are in use".to_owned()),
            Self::RolledBack => Error::Database(Box::new(rolled_back())),
            Self::Over => Error::Closed(
                "the transaction is over: its connection was lost, or a statement on it was abandoned".to_owned(),
            ),
            Self::Protocol(message) if phase.commits() => Error::AmbiguousCommit(message),
            Self::Protocol(message) => Error::Other(format!("protocol: {message}")),
        }
    }
}

/// Which time of a transaction was over for the server, if that is what it says.
fn held(code: &str) -> Option<TimeoutStep> {
    match code {
        "25P03" => Some(TimeoutStep::Idling),
        "25P04" => Some(TimeoutStep::Holding),
        _ => None,
    }
}

fn from_server(error: &DbError, phase: Phase, server: ServerKind) -> Error {
    let code = error.code().code();
    let verdict = if is_catalogue_race(error) {
        Verdict::Retry(RACE)
    } else {
        verdict(code, phase, server)
    };
    match verdict {
        Verdict::Failed => Error::Database(Box::new(database_error(error))),
        Verdict::Retry(message) => retry(
            Some(code.to_owned()),
            message,
            error.table().map(str::to_owned),
        ),
        Verdict::Ambiguous => Error::AmbiguousCommit(format!(
            "the server ended the statement with SQLSTATE {code}, which leaves open whether it was committed"
        )),
        Verdict::HeldTooLong(step) => Error::Timeout(step),
        Verdict::SchemaChangeFailed => Error::Other(
            "schema-change-failed: the data was committed, but a schema change of the same transaction was not done".to_owned(),
        ),
    }
}

/// Whether two made the same thing at once, or things whose parts PostgreSQL gave the same name: it tells one of them of a key violated
/// in its own tables. Run again, the statement finds what the other made.
fn is_catalogue_race(error: &DbError) -> bool {
    error.code().code() == "23505" && error.schema() == Some("pg_catalog")
}

fn retry(sqlstate: Option<String>, message: &str, table: Option<String>) -> Error {
    Error::Retry(RetryReason {
        sqlstate,
        message: message.to_owned(),
        table,
        statement: None,
    })
}

fn database_error(error: &DbError) -> DatabaseError {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let code = error.code().code();
    DatabaseError {
        sqlstate: code.to_owned(),
        kind: ErrorKind::from_sqlstate(code),
        message: error.message().to_owned(),
        detail: owned(error.detail()),
        hint: owned(error.hint()),
        schema: owned(error.schema()),
        table: owned(error.table()),
        column: owned(error.column()),
        constraint: owned(error.constraint()),
        position: match error.position() {
            Some(ErrorPosition::Original(position)) => Some(*position),
            Some(ErrorPosition::Internal { .. }) | None => None,
        },
        statement_index: None,
        retryable: false,
    }
}

fn rolled_back() -> DatabaseError {
    DatabaseError::of_host(
        "25P02",
        "the transaction had failed before; COMMIT rolled it back",
    )
}

impl ErrorKind {
    /// What a SQLSTATE means to a program.
    pub fn from_sqlstate(code: &str) -> Self {
        match code {
            "23505" => Self::UniqueViolation,
            "23503" => Self::ForeignKeyViolation,
            "23502" => Self::NotNullViolation,
            "23514" => Self::CheckViolation,
            "40001" | "40P01" | "CR000" => Self::SerializationFailure,
            "25P02" => Self::TransactionAborted,
            "25006" => Self::ReadOnly,
            "42P01" | "3F000" | "3D000" => Self::UndefinedTable,
            "42703" => Self::UndefinedColumn,
            "42883" | "42704" => Self::UndefinedObject,
            "42P07" | "42701" | "42710" | "42P04" | "42P06" | "42723" | "42P03" | "42P05" => {
                Self::DuplicateObject
            }
            "42501" => Self::InsufficientPrivilege,
            "55P03" => Self::LockNotAvailable,
            "57014" => Self::Cancelled,
            _ => Self::from_class(code.get(..2).unwrap_or_default()),
        }
    }

    fn from_class(class: &str) -> Self {
        match class {
            "0A" => Self::NotSupported,
            "21" => Self::CardinalityViolation,
            "22" => Self::DataException,
            "23" => Self::ConstraintViolation,
            "42" => Self::SyntaxError,
            "53" => Self::InsufficientResources,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::{Phase, Verdict, verdict};
    use crate::database::{
        error::{Error, ErrorKind, TimeoutStep},
        failure::Failure,
        limits::LimitExceeded,
        server::ServerKind::{self, CockroachDb, PostgreSql},
    };

    const PHASES: [Phase; 4] = [Phase::Read, Phase::Write, Phase::Transaction, Phase::Commit];

    /// One letter a phase: failed, retry, ambiguous, held too long, schema change failed.
    fn row(code: &str, server: ServerKind) -> String {
        let letter = |phase| match verdict(code, phase, server) {
            Verdict::Failed => 'f',
            Verdict::Retry(_) => 'r',
            Verdict::Ambiguous => 'a',
            Verdict::HeldTooLong(_) => 'h',
            Verdict::SchemaChangeFailed => 's',
        };
        PHASES.map(letter).iter().collect()
    }

    /// The codes that the databases give for conflicts, lost connections, lack of means and mistakes, and one of every class.
    const CODES: [&str; 74] = [
        "00000", "01000", "02000", "03000", "08000", "08003", "08006", "08P01", "09000", "0A000",
        "0B000", "0F000", "0L000", "0P000", "0Z000", "20000", "21000", "22000", "22003", "22C01",
        "23000", "23505", "24000", "25000", "25001", "25006", "25P01", "25P02", "25P03", "25P04",
        "26000", "27000", "28000", "2B000", "2D000", "2F000", "34000", "38000", "39000", "3B000",
        "3D000", "3F000", "40000", "40001", "40002", "40003", "40P01", "42000", "42501", "42601",
        "42C01", "42P01", "44000", "53000", "53100", "53200", "53300", "54000", "55000", "55P03",
        "57000", "57014", "57P01", "57P02", "57P03", "57P05", "58000", "58C00", "58C01", "72000",
        "CR000", "XX000", "XXA00", "XXUUU",
    ];

    /// The whole table, for people to review: what a SQLSTATE, and what the loss of a connection, means in every phase.
    #[test]
    fn the_table_of_verdicts_is_the_reviewed_one() {
        let mut table = String::from(
            "f failed, r retry, a ambiguous, h held too long, s schema change failed\n\
             four phases: a read alone, a write alone, a statement in a transaction, its COMMIT\n\n\
             SQLSTATE  CockroachDB  PostgreSQL\n",
        );
        for code in CODES {
            let (cockroachdb, postgresql) = (row(code, CockroachDb), row(code, PostgreSql));
            writeln!(table, "{code}     {cockroachdb}         {postgresql}").expect("a text");
        }
        let events = [
            ("lost, sent in full", lost as fn(bool) -> Failure, true),
            ("lost, not sent in full", lost, false),
            ("timed out, cancelled for certain", timed_out, true),
            ("timed out, no answer", timed_out, false),
            ("over a limit, stopped for certain", over_the_limit, true),
            (
                "over a limit, not stopped for certain",
                over_the_limit,
                false,
            ),
        ];
        table.push('\n');
        for (event, failure, settled) in events {
            let meaning = in_every_phase(|| failure(settled));
            writeln!(table, "{event}: {meaning}").expect("a text");
        }
        insta::assert_snapshot!("verdicts", table);
    }

    #[test]
    fn a_code_that_nobody_knows_is_a_failure() {
        for code in ["", "é", "4000", "99999", "ZZZZZ"] {
            assert_eq!(row(code, CockroachDb), "ffff", "{code}");
            assert_eq!(row(code, PostgreSql), "ffff", "{code}");
        }
    }

    #[test]
    fn a_transaction_that_the_server_ended_for_its_age_is_told_so() {
        for (code, step) in [
            ("25P03", TimeoutStep::Idling),
            ("25P04", TimeoutStep::Holding),
        ] {
            let lost = Failure::Lost {
                sent: false,
                sqlstate: Some(code.to_owned()),
            };
            let error = lost.into_error(Phase::Transaction, PostgreSql);
            assert_eq!(error, Error::Timeout(step));
        }
    }

    fn lost(sent: bool) -> Failure {
        Failure::Lost {
            sent,
            sqlstate: None,
        }
    }

    fn timed_out(settled: bool) -> Failure {
        Failure::TimedOut {
            step: TimeoutStep::Executing,
            settled,
        }
    }

    fn over_the_limit(settled: bool) -> Failure {
        Failure::Limit {
            limit: LimitExceeded {
                name: "result-rows",
                used: 2,
                maximum: 1,
            },
            settled,
        }
    }

    fn name(error: &Error) -> &'static str {
        match error {
            Error::Retry(_) => "retry",
            Error::AmbiguousCommit(_) => "ambiguous",
            Error::Unavailable(_) => "unavailable",
            Error::Timeout(TimeoutStep::Executing) => "timeout",
            Error::Limit(_) => "limit",
            Error::Database(_) => "database",
            Error::Closed(_) => "closed",
            Error::Invalid(_)
            | Error::AttemptsExhausted { .. }
            | Error::Conversion(_)
            | Error::Denied(_)
            | Error::Timeout(_)
            | Error::Busy(_)
            | Error::Abandoned
            | Error::Other(_) => "something else",
        }
    }

    fn in_every_phase(failure: impl Fn() -> Failure) -> String {
        PHASES
            .map(|phase| name(&failure().into_error(phase, PostgreSql)))
            .join(" ")
    }

    #[test]
    fn every_failure_has_a_meaning_in_every_phase() {
        for (seen, expected) in [
            (
                in_every_phase(|| lost(true)),
                "retry ambiguous retry ambiguous",
            ),
            (
                in_every_phase(|| lost(false)),
                "unavailable unavailable retry retry",
            ),
            (
                in_every_phase(|| timed_out(true)),
                "timeout timeout timeout timeout",
            ),
            (
                in_every_phase(|| timed_out(false)),
                "timeout ambiguous timeout ambiguous",
            ),
            (
                in_every_phase(|| over_the_limit(true)),
                "limit limit limit limit",
            ),
            (
                in_every_phase(|| over_the_limit(false)),
                "limit ambiguous limit ambiguous",
            ),
            (
                in_every_phase(|| Failure::RolledBack),
                "database database database database",
            ),
            (
                in_every_phase(|| Failure::Loose),
                "ambiguous ambiguous ambiguous ambiguous",
            ),
            (
                in_every_phase(|| Failure::Over),
                "closed closed closed closed",
            ),
        ] {
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn every_sqlstate_has_a_kind() {
        for (codes, kind) in [
            ("23505", ErrorKind::UniqueViolation),
            ("23503", ErrorKind::ForeignKeyViolation),
            ("23502", ErrorKind::NotNullViolation),
            ("23514", ErrorKind::CheckViolation),
            ("23P01 23000 23001", ErrorKind::ConstraintViolation),
            ("21000", ErrorKind::CardinalityViolation),
            ("40001 40P01 CR000", ErrorKind::SerializationFailure),
            ("25P02", ErrorKind::TransactionAborted),
            ("25006", ErrorKind::ReadOnly),
            ("22003 22012 22P02 22C01", ErrorKind::DataException),
            ("42601 42804 42P18 42725 42803", ErrorKind::SyntaxError),
            ("42P01 3F000 3D000", ErrorKind::UndefinedTable),
            ("42703", ErrorKind::UndefinedColumn),
            ("42883 42704", ErrorKind::UndefinedObject),
            ("42P07 42701 42710 42P04 42P06", ErrorKind::DuplicateObject),
            ("42501", ErrorKind::InsufficientPrivilege),
            ("0A000", ErrorKind::NotSupported),
            ("55P03", ErrorKind::LockNotAvailable),
            ("57014", ErrorKind::Cancelled),
            ("53100 53200 53300", ErrorKind::InsufficientResources),
            ("40003 57P01 XX000 54000 P0001 25001", ErrorKind::Other),
        ] {
            for code in codes.split(' ') {
                assert_eq!(ErrorKind::from_sqlstate(code), kind, "{code}");
            }
        }
        assert_eq!(ErrorKind::from_sqlstate(""), ErrorKind::Other);
    }
}
