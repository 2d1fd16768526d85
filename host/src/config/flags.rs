use std::path::PathBuf;

use super::Secret;

/// What the command line says of the configuration, neither checked nor completed.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// A file, or a name under `[plugins]`.
    pub plugin: PathBuf,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--database-url`.
    pub database_url: Option<Secret>,
    /// `--database-url-file`.
    pub database_url_file: Option<PathBuf>,
    /// `--dev-database-dir`.
    pub development_directory: Option<PathBuf>,
    /// `--ephemeral`.
    pub ephemeral: bool,
    /// `--cache-dir`.
    pub cache_directory: Option<PathBuf>,
    /// `--tenant`.
    pub tenant: Option<String>,
    /// `--grant`, each time it was given.
    pub grants: Vec<String>,
    /// `--set`, each time it was given.
    pub settings: Vec<(String, String)>,
    /// `--transaction`.
    pub transaction: bool,
    /// `--max-retries`.
    pub max_retries: Option<u32>,
    /// `--allow-read-committed`.
    pub allow_read_committed: bool,
    /// `--chaos`.
    pub chaos: Option<String>,
    /// The flags that set a limit: the flag, the limit's name, the value.
    pub limits: Vec<LimitFlag>,
}

/// A limit given on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitFlag {
    /// The flag as typed, to name it in an error.
    pub flag: &'static str,
    /// The name of the limit.
    pub name: String,
    /// The value as typed.
    pub value: String,
}
