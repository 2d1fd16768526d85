//! File < environment < flags.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    Config, ConfigError, DatabaseConfig, Environment, Flags, Limits, PluginConfig, PluginsConfig,
    Target, closest,
    file::{ConfigFile, is_name},
};
use crate::{
    database::{Chaos, Isolation, RetryPolicy, TransactionOptions},
    tenancy::{Grants, TenantId},
};

impl Config {
    /// Brings the three sources together.
    pub fn resolve(flags: &Flags, environment: &Environment) -> Result<Self, ConfigError> {
        refuse_what_is_not_built(flags)?;
        let file = read_file(flags)?;
        let file = file.as_ref();
        let mut plugin = plugin(&flags.plugin, file)?;
        plugin.settings.extend(flags.settings.iter().cloned());
        let transaction = plugin.transaction.clone();
        let transaction = transaction.or_else(|| flags.transaction.then(Default::default));
        let mut warnings = Vec::new();
        let database = Target::choose(flags, environment, file, &mut warnings)?;
        Ok(Self {
            grants: grants(flags, &plugin, &database)?,
            limits: limits(flags, file)?,
            cache: cache(flags, environment)?,
            retry: retry(flags, &plugin),
            tenant: TenantId::local(),
            database,
            read_committed: read_committed(flags, file, transaction.as_ref())?,
            transaction,
            chaos: chaos(flags)?,
            plugin,
            warnings,
        })
    }
}

impl PluginsConfig {
    /// Brings the three sources together for these plugins, files or names under `[plugins]`.
    pub fn resolve(
        plugins: &[PathBuf],
        flags: &Flags,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        let file = read_file(flags)?;
        let file = file.as_ref();
        let plugins = plugins.iter().map(|given| plugin(given, file));
        Ok(Self {
            plugins: plugins.collect::<Result<_, _>>()?,
            limits: limits(flags, file)?,
            cache: cache(flags, environment)?,
        })
    }
}

impl DatabaseConfig {
    /// Brings the three sources together.
    pub fn resolve(flags: &Flags, environment: &Environment) -> Result<Self, ConfigError> {
        let file = read_file(flags)?;
        let mut warnings = Vec::new();
        Ok(Self {
            database: Target::choose(flags, environment, file.as_ref(), &mut warnings)?,
            limits: limits(flags, file.as_ref())?,
            warnings,
        })
    }
}

fn read_file(flags: &Flags) -> Result<Option<ConfigFile>, ConfigError> {
    flags.config.as_deref().map(ConfigFile::read).transpose()
}

fn refuse_what_is_not_built(flags: &Flags) -> Result<(), ConfigError> {
    if let Some(tenant) = &flags.tenant {
        tenant.parse::<TenantId>().map_err(ConfigError::Tenant)?;
        return Err(ConfigError::NotBuilt(
            "--tenant: this version of the host has no tenants yet; run without it, against the database of one tenant",
        ));
    }
    Ok(())
}

/// A plugin by its file, or by its name under `[plugins]`.
fn plugin(given: &Path, file: Option<&ConfigFile>) -> Result<PluginConfig, ConfigError> {
    let name = Path::file_stem(given).unwrap_or(given.as_os_str());
    let name = name.to_string_lossy().into_owned();
    let section = |file: &ConfigFile| file.plugins.get(given.to_str()?).cloned();
    let Some((file, section)) = file.zip(file.and_then(section)) else {
        let asked = given.to_str().filter(|given| is_name(given));
        if let (Some(file), Some(asked), false) = (file, asked, given.exists()) {
            return Err(unknown_plugin(asked, file));
        }
        return Ok(PluginConfig {
            name,
            path: given.to_owned(),
            digest: None,
            grants: Grants::standard(),
            settings: BTreeMap::new(),
            transaction: None,
            max_retries: None,
        });
    };
    Ok(PluginConfig {
        name,
        path: file.resolve(&section.path),
        digest: section.digest,
        grants: section.grants.unwrap_or_else(Grants::standard),
        settings: section.settings,
        transaction: section.transaction,
        max_retries: section.max_retries,
    })
}

fn unknown_plugin(asked: &str, file: &ConfigFile) -> ConfigError {
    let names = || file.plugins.keys().map(String::as_str);
    let advice = match closest(asked, names()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if file.plugins.is_empty() => "it has no plugins at all".to_owned(),
        None => format!("it has {}", names().collect::<Vec<_>>().join(", ")),
    };
    let path = file.path().display();
    ConfigError::Contradiction(format!(
        "there is no file `{asked}`, and no [plugins.{asked}] in {path}: {advice}"
    ))
}

fn grants(flags: &Flags, plugin: &PluginConfig, database: &Target) -> Result<Grants, ConfigError> {
    let mut grants = plugin.grants.clone();
    for list in &flags.grants {
        let more = list.parse().map_err(|source| ConfigError::Grant {
            origin: "--grant".to_owned(),
            source,
        })?;
        grants.extend(&more);
    }
    Ok(match database {
        Target::Development(_) => Grants::all(),
        Target::Server { .. } => grants,
    })
}

fn limits(flags: &Flags, file: Option<&ConfigFile>) -> Result<Limits, ConfigError> {
    let mut limits = file.map(|file| file.limits.clone()).unwrap_or_default();
    for flag in &flags.limits {
        limits
            .set(&flag.name, &flag.value)
            .map_err(|source| ConfigError::Limit {
                flag: flag.flag,
                source,
            })?;
    }
    Ok(limits)
}

fn retry(flags: &Flags, plugin: &PluginConfig) -> RetryPolicy {
    let policy = RetryPolicy::default();
    let max_retries = flags.max_retries.or(plugin.max_retries);
    max_retries.map_or(policy, |max_retries| policy.with_max_retries(max_retries))
}

/// Whether transactions may be READ COMMITTED. One that the configuration itself asks for must not fail for that only when it runs.
fn read_committed(
    flags: &Flags,
    file: Option<&ConfigFile>,
    transaction: Option<&TransactionOptions>,
) -> Result<bool, ConfigError> {
    let section = file.and_then(|file| file.database.as_ref());
    let is_allowed =
        flags.allow_read_committed || section.is_some_and(|section| section.allow_read_committed);
    let is_asked_for =
        transaction.is_some_and(|options| options.isolation == Isolation::ReadCommitted);
    if is_asked_for && !is_allowed {
        return Err(ConfigError::Contradiction(
            "the plugin's transaction is to be READ COMMITTED, which is not allowed here: set `allow-read-committed = true` under \
             [database], give --allow-read-committed, or leave `isolation` out"
                .to_owned(),
        ));
    }
    Ok(is_allowed)
}

fn chaos(flags: &Flags) -> Result<Chaos, ConfigError> {
    let Some(given) = &flags.chaos else {
        return Ok(Chaos::default());
    };
    let share = given.trim().parse().ok();
    share
        .and_then(|share| Chaos::new(share).ok())
        .ok_or_else(|| ConfigError::Chaos {
            given: given.clone(),
        })
}

/// Where it was said to be, or the usual place for what can be made again.
fn cache(flags: &Flags, environment: &Environment) -> Result<Option<PathBuf>, ConfigError> {
    if let Some(directory) = &flags.cache_directory {
        return Ok(Some(directory.clone()));
    }
    let given = environment.text("XDG_CACHE_HOME")?.map(PathBuf::from);
    let home = environment
        .text("HOME")?
        .map(|home| Path::new(home).join(".cache"));
    let base = given.filter(|path| path.is_absolute()).or(home);
    Ok(base.map(|base| base.join("chitin/components")))
}

#[cfg(test)]
mod tests;
