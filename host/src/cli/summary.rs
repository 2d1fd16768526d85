//! The closing summary of a run.

use serde_json::json;

use super::{
    amount::{duration, number, size},
    exit::Exit,
};
use crate::runtime::{Reason, Report};

/// The summary for people: a few aligned lines.
pub(super) fn text(exit: Exit, report: &Report) -> String {
    let lines = [
        (
            "outcome",
            format!(
                "{} after {}",
                exit.name(),
                counted(report.attempts.into(), "attempt")
            ),
        ),
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
    ];
    lines
        .map(|(name, value)| format!("{name:<11}{value}\n"))
        .concat()
}

/// The summary for programs: one line of JSON.
pub(super) fn json(exit: Exit, reason: Reason, plugin: &str, report: &Report) -> String {
    let summary = json!({
        "outcome": exit.name(),
        "reason": reason.name(),
        "exit_code": exit.code(),
        "plugin": plugin,
        "attempts": report.attempts,
        "retries": report.database.retries,
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
        runtime::{Reason, Report},
    };

    fn report() -> Report {
        Report {
            attempts: 1,
            retries: Vec::new(),
            database: Statistics {
                retries: 2,
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
