//! The flags as typed. What they mean is decided in `config`; nothing else reads them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::{check, compile, exit, explain, inspect, output::OutputArguments};
use crate::config::{Flags, LimitFlag, Limits, Secret};

/// Runs sandboxed WebAssembly plugins next to CockroachDB.
///
/// A plugin is a WebAssembly component. It has no network, no files and no credentials: all it can do is call the database
/// functions that you grant it.
#[derive(Debug, Parser)]
#[command(
    name = "host",
    max_term_width = 100,
    disable_version_flag = true,
    disable_help_subcommand = true,
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true,
    after_help = "`host run --help` explains how to run a plugin; `host explain` lists exit codes, limits and errors."
)]
pub(super) struct Arguments {
    /// Print the version of the host and of the contract that it offers to plugins
    #[arg(short = 'V', long)]
    pub(super) version: bool,

    /// Print the version as one line of JSON
    #[arg(long, requires = "version")]
    pub(super) json: bool,

    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Run(Box<RunArguments>),
    Inspect(inspect::Arguments),
    Check(Box<check::Arguments>),
    Compile(compile::Arguments),
    Explain(explain::Arguments),
}

/// Run a plugin once, to its end
///
/// Without a database the host starts one of its own for development and keeps it for the next run, so that a plugin can be
/// tried at once. The plugin's output goes to standard output and nothing else does; logs and a closing summary go to
/// standard error.
#[derive(Debug, Args)]
#[command(after_long_help = after_run_help(), after_help = "`host run --help` says more, with examples and exit codes.")]
pub(super) struct RunArguments {
    /// The component to run, or the name of a plugin in the configuration file
    #[arg(value_name = "PLUGIN")]
    pub(super) plugin: PathBuf,

    /// Arguments of the plugin, if it is an ordinary program
    ///
    /// Everything after `--` is handed on as it is. A plugin that exports `run` takes `--input` instead.
    #[arg(last = true, value_name = "ARGS")]
    pub(super) arguments: Vec<String>,

    #[command(flatten)]
    pub(super) input: InputArguments,
    #[command(flatten)]
    pub(super) database: DatabaseArguments,
    #[command(flatten)]
    pub(super) rights: RightsArguments,
    #[command(flatten)]
    pub(super) transactions: TransactionArguments,
    #[command(flatten)]
    pub(super) limits: LimitArguments,
    #[command(flatten)]
    pub(super) cache: CacheArguments,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

/// What the plugin is given.
#[derive(Debug, Args)]
#[command(next_help_heading = "Input")]
pub(super) struct InputArguments {
    /// The plugin's input: JSON, @FILE, or - for standard input [default: null]
    ///
    /// A text needs quotes of its own: --input '"hello"'. Unless it is -, standard input is streamed to the plugin.
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub(super) input: Option<String>,

    /// A setting that the plugin can ask for; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub(super) set: Vec<(String, String)>,
}

/// Which database the plugin works on.
#[derive(Debug, Args)]
#[command(next_help_heading = "Database")]
pub(super) struct DatabaseArguments {
    /// Where the database is: postgresql://USER@HOST:PORT/DATABASE?sslmode=verify-full
    ///
    /// The first of these decides: --database-url, --database-url-file, the environment variable DATABASE_URL, the variables
    /// PGHOST, PGPORT and PGDATABASE (with PGUSER, PGPASSWORD, PGSSLMODE and their like), the configuration file, and at last
    /// a database for development that the host starts by itself. Without a port it is 26257, that of CockroachDB. Other users of
    /// this machine can read a password on the command line: PGPASSWORD completes a URL without one.
    #[arg(long, value_name = "URL", conflicts_with = "database_url_file")]
    pub(super) database_url: Option<Secret>,

    /// Read the URL of the database from this file
    #[arg(long, value_name = "FILE")]
    pub(super) database_url_file: Option<PathBuf>,

    /// Read the configuration from this file, usually host.toml
    ///
    /// The environment overrides the file, and flags override both. With a file the host never starts a database by itself.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,

