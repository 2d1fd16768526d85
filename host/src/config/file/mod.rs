//! The configuration file as written: strict, so that a misspelt key is no silent default, and complete, so that all its mistakes are
//! told at once, each with its place.

mod database;
mod plugin;
mod reader;
mod transaction;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use toml::de::{DeTable, DeValue};

pub(super) use database::{DatabaseSection, Entry, holds_password};
use plugin::PluginSection;
pub(super) use plugin::is_name;
use reader::{Key, Reader, Value};

use super::{ConfigError, Limits, read, suggest::closest};

/// The one form of the file that there is.
const VERSION: &str = "1";

/// What may stand at the top.
const KEYS: [&str; 4] = ["version", "database", "limits", "plugins"];

/// What is planned, so that it is not mistaken for a spelling mistake.
const NOT_BUILT: &str = "tenants";

/// A configuration file, read and checked by itself.
#[derive(Debug, Default)]
pub(super) struct ConfigFile {
    /// Where it is: its relative paths begin in the same folder.
    path: PathBuf,
    /// `[database]`, if it is there.
    pub(super) database: Option<DatabaseSection>,
    pub(super) limits: Limits,
    pub(super) plugins: BTreeMap<String, PluginSection>,
}

impl ConfigFile {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(path, &read::text(path, "the configuration")?)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(text);
        let mut file = Self {
            path: path.to_owned(),
            ..Self::default()
        };
        let (contents, broken) = DeTable::parse_recoverable(text);
        for error in broken {
            // The parser's own way to show an error repeats the line, which may hold a password.
            reader.mistake(error.span().map_or(0, |span| span.start), error.message());
        }
        // What was not understood as TOML would only be complained about again.
        if reader.is_faultless() {
            file.take(&mut reader, contents.get_ref());
        }
        reader.finish(file)
    }

    fn take(&mut self, reader: &mut Reader<'_>, contents: &DeTable<'_>) {
        if !is_readable_version(reader, contents) {
            return;
        }
        for (key, value) in contents {
            match key.get_ref().as_ref() {
                "version" => {}
                "database" => self.database = database::read(reader, value),
                "limits" => self.take_limits(reader, value),
                "plugins" => self.plugins = plugin::read_all(reader, value),
                NOT_BUILT => reader.mistake_at(
                    key,
                    "this version of the host has no tenants yet: give the database of one tenant in [database]",
                ),
                _ => reader.unknown(key, "no key of this file", KEYS),
            }
        }
    }

    fn take_limits(&mut self, reader: &mut Reader<'_>, section: &Value<'_>) {
        let names: Vec<_> = self
            .limits
            .list()
            .into_iter()
            .map(|(name, ..)| name)
            .collect();
        for (key, value) in reader.table("limits", section).into_iter().flatten() {
            let name: &str = key.get_ref();
            if !names.contains(&name) {
                reader.unknown(key, "no limit", names.iter().copied());
                continue;
            }
            let Some(amount) = reader.scalar(name, value) else {
                continue;
            };
            if let Err(error) = self.limits.set(name, &amount) {
                reader.mistake_at(value, &error.to_string());
            }
        }
    }

    /// Where the file is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// An error about a line of the file.
    pub(super) fn wrong(&self, entry: &Entry, message: &str) -> ConfigError {
        ConfigError::File {
            path: self.path.clone(),
            mistakes: vec![entry.mistake(message)],
        }
    }

    /// A path written in the file, seen from here.
    pub(super) fn resolve(&self, written: &Path) -> PathBuf {
        match self.path.parent() {
            Some(folder) => folder.join(written),
            None => written.to_owned(),
        }
    }
}

/// A file of another version may mean something else by every key: nothing more is said about it.
fn is_readable_version(reader: &mut Reader<'_>, contents: &DeTable<'_>) -> bool {
    let version = contents.get_key_value("version");
    let only = format!("this host reads `version = {VERSION}` only");
    match version.map(|(_, value)| (value, value.get_ref())) {
        Some((_, DeValue::Integer(version))) if version.to_string() == VERSION => return true,
        Some((value, _)) => reader.mistake_at(value, &only),
        None => reader.mistake(
            0,
            &format!("`version = {VERSION}` is missing, which says how the file is to be read"),
        ),
    }
    false
}

#[cfg(test)]
mod tests;
