use std::time::Duration;

use deadpool::managed::{Object, Timeouts};
use tokio::time::timeout;
use tokio_postgres::SimpleQueryMessage;

use super::{Conn, Manager, Pool, SessionId};
use crate::database::wire::{Exchange, Status};

/// How long a connection may take to be reset before it is closed instead.
const PATIENCE: Duration = Duration::from_secs(1);

impl Pool {
    /// Makes a connection as it was at its start; whether that was possible.
    pub(super) async fn reset(&self, conn: &mut Conn) -> bool {
        // A seed that the text has set must not tell what the next one draws.
        match self.0.kind.session_reset(rand::random_range(-1.0..=1.0)) {
            None => false,
            Some(sql) => timeout(PATIENCE, reset(conn, &sql)).await.unwrap_or(false),
        }
    }

    /// Resets or closes the idle connections that a session's SQL text ran on, `touched` of them.
    pub(super) async fn sweep(&self, session: SessionId, mut touched: usize) {
        let at_once = Timeouts {
            wait: Some(Duration::ZERO),
            create: Some(Duration::ZERO),
            recycle: None,
        };
        // Held for the moment, so that none is looked at twice.
        let mut theirs = Vec::new();
        let mut others = Vec::new();
        for _ in 0..self.0.objects.status().available {
            if touched == 0 {
                break;
            }
            let Ok(object) = self.0.objects.timeout_get(&at_once).await else {
                break;
            };
            if object.touched_by == Some(session) {
                touched -= 1;
                theirs.push(object);
            } else {
                others.push(object);
            }
        }
        drop(others);
        for mut object in theirs {
            if !self.reset(&mut object).await {
                drop(Object::<Manager>::take(object));
            }
        }
    }
}

async fn reset(conn: &mut Conn, sql: &str) -> bool {
    // Whoever drops this before its end leaves a connection behind that is not used again.
    conn.tainted = true;
    // The text could have replaced them by statements of its own.
    conn.statements.clear();
    conn.requests += 1;
    let request = conn.requests;
    let messages = conn.client.simple_query(sql).await;
    // More than the row of the reset itself is what it could not undo.
    let is_all = messages.is_ok_and(|messages| rows(&messages) == 1);
    let done = is_all
        && conn.wire.idle(request).await == Ok(Status::Idle)
        && matches!(conn.wire.take(request), Some(Exchange { error: None, .. }));
    conn.tainted = !done;
    if done {
        conn.touched_by = None;
    }
    done
}

/// How many rows there are in the answer.
fn rows(messages: &[SimpleQueryMessage]) -> usize {
    let is_row = |message: &&SimpleQueryMessage| matches!(message, SimpleQueryMessage::Row(_));
    messages.iter().filter(is_row).count()
}