    /// Run for this tenant of the configuration (not in this version)
    #[arg(long, value_name = "NAME")]
    pub(super) tenant: Option<String>,

    /// Keep the data of the development database here
    #[arg(long, value_name = "DIR", conflicts_with = "ephemeral")]
    pub(super) dev_database_dir: Option<PathBuf>,

    /// Use a fresh development database and remove it afterwards
    #[arg(long)]
    pub(super) ephemeral: bool,
}

/// What the plugin may do.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rights")]
pub(super) struct RightsArguments {
    /// Let the plugin use more interfaces: sql, schema, databases, or all; may be repeated
    ///
    /// Every plugin may use reads, writes, transactions, session and logging. On the development database everything is
    /// granted. A plugin that imports what it was not granted is refused before any of its code runs.
    #[arg(long, value_name = "LIST")]
    pub(super) grant: Vec<String>,
}

/// How transactions are done.
#[derive(Debug, Args)]
#[command(next_help_heading = "Transactions")]
pub(super) struct TransactionArguments {
    /// Run the whole plugin as one transaction, which is done again in a fresh instance when it loses a race
    ///
    /// Its output is withheld until it is committed, and what it reads from standard input is kept for the next attempt. Without it, each
    /// call is a transaction of its own, unless the plugin begins one. In the configuration file it is `transaction` of a plugin.
    #[arg(long)]
    pub(super) transaction: bool,

    /// How often work that lost a race or its connection is done again [default: 3]
    ///
    /// It holds for the whole run as one transaction, for transactions that the plugin begins, and for each call outside of one. 0 does
    /// everything once.
    #[arg(long, value_name = "N")]
    pub(super) max_retries: Option<u32>,

    /// Let transactions be READ COMMITTED if they ask for it
    ///
    /// What others commit is then seen between one statement and the next, and is not noticed by the host: what a transaction read may be
    /// wrong when it writes.
    #[arg(long)]
    pub(super) allow_read_committed: bool,

    /// Let this share of the attempts at transactions fail on purpose, from 0 to 1, such as 0.2
    ///
    /// Each of them fails at one of its statements or at its commit as if it had lost a race (40001). On CockroachDB the server fails the
    /// statements, by its variable inject_retry_errors_enabled; elsewhere the host does. It shows the author of a plugin whether it stands
    /// being done again.
    #[arg(long, value_name = "SHARE", allow_hyphen_values = true)]
    pub(super) chaos: Option<String>,
}

/// How much the plugin may use.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArguments {
    /// How long the run may take, such as 500ms, 30s or 5m
    #[arg(long, value_name = "DURATION")]
    pub(super) timeout: Option<String>,

    /// How much memory the plugin may use, such as 256MiB
    #[arg(long, value_name = "SIZE")]
    pub(super) memory: Option<String>,

    /// How long the plugin may compute; waiting for the database does not count
    #[arg(long, value_name = "DURATION")]
    pub(super) cpu: Option<String>,

    /// Any limit by its name; may be repeated
    ///
    /// An error that says which limit was reached names it as here.
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_and_value)]
    pub(super) limit: Vec<(String, String)>,
}

/// Where compiled plugins are kept.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cache")]
pub(super) struct CacheArguments {
    /// Keep compiled plugins here [default: ~/.cache/chitin/components]
    ///
    /// Nobody else may write there. What is in it is authenticated: it can be removed, and never be made elsewhere.
    #[arg(long, value_name = "DIR")]
    pub(super) cache_dir: Option<PathBuf>,
}

impl DatabaseArguments {
    /// What the command line says of the database.
    pub(super) fn flags(&self) -> Flags {
        Flags {
            config: self.config.clone(),
            database_url: self.database_url.clone(),
            database_url_file: self.database_url_file.clone(),
            development_directory: self.dev_database_dir.clone(),
            ephemeral: self.ephemeral,
            tenant: self.tenant.clone(),
            ..Flags::default()
        }
    }
}

