//! `transaction` of a plugin: whether its runs are transactions, and of what kind.

use std::time::Duration;

use toml::de::DeValue;

use super::{Reader, Value};
use crate::{
    config::units::Unit,
    database::{Isolation, Snapshot, TransactionOptions},
};

const KEYS: [&str; 4] = ["isolation", "read-only", "follower-read", "timeout"];

/// The kinds of isolation by their names.
const ISOLATIONS: [(&str, Isolation); 2] = [
    ("serializable", Isolation::Serializable),
    ("read-committed", Isolation::ReadCommitted),
];

/// Reads `transaction = true`, or a table that says how.
pub(super) fn read(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<TransactionOptions> {
    if let DeValue::Boolean(wanted) = value.get_ref() {
        return wanted.then(TransactionOptions::default);
    }
    let DeValue::Table(table) = value.get_ref() else {
        reader.wrong_type(
            "transaction",
            value,
            "true, false or a table, written { … }",
        );
        return None;
    };
    let mut options = TransactionOptions::default();
    let mut may_write = false;
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "isolation" => options.isolation = isolation(reader, value).unwrap_or_default(),
            "read-only" => {
                options.read_only = reader.boolean("read-only", value).unwrap_or_default();
                may_write = !options.read_only;
            }
            "follower-read" => {
                let wanted = reader.boolean("follower-read", value);
                options.snapshot = wanted.unwrap_or_default().then_some(Snapshot::FollowerRead);
            }
            "timeout" => options.timeout = timeout(reader, value),
            _ => reader.unknown(key, "no key of a transaction", KEYS),
        }
    }
    if options.snapshot.is_some() {
        if may_write {
            reader.mistake_at(
                value,
                "a transaction with `follower-read` reads the past, and cannot write: leave `read-only` out",
            );
        }
        if options.isolation != Isolation::Serializable {
            reader.mistake_at(
                value,
                "a transaction with `follower-read` sees one state of the past: leave `isolation` out",
            );
        }
        options.read_only = true;
    }
    Some(options)
}

fn isolation(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Isolation> {
    let text = reader.text("isolation", value)?;
    let found = ISOLATIONS.iter().find(|(name, _)| *name == text);
    if found.is_none() {
        let names = ISOLATIONS.map(|(name, _)| format!("\"{name}\""));
        reader.mistake_at(value, &format!("`isolation` is {}", names.join(" or ")));
    }
    found.map(|(_, isolation)| *isolation)
}

fn timeout(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Duration> {
    let text = reader.text("timeout", value)?;
    match Unit::Duration.parse(text) {
        Ok(milliseconds) => Some(Duration::from_millis(milliseconds)),
        Err(error) => {
            reader.mistake_at(value, &format!("`timeout`: {error}"));
            None
        }
    }
}
