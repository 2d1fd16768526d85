//! Where logs go: standard error, as text or as one JSON object a line.
//!
//! Invariants: a record is one line whatever it holds, because control characters are written as escapes: no guest's text can
//! forge a line. The library `log`, in which the driver tells statements and parameters, is not connected. Standard output is
//! never written to.

use std::fmt::{self, Write as _};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    registry::LookupSpan,
};

/// The target of everything that a plugin logs, so that a filter can tell it from what the host logs.
pub const PLUGIN: &str = "plugin";

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

/// Sends all records of this process to standard error from now on. The level counts more than the filter, which is as in
/// `RUST_LOG`.
pub fn start(
    format: Format,
    level: Option<&str>,
    filter: Option<&str>,
) -> Result<(), InvalidFilter> {
    let directives = match (level, filter) {
        // What the libraries below us tell from `info` on is for those who work on the host: it takes a filter.
        (Some("off"), _) => "off".to_owned(),
        (Some(level), _) => format!("error,plugin={level},host={level}"),
        (None, Some(filter)) => filter.to_owned(),
        (None, None) => DEFAULT_FILTER.to_owned(),
    };
    let filter = EnvFilter::try_new(&directives).map_err(|error| InvalidFilter {
        filter: directives,
        reason: error.to_string(),
    })?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .log_internal_errors(false);
    let started = match format {
        Format::Text => subscriber.fmt_fields(Fields).event_format(Line).try_init(),
        Format::Json => subscriber.json().flatten_event(true).try_init(),
    };
    // A second start in one process changes nothing: the first one stays.
    drop(started);
    Ok(())
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

/// Text without anything that moves a terminal's cursor, ends a line or changes the direction of reading.
#[derive(Debug, Clone, Copy)]
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaping(formatter).write_str(self.0)
    }
}

/// Writes all that is [`Printable`] as it is, and the rest as escapes.
struct Escaping<W>(W);

impl<W: fmt::Write> fmt::Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '\n' => self.0.write_str("\\n")?,
                '\r' => self.0.write_str("\\r")?,
                '\t' => self.0.write_str("\\t")?,
                c if c.is_control() || changes_lines(c) => {
                    write!(self.0, "{}", c.escape_unicode())?;
                }
                c => self.0.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// The separators that end a line, and the marks that change the direction of reading.
fn changes_lines(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A record as one line: time, level, where from, message, fields.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        SystemTime.format_time(&mut writer)?;
        write!(writer, " {:<5} {}", metadata.level(), metadata.target())?;
        if metadata.target() == PLUGIN {
            let mut record = PluginRecord::default();
            event.record(&mut record);
            writeln!(writer, "{}:{}", record.plugin, record.rest)
        } else {
            writer.write_char(':')?;
            context.format_fields(writer.by_ref(), event)?;
            writeln!(writer)
        }
    }
}

/// The message, and the fields as `name=value`.
struct Fields;

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: tracing_subscriber::field::RecordFields>(
        &self,
        writer: Writer<'writer>,
        fields: R,
    ) -> fmt::Result {
        let mut visitor = FieldVisitor {
            writer,
            result: Ok(()),
        };
        fields.record(&mut visitor);
        visitor.result
    }
}

struct FieldVisitor<'writer> {
    writer: Writer<'writer>,
    result: fmt::Result,
}

impl Visit for FieldVisitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.result.is_ok() {
            self.result = match field.name() {
                "message" => write!(Escaping(&mut self.writer), " {value:?}"),
                name => write!(Escaping(&mut self.writer), " {name}={value:?}"),
            };
        }
    }
}

/// What a plugin logs, for people: who said it and what, and nothing that is the same on every line. JSON has it all.
#[derive(Default)]
struct PluginRecord {
    plugin: String,
    rest: String,
}

impl Visit for PluginRecord {
    fn record_str(&mut self, field: &Field, value: &str) {
        match (field.name(), value) {
            (field::PLUGIN, name) => self.plugin = format!(" {}", Printable(name)),
            (field::TENANT | field::RUN, _) | (field::CONTEXT, "stdout" | "stderr") => {}
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut rest = Escaping(&mut self.rest);
        // Writing to a string does not fail.
        let written = match field.name() {
            "message" => write!(rest, " {value:?}"),
            name => write!(rest, " {name}={value:?}"),
        };
        written.unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, Line, Printable};
    use std::{
        io,
        sync::{Arc, Mutex},
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
        let captured = Captured::default();
        let writer = captured.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .fmt_fields(Fields)
            .event_format(Line)
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
    fn ordinary_text_is_printed_as_it_is() {
        let text = "Grüße, 日本語 👋 \"quoted\" \\ back";
        assert_eq!(Printable(text).to_string(), text);
    }
}
