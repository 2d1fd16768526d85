//! `host inspect`: what a file is, and what it would need to run here.

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::{
    amount::{number, size},
    command::{self, usage},
    component,
    exit::{Exit, Failure},
    plugin_file::PluginFileArguments,
    terminal, verdict,
};
use crate::{
    config::{Environment, PluginConfig, PluginsConfig, limit_of},
    runtime::{Excess, FileKind, Import, Inspection, Runtime, Standing},
    telemetry::Printable,
};

/// How many exports and imports are shown to people.
const SHOWN: usize = 40;

/// Say what a file is, what it imports, and which grants it needs
///
/// None of its code is run, and no database is needed. A component is compiled on the way, and kept for its first run.
#[derive(Debug, Args)]
#[command(
    after_help = "The exit code is 0 if the file can be run here, given its grants, and 3 if it cannot."
)]
pub(super) struct Arguments {
    /// The file to look at, or the name of a plugin in the configuration file
    #[arg(value_name = "PLUGIN")]
    plugin: PathBuf,

    /// Print one line of JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    reading: PluginFileArguments,
}

/// Looks at a file and tells about it.
pub(super) fn main(arguments: &Arguments) -> Exit {
    command::answer(|environment| inspect(arguments, environment))
}

async fn inspect(arguments: &Arguments, environment: Environment) -> Result<Exit, Failure> {
    let asked = std::slice::from_ref(&arguments.plugin);
    let config = PluginsConfig::resolve(asked, &arguments.reading.flags(), &environment);
    let config = config.map_err(usage)?;
    let limits = config.limits.sandbox;
    for plugin in &config.plugins {
        let bytes = component::read(&plugin.path, limits.component_bytes)?;
        let wrong_file = component::check_digest(plugin, &bytes).err();
        let runtime = Runtime::new(limits, config.cache.clone()).map_err(verdict::of_start)?;
        let inspection = runtime.inspect(bytes).await;
        let mut inspection =
            inspection.map_err(|refusal| verdict::of_refusal(&plugin.path, refusal))?;
        terminal::print_output(&if arguments.json {
            format!("{}\n", as_json(plugin, &inspection))
        } else {
            as_text(plugin, &inspection) + &run_it(arguments, plugin, &inspection)
        });
        if let Some(refusal) = inspection.refusal.take() {
            return Err(verdict::of_refusal(&plugin.path, refusal));
        }
        if let Some(failure) = wrong_file {
            return Err(failure);
        }
        if let Some(excess) = inspection.excesses.first() {
            return Err(Failure::new(
                Exit::Refused,
                format!(
                    "`{}` cannot be run: {}",
                    plugin.path.display(),
                    exceeded(excess)
                ),
            )
            .hint(format!("raise it with --limit {}=…", excess.limit)));
        }
    }
    Ok(Exit::Success)
}

fn exceeded(excess: &Excess) -> String {
    let (name, unit) = limit_of(excess.limit);
    let shown = |amount| super::amount::of_unit(unit, amount);
    format!(
        "limit `{name}`: {} needed at the start, {} allowed",
        shown(excess.needed),
        shown(excess.maximum)
    )
}

fn kind(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Component => "component",
        FileKind::CoreModule => "core module",
        FileKind::Precompiled => "compiled component",
        FileKind::Text => "WebAssembly text",
        FileKind::Unknown => "unknown",
    }
}

/// What of it is worth a word: aligned lines, like the summary of a run.
fn as_text(plugin: &PluginConfig, inspection: &Inspection) -> String {
    let mut lines = Lines::default();
    let file = plugin.path.display().to_string();
    lines.add("file", [Printable(&file).to_string()]);
    lines.add("kind", [kind(inspection.kind).to_owned()]);
    let bytes = inspection.bytes as u64;
    lines.add(
        "size",
        [format!("{} ({} bytes)", size(bytes), number(bytes))],
    );
    lines.add("digest", [format!("sha256:{}", inspection.digest)]);
    let tools = inspection.anatomy.tools.iter().map(|tool| {
        let what = format!("{} {}", tool.name, tool.version);
        format!("{} ({})", what.trim_end(), tool.role)
    });
    lines.add("made by", tools);
    let anatomy = &inspection.anatomy;
    if matches!(inspection.kind, FileKind::Component | FileKind::CoreModule) {
        lines.add(
            "made of",
            [format!(
                "{}, {} with {} at the start, {} with {} elements",
                counted(anatomy.core_modules, "core module"),
                if anatomy.memories == 1 {
                    "1 memory".to_owned()
                } else {
                    format!("{} memories", number(anatomy.memories))
                },
                size(anatomy.memory_bytes),
                counted(anatomy.tables, "table"),
                number(anatomy.table_elements),
            )],
        );
    }
    if let Some(world) = inspection.world {
        lines.add("world", [world.name().to_owned()]);
    }
    let exports = inspection.exports.iter();
    lines.add(
        "exports",
        exports.map(|export| format!("{}: {}", export.name, export.signature)),
    );
    let width = inspection
        .imports
        .iter()
        .take(SHOWN)
        .map(|import| import.name.chars().count())
        .max();
    let width = width.unwrap_or_default();
    let imports = inspection.imports.iter();
    lines.add(
        "imports",
        imports.map(|import| format!("{:width$}  {}", import.name, standing(plugin, import))),
    );
    if inspection.unlisted > 0 {
        lines.add(
            "unlisted",
            [format!("{} more", number(inspection.unlisted as u64))],
        );
    }
    lines.add("exceeds", inspection.excesses.iter().map(exceeded));
    lines.0
}

