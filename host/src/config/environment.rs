use std::{collections::BTreeMap, ffi::OsString};

use super::ConfigError;

/// The variables of the environment, as they were when the host started.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        std::env::vars_os().collect()
    }

    /// The text of a variable. An empty one is as good as none.
    pub fn text(&self, name: &str) -> Result<Option<&str>, ConfigError> {
        let Some(value) = self.0.get(std::ffi::OsStr::new(name)) else {
            return Ok(None);
        };
        match value.to_str() {
            Some("") => Ok(None),
            Some(text) => Ok(Some(text)),
            None => Err(ConfigError::NotText(format!(
                "the environment variable {name}"
            ))),
        }
    }

    /// All variables whose names begin like this, save empty ones.
    pub fn with_prefix(&self, prefix: &str) -> Result<BTreeMap<&str, &str>, ConfigError> {
        let names = self.0.keys().filter_map(|name| name.to_str());
        names
            .filter(|name| name.starts_with(prefix))
            .filter_map(|name| Some(Ok((name, self.text(name).transpose()?))))
            .map(|variable| variable.and_then(|(name, value)| Ok((name, value?))))
            .collect()
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        let variables = variables.into_iter();
        Self(
            variables
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

/// The values stay unseen: there are passwords among them.
impl std::fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}
