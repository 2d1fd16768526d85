//! A statement that was run, as `--trace` shows it.

use std::{borrow::Cow, fmt};

use tracing::{
    Event,
    field::{Field, Visit},
};

use super::printable::Printable;

/// How many characters of a statement's text are shown.
const SHOWN: usize = 1_000;

/// What is told of a statement.
#[derive(Debug, Default)]
pub(super) struct Statement {
    transaction: Option<u64>,
    attempt: Option<u64>,
    sql: String,
    elapsed_us: u64,
    rows: u64,
    round_trips: u64,
    error: Option<String>,
}

impl Statement {
    /// What an event tells.
    pub(super) fn of(event: &Event<'_>) -> Self {
        let mut statement = Self::default();
        event.record(&mut statement);
        statement
    }
}

impl Visit for Statement {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "transaction" => self.transaction = Some(value),
            "attempt" => self.attempt = Some(value),
            "elapsed_us" => self.elapsed_us = value,
            "rows" => self.rows = value,
            "round_trips" => self.round_trips = value,
            _ => {}
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.record_u64(field, value.unsigned_abs());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "sql" => self.sql = shortened(value).into_owned(),
            "error" => self.error = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// What it belongs to, how it went, and its text.
impl fmt::Display for Statement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.transaction, self.attempt) {
            (Some(transaction), Some(attempt)) => {
                write!(formatter, "transaction {transaction}, attempt {attempt}: ")?;
            }
            _ => formatter.write_str("no transaction: ")?,
        }
        let (milliseconds, microseconds) = (self.elapsed_us / 1_000, self.elapsed_us % 1_000);
        write!(formatter, "{milliseconds}.{microseconds:03} ms, ")?;
        match &self.error {
            Some(error) => write!(formatter, "failed ({}), ", Printable(error))?,
            None => write!(formatter, "{}, ", counted(self.rows, "row"))?,
        }
        let round_trips = counted(self.round_trips, "round trip");
        write!(formatter, "{round_trips}: {}", Printable(&self.sql))
    }
}

fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// The beginning of a text that is too long to be shown.
pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let shown = text.get(..end).unwrap_or_default();
            Cow::Owned(format!("{shown}… ({} bytes)", text.len()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shortened("SELECT 1"), "SELECT 1");
        let long = "é".repeat(1_000);
        assert_eq!(shortened(&long), long);
        assert_eq!(
            shortened(&format!("{long}é")),
            format!("{long}… (2002 bytes)")
        );
    }
}
