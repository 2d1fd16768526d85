use std::{
    borrow::Cow,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use crate::{database::LimitState, tenancy::TenantId};

use super::Limits;

/// What a message is cut to: a page of text, so that one message cannot fill the log.
const MESSAGE_BYTES: usize = 8 << 10;

/// What a context is cut to: it is a word or two.
const CONTEXT_BYTES: usize = 128;

/// How important a message is, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// How a part of the plugin works, step by step.
    Trace,
    /// Of use when looking for a mistake.
    Debug,
    /// What happens in normal operation.
    Info,
    /// Something that may need attention.
    Warn,
    /// Something that failed.
    Error,
    /// Something that failed and must be looked after at once.
    Critical,
}

/// Where the messages of one run go: to the log of the host, with the name of who wrote them, as far as the limits allow.
///
/// All instances of a run share one. A guest's text is only ever the value of a field, without a character that could end a line or
/// steer a terminal.
#[derive(Debug)]
pub struct LogSink {
    plugin: String,
    tenant: String,
    run: String,
    bytes_maximum: u64,
    lines_maximum: u64,
    bytes_used: AtomicU64,
    lines_used: AtomicU64,
    full: AtomicBool,
}

/// Records an event of the target `plugin` at a level, which has to be a constant.
macro_rules! record {
    ($level:ident, $sink:expr, $context:expr, $text:expr $(, $field:ident = $value:expr)?) => {
        tracing::$level!(
            target: "plugin",
            context = $context,
            plugin = $sink.plugin,
            tenant = $sink.tenant,
            run = $sink.run,
            $($field = $value,)?
            "{}",
            $text
        )
    };
}

impl LogSink {
    /// An empty one for a run.
    pub fn new(plugin: &str, tenant: &TenantId, run_id: &str, limits: &Limits) -> Self {
        Self {
            plugin: plugin.to_owned(),
            tenant: tenant.to_string(),
            run: run_id.to_owned(),
            bytes_maximum: limits.log_bytes,
            lines_maximum: limits.log_lines,
            bytes_used: AtomicU64::new(0),
            lines_used: AtomicU64::new(0),
            full: AtomicBool::new(false),
        }
    }

    /// Writes a message, or drops it if the run has written too much. `context` says where it belongs and may be empty.
    pub fn write(&self, level: LogLevel, context: &str, text: &str) {
        let text = printable(text, MESSAGE_BYTES);
        let context = printable(context, CONTEXT_BYTES);
        if !self.admit(text.len().saturating_add(context.len())) {
            return;
        }
        let context = (!context.is_empty()).then_some(&*context);
        match level {
            LogLevel::Trace => record!(trace, self, context, text),
            LogLevel::Debug => record!(debug, self, context, text),
            LogLevel::Info => record!(info, self, context, text),
            LogLevel::Warn => record!(warn, self, context, text),
            LogLevel::Error => record!(error, self, context, text),
            LogLevel::Critical => record!(error, self, context, text, critical = true),
        }
    }

    /// The limits with what was used of them.
    pub fn limits(&self) -> [LimitState; 2] {
        let state = |name, used: &AtomicU64, maximum| LimitState {
            name,
            used: used.load(Ordering::Relaxed).min(maximum),
            maximum,
        };
        [
            state("log-bytes", &self.bytes_used, self.bytes_maximum),
            state("log-lines", &self.lines_used, self.lines_maximum),
        ]
    }

    /// Counts a message and says whether it still fits. The first that does not is announced, with the limit that it met.
    fn admit(&self, bytes: usize) -> bool {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let add = |used: &AtomicU64, more: u64| {
            let before = used.fetch_add(more, Ordering::Relaxed);
            before.saturating_add(more)
        };
        let within_bytes = add(&self.bytes_used, bytes) <= self.bytes_maximum;
        let within_lines = add(&self.lines_used, 1) <= self.lines_maximum;
        if within_bytes && within_lines {
            return true;
        }
        if !self.full.swap(true, Ordering::Relaxed) {
            let (limit, maximum) = if within_bytes {
                ("log-lines", self.lines_maximum)
            } else {
                ("log-bytes", self.bytes_maximum)
            };
            tracing::warn!(
                plugin = self.plugin,
                tenant = self.tenant,
                run = self.run,
                limit,
                maximum,
                "the plugin has written too much: the rest of its messages is dropped"
            );
        }
        false
    }
}

