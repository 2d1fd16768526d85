use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use super::InvalidLimit;
use crate::{
    database::InvalidOptions,
    tenancy::{InvalidTenantId, UnknownCapability},
};

/// Why the configuration cannot be used. All of it is for the operator to mend.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The configuration file is wrong. Each mistake is a line.
    #[error("{}", Mistakes(path, mistakes))]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, in the order of the file.
        mistakes: Vec<Mistake>,
    },
    /// A file that the configuration needs cannot be read.
    #[error("cannot read {what}")]
    Unreadable {
        /// The file and what it is for.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A name or a value is not UTF-8.
    #[error("{0} is not text")]
    NotText(String),
    /// The parameters of the connection cannot be used.
    #[error("{origin}")]
    Database {
        /// Where they are from.
        origin: &'static str,
        /// What is wrong.
        source: InvalidOptions,
    },
    /// What is written about the database contradicts itself, or says too little.
    #[error("{0}")]
    Contradiction(String),
    /// A limit cannot be set.
    #[error("{flag}")]
    Limit {
        /// The flag.
        flag: &'static str,
        /// What is wrong.
        source: InvalidLimit,
    },
    /// Something is granted that does not exist.
    #[error("{origin}")]
    Grant {
        /// Where the grant is from.
        origin: String,
        /// What is wrong.
        source: UnknownCapability,
    },
    /// The share of attempts that fail on purpose is none.
    #[error("--chaos: `{given}` is no share: give a number from 0, none, to 1, all, such as 0.2")]
    Chaos {
        /// As typed.
        given: String,
    },
    /// The tenant's name is none.
    #[error("--tenant")]
    Tenant(#[source] InvalidTenantId),
    /// Something is asked for that this version does not have.
    #[error("{0}")]
    NotBuilt(&'static str),
}

/// Something wrong in the configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// The mistakes of a file, as compilers show theirs.
struct Mistakes<'a>(&'a Path, &'a [Mistake]);

impl fmt::Display for Mistakes<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.1.iter().enumerate() {
            let Mistake {
                line,
                column,
                message,
            } = mistake;
            let before = if index == 0 { "" } else { "\n" };
            write!(
                formatter,
                "{before}{}:{line}:{column}: {message}",
                self.0.display()
            )?;
        }
        Ok(())
    }
}