/// The limits that are given by their names.
pub(super) fn named_limits(limits: &[(String, String)]) -> impl Iterator<Item = LimitFlag> {
    limits.iter().map(|(name, value)| LimitFlag {
        flag: "--limit",
        name: name.clone(),
        value: value.clone(),
    })
}

/// Splits `KEY=VALUE`.
pub(super) fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("it is written NAME=VALUE".to_owned()),
    }
}

impl RunArguments {
    /// What the command line says of the configuration.
    pub(super) fn flags(&self) -> Flags {
        let shorthands = [
            ("--timeout", "timeout", &self.limits.timeout),
            ("--memory", "memory-bytes", &self.limits.memory),
            ("--cpu", "cpu", &self.limits.cpu),
        ];
        let shorthands = shorthands.into_iter().filter_map(|(flag, name, value)| {
            Some(LimitFlag {
                flag,
                name: name.to_owned(),
                value: value.clone()?,
            })
        });
        Flags {
            plugin: self.plugin.clone(),
            grants: self.rights.grant.clone(),
            settings: self.input.set.clone(),
            transaction: self.transactions.transaction,
            max_retries: self.transactions.max_retries,
            allow_read_committed: self.transactions.allow_read_committed,
            chaos: self.transactions.chaos.clone(),
            cache_directory: self.cache.cache_dir.clone(),
            limits: named_limits(&self.limits.limit).chain(shorthands).collect(),
            ..self.database.flags()
        }
    }
}

/// What follows the long help of `run`.
fn after_run_help() -> String {
    let limits = Limits::default().list().into_iter();
    let limits: Vec<_> = limits
        .map(|(name, value, about)| format!("  {name:<19} {value:>7}  {about}"))
        .collect();
    format!(
        "\
Examples:
  host run hello.wasm
  host run users.wasm --input '{{\"name\": \"Ada\"}}' --set region=eu
  host run --grant all import.wasm --input @job.json < flights.csv
  host run report.wasm --database-url-file ~/.config/chitin/url -- --year 2026
  host run --transaction --chaos 0.5 --trace hello.wasm

Limits and their defaults, for --limit and for [limits] in the configuration file:
{}

Exit codes (`host explain CODE` says more, also about limits and errors):
{}",
        limits.join("\n"),
        exit::Exit::table()
    )
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::{Arguments, Command};

    fn check(name: &str, help: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, help));
    }

    #[test]
    fn the_help_is_as_in_the_golden_files() {
        let mut command = Arguments::command().term_width(100);
        command.build();
        check("host", &command.render_long_help().to_string());
        let run = command.find_subcommand_mut("run").expect("a command");
        check("run", &run.render_long_help().to_string());
        check("run-short", &run.render_help().to_string());
        for name in ["inspect", "check", "compile", "explain"] {
            let command = command.find_subcommand_mut(name).expect("a command");
            check(name, &command.render_long_help().to_string());
        }
    }

    #[test]
    fn what_is_typed_arrives_as_it_was_typed() {
        let typed = "host run a.wasm --input -1 --grant sql --grant schema,databases --set a=b=c --limit cpu=1s --timeout 5s \
                     -q -- --input x";
        let typed = Arguments::try_parse_from(typed.split_whitespace()).expect("good arguments");
        let Some(Command::Run(run)) = typed.command else {
            unreachable!("it is `run`");
        };
        assert_eq!(run.input.input.as_deref(), Some("-1"));
        assert_eq!(run.arguments, ["--input", "x"]);
        assert!(run.output.quiet);
        let flags = run.flags();
        assert_eq!(flags.grants, ["sql", "schema,databases"]);
        assert_eq!(flags.settings, [("a".to_owned(), "b=c".to_owned())]);
        let limits: Vec<_> = flags
            .limits
            .iter()
            .map(|limit| (limit.flag, limit.name.as_str()))
            .collect();
        assert_eq!(limits, [("--limit", "cpu"), ("--timeout", "timeout")]);
    }
}
