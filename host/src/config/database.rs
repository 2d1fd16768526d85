//! Which database a run works on.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::{
    ConfigError, Environment, Flags, Secret,
    file::{ConfigFile, Entry, holds_password},
    read,
};
use crate::database::{ConnectOptions, InvalidOptions};

/// The database of a run.
#[derive(Debug)]
pub enum Target {
    /// A database server that somebody else runs.
    Server {
        /// How to reach it.
        options: Box<ConnectOptions>,
        /// Who named it.
        origin: Origin,
    },
    /// The database for development, which the host starts by itself.
    Development(Development),
}

/// Where the database for development keeps its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Development {
    /// In the usual place of this user.
    Usual,
    /// In this directory.
    In(PathBuf),
    /// In a directory of its own that is removed afterwards.
    Ephemeral,
}

/// Who named the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `--database-url`.
    UrlFlag,
    /// `--database-url-file`.
    UrlFile,
    /// The environment variable `DATABASE_URL`.
    UrlVariable,
    /// The environment variables `PGHOST` and their like.
    Variables,
    /// `[database]` of the configuration file.
    File,
}

impl Origin {
    /// As an operator knows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::UrlFlag => "--database-url",
            Self::UrlFile => "--database-url-file",
            Self::UrlVariable => "DATABASE_URL",
            Self::Variables => "the PG* environment variables",
            Self::File => "[database] of the configuration file",
        }
    }
}

/// The variables that name a database. The others of the PostgreSQL tools only complete one.
const NAMING: [&str; 5] = ["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE"];

/// What `password-file` is for.
const PASSWORD_FILE: &str = "the password of the database in";

/// The parameters of a connection that name a file.
const FILES: [&str; 3] = ["sslrootcert", "sslcert", "sslkey"];

