use std::{collections::BTreeMap, path::PathBuf};

use super::{Key, Reader, Value, closest, transaction};
use crate::{
    database::TransactionOptions,
    tenancy::{Capability, Grants},
};

const KEYS: [&str; 6] = [
    "path",
    "digest",
    "grants",
    "settings",
    "transaction",
    "max-retries",
];

/// What is planned.
const NOT_BUILT: &str = "tables";

/// How a digest is written.
const ALGORITHM: &str = "sha256:";
const DIGEST_DIGITS: usize = 64;

/// `[plugins.NAME]`.
#[derive(Debug, Clone, Default)]
pub(in crate::config) struct PluginSection {
    pub(in crate::config) path: PathBuf,
    /// What the file has to be, in lower-case hexadecimal digits.
    pub(in crate::config) digest: Option<String>,
    /// Exactly these, instead of the standard ones.
    pub(in crate::config) grants: Option<Grants>,
    pub(in crate::config) settings: BTreeMap<String, String>,
    /// Whether a run is one transaction, and of what kind.
    pub(in crate::config) transaction: Option<TransactionOptions>,
    pub(in crate::config) max_retries: Option<u32>,
}

/// Reads `[plugins]`.
pub(super) fn read_all(
    reader: &mut Reader<'_>,
    section: &Value<'_>,
) -> BTreeMap<String, PluginSection> {
    let mut plugins = BTreeMap::new();
    for (key, value) in reader.table("plugins", section).into_iter().flatten() {
        let name: &str = key.get_ref();
        if !is_name(name) {
            reader.mistake_at(
                key,
                "the name of a plugin has letters, digits, `-` and `_` only: what has a dot or a slash is a path",
            );
        }
        plugins.insert(name.to_owned(), read(reader, key, value));
    }
    plugins
}

/// Whether this is written like a name under `[plugins]`, not like a path.
pub(in crate::config) fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !text.is_empty() && text.chars().all(fits)
}

fn read(reader: &mut Reader<'_>, name: &Key<'_>, section: &Value<'_>) -> PluginSection {
    let mut plugin = PluginSection::default();
    let title = format!("plugins.{}", name.get_ref());
    let Some(table) = reader.table(&title, section) else {
        return plugin;
    };
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "path" => match reader.text("path", value) {
                Some("") => reader.mistake_at(value, "`path` is empty: it names the plugin's file"),
                path => plugin.path = path.unwrap_or_default().into(),
            },
            "digest" => plugin.digest = digest(reader, value),
            "grants" => plugin.grants = grants(reader, value),
            "settings" => plugin.settings = settings(reader, value),
            "transaction" => plugin.transaction = transaction::read(reader, value),
            "max-retries" => plugin.max_retries = reader.number("max-retries", value),
            NOT_BUILT => reader.mistake_at(
                key,
                "this version of the host cannot grant single tables yet: the privileges of the database's role decide: leave `tables` out",
            ),
            _ => reader.unknown(key, &format!("no key of [{title}]"), KEYS),
        }
    }
    if !table.contains_key("path") {
        let message = format!("[{title}] has no `path`, which names the plugin's file");
        reader.mistake_at(name, &message);
    }
    plugin
}

fn digest(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<String> {
    let text = reader.text("digest", value)?;
    let digits = text.strip_prefix(ALGORITHM).filter(|digits| {
        digits.len() == DIGEST_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    if digits.is_none() {
        let message = format!(
            "`digest` is written {ALGORITHM} and {DIGEST_DIGITS} hexadecimal digits, as `host inspect` shows it"
        );
        reader.mistake_at(value, &message);
    }
    digits.map(str::to_ascii_lowercase)
}

fn grants(reader: &mut Reader<'_>, value: &Value<'_>) -> Option<Grants> {
    let mut grants = Grants::none();
    for (name, place) in reader.texts("grants", value)? {
        match name.parse() {
            Ok(more) => grants.extend(&more),
            Err(error) => {
                let known = Capability::ALL.map(Capability::name);
                let message = match closest(name, known) {
                    Some(meant) => format!("`{name}` is no grant: did you mean `{meant}`?"),
                    None => format!("{error}"),
                };
                reader.mistake_at(place, &message);
            }
        }
    }
    Some(grants)
}

fn settings(reader: &mut Reader<'_>, value: &Value<'_>) -> BTreeMap<String, String> {
    let table = reader.table("settings", value).into_iter().flatten();
    let mut settings = BTreeMap::new();
    for (key, value) in table {
        if let Some(text) = reader.text(key.get_ref(), value) {
            settings.insert(key.get_ref().clone().into_owned(), text.to_owned());
        }
    }
    settings
}
