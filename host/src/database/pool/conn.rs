use std::{sync::Arc, time::Duration};

use deadpool_postgres::ClientWrapper;
use tokio::time::Instant;

use super::{SessionId, statements::Statements};
use crate::database::{
    connect::{Canceller, Connection},
    lease::BEGIN,
    wire::{Status, Wire},
};

/// A connection in the pool, idle or lent.
pub(in crate::database) struct Conn {
    pub(in crate::database) client: ClientWrapper,
    pub(in crate::database) wire: Arc<Wire>,
    pub(in crate::database) canceller: Canceller,
    /// How many requests were put in the driver's queue.
    pub(in crate::database) requests: u64,
    /// The ways to begin a transaction that are known to work on it, so that they may be sent together with what follows.
    pub(in crate::database) begins: Vec<&'static str>,
    /// A statement was begun on it and not followed to its end, or it was cancelled: it is never used again.
    pub(in crate::database) tainted: bool,
    /// Whose SQL text ran on it, and may have left something behind.
    pub(in crate::database) touched_by: Option<SessionId>,
    /// Whether it was lent before: it may have been lost while it lay idle.
    pub(in crate::database) used: bool,
    /// What is prepared on it.
    pub(in crate::database) statements: Statements,
    expires: Instant,
}

impl Conn {
    /// Takes up a connection that was just made; `lifetime` is varied by up to a tenth, so that not all end at once.
    pub(super) fn new(connection: Connection, statements: Statements, lifetime: Duration) -> Self {
        Self {
            client: ClientWrapper::new(connection.client, connection.task),
            wire: connection.wire,
            canceller: connection.canceller,
            requests: connection.requests,
            begins: connection.begins.then_some(BEGIN).into_iter().collect(),
            tainted: false,
            touched_by: None,
            used: false,
            statements,
            expires: Instant::now() + lifetime.mul_f64(rand::random_range(0.9..=1.1)),
        }
    }

    /// The release rule: whether nothing is outstanding on it, nothing open and nothing unfinished.
    pub(in crate::database) fn is_clean(&self) -> bool {
        !self.tainted
            && self.wire.is_idle(self.requests)
            && self.wire.status() == Status::Idle
            && !self.client.is_closed()
    }

    /// Whether it may be lent.
    pub(super) fn is_usable(&self) -> bool {
        self.is_clean() && Instant::now() < self.expires
    }
}
