//! Where logs go: standard error, as text or as one JSON object a line.
//!
//! Invariants: a record is one line whatever it holds, because control characters are written as escapes: no guest's text can
//! forge a line. The library `log`, in which the driver tells statements and parameters, is not connected. Standard output is
//! never written to.

mod json;
mod printable;
mod statement;
mod text;

use tracing::field::Field;
use tracing_subscriber::{
    EnvFilter,
    fmt::{
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
};

pub use printable::Printable;

/// The target of everything that a plugin logs, so that a filter can tell it from what the host logs.
pub const PLUGIN: &str = "plugin";

/// The target of the statements that are run. They are shown by `--trace` alone, whatever a filter says: their texts can hold data.
pub const TRACE: &str = "chitin::trace";

/// Where it is told that something is done again.
const RETRIES: &str = "host::database::retry";

/// The names of the fields that say whose record it is.
pub mod field {
    /// The plugin's name.
    pub const PLUGIN: &str = "plugin";
    /// Where in the plugin a message belongs, or which of its streams it came through.
    pub const CONTEXT: &str = "context";
    /// Whose data the run works on.
    pub const TENANT: &str = "tenant";
    /// Which run it is.
    pub const RUN: &str = "run";
}

/// What is logged if nobody says otherwise: a plugin's messages, and the host's worries.
const DEFAULT_FILTER: &str = "warn,plugin=info";

/// How a record looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// One line for people.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

/// A filter that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("RUST_LOG is `{filter}`, which is no log filter: {reason}")]
pub struct InvalidFilter {
    filter: String,
    reason: String,
}

/// What is logged.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice<'a> {
    /// The level of all records, by its name in a filter. It counts more than the filter.
    pub level: Option<&'a str>,
    /// As in `RUST_LOG`.
    pub filter: Option<&'a str>,
    /// Shows every statement, and every attempt that is followed by another.
    pub trace: bool,
}

impl Choice<'_> {
    /// The filter that says so.
    fn directives(self) -> String {
        let directives = match (self.level, self.filter) {
            // What the libraries below us tell from `info` on is for those who work on the host: it takes a filter.
            (Some("off"), _) => "off".to_owned(),
            (Some(level), _) => format!("error,plugin={level},host={level}"),
            (None, Some(filter)) => filter.to_owned(),
            (None, None) => DEFAULT_FILTER.to_owned(),
        };
        // What comes last counts most.
        if self.trace {
            format!("{directives},{RETRIES}=info,{TRACE}=debug")
        } else {
            format!("{directives},{TRACE}=off")
        }
    }
}

/// Sends all records of this process to standard error from now on.
pub fn start(format: Format, choice: Choice<'_>) -> Result<(), InvalidFilter> {
    let filter = EnvFilter::try_new(choice.directives()).map_err(|error| InvalidFilter {
        filter: choice.filter.unwrap_or_default().to_owned(),
        reason: error.to_string(),
    })?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .log_internal_errors(false);
    let started = match format {
        Format::Text => subscriber
            .fmt_fields(text::Fields)
            .event_format(text::Line)
            .try_init(),
        Format::Json => subscriber.event_format(json::Line).try_init(),
    };
    // A second start in one process changes nothing: the first one stays.
    drop(started);
    Ok(())
}

/// Whether a field is for a collector of metrics, and no part of what is told.
fn is_metric(field: &Field) -> bool {
    ["monotonic_counter.", "counter.", "histogram.", "gauge."]
        .iter()
        .any(|kind| field.name().starts_with(kind))
}

/// The time as records show it.
pub fn timestamp() -> String {
    let mut text = String::new();
    // Writing to a string does not fail; should the clock be unreadable, the record has no time.
    SystemTime
        .format_time(&mut Writer::new(&mut text))
        .unwrap_or_default();
    text
}

#[cfg(test)]
mod tests {
    use super::{Choice, EnvFilter, TRACE, json, text};
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use tracing_subscriber::{
        Registry,
        fmt::{FormatEvent, FormatFields},
    };

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn captured(record: impl FnOnce()) -> String {
        let subscriber = tracing_subscriber::fmt().with_ansi(false);
        let subscriber = subscriber.fmt_fields(text::Fields).event_format(text::Line);
        captured_as(subscriber, record)
    }

