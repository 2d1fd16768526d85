//! The configuration file as written: strict, so that a misspelt key is no silent default.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, de::Error as _};
use toml::Spanned;

use super::{ConfigError, Limits, Secret};

/// The one form of the file that there is.
const VERSION: i64 = 1;

/// A configuration file, read and checked by itself.
#[derive(Debug, Default)]
pub(super) struct ConfigFile {
    /// Where it is: its relative paths begin in the same folder.
    path: PathBuf,
    /// `[database]`, if it is there.
    pub(super) database: Option<Vec<Entry>>,
    pub(super) limits: Limits,
    pub(super) plugins: BTreeMap<String, PluginSection>,
}

/// A line such as `port = 26257`. In names `-` and `_` are the same: parameters of a connection are known with `_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) value: Secret,
}

/// As written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    version: Spanned<i64>,
    database: Option<BTreeMap<Spanned<String>, Scalar>>,
    #[serde(default)]
    limits: BTreeMap<Spanned<String>, Scalar>,
    #[serde(default)]
    plugins: BTreeMap<String, PluginSection>,
}

/// `[plugins.NAME]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PluginSection {
    pub(super) path: PathBuf,
    /// Exactly these, instead of the standard ones.
    pub(super) grants: Option<Vec<String>>,
    #[serde(default)]
    pub(super) settings: BTreeMap<String, String>,
}

/// A text or a number, as text. The usual derivation would name a value of the wrong type in its error.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "what is neither is refused")]
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => Ok(Self(text)),
            toml::Value::Integer(number) => Ok(Self(number.to_string())),
            _ => Err(D::Error::custom(
                "this takes a text in quotes, or a whole number",
            )),
        }
    }
}

impl ConfigFile {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            what: format!("the configuration `{}`", path.display()),
            source,
        })?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let line_at = |offset: usize| {
            text.bytes()
                .take(offset)
                .filter(|byte| *byte == b'\n')
                .count()
                + 1
        };
        let wrong = |line, message| ConfigError::File {
            path: path.to_owned(),
            line,
            message,
        };
        // The parser's own way to show an error repeats the line, which may hold a password.
        let contents: Contents = toml::from_str(text).map_err(|error| {
            let line = line_at(error.span().map_or(0, |span| span.start));
            wrong(line, error.message().to_owned())
        })?;
        if *contents.version.get_ref() != VERSION {
            let line = line_at(contents.version.span().start);
            return Err(wrong(
                line,
                format!("this host reads `version = {VERSION}` only"),
            ));
        }
        let mut limits = Limits::default();
        for (name, Scalar(amount)) in contents.limits {
            let line = line_at(name.span().start);
            limits
                .set(name.get_ref(), &amount)
                .map_err(|error| wrong(line, error.to_string()))?;
        }
        let entry = |(name, Scalar(value)): (Spanned<String>, Scalar)| Entry {
            line: line_at(name.span().start),
            name: name.get_ref().replace('-', "_"),
            value: value.into(),
        };
        let database = contents
            .database
            .map(|section| section.into_iter().map(entry).collect::<Vec<_>>());
        let mut seen = BTreeSet::new();
        for entry in database.iter().flatten() {
            if !seen.insert(&entry.name) {
                return Err(wrong(
                    entry.line,
                    format!("`{}` is given twice", entry.name),
                ));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            database,
            limits,
            plugins: contents.plugins,
        })
    }

    /// Where the file is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// An error about a line of the file.
    pub(super) fn wrong(&self, entry: &Entry, message: &str) -> ConfigError {
        ConfigError::File {
            path: self.path.clone(),
            line: entry.line,
            message: message.to_owned(),
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::ConfigFile;

    fn parse(text: &str) -> Result<ConfigFile, String> {
        ConfigFile::parse(Path::new("/etc/host.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_whole_file_is_read() {
        let file = parse(
            r#"
            version = 1
            [database]
            host = "db.internal"
            port = 26257
            min_connections = 1
            max-connections = 4
            password-file = "secret"
            [limits]
            timeout = "5m"
            result-rows = 100
            [plugins.users]
            path = "plugins/users.wasm"
            grants = ["reads", "sql"]
            settings = { region = "eu" }
            "#,
        )
        .expect("a good file");
        let entries = file.database.as_ref().expect("a database").iter();
        let entries: Vec<_> = entries
            .map(|entry| (entry.line, entry.name.as_str(), entry.value.expose()))
            .collect();
        assert!(entries.contains(&(5, "port", "26257")), "{entries:?}");
        assert!(
            entries.contains(&(7, "max_connections", "4")),
            "{entries:?}"
        );
        assert_eq!(file.limits.database.result_rows, 100);
        let plugin = &file.plugins["users"];
        assert_eq!(
            file.resolve(&plugin.path),
            Path::new("/etc/plugins/users.wasm")
        );
        assert_eq!(plugin.settings["region"], "eu");
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        for (text, told) in [
            (
                "version = 1\n\n[database]\nmax_connections = 1\nmax-connections = 2\n",
                "line 4: `max_connections` is given twice",
            ),
            (
                "version = 1\n\n[database]\nport = 1.5\n",
                "line 4: this takes a text in quotes, or a whole number",
            ),
            (
                "version = 1\ntenant = 1\n",
                "line 2: unknown field `tenant`",
            ),
            (
                "version = 1\n[limits]\nrows = 5\n",
                "line 3: `rows` is no limit: it is one of timeout",
            ),
            (
                "version = 1\n[limits]\ncpu = 5\n",
                "line 3: limit `cpu`: `5` is not an amount",
            ),
            (
                "version = 1\n[plugins.a]\ngrants = []\n",
                "line 2: missing field `path`",
            ),
            (
                "version = 2\n",
                "line 1: this host reads `version = 1` only",
            ),
            ("[limits]\n", "missing field `version`"),
            ("version = 1\n[database\n", "line 2: "),
        ] {
            let error = parse(text).expect_err(text);
            let expected = format!("/etc/host.toml, {told}");
            assert!(
                error.contains(told) && (error.starts_with(&expected) || !told.starts_with("line")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_mistake_beside_a_password_does_not_show_it() {
        for text in [
            "version = 1\n[database]\npassword = \"hunter2\" x\n",
            "version = 1\n[database]\nurl = [\"hunter2\"]\n",
            "version = 1\n[database]\npassword = { x = \"hunter2\" }\n",
        ] {
            let error = parse(text).expect_err(text);
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
