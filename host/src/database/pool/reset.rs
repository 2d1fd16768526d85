use std::time::Duration;

use deadpool::managed::{Object, Timeouts};
use tokio::time::timeout;
use tokio_postgres::SimpleQueryMessage;

use super::{Conn, Manager, Pool, SessionId};
use crate::database::{
    server::ServerKind,
    wire::{Exchange, Status},
};

/// How long a connection may take to be reset before it is closed instead.
const PATIENCE: Duration = Duration::from_secs(1);

/// Undoes whatever SQL text can do to a session, in one round trip. Not `DISCARD ALL`, which cannot stand beside others.
const RESET: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; DEALLOCATE ALL; UNLISTEN *; \
                     DISCARD SEQUENCES; DISCARD TEMP";

/// What is left that cannot be undone: one row for each. Extensions keep what they like in a session, such as the connections of `dblink`
/// and the variables of `plperl`; those listed are known to keep nothing.
const LEFT: &str = "SELECT extname FROM pg_catalog.pg_extension WHERE extname NOT IN ('plpgsql', 'btree_gin', 'btree_gist', \
                    'citext', 'cube', 'fuzzystrmatch', 'hstore', 'intarray', 'lo', 'ltree', 'pg_stat_statements', \
                    'pg_trgm', 'pgcrypto', 'unaccent', 'uuid-ossp', 'vector') \
                    UNION ALL SELECT slot_name FROM pg_catalog.pg_replication_slots \
                    WHERE temporary AND active_pid = pg_catalog.pg_backend_pid()";

impl Pool {
    /// Makes a connection as it was at its start; whether that was possible.
    ///
    /// On CockroachDB it is not: some of the statements are unknown there, so there is no text known to undo everything.
    pub(super) async fn reset(&self, conn: &mut Conn) -> bool {
        match self.0.kind {
            ServerKind::CockroachDb => false,
            ServerKind::PostgreSql => timeout(PATIENCE, reset(conn, self.0.kind))
                .await
                .unwrap_or(false),
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

async fn reset(conn: &mut Conn, kind: ServerKind) -> bool {
    // Whoever drops this before its end leaves a connection behind that is not used again.
    conn.tainted = true;
    // The text could have replaced them by statements of its own.
    conn.statements.clear();
    conn.requests += 1;
    let request = conn.requests;
    // A seed that the text has set must not tell what the next one draws.
    let seed: f64 = rand::random_range(-1.0..=1.0);
    let text = format!(
        "{RESET}; SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed({seed:.17}); {}; {LEFT}",
        kind.settings()
    );
    let messages = conn.client.simple_query(&text).await;
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
