//! The closing summary of a run.

use serde_json::json;

use super::{
    amount::{duration, number, size},
    exit::Exit,
};
use crate::{
    runtime::{Reason, Report, RetryCount},
    telemetry::Printable,
};

/// How many reasons are shown to people.
const REASONS: usize = 8;

/// The summary for people: a few aligned lines.
pub(super) fn text(exit: Exit, report: &Report) -> String {
    let outcome = if has_transactions_of_its_own(report) {
        exit.name().to_owned()
    } else {
        let attempts = counted(report.attempts.into(), "attempt");
        format!("{} after {attempts}", exit.name())
    };
    let mut lines = vec![("outcome", outcome)];
    lines.extend(repetitions(report));
    lines.extend([
        (
            "statements",
            format!(
                "{} in {}",
                number(report.database.statements),
                counted(report.database.round_trips, "round trip")
            ),
        ),
        (
            "rows",
            format!(
                "{} read, {} written",
                number(report.database.rows_read),
                number(report.database.rows_written)
            ),
        ),
        (
            "bytes",
            format!(
                "{} received, {} sent",
                size(report.database.bytes_received),
                size(report.database.bytes_sent)
            ),
        ),
        (
            "time",
            format!(
                "{}, in the database {}, computing {}",
                duration(report.elapsed),
                duration(report.database.time),
                duration(report.cpu)
            ),
        ),
        (
            "memory",
            format!("{} at its peak", size(report.peak_memory_bytes)),
        ),
    ]);
    let line = |(name, value): (&str, String)| format!("{name:<11}{value}\n");
    lines.into_iter().map(line).collect()
}

/// Whether attempts were made at something else than the run as a whole.
fn has_transactions_of_its_own(report: &Report) -> bool {
    let used = &report.database;
    let is_the_run =
        used.transactions == 1 && used.transaction_attempts == u64::from(report.attempts);
    used.transactions > 0 && !is_the_run
}

/// How often something was done again, and why; nothing if all went well at once.
fn repetitions(report: &Report) -> Vec<(&'static str, String)> {
    let used = &report.database;
    let mut lines = Vec::new();
    if has_transactions_of_its_own(report) {
        let attempts = counted(used.transaction_attempts, "attempt");
        let transactions = counted(used.transactions, "transaction");
        lines.push(("attempts", format!("{attempts} at {transactions}")));
    }
    if used.retries > 0 {
        let waited = duration(used.waited);
        let retries = number(used.retries);
        lines.push((
            "retries",
            format!("{retries}, after waiting {waited} in all"),
        ));
    }
    let reasons = report.retries.iter().take(REASONS).map(reason);
    let more = report.retries.len().saturating_sub(REASONS);
    let more = (more > 0).then(|| {
        format!(
            "and {} more, which --summary json shows",
            number(more as u64)
        )
    });
    for (place, reason) in reasons.chain(more).enumerate() {
        lines.push((if place == 0 { "reasons" } else { "" }, reason));
    }
    lines
}

/// Why attempts failed, and where that is known.
fn reason(retry: &RetryCount) -> String {
    let count = number(retry.count);
    let why = match retry.sqlstate.as_deref() {
        None => "a fault without SQLSTATE, such as a lost connection".to_owned(),
        Some(code @ ("40001" | "CR000")) => format!("a lost race ({code})"),
        Some(code @ "40P01") => format!("a deadlock ({code})"),
        Some(code) => format!("SQLSTATE {}", Printable(code)),
    };
    match &retry.table {
        Some(table) => format!("{count} for {why} on {}", Printable(table)),
        None => format!("{count} for {why}"),
    }
}

/// The summary for programs: one line of JSON.
pub(super) fn json(exit: Exit, reason: Reason, plugin: &str, report: &Report) -> String {
    let summary = json!({
        "outcome": exit.name(),
        "reason": reason.name(),
        "exit_code": exit.code(),
        "plugin": plugin,
        "attempts": report.attempts,
        "transactions": report.database.transactions,
        "transaction_attempts": report.database.transaction_attempts,
        "retries": report.database.retries,
        "waited_seconds": report.database.waited.as_secs_f64(),
        "conflicts": report.retries.iter().map(|retry| json!({
            "sqlstate": retry.sqlstate, "table": retry.table, "count": retry.count,
        })).collect::<Vec<_>>(),
        "statements": report.database.statements,
        "round_trips": report.database.round_trips,
        "rows_read": report.database.rows_read,
        "rows_written": report.database.rows_written,
        "bytes_received": report.database.bytes_received,
        "bytes_sent": report.database.bytes_sent,
        "output_bytes": report.output_bytes,
        "cpu_seconds": report.cpu.as_secs_f64(),
        "peak_memory_bytes": report.peak_memory_bytes,
        "database_seconds": report.database.time.as_secs_f64(),
        "elapsed_seconds": report.elapsed.as_secs_f64(),
    });
    format!("{summary}\n")
}

fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", number(count))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{json, text};
    use crate::{
        cli::exit::Exit,
        database::Statistics,
        runtime::{Reason, Report, RetryCount},
    };

    fn report() -> Report {
        Report {
            attempts: 1,
            retries: Vec::new(),
            database: Statistics {
                retries: 0,
                transactions: 0,
                transaction_attempts: 0,
                statements: 12,
                round_trips: 13,
                rows_read: 336_776,
                rows_written: 2,
                bytes_received: 1_300,
                bytes_sent: 800,
                time: Duration::from_millis(810),
                waited: Duration::ZERO,
            },
            cpu: Duration::from_millis(35),
            peak_memory_bytes: 2_300_000,
            output_bytes: 14,
            elapsed: Duration::from_millis(1_240),
        }
    }

    #[test]
    fn the_summary_is_a_few_aligned_lines() {
        assert_eq!(
            text(Exit::Success, &report()),
            "\
outcome    ok after 1 attempt
statements 12 in 13 round trips
rows       336,776 read, 2 written
bytes      1.2 KiB received, 800 B sent
time       1.24 s, in the database 810 ms, computing 35 ms
memory     2.1 MiB at its peak
"
        );
    }

    fn repeated() -> Report {
        let retry = |sqlstate: Option<&str>, table: Option<&str>, count| RetryCount {
            sqlstate: sqlstate.map(str::to_owned),
            table: table.map(str::to_owned),
            count,
        };
        let plain = report();
        Report {
            retries: vec![
                retry(Some("40001"), Some("accounts\n"), 1_200),
                retry(None, None, 1),
                retry(Some("57P01"), None, 1),
            ],
            database: Statistics {
                retries: 1_202,
                transactions: 3,
                transaction_attempts: 1_205,
                waited: Duration::from_millis(45),
                ..plain.database
            },
            ..plain
        }
    }

    #[test]
    fn what_was_done_again_is_told_with_its_reasons() {
        let summary = text(Exit::Success, &repeated());
        let lines: Vec<_> = summary.lines().skip(1).take(5).collect();
        assert_eq!(
            lines,
            [
                "attempts   1,205 attempts at 3 transactions",
                "retries    1,202, after waiting 45 ms in all",
                r"reasons    1,200 for a lost race (40001) on accounts\n",
                "           1 for a fault without SQLSTATE, such as a lost connection",
                "           1 for SQLSTATE 57P01",
            ]
        );
        let line = json(Exit::Success, Reason::Finished, "users", &repeated());
        let summary: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(summary["retries"], 1_202);
        assert_eq!(summary["transaction_attempts"], 1_205);
        assert_eq!(summary["waited_seconds"], 0.045);
        assert_eq!(summary["conflicts"][0]["table"], "accounts\n");
        assert_eq!(summary["conflicts"][1]["sqlstate"], serde_json::Value::Null);
    }

    #[test]
    fn the_only_transaction_of_a_run_is_not_told_twice() {
        let plain = report();
        let report = Report {
            attempts: 2,
            retries: Vec::new(),
            database: Statistics {
                transactions: 1,
                transaction_attempts: 2,
                ..plain.database
            },
            ..plain
        };
        let summary = text(Exit::Success, &report);
        assert!(
            summary.starts_with("outcome    ok after 2 attempts\nstatements"),
            "{summary}"
        );
    }

    #[test]
    fn the_summary_for_programs_is_one_line() {
        let line = json(Exit::Limit, Reason::Limit, "users", &report());
        assert_eq!(line.matches('\n').count(), 1);
        let summary: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(summary["outcome"], "limit");
        assert_eq!(summary["reason"], "limit");
        assert_eq!(summary["exit_code"], 4);
        assert_eq!(summary["rows_read"], 336_776);
    }
}