/// The command line that runs it, if it can be run.
fn run_it(arguments: &Arguments, plugin: &PluginConfig, inspection: &Inspection) -> String {
    if inspection.refusal.is_some() {
        return String::new();
    }
    let mut words = vec!["host run".to_owned()];
    if let Some(config) = arguments.reading.config() {
        words.push(format!("--config {}", config.display()));
    }
    let missing = missing(plugin, inspection);
    if !missing.is_empty() {
        words.push(format!("--grant {}", missing.join(",")));
    }
    words.push(arguments.plugin.display().to_string());
    format!("run it   {}\n", Printable(&words.join(" ")))
}

/// The names of what it needs and was not granted.
fn missing(plugin: &PluginConfig, inspection: &Inspection) -> Vec<String> {
    let missing = inspection.missing_grants(&plugin.grants);
    missing.iter().map(ToString::to_string).collect()
}

fn standing(plugin: &PluginConfig, import: &Import) -> String {
    match import.standing {
        Standing::Free => "every plugin may".to_owned(),
        Standing::Needs(capability) if plugin.grants.allow(capability) => "granted".to_owned(),
        Standing::Needs(capability) => format!("needs --grant {capability}"),
        Standing::OtherVersion(offered) => {
            format!("cannot be had: this host has version {offered} of it")
        }
        Standing::Unknown => "cannot be had".to_owned(),
    }
}

fn counted(count: u64, what: &str) -> String {
    format!(
        "{} {what}{}",
        number(count),
        if count == 1 { "" } else { "s" }
    )
}

/// Lines of a word and a text; further texts of the same word stand below the first.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, word: &str, texts: impl IntoIterator<Item = String>) {
        let mut left = 0_usize;
        for (index, text) in texts.into_iter().enumerate() {
            if index >= SHOWN {
                left += 1;
                continue;
            }
            let word = if index == 0 { word } else { "" };
            self.0.extend([format!("{word:<9}{text}").trim_end(), "\n"]);
        }
        if left > 0 {
            // Writing to a text does not fail.
            writeln!(self.0, "{:<9}and {left} more, which --json shows", "").ok();
        }
    }
}

fn as_json(plugin: &PluginConfig, inspection: &Inspection) -> Value {
    let import = |import: &Import| {
        let (standing, grant, offered) = match import.standing {
            Standing::Free => ("free", None, None),
            Standing::Needs(capability) if plugin.grants.allow(capability) => {
                ("granted", Some(capability.name()), None)
            }
            Standing::Needs(capability) => ("needs-grant", Some(capability.name()), None),
            Standing::OtherVersion(offered) => ("other-version", None, Some(offered)),
            Standing::Unknown => ("unknown", None, None),
        };
        json!({ "name": import.name, "standing": standing, "grant": grant, "offered_version": offered })
    };
    let anatomy = &inspection.anatomy;
    json!({
        "file": plugin.path.display().to_string(),
        "kind": kind(inspection.kind).replace(' ', "-"),
        "bytes": inspection.bytes,
        "digest": format!("sha256:{}", inspection.digest),
        "producers": anatomy.tools.iter().map(|tool| json!({
            "role": tool.role, "name": tool.name, "version": tool.version,
        })).collect::<Vec<_>>(),
        "core_modules": anatomy.core_modules,
        "memories": anatomy.memories,
        "memory_bytes": anatomy.memory_bytes,
        "tables": anatomy.tables,
        "table_elements": anatomy.table_elements,
        "world": inspection.world.map(crate::runtime::World::name),
        "exports": inspection.exports.iter().map(|export| json!({
            "name": export.name, "type": export.signature,
        })).collect::<Vec<_>>(),
        "imports": inspection.imports.iter().map(import).collect::<Vec<_>>(),
        "unlisted": inspection.unlisted,
        "needed_grants": missing(plugin, inspection),
        "exceeded_limits": inspection.excesses.iter().map(|excess| json!({
            "name": excess.limit, "needed": excess.needed, "maximum": excess.maximum,
        })).collect::<Vec<_>>(),
        "refusal": inspection.refusal.as_ref().map(ToString::to_string),
    })
}
