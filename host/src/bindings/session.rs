use std::time::{Duration, SystemTime};

use crate::{
    bindings::{ResultFormat, View, session_wit},
    database::{LimitState, ServerKind},
};

impl session_wit::Host for View<'_> {
    fn set_result_format(&mut self, format: session_wit::ResultFormat) -> wasmtime::Result<()> {
        *self.format = match format {
            session_wit::ResultFormat::Typed => ResultFormat::Typed,
            session_wit::ResultFormat::Packed => ResultFormat::Packed,
        };
        Ok(())
    }

    fn set_statement_timeout(&mut self, milliseconds: u32) -> wasmtime::Result<()> {
        let timeout = match milliseconds {
            0 => Duration::MAX,
            milliseconds => Duration::from_millis(milliseconds.into()),
        };
        self.session.set_statement_timeout(timeout);
        Ok(())
    }

    fn info(&mut self) -> wasmtime::Result<session_wit::RunInfo> {
        Ok(session_wit::RunInfo {
            plugin: self.run.plugin.clone(),
            tenant: self.run.tenant.to_string(),
            run_id: self.run.run_id.clone(),
            attempt: self.run.attempt,
            started_at: microseconds(self.run.started_at),
            deadline: microseconds(self.run.deadline),
            database: match self.run.server {
                ServerKind::CockroachDb => session_wit::DatabaseProduct::Cockroachdb,
                ServerKind::PostgreSql => session_wit::DatabaseProduct::Postgresql,
            },
        })
    }

    fn setting(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.settings.get(&name).cloned())
    }

    fn limits(&mut self) -> wasmtime::Result<Vec<session_wit::LimitState>> {
        let batch_values = LimitState {
            name: "batch-values",
            used: 0,
            maximum: self.limits.batch_values,
        };
        let mut limits = self.session.limits();
        limits.push(batch_values);
        limits.extend(self.log.limits());
        limits.extend(self.meter.limits());
        let stated = |limit: LimitState| session_wit::LimitState {
            name: limit.name.to_owned(),
            used: limit.used,
            maximum: limit.maximum,
        };
        Ok(limits.into_iter().map(stated).collect())
    }
}

/// As many microseconds since 1970 as the contract's numbers reach.
fn microseconds(instant: SystemTime) -> i64 {
    let count = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    match instant.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => count(since),
        Err(before) => count(before.duration()).saturating_neg(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, SystemTime, microseconds};

    #[test]
    fn instants_are_counted_from_1970_in_both_directions() {
        let second = Duration::from_secs(1);
        assert_eq!(microseconds(SystemTime::UNIX_EPOCH + second), 1_000_000);
        assert_eq!(microseconds(SystemTime::UNIX_EPOCH - second), -1_000_000);
    }
}