/// The text, cut to about so many bytes and with escapes for what could end a line, move a terminal's cursor or turn the direction
/// of reading.
fn printable(text: &str, bytes: usize) -> Cow<'_, str> {
    let cut = text
        .get(..text.floor_char_boundary(bytes))
        .unwrap_or_default();
    if cut.len() == text.len() && !text.contains(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(cut.len());
    for c in cut.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            c if is_unprintable(c) => escaped.extend(c.escape_unicode()),
            c => escaped.push(c),
        }
    }
    Cow::Owned(if cut.len() < text.len() {
        format!("{escaped} [cut: it had {} bytes]", text.len())
    } else {
        escaped
    })
}

fn is_unprintable(c: char) -> bool {
    let turns_lines = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns_lines
}

#[cfg(test)]
mod tests {
    use super::{LogLevel, LogSink, MESSAGE_BYTES, printable};
    use crate::{bindings::Limits, tenancy::TenantId};
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

    /// The records as JSON, one a line.
    fn logged(limits: &Limits, write: impl FnOnce(&LogSink)) -> Vec<serde_json::Value> {
        let captured = Captured::default();
        let writer = captured.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        let sink = LogSink::new("import", &TenantId::local(), "r-1", limits);
        tracing::subscriber::with_default(subscriber, || write(&sink));
        let bytes = captured.0.lock().expect("no panic").clone();
        let text = String::from_utf8(bytes).expect("a log is text");
        let record = |line| serde_json::from_str(line).expect("a record is one line of JSON");
        text.lines().map(record).collect()
    }

    #[test]
    fn a_message_is_recorded_with_who_wrote_it() {
        let records = logged(&Limits::default(), |log| {
            log.write(LogLevel::Info, "load", "1,000 rows");
            log.write(LogLevel::Critical, "", "disk\nfull\u{1b}[2J");
        });
        let [info, critical] = &*records else {
            panic!("two records, not {records:?}");
        };
        for (field, value) in [
            ("level", "INFO"),
            ("target", "plugin"),
            ("message", "1,000 rows"),
            ("context", "load"),
            ("plugin", "import"),
            ("tenant", "local"),
            ("run", "r-1"),
        ] {
            assert_eq!(info[field], value, "{field}");
        }
        assert_eq!(critical["message"], r"disk\nfull\u{1b}[2J");
        assert_eq!(critical["level"], "ERROR");
        assert_eq!(critical["critical"], true);
        assert!(critical.get("context").is_none());
    }

    #[test]
    fn what_is_over_a_limit_is_dropped_with_one_warning() {
        let few_lines = Limits {
            log_lines: 2,
            ..Limits::default()
        };
        let few_bytes = Limits {
            log_bytes: 10,
            ..Limits::default()
        };
        for (limits, name) in [(few_lines, "log-lines"), (few_bytes, "log-bytes")] {
            let records = logged(&limits, |log| {
                for text in ["one", "two", "three is more", "4", "5"] {
                    log.write(LogLevel::Warn, "", text);
                }
                let used = log
                    .limits()
                    .map(|limit| (limit.name, limit.used, limit.maximum));
                assert!(used.contains(&match name {
                    "log-lines" => (name, 2, 2),
                    _ => (name, 10, 10),
                }));
            });
            let messages: Vec<_> = records
                .iter()
                .filter_map(|r| r["message"].as_str())
                .collect();
            let dropped = "the plugin has written too much: the rest of its messages is dropped";
            assert_eq!(messages, ["one", "two", dropped]);
            assert_eq!(records[2]["limit"], name);
        }
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let text = "é".repeat(MESSAGE_BYTES);
        let cut = printable(&text, MESSAGE_BYTES + 1);
        let (kept, note) = cut.split_once(' ').expect("a note follows");
        assert_eq!(kept, "é".repeat(MESSAGE_BYTES / 2));
        assert_eq!(note, "[cut: it had 16384 bytes]");
    }

    #[test]
    fn printable_text_stays_as_it_is() {
        let text = "Grüße, 日本語 👋 \"quoted\" \\ back";
        assert!(matches!(printable(text, 100), std::borrow::Cow::Borrowed(same) if same == text));
        assert_eq!(printable("a\u{202e}b\u{85}", 100), r"a\u{202e}b\u{85}");
    }
}
