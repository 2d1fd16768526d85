//! `host run`: the life of one run.

use std::{io, num::NonZero, time::Duration};

use tokio::{task, time};

use super::{
    args::RunArguments,
    command, component,
    exit::{Exit, Failure},
    input,
    interrupt::{self, Interruption, Signals},
    output::{LogLevel, SummaryForm},
    stdio::{self, TakenInput},
    summary,
    terminal::{self, Terminal},
    verdict,
};
use crate::{
    config::{Config, Environment},
    operate::{OpenDatabase, OpenError},
    runtime::{Interrupt, Outcome, Plugin, Request, Runtime, Stdin},
    telemetry,
};

/// How long connections may take to say goodbye.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs a plugin, and tells how it went.
pub(super) fn main(arguments: &RunArguments) -> Exit {
    let terminal = Terminal {
        format: arguments.output.log_format.into(),
        quiet: arguments.output.quiet,
    };
    command::guard(terminal, || start(arguments, terminal))
}

fn start(arguments: &RunArguments, terminal: Terminal) -> Result<Exit, Failure> {
    let usage = |error: anyhow::Error| Failure::caused_by(Exit::Usage, error);
    let environment = Environment::of_process();
    let filter = environment
        .text("RUST_LOG")
        .map_err(|error| usage(error.into()))?;
    let choice = telemetry::Choice {
        level: arguments.output.log_level.map(LogLevel::as_str),
        filter,
        trace: arguments.output.trace,
    };
    telemetry::start(terminal.format, choice).map_err(|error| usage(error.into()))?;
    let config =
        Config::resolve(&arguments.flags(), &environment).map_err(|error| usage(error.into()))?;
    for warning in &config.warnings {
        terminal.warning(warning);
    }
    if let Some(share) = &arguments.transactions.chaos {
        terminal.warning(&format!(
            "--chaos {share}: attempts at transactions fail on purpose, in this share, as if they had lost a race; it is for trying out plugins"
        ));
    }
    let (interrupter, interruption) = interrupt::channel();
    let job = Job {
        config,
        arguments: arguments.arguments.clone(),
        input: arguments.input.input.clone(),
        summary: arguments.output.summary(),
        terminal,
        interruption,
    };
    let internal = |error: io::Error| Failure::caused_by(Exit::Internal, error);
    let executor = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(1, NonZero::get))
        .enable_all()
        .build()
        .map_err(internal)?;
    let exit = executor.block_on(async {
        let mut signals = Signals::listen().map_err(internal)?;
        let mut job = task::spawn(job.execute());
        let ended = tokio::select! {
            ended = &mut job => ended,
            signal = signals.next() => {
                interrupter.interrupt(signal);
                tokio::select! {
                    ended = &mut job => ended,
                    signal = signals.next() => return Err(interrupt::abandoned(signal)),
                }
            }
        };
        // A task that was not cancelled fails by a panic only, which has told about itself.
        ended.unwrap_or(Ok(Exit::Internal))
    });
    // A thread may wait for standard input for ever: nobody waits for it.
    executor.shutdown_background();
    exit
}

/// One run, with all that it takes.
struct Job {
    config: Config,
    arguments: Vec<String>,
    input: Option<String>,
    summary: Option<SummaryForm>,
    terminal: Terminal,
    interruption: Interruption,
}

impl Job {
    /// From the plugin's file to the closed database. The database is not contacted before it is certain that the plugin may run.
    async fn execute(self) -> Result<Exit, Failure> {
        let plugin = &self.config.plugin;
        let limits = &self.config.limits;
        let component = component::read(&plugin.path, limits.sandbox.component_bytes)?;
        component::check_digest(plugin, &component)?;
        let input = self.read_input().await?;
        let runtime =
            Runtime::new(limits.sandbox, self.config.cache.clone()).map_err(verdict::of_start)?;
        let loading = runtime.load(&plugin.name, component, &self.config.grants);
        let plugin = self
            .interruption
            .or(loading)
            .await?
            .map_err(|refusal| verdict::of_refusal(&self.config.plugin.path, refusal))?;
        self.check_use(&plugin)?;
        let opening = OpenDatabase::open(&self.config.database, limits.database);
        let database = self.interruption.or(opening).await?.map_err(unreachable)?;
        if let Err(failure) = self.check_transaction(&database) {
            close(database).await;
            return Err(failure);
        }
        self.tell_where(&database);
        let (taken, outcome) = self.run(&runtime, &plugin, &database, input).await;
        let Outcome { end, report } = outcome;
        let reason = end.reason();
        let verdict = match verdict::of(end, self.interruption.told()) {
            _ if taken.was_asked_for() => Err(stdio::asked_for_taken_input()),
            Ok(output) => stdio::print(output.as_deref()),
            Err(failure) => Err(failure),
        };
        close(database).await;
        let exit = verdict
            .as_ref()
            .map_or_else(|failure| failure.exit, |()| Exit::Success);
        if let Err(failure) = &verdict {
            self.terminal.error(failure);
        }
        if let Some(form) = self.summary {
            terminal::print(&match form {
                SummaryForm::Text => summary::text(exit, &report),
                SummaryForm::Json => summary::json(exit, reason, &self.config.plugin.name, &report),
            });
        }
        Ok(exit)
    }

