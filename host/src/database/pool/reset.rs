use std::time::Duration;

use deadpool::managed::{Object, Timeouts};
use tokio::time::timeout;

use super::{Conn, Manager, Pool, SessionId};
use crate::database::{
    server::ServerKind,
    wire::{Exchange, Status},
};

/// How long a connection may take to be reset before it is closed instead.
const PATIENCE: Duration = Duration::from_secs(1);

/// Undoes whatever SQL text can do to a session, in one round trip. Not `DISCARD ALL`, which cannot stand beside others.
const RESET: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; DEALLOCATE ALL; UNLISTEN *; \
                     SELECT pg_advisory_unlock_all(); DISCARD SEQUENCES; DISCARD TEMP";

impl Pool {
    /// Makes a connection as it was at its start; whether that was possible.
    ///
    /// On CockroachDB it is not: some of the statements are unknown there, so there is no text known to undo everything.
    pub(super) async fn reset(&self, conn: &mut Conn) -> bool {
        match self.0.kind {
            ServerKind::CockroachDb => false,
            ServerKind::PostgreSql => timeout(PATIENCE, reset(conn)).await.unwrap_or(false),
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

async fn reset(conn: &mut Conn) -> bool {
    // Whoever drops this before its end leaves a connection behind that is not used again.
    conn.tainted = true;
    conn.requests += 1;
    let request = conn.requests;
    let done = conn.client.simple_query(RESET).await.is_ok()
        && conn.wire.idle(request).await == Ok(Status::Idle)
        && matches!(conn.wire.take(request), Some(Exchange { error: None, .. }));
    conn.tainted = !done;
    if done {
        conn.touched_by = None;
    }
    done
}
