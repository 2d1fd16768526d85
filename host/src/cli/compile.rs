//! `host compile`: the work of a plugin's first run, done ahead of time.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::json;

use super::{
    amount::{duration, size},
    command::{self, usage},
    component,
    exit::{Exit, Failure},
    plugin_file::PluginFileArguments,
    terminal::{self, Terminal},
    verdict,
};
use crate::{
    config::{Environment, PluginConfig, PluginsConfig},
    runtime::{Kept, Prepared, Runtime},
    telemetry::{Format, Printable},
};

/// Compile plugins ahead of their first run
///
/// The code goes into the cache of this user, from where `host run` takes it, whatever its limits are. Code that another host made is never
/// loaded.
#[derive(Debug, Args)]
#[command(
    after_help = "The exit code is 0 if every plugin is in the cache now, else that of the first that is not."
)]
pub(super) struct Arguments {
    /// The components to compile, or names of plugins in the configuration file
    #[arg(value_name = "PLUGIN", required = true)]
    plugins: Vec<PathBuf>,

    /// Print one line of JSON for each plugin
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reading: PluginFileArguments,
}

/// Compiles every plugin, and tells what came of each.
pub(super) fn main(arguments: &Arguments) -> Exit {
    command::answer(|environment| compile(arguments, environment))
}

async fn compile(arguments: &Arguments, environment: Environment) -> Result<Exit, Failure> {
    let config =
        PluginsConfig::resolve(&arguments.plugins, &arguments.reading.flags(), &environment);
    let config = config.map_err(usage)?;
    let cache = config.cache.as_deref().ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            "there is no place for compiled plugins: HOME is not set",
        )
        .hint("name a directory that only you can write, with --cache-dir")
    })?;
    let limits = config.limits.sandbox;
    let runtime = Runtime::with_cache(limits, cache).map_err(verdict::of_start)?;
    let terminal = Terminal {
        format: Format::Text,
        quiet: false,
    };
    let mut exit = Exit::Success;
    for plugin in &config.plugins {
        let started = Instant::now();
        match compile_one(&runtime, plugin, limits.component_bytes).await {
            Ok(prepared) => terminal::print_output(&if arguments.json {
                as_json(&plugin.path, &prepared, started.elapsed())
            } else {
                as_text(&plugin.path, &prepared, started.elapsed())
            }),
            Err(failure) => {
                terminal.error(&failure);
                if exit == Exit::Success {
                    exit = failure.exit;
                }
            }
        }
    }
    Ok(exit)
}

async fn compile_one(
    runtime: &Runtime,
    plugin: &PluginConfig,
    limit_bytes: usize,
) -> Result<Prepared, Failure> {
    let component = component::read(&plugin.path, limit_bytes)?;
    component::check_digest(plugin, &component)?;
    let prepared = runtime.prepare(component).await;
    let prepared = prepared.map_err(|refusal| verdict::of_refusal(&plugin.path, refusal))?;
    match &prepared.kept {
        Kept::Before | Kept::Now => Ok(prepared),
        Kept::Not(reason) => Err(Failure::new(
            Exit::Internal,
            format!(
                "`{}` was compiled, and its code cannot be kept: {reason}",
                plugin.path.display()
            ),
        )),
    }
}

fn as_text(path: &Path, prepared: &Prepared, took: Duration) -> String {
    let path = path.display().to_string();
    let path = Printable(&path);
    let (code, took) = (size(prepared.code_bytes as u64), duration(took));
    let key = &prepared.key;
    match prepared.kept {
        Kept::Before => format!("{path}: {code} of code, in the cache already, under {key}\n"),
        Kept::Now | Kept::Not(_) => {
            format!("{path}: {code} of code, compiled in {took}, under {key}\n")
        }
    }
}

fn as_json(path: &Path, prepared: &Prepared, took: Duration) -> String {
    let line = json!({
        "file": path.display().to_string(),
        "key": prepared.key,
        "code_bytes": prepared.code_bytes,
        "compiled": prepared.kept != Kept::Before,
        "seconds": took.as_secs_f64(),
    });
    format!("{line}\n")
}
