//! A record as a line for people.

use std::fmt::{self, Write as _};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    registry::LookupSpan,
};

use super::{
    PLUGIN, TRACE, field, is_metric,
    printable::{Escaping, Printable},
    statement::Statement,
};

/// A record as one line: time, level, where from, message, fields.
pub(super) struct Line;

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
        match metadata.target() {
            PLUGIN => {
                let mut record = PluginRecord::default();
                event.record(&mut record);
                writeln!(writer, "{}:{}", record.plugin, record.rest)
            }
            TRACE => writeln!(writer, ": {}", Statement::of(event)),
            _ => {
                writer.write_char(':')?;
                context.format_fields(writer.by_ref(), event)?;
                writeln!(writer)
            }
        }
    }
}

/// The message, and the fields as `name=value`.
pub(super) struct Fields;

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
        if self.result.is_ok() && !is_metric(field) {
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
