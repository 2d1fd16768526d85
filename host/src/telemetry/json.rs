//! A record as one JSON object in a line.

use std::fmt;

use serde::ser::{SerializeMap as _, Serializer as _};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

use super::{TRACE, is_metric, printable::changes_lines, statement::shortened, timestamp};

/// The time, the level, the message and all fields, and the target.
pub(super) struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let line = line(event).map_err(|_| fmt::Error)?;
        for c in line.chars() {
            // All of these stand in strings, and are in the first plane.
            if c.is_control() || changes_lines(c) {
                write!(writer, "\\u{:04x}", u32::from(c))?;
            } else {
                writer.write_char(c)?;
            }
        }
        writeln!(writer)
    }
}

fn line(event: &Event<'_>) -> serde_json::Result<String> {
    let metadata = event.metadata();
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::new(&mut bytes);
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("timestamp", &timestamp())?;
    map.serialize_entry("level", metadata.level().as_str())?;
    let mut fields = Fields {
        map,
        is_statement: metadata.target() == TRACE,
        result: Ok(()),
    };
    event.record(&mut fields);
    let Fields {
        mut map, result, ..
    } = fields;
    result?;
    map.serialize_entry("target", metadata.target())?;
    map.end()?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

struct Fields<M> {
    map: M,
    is_statement: bool,
    result: serde_json::Result<()>,
}

impl<M: serde::ser::SerializeMap<Error = serde_json::Error>> Fields<M> {
    fn add(&mut self, field: &Field, value: &(impl serde::Serialize + ?Sized)) {
        if self.result.is_ok() && !is_metric(field) {
            self.result = self.map.serialize_entry(field.name(), value);
        }
    }
}

impl<M: serde::ser::SerializeMap<Error = serde_json::Error>> Visit for Fields<M> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if self.is_statement && field.name() == "sql" {
            self.add(field, &shortened(value));
        } else {
            self.add(field, value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, &format!("{value:?}"));
    }
}
