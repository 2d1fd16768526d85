use std::time::Duration;

use deadpool::managed::{Object, Timeouts};
use tokio::time::timeout;

use super::{Conn, Manager, Pool, SessionId};
use crate::database::wire::{Exchange, Status};

/// How long a connection may take to be reset before it is closed instead.
const PATIENCE: Duration = Duration::from_secs(1);

impl Pool {
    /// Makes a connection as it was at its start; whether that was possible.
    pub(super) async fn reset(&self, conn: &mut Conn) -> bool {
        match self.0.kind.session_reset() {
            None => false,
            Some(sql) => timeout(PATIENCE, reset(conn, sql)).await.unwrap_or(false),
        }
    }

    /// Resets or closes the idle connections that a session's SQL text ran on, `touched` of them.
    pub(super) async fn sweep(&self, session: SessionId, mut touched: usize) {
        let at_once = Timeouts {
            wait: Some(Duration::ZERO),
            create: Some(Duration::ZERO),
            recycle: None,
        };
        // Held until the end, so that none is looked at twice.
        let mut seen = Vec::new();
        for _ in 0..self.0.objects.status().available {
            if touched == 0 {
                break;
            }
            let Ok(mut object) = self.0.objects.timeout_get(&at_once).await else {
                break;
            };
            let is_theirs = object.touched_by == Some(session);
            touched -= usize::from(is_theirs);
            if is_theirs && !self.reset(&mut object).await {
                drop(Object::<Manager>::take(object));
            } else {
                seen.push(object);
            }
        }
    }
}

async fn reset(conn: &mut Conn, sql: &str) -> bool {
    // Whoever drops this before its end leaves a connection behind that is not used again.
    conn.tainted = true;
    conn.requests += 1;
    let request = conn.requests;
    let done = conn.client.simple_query(sql).await.is_ok()
        && conn.wire.idle(request).await == Ok(Status::Idle)
        && matches!(conn.wire.take(request), Some(Exchange { error: None, .. }));
    conn.tainted = !done;
    if done {
        conn.touched_by = None;
    }
    done
}
