use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use wasmtime::{Store, component::ResourceTable};

use crate::{
    bindings::{self, AttemptOver, LogLevel, LogSink, ResultFormat, RunInfo},
    database::{Database, Session},
    sandbox::{
        self, Budget, Fault, Guard, Lines, Output, Seed, Seeds, Stdin, Stdout, Stop, StopKind,
        World, classify, watch_store,
    },
};

use super::{Plugin, Request, State, state::Meter};

/// All that the instances of one run have in common: makes a store for each.
pub(super) struct Launch {
    pub(super) plugin: Plugin,
    pub(super) seeds: Seeds,
    pub(super) budget: Arc<Budget>,
    sandbox_limits: sandbox::Limits,
    limits: bindings::Limits,
    output_bytes: u64,
    run: RunInfo,
    settings: Arc<BTreeMap<String, String>>,
    arguments: Vec<String>,
    log: Arc<LogSink>,
    lines: [Lines; 2],
}

/// What one instance has of its own.
pub(super) struct Part {
    /// Its use of the database.
    pub(super) session: Session,
    /// Which attempt it is, from 1.
    pub(super) attempt: u32,
    /// What its clock shows at its start.
    pub(super) started_at: SystemTime,
    pub(super) seed: Seed,
    pub(super) stdin: Stdin,
    /// Where the output of a program goes; what others print goes to the log.
    pub(super) output: Output,
}

impl Launch {
    pub(super) fn new(
        plugin: &Plugin,
        database: &Database,
        sandbox_limits: sandbox::Limits,
        request: &mut Request,
    ) -> Self {
        let run = run_info(plugin, database, request);
        let limits = request.limits.of_bindings();
        let log = Arc::new(LogSink::new(&run.plugin, &run.tenant, &run.run_id, &limits));
        let mut arguments = vec![run.plugin.clone()];
        arguments.append(&mut request.arguments);
        Self {
            plugin: plugin.clone(),
            seeds: Seeds::random(),
            budget: Budget::new(&sandbox_limits),
            sandbox_limits,
            limits,
            output_bytes: request.limits.output_bytes,
            run,
            settings: Arc::new(std::mem::take(&mut request.settings)),
            arguments,
            lines: ["stdout", "stderr"].map(|stream| lines(&log, stream)),
            log,
        }
    }

    /// When the run began.
    pub(super) fn started_at(&self) -> SystemTime {
        self.run.started_at
    }

    /// A store for one instance, under the limits of the run.
    pub(super) fn store(self: &Arc<Self>, part: Part) -> Store<State> {
        let [stdout, stderr] = &self.lines;
        let world = World {
            arguments: self.arguments.clone(),
            stdin: part.stdin,
            stdout: if self.plugin.is_program() {
                Stdout::Output(part.output.clone())
            } else {
                Stdout::Lines(stdout.clone())
            },
            stderr: stderr.clone(),
            started_at: part.started_at,
            seed: part.seed,
        };
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(self.sandbox_limits.handles);
        let state = State {
            session: part.session,
            guard: Guard::new(Arc::clone(&self.budget), &self.sandbox_limits),
            wasi: world.into_context(),
            resources,
            format: ResultFormat::default(),
            run: RunInfo {
                attempt: part.attempt,
                ..self.run.clone()
            },
            settings: Arc::clone(&self.settings),
            log: Arc::clone(&self.log),
            limits: self.limits,
            meter: Meter {
                budget: Arc::clone(&self.budget),
                output: part.output,
                output_bytes: self.output_bytes,
            },
            launch: Arc::clone(self),
        };
        let mut store = Store::new(self.plugin.component().engine(), state);
        watch_store(&mut store, &self.sandbox_limits, |state| &mut state.guard);
        store
    }

    /// Why a call into an instance failed.
    pub(super) fn fault(&self, error: &wasmtime::Error) -> Fault {
        // Whatever limit it met before, that is not why it was stopped.
        if let Some(over) = error.downcast_ref::<AttemptOver>() {
            return Fault::Trap(Stop {
                kind: StopKind::Interface,
                message: over.to_string(),
                frames: Vec::new(),
            });
        }
        classify(error, &self.budget, &self.sandbox_limits)
    }

    /// Passes on what an instance printed last without ending the line.
    pub(super) fn finish_lines(&self) {
        for lines in &self.lines {
            lines.finish();
        }
    }
}

fn run_info(plugin: &Plugin, database: &Database, request: &Request) -> RunInfo {
    let started_at = SystemTime::now();
    RunInfo {
        plugin: plugin.name().to_owned(),
        tenant: request.tenant.clone(),
        run_id: request.run_id.clone(),
        attempt: 1,
        started_at,
        deadline: started_at
            .checked_add(request.limits.timeout)
            .unwrap_or(started_at),
        server: database.server().kind,
    }
}

/// Takes the lines of a standard stream to the log; empty ones are for the eye only.
fn lines(log: &Arc<LogSink>, stream: &'static str) -> Lines {
    let log = Arc::clone(log);
    Lines::new(Arc::new(move |line: &str| {
        if !line.trim().is_empty() {
            log.write(LogLevel::Info, stream, line);
        }
    }))
}
