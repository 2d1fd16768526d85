//! The resolved configuration: what the file says, overridden by the environment, overridden by the flags.
//!
//! [`Config::resolve`] is the only place where the three meet. `file` is the file as written, `flags` the command line as
//! typed, `environment` the variables; `database` decides which database it is; `limits` composes the limits of all layers and
//! gives each its name.
//!
//! Invariants: resolved once, before anything is done, and never changed afterwards. Reads files, starts nothing, connects to
//! nothing. No error and no debug output shows a password.

mod database;
mod environment;
mod error;
mod file;
mod flags;
mod limits;
mod read;
mod secret;
mod source;
mod suggest;
mod units;

use std::{collections::BTreeMap, path::PathBuf};

pub use database::{Development, Origin, Target};
pub use environment::Environment;
pub use error::{ConfigError, Mistake};
pub use flags::{Flags, LimitFlag};
pub use limits::{InvalidLimit, Limits, limit_of};
pub use secret::Secret;
pub use suggest::closest;
pub use units::{InvalidAmount, Unit};

use crate::{
    database::{Chaos, RetryPolicy, TransactionOptions},
    tenancy::{Grants, TenantId},
};

/// Everything that is configured about one run.
#[derive(Debug)]
pub struct Config {
    /// What runs.
    pub plugin: PluginConfig,
    /// Whose data it works on.
    pub tenant: TenantId,
    /// Which database that is in.
    pub database: Target,
    /// What the plugin may ask for.
    pub grants: Grants,
    /// How much of everything.
    pub limits: Limits,
    /// Where compiled plugins are kept for the next run; nowhere without a home directory.
    pub cache: Option<PathBuf>,
    /// How often, and after what wait, work that lost a race is done again.
    pub retry: RetryPolicy,
    /// Runs the plugin as one transaction of this kind.
    pub transaction: Option<TransactionOptions>,
    /// Whether transactions may be READ COMMITTED if they ask for it.
    pub read_committed: bool,
    /// The share of the attempts at transactions that fail on purpose.
    pub chaos: Chaos,
    /// What works and should be changed nevertheless.
    pub warnings: Vec<String>,
}

/// What is configured about plugins, for work that needs no database.
#[derive(Debug)]
pub struct PluginsConfig {
    /// The plugins, as they were asked for.
    pub plugins: Vec<PluginConfig>,
    /// How much of everything.
    pub limits: Limits,
    /// Where compiled plugins are kept; nowhere without a home directory.
    pub cache: Option<PathBuf>,
}

/// What is configured about the database, for work that needs no plugin.
#[derive(Debug)]
pub struct DatabaseConfig {
    /// Which it is.
    pub database: Target,
    /// How much of everything.
    pub limits: Limits,
    /// What works and should be changed nevertheless.
    pub warnings: Vec<String>,
}

/// A plugin as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginConfig {
    /// The name under which it runs.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// The SHA-256 digest that the file has to have, in lower-case hexadecimal digits.
    pub digest: Option<String>,
    /// What it is granted without any flag.
    pub grants: Grants,
    /// What it can ask for by name.
    pub settings: BTreeMap<String, String>,
    /// Whether a run of it is one transaction, and of what kind.
    pub transaction: Option<TransactionOptions>,
    /// How often what it does is done again, instead of the usual number.
    pub max_retries: Option<u32>,
}
