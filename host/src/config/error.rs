use std::{io, path::PathBuf};

use super::InvalidLimit;
use crate::{
    database::InvalidOptions,
    tenancy::{InvalidTenantId, UnknownCapability},
};

/// Why the configuration cannot be used. All of it is for the operator to mend.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The configuration file is wrong.
    #[error("{}, line {line}: {message}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What.
        message: String,
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
    /// The tenant's name is none.
    #[error("--tenant")]
    Tenant(#[source] InvalidTenantId),
    /// Something is asked for that this version does not have.
    #[error("{0}")]
    NotBuilt(&'static str),
}