impl Target {
    /// Chooses the database by the first source that names one.
    pub(super) fn choose(
        flags: &Flags,
        environment: &Environment,
        file: Option<&ConfigFile>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, ConfigError> {
        if flags.ephemeral || flags.development_directory.is_some() {
            return development(flags);
        }
        if let Some(url) = &flags.database_url {
            let options = from_url(url, Origin::UrlFlag, environment)?;
            if holds_password(url) {
                warnings.push(
                    "other users of this machine can read the password on the command line: give the URL in the environment \
                     variable DATABASE_URL or in a file with --database-url-file, or the password in PGPASSWORD"
                        .to_owned(),
                );
            }
            return Ok(options);
        }
        if let Some(path) = &flags.database_url_file {
            let url = secret_file(path, "the URL of the database in", warnings)?;
            return from_url(&url, Origin::UrlFile, environment);
        }
        if let Some(url) = environment.text("DATABASE_URL")? {
            return from_url(&url.to_owned().into(), Origin::UrlVariable, environment);
        }
        if let Some(options) = from_variables(environment)? {
            return Ok(options);
        }
        match file {
            Some(file) => from_file(file, environment, warnings),
            None => Ok(Self::Development(Development::Usual)),
        }
    }
}

fn development(flags: &Flags) -> Result<Target, ConfigError> {
    let flag = if flags.ephemeral {
        "--ephemeral"
    } else {
        "--dev-database-dir"
    };
    let other = [
        ("--database-url", flags.database_url.is_some()),
        ("--database-url-file", flags.database_url_file.is_some()),
        ("--config", flags.config.is_some()),
    ];
    if let Some((other, _)) = other.iter().find(|(_, given)| *given) {
        return Err(ConfigError::Contradiction(format!(
            "{flag} asks for the development database, and {other} for another one: give one of the two"
        )));
    }
    Ok(Target::Development(match &flags.development_directory {
        Some(directory) => Development::In(directory.clone()),
        None => Development::Ephemeral,
    }))
}

/// A server by its URL. A password that is not in it may come from the environment.
fn from_url(
    url: &Secret,
    origin: Origin,
    environment: &Environment,
) -> Result<Target, ConfigError> {
    let mut options = ConnectOptions::from_url(url.expose().trim()).map_err(invalid(origin))?;
    if !options.has_password()
        && let Some(password) = environment.text("PGPASSWORD")?
    {
        options = options.with_password(password.to_owned().into());
    }
    Ok(server(options, origin))
}

/// The server that the variables of the PostgreSQL tools name, if they name one.
fn from_variables(environment: &Environment) -> Result<Option<Target>, ConfigError> {
    let variables = environment.with_prefix("PG")?;
    if !NAMING.iter().any(|name| variables.contains_key(name)) {
        return Ok(None);
    }
    let variable = |name: &str| variables.get(name).map(|value| (*value).to_owned());
    let options = ConnectOptions::from_env(variable).map_err(invalid(Origin::Variables))?;
    Ok(Some(server(options, Origin::Variables)))
}

/// The server that the configuration file names.
fn from_file(
    file: &ConfigFile,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Target, ConfigError> {
    let Some(section) = file.database.as_ref().filter(|section| !section.is_empty()) else {
        return Err(ConfigError::Contradiction(format!(
            "{} names no database: give it `url`, or `host` and other parameters, under [database]; or give --database-url",
            file.path().display()
        )));
    };
    let url_has_one = section
        .url
        .as_ref()
        .is_some_and(|url| holds_password(&url.value));
    if section.password.is_some() || url_has_one {
        warnings.extend(readable_by_others(file.path()));
    }
    let password = match &section.password_file {
        Some(entry) => {
            let path = file.resolve(Path::new(entry.value.expose()));
            Some(secret_file(&path, PASSWORD_FILE, warnings)?)
        }
        None => section.password.as_ref().map(|entry| entry.value.clone()),
    };
    match (&section.url, password) {
        (None, password) => from_entries(file, &section.parameters, password),
        (Some(url), None) => from_url(&url.value, Origin::File, environment),
        (Some(url), Some(password)) => {
            let options = ConnectOptions::from_url(url.value.expose().trim());
            let options = options.map_err(|error| file.wrong(url, &error.to_string()))?;
            Ok(server(
                options.with_password(password.expose().to_owned().into()),
                Origin::File,
            ))
        }
    }
}

/// A server by its parameters.
fn from_entries(
    file: &ConfigFile,
    entries: &[Entry],
    password: Option<Secret>,
) -> Result<Target, ConfigError> {
    let mut builder = ConnectOptions::builder();
    for entry in entries {
        let written = entry.value.expose();
        let value = if FILES.contains(&entry.name.as_str()) && written != "system" {
            let path = file.resolve(Path::new(written));
            path.to_str()
                .ok_or_else(|| file.wrong(entry, "the path is not text"))?
                .to_owned()
        } else {
            written.to_owned()
        };
        builder
            .set(&entry.name, &value)
            .map_err(|error| file.wrong(entry, &error.to_string()))?;
    }
    let mut options = builder.build().map_err(invalid(Origin::File))?;
    if let Some(password) = password {
        options = options.with_password(password.expose().to_owned().into());
    }
    Ok(server(options, Origin::File))
}

fn server(options: ConnectOptions, origin: Origin) -> Target {
    Target::Server {
        options: Box::new(options),
        origin,
    }
}

fn invalid(origin: Origin) -> impl FnOnce(InvalidOptions) -> ConfigError {
    move |source| ConfigError::Database {
        origin: origin.name(),
        source,
    }
}

/// Reads a file with one secret in it. The end of its line is no part of the secret.
fn secret_file(path: &Path, what: &str, warnings: &mut Vec<String>) -> Result<Secret, ConfigError> {
    let text = read::text(path, what)?;
    warnings.extend(readable_by_others(path));
    Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
}

/// The warning about a secret in a file that is not private.
fn readable_by_others(path: &Path) -> Option<String> {
    let file = fs::metadata(path).ok()?;
    let others = file.is_file() && file.permissions().mode() & 0o077 != 0;
    let path = path.display();
    others.then(|| {
        format!("other users of this machine can read the secret in {path}: chmod 600 {path}")
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

    use super::super::{Config, Development, Environment, Flags, Origin, Target};

    fn resolve(flags: &Flags, environment: &[(&str, &str)]) -> Result<Config, String> {
        let environment = environment.iter().copied().collect::<Environment>();
        Config::resolve(flags, &environment).map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error}: {}", cause.unwrap_or_default())
        })
    }

    fn with_file(folder: &Path, database: &str) -> Flags {
        let path = folder.join("host.toml");
        fs::write(&path, format!("version = 1\n{database}")).expect("written");
        Flags {
            config: Some(path),
            ..Flags::default()
        }
    }

    #[test]
    fn a_flag_for_the_development_database_overrides_the_environment_and_contradicts_another_flag()
    {
        let variables = [(
            "DATABASE_URL",
            "postgresql://root@localhost/x?sslmode=disable",
        )];
        let mut flags = Flags {
            ephemeral: true,
            ..Flags::default()
        };
        let config = resolve(&flags, &variables).expect("development");
        assert!(matches!(
            config.database,
            Target::Development(Development::Ephemeral)
        ));
        flags.database_url = Some("postgresql://localhost/x".to_owned().into());
        let error = resolve(&flags, &[]).expect_err("two databases");
        assert!(
            error.starts_with("--ephemeral asks for the development database, and --database-url"),
            "{error}"
        );
    }

    #[test]
    fn variables_that_only_complete_a_database_name_none() {
        let config =
            resolve(&Flags::default(), &[("PGUSER", "me"), ("PGPASSWORD", "x")]).expect("good");
        assert!(matches!(
            config.database,
            Target::Development(Development::Usual)
        ));
        let error = resolve(&Flags::default(), &[("PGSERVICE", "prod")]).expect_err("unsupported");
        assert!(
            error.starts_with("the PG* environment variables: PGSERVICE: `service` is refused"),
            "{error}"
        );
    }

    #[test]
    fn a_password_on_the_command_line_works_with_a_warning() {
        let url = "postgresql://me:hunter2@localhost/x?sslmode=disable";
        let mut flags = Flags {
            database_url: Some(url.to_owned().into()),
            ..Flags::default()
        };
        let config = resolve(&flags, &[]).expect("good");
        assert_eq!(config.warnings.len(), 1, "{:?}", config.warnings);
        let warning = &config.warnings[0];
        assert!(
            warning.starts_with(
                "other users of this machine can read the password on the command line"
            )
        );
        assert!(!format!("{config:?} {flags:?}").contains("hunter2"));
        flags.database_url = None;
        let config = resolve(&flags, &[("DATABASE_URL", url)]).expect("good");
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    }

    #[test]
    fn a_url_is_read_from_a_file_that_should_be_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("url");
        fs::write(
            &path,
            "postgresql://me:hunter2@localhost/x?sslmode=disable\n",
        )
        .expect("written");
        let flags = Flags {
            database_url_file: Some(path.clone()),
            ..Flags::default()
        };
        for (mode, warnings) in [(0o644, 1), (0o600, 0)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("ours");
            let config = resolve(&flags, &[]).expect("good");
            assert!(matches!(
                config.database,
                Target::Server {
                    origin: Origin::UrlFile,
                    ..
                }
            ));
            assert_eq!(config.warnings.len(), warnings, "{:?}", config.warnings);
        }
    }

