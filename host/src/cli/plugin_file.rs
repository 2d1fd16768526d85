//! What commands about the files of plugins have in common.

use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{key_and_value, named_limits};
use crate::config::Flags;

/// What a command about the files of plugins reads besides them.
#[derive(Debug, Args)]
pub(super) struct PluginFileArguments {
    /// Read names of plugins, and limits, from this file, usually host.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Any limit by its name, as for `host run`; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_and_value)]
    limit: Vec<(String, String)>,

    /// Keep compiled plugins here, as for `host run` [default: ~/.cache/chitin/components]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

impl PluginFileArguments {
    /// The configuration file, if there is one.
    pub(super) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// What the command line says of the configuration.
    pub(super) fn flags(&self) -> Flags {
        Flags {
            config: self.config.clone(),
            cache_directory: self.cache_dir.clone(),
            limits: named_limits(&self.limit).collect(),
            ..Flags::default()
        }
    }
}