    fn captured_as<N, E, W>(
        subscriber: tracing_subscriber::fmt::SubscriberBuilder<
            N,
            E,
            tracing_subscriber::filter::LevelFilter,
            W,
        >,
        record: impl FnOnce(),
    ) -> String
    where
        N: for<'w> FormatFields<'w> + Send + Sync + 'static,
        E: FormatEvent<Registry, N> + Send + Sync + 'static,
    {
        let captured = Captured::default();
        let writer = captured.clone();
        let subscriber = subscriber
            .with_writer(move || writer.clone())
            .with_max_level(tracing::Level::DEBUG)
            .finish();
        tracing::subscriber::with_default(subscriber, record);
        let bytes = captured.0.lock().expect("no panic").clone();
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn text_of_a_guest_cannot_forge_a_line() {
        let text = "ok\n2026-01-01T00:00:00Z ERROR host: all is lost\r\u{1b}[2J\u{202e}";
        let lines = captured(|| tracing::info!(target: "plugin", context = text, "{text}"));
        assert_eq!(lines.matches('\n').count(), 1, "{lines}");
        assert!(!lines.contains(['\r', '\u{1b}', '\u{202e}']), "{lines}");
        let start =
            r" INFO  plugin: ok\n2026-01-01T00:00:00Z ERROR host: all is lost\r\u{1b}[2J\u{202e}";
        assert!(lines.contains(start), "{lines}");
    }

    #[test]
    fn a_plugin_is_named_before_what_it_says() {
        let lines = captured(|| {
            tracing::info!(target: "plugin", context = "stderr", plugin = "users", tenant = "local", run = "1", "{}", "a");
            tracing::warn!(target: "plugin", context = "parser", plugin = "users", tenant = "local", run = "1", "{}", "b");
        });
        let lines: Vec<_> = lines
            .lines()
            .filter_map(|line| line.split_once("Z "))
            .map(|line| line.1)
            .collect();
        assert_eq!(
            lines,
            [
                "INFO  plugin users: a",
                "WARN  plugin users: b context=\"parser\""
            ]
        );
    }

    #[test]
    fn fields_follow_the_message() {
        let lines =
            captured(|| tracing::warn!(target: "host", attempt = 2, table = "a b", "again"));
        assert!(
            lines.ends_with(" WARN  host: again attempt=2 table=\"a b\"\n"),
            "{lines}"
        );
    }

    #[test]
    fn a_statement_is_a_line_with_what_it_belongs_to() {
        let lines = captured(|| {
            tracing::debug!(target: "chitin::trace", transaction = Some(1_u32), attempt = Some(2_u32), sql = "SELECT\n'\u{1b}[2J'",
                elapsed_us = 1_234_u64, rows = 2_usize, round_trips = Some(1_u64), error = None::<&str>, "statement");
            tracing::debug!(target: "chitin::trace", transaction = None::<u32>, attempt = None::<u32>, sql = "DELETE FROM t",
                elapsed_us = 20_u64, rows = 0_usize, round_trips = Some(2_u64), error = Some("40001"), "statement");
        });
        let lines: Vec<_> = lines
            .lines()
            .filter_map(|line| line.split_once("Z "))
            .map(|line| line.1)
            .collect();
        assert_eq!(
            lines,
            [
                r"DEBUG chitin::trace: transaction 1, attempt 2: 1.234 ms, 2 rows, 1 round trip: SELECT\n'\u{1b}[2J'",
                "DEBUG chitin::trace: no transaction: 0.020 ms, failed (40001), 2 round trips: DELETE FROM t",
            ]
        );
    }

    #[test]
    fn a_record_for_programs_is_one_line_of_json() {
        let text = "a\nb\u{1b}\u{9b}\u{202e}";
        let long = "x".repeat(5_000);
        let lines = captured_as(tracing_subscriber::fmt().event_format(json::Line), || {
            tracing::debug!(target: "chitin::trace", transaction = Some(1_u32), attempt = Some(2_u32), sql = long,
                    elapsed_us = 1_u64, error = None::<&str>, "statement");
            tracing::info!(
                monotonic_counter.chitin_retries = 1,
                wait_us = 7_u64,
                late = true,
                share = 0.5,
                reason = text,
                "again"
            );
        });
        assert!(!lines.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{lines}");
        let lines: Vec<serde_json::Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(lines.len(), 2);
        let (statement, retry) = (&lines[0], &lines[1]);
        assert_eq!(statement["target"], TRACE);
        assert_eq!(
            (&statement["transaction"], &statement["attempt"]),
            (&1.into(), &2.into())
        );
        let sql = statement["sql"].as_str().expect("a text");
        assert!(
            sql.ends_with("… (5000 bytes)") && sql.len() < 1_100,
            "{sql}"
        );
        assert_eq!(statement.get("error"), None);
        assert_eq!(retry["message"], "again");
        assert_eq!(retry["level"], "INFO");
        assert_eq!(retry["reason"], text);
        assert_eq!(
            (&retry["wait_us"], &retry["late"], &retry["share"]),
            (&7.into(), &true.into(), &0.5.into())
        );
        let keys: Vec<_> = retry.as_object().expect("an object").keys().collect();
        assert!(!keys.iter().any(|key| key.contains("counter")), "{keys:?}");
    }

    #[test]
    fn metrics_are_no_part_of_a_line() {
        let lines = captured(
            || tracing::info!(target: "host", attempt = 2, monotonic_counter.chitin_retries = 1, "again"),
        );
        assert!(lines.ends_with(" host: again attempt=2\n"), "{lines}");
    }

    #[test]
    fn statements_are_logged_on_demand_only() {
        let is_logged = |choice: Choice<'_>| {
            let filter = EnvFilter::try_new(choice.directives()).expect("a filter");
            let subscriber = tracing_subscriber::fmt().with_env_filter(filter).finish();
            tracing::subscriber::with_default(subscriber, || {
                (
                    tracing::enabled!(target: "chitin::trace", tracing::Level::DEBUG),
                    tracing::enabled!(target: "host::database::retry", tracing::Level::INFO),
                )
            })
        };
        let choice = |level, filter, trace| Choice {
            level,
            filter,
            trace,
        };
        for (level, filter, retries) in [
            (None, None, false),
            (None, Some("debug"), true),
            (None, Some("chitin=trace,chitin::trace=trace"), false),
            (Some("trace"), Some("trace"), true),
            (Some("off"), None, false),
        ] {
            assert_eq!(
                is_logged(choice(level, filter, false)),
                (false, retries),
                "{level:?} {filter:?}"
            );
            assert_eq!(is_logged(choice(level, filter, true)), (true, true));
        }
    }

    #[test]
    fn the_statements_that_are_told_are_those_that_are_shown() {
        assert_eq!(TRACE, crate::database::TRACE);
    }
}