    #[test]
    fn a_file_that_contradicts_itself_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        for (database, told) in [
            ("", "names no database: give it `url`"),
            ("[database]\n", "names no database: give it `url`"),
            (
                "[database]\nhots = \"db\"\n",
                "host.toml:3:1: `hots` is no connection parameter: did you mean `host`?",
            ),
            (
                "[database]\npasword = \"hunter2\"\n",
                "host.toml:3:1: `pasword` is no connection parameter",
            ),
            (
                "[database]\nport = 0\n",
                "host.toml:3:8: `port` is a number from 1 to 65535",
            ),
            (
                "[database]\nurl = \"postgresql://localhost/x\"\nport = 1\n",
                "host.toml:4:1: `port` belongs into `url`",
            ),
            (
                "[database]\nhost = \"a\"\npassword = \"a\"\npassword-file = \"b\"\n",
                "host.toml:5:1: give `password` or `password-file`, not both",
            ),
            (
                "[database]\nurl = \"postgresql://a:b@localhost/x\"\npassword = \"c\"\n",
                "host.toml:3:1: there are two passwords",
            ),
            (
                "[database]\nhost = \"a\"\npassword-file = \"missing\"\n",
                "cannot read the password of the database in",
            ),
        ] {
            let error = resolve(&with_file(folder.path(), database), &[]).expect_err(told);
            assert!(
                error.contains(told) && !error.contains("hunter2"),
                "{error}"
            );
        }
    }
}
