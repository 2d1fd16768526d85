use std::collections::BTreeMap;

use super::{Reader, Value, closest};
use crate::{
    config::{Secret, error::Mistake},
    database::ConnectOptions,
};

/// The parameters that a misspelt one may have meant: those of our own, and the usual ones of libpq.
const PARAMETERS: [&str; 22] = [
    "url",
    "password_file",
    ALLOW_READ_COMMITTED,
    "database",
    "host",
    "port",
    "user",
    "password",
    "sslmode",
    "min_connections",
    "max_connections",
    "application_name",
    "acquire_timeout",
    "max_lifetime",
    "connect_timeout",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "options",
    "keepalives_idle",
    "channel_binding",
    "load_balance_hosts",
];

/// What no connection needs to know.
const ALLOW_READ_COMMITTED: &str = "allow_read_committed";

/// `[database]`: `url`, perhaps with a password beside it, or parameters.
#[derive(Debug, Default)]
pub(in crate::config) struct DatabaseSection {
    pub(in crate::config) url: Option<Entry>,
    pub(in crate::config) password: Option<Entry>,
    pub(in crate::config) password_file: Option<Entry>,
    pub(in crate::config) parameters: Vec<Entry>,
    /// Whether transactions may be READ COMMITTED.
    pub(in crate::config) allow_read_committed: bool,
}

/// A line such as `port = 26257`. In names `-` and `_` are the same: parameters of a connection are known with `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct Entry {
    line: usize,
    column: usize,
    pub(in crate::config) name: String,
    pub(in crate::config) value: Secret,
}

impl Entry {
    pub(super) fn mistake(&self, message: &str) -> Mistake {
        Mistake {
            line: self.line,
            column: self.column,
            message: message.to_owned(),
        }
    }
}

impl DatabaseSection {
    /// Whether it names no database.
    pub(in crate::config) fn is_empty(&self) -> bool {
        self.url.is_none() && self.parameters.is_empty()
    }
}

/// Reads the section, and checks what can be checked without the rest of the machine.
pub(super) fn read(reader: &mut Reader<'_>, section: &Value<'_>) -> Option<DatabaseSection> {
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    let mut allow_read_committed = false;
    for (key, value) in reader.table("database", section)? {
        let name = key.get_ref().replace('-', "_");
        if name == ALLOW_READ_COMMITTED {
            allow_read_committed = reader.boolean(&name, value).unwrap_or_default();
            continue;
        }
        if let Err((true, message)) = check(&name, "") {
            reader.mistake_at(key, &message);
            continue;
        }
        let Some(text) = reader.scalar(&name, value) else {
            continue;
        };
        if entries.contains_key(&name) {
            reader.mistake_at(
                key,
                &format!("`{name}` is given twice, once with `-` and once with `_`"),
            );
            continue;
        }
        let (line, column) = reader.place(key.span().start);
        let value_at = value.span().start;
        if let Err((_, message)) = check(&name, &text) {
            reader.mistake(value_at, &message);
        }
        let entry = Entry {
            line,
            column,
            name: name.clone(),
            value: text.into_owned().into(),
        };
        entries.insert(name, entry);
    }
    let mut take = |name: &str| entries.remove(name);
    let mut section = DatabaseSection {
        url: take("url"),
        password: take("password"),
        password_file: take("password_file"),
        parameters: Vec::new(),
        allow_read_committed,
    };
    section.parameters = entries.into_values().collect();
    contradictions(reader, &section);
    Some(section)
}

/// Whether the database layer would take this. Says if it is the name that is wrong, and what is.
fn check(name: &str, value: &str) -> Result<(), (bool, String)> {
    match name {
        "password_file" | ALLOW_READ_COMMITTED => Ok(()),
        "url" => ConnectOptions::from_url(value.trim())
            .map(drop)
            .map_err(|error| (false, error.to_string())),
        _ => ConnectOptions::builder().set(name, value).map_err(|error| {
            let error = error.to_string();
            let is_unknown = error.contains("no connection parameter");
            let meant = closest(name, PARAMETERS).filter(|_| is_unknown);
            (
                is_unknown,
                match meant {
                    Some(meant) => {
                        format!("`{name}` is no connection parameter: did you mean `{meant}`?")
                    }
                    None => error,
                },
            )
        }),
    }
}

fn contradictions(reader: &mut Reader<'_>, section: &DatabaseSection) {
    let mut wrong = |entry: &Entry, message: &str| reader.known_mistake(entry.mistake(message));
    if let (Some(_), Some(second)) = (&section.password, &section.password_file) {
        wrong(second, "give `password` or `password-file`, not both");
    }
    let Some(url) = &section.url else {
        return;
    };
    for entry in &section.parameters {
        let message = format!(
            "`{}` belongs into `url`: only a password may stand beside it",
            entry.name
        );
        wrong(entry, &message);
    }
    let beside = section.password.as_ref().or(section.password_file.as_ref());
    if beside.is_some() && holds_password(&url.value) {
        wrong(url, "there are two passwords: one of them is in `url`");
    }
}

/// Whether the URL has a password in it.
pub(in crate::config) fn holds_password(url: &Secret) -> bool {
    ConnectOptions::from_url(url.expose().trim()).is_ok_and(|options| options.has_password())
}

#[cfg(test)]
mod tests {
    use super::{PARAMETERS, check};

    #[test]
    fn every_parameter_that_is_suggested_exists() {
        for name in PARAMETERS {
            let refused = check(name, "?").err();
            assert!(
                refused.is_none_or(|(is_unknown, _)| !is_unknown),
                "{name} is no parameter"
            );
        }
    }
}