    async fn read_input(&self) -> Result<String, Failure> {
        let (given, limit_bytes) = (self.input.clone(), self.config.limits.input_bytes);
        let reading = task::spawn_blocking(move || input::read(given.as_deref(), limit_bytes));
        let read = self.interruption.or(reading).await?;
        read.map_err(|error| Failure::caused_by(Exit::Internal, error))?
    }

    /// Input and arguments are for different kinds of plugins; what would be overlooked is refused.
    fn check_use(&self, plugin: &Plugin) -> Result<(), Failure> {
        let (given, instead) = match (plugin.is_program(), &self.input, &self.arguments[..]) {
            (true, Some(_), _) => (
                "the plugin is an ordinary program, which does not see --input",
                "give it arguments after `--`, or standard input",
            ),
            (false, _, [_, ..]) => (
                "the plugin exports `run`, which does not see arguments",
                "give it JSON with --input, or settings with --set",
            ),
            _ => return Ok(()),
        };
        Err(Failure::new(Exit::Usage, given).hint(instead))
    }

    /// A kind of transaction that this database does not have is refused before anything is run.
    fn check_transaction(&self, database: &OpenDatabase) -> Result<(), Failure> {
        let Some(options) = &self.config.transaction else {
            return Ok(());
        };
        let checked = database.database().check_transaction(options);
        checked.map_err(|error| {
            let error = anyhow::Error::from(error).context("`transaction` of the plugin");
            Failure::caused_by(Exit::Usage, error)
        })
    }

    fn tell_where(&self, database: &OpenDatabase) {
        if let Some(development) = database.development() {
            self.terminal.note(&format!(
                "this run works on the development database in {} ({}), with every grant; --database-url names another one",
                development.directory().display(),
                development.server()
            ));
        }
    }

    /// Runs the plugin to its end, whoever brings that about.
    async fn run(
        &self,
        runtime: &Runtime,
        plugin: &Plugin,
        database: &OpenDatabase,
        input: String,
    ) -> (TakenInput, Outcome) {
        let taken = TakenInput::default();
        let stdin = if input::takes_standard_input(self.input.as_deref()) {
            Stdin::Stream(Box::new(taken.clone()))
        } else {
            Stdin::Process
        };
        let interruption = self.interruption.clone();
        let request = Request {
            tenant: self.config.tenant.clone(),
            run_id: format!("{:032x}", rand::random::<u128>()),
            input,
            arguments: self.arguments.clone(),
            settings: self.config.plugin.settings.clone(),
            stdin,
            stdout: Box::new(tokio::io::stdout()),
            limits: self.config.limits.runtime,
            database_limits: self.config.limits.database,
            retry: self.config.retry,
            transaction: self.config.transaction.clone(),
            read_committed: self.config.read_committed,
            chaos: self.config.chaos,
            interrupt: Interrupt::when(async move {
                interruption.wait().await;
            }),
        };
        let outcome = Box::pin(runtime.run(plugin, database.database(), request)).await;
        (taken, outcome)
    }
}

async fn close(database: OpenDatabase) {
    match time::timeout(CLOSE_TIMEOUT, database.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the development database was not stopped"),
        Err(_) => tracing::warn!("the database was not closed in time"),
    }
}

fn unreachable(error: OpenError) -> Failure {
    let exit = if error.is_configuration() {
        Exit::Usage
    } else {
        Exit::Unreachable
    };
    Failure::caused_by(exit, error)
}
