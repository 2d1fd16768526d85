use std::time::Duration;

use super::{gate::Gate, statement::Which};
use crate::fault::error_with_hint;

/// From where something comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The client: on its way to the server.
    Client,
    /// The server: on its way to the client.
    Server,
}

/// When something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// A connection is made: the start-up message comes.
    Start,
    /// The first word of such a statement is on its way to the server: a simple query, its Parse, or its Bind if it was prepared before.
    Named(Which),
    /// Such a statement is to be run: a simple query, or Execute, is on its way to the server.
    Asked(Which),
    /// The answer to a request with such a statement begins to come: of all up to the next ReadyForQuery.
    Reply(Which),
    /// So many bytes of that answer have passed.
    ReplyByte(Which, usize),
    /// Such a statement is done: its CommandComplete comes.
    Done(Which),
    /// ReadyForQuery comes, at the end of a request with such a statement.
    Ready(Which),
    /// A message comes.
    Message(Side),
    /// So many bytes have passed from that side since the rule was made, on all connections together.
    Byte(Side, usize),
}

/// What is done.
#[derive(Debug, Clone)]
pub enum Action {
    /// It passes.
    Pass,
    /// It waits, and what comes behind it, until the test opens the gate. The other direction goes on.
    Hold(Gate),
    /// This message never arrives.
    Drop,
    /// The connection is reset, RST. The server is left as well.
    Reset,
    /// The connection is closed in order, FIN. The server is left as well.
    Close,
    /// The client's end is reset and the server's stays open, as when the network between them is parted. It does until the proxy ends.
    Strand,
    /// From here on it comes in pieces of so many bytes.
    Slice(usize),
    /// It waits so long, and what comes behind it.
    Delay(Duration),
    /// From here on it comes at so many bytes a second.
    Throttle(usize),
    /// The statement fails. For [`Trigger::Asked`].
    Fail(Failure),
    /// Another statement is run instead, and answers for it. For [`Trigger::Asked`].
    Instead(&'static str),
    /// The command tag of the statement is this one. For [`Trigger::Asked`] and [`Trigger::Done`].
    Tag(&'static str),
}

/// An error that the server did not think of.
///
/// What is left behind is as if it had: inside a transaction the server's own is made to fail, so that it refuses what follows; a COMMIT
/// that fails has rolled back.
#[derive(Debug, Clone)]
pub struct Failure {
    frame: Vec<u8>,
    pub(super) point: Point,
}

/// How far a statement comes that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    /// It is not run.
    Before,
    /// It is run, and so many of its rows are given. Nothing is kept of it.
    Rows(usize),
    /// It is run, and what it did is kept if nothing else prevents that.
    After,
}

impl Failure {
    /// An error instead of the statement, which is not run.
    pub fn new(code: &'static str, message: &str) -> Self {
        Self {
            frame: error_with_hint("ERROR", code, message, None),
            point: Point::Before,
        }
    }

    /// A lost race, in the words of CockroachDB: `restart transaction: …` and a hint to its reference (C1 of pkg/sql/logictest's `txn`).
    pub fn retry() -> Self {
        let message = "restart transaction: TransactionRetryWithProtoRefreshError: forged";
        let hint =
            "See: https://www.cockroachlabs.com/docs/stable/transaction-retry-error-reference.html";
        Self {
            frame: error_with_hint("ERROR", "40001", message, Some(hint)),
            point: Point::Before,
        }
    }

    /// An outcome that the server does not know, in the words of CockroachDB (`AmbiguousResultError` of its pkg/kv/kvpb).
    pub fn ambiguous() -> Self {
        Self::new("40003", "result is ambiguous: forged")
    }

    /// The statement is run, and the error comes after so many of its rows. Nothing is kept of it.
    #[must_use]
    pub fn after_rows(self, rows: usize) -> Self {
        Self {
            point: Point::Rows(rows),
            ..self
        }
    }

    /// The statement is run and, by itself or as a COMMIT, kept; only then the error comes.
    #[must_use]
    pub fn after_all(self) -> Self {
        Self {
            point: Point::After,
            ..self
        }
    }

    /// The error as it is told.
    pub(super) fn frame(&self) -> Vec<u8> {
        self.frame.clone()
    }
}

/// What is done, when, and how often.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) trigger: Trigger,
    pub(super) action: Action,
    /// How many times more the trigger is let pass first.
    pub(super) skip: usize,
    /// Whether it is done each time from then on, or once.
    pub(super) always: bool,
}
