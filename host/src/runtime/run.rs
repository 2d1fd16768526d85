use std::{
    mem,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::FutureExt as _;
use tokio::time::{Instant, timeout};
use wasmtime::{Store, component::ResourceTable};

use crate::{
    bindings::{HostBug, LogLevel, LogSink, ResultFormat, RunInfo},
    database::{Database, Session, SessionOptions, Statistics},
    sandbox::{
        Budget, Fault, Guard, LimitReached, Lines, Output, Seed, Stdout, Stop, StopKind, World,
        classify, watch_store,
    },
};

use super::{
    End, Interrupt, Limits, Outcome, Plugin, Report, Request, Runtime, State, Step,
    entry::Returned,
    state::Meter,
    watch::{Ended, Watch, panic_message},
};

/// How long each step of closing a run may take: passing on output, closing the session.
const CLOSING: Duration = Duration::from_secs(5);

impl Runtime {
    /// Runs a plugin, start to end. Whatever happens, the outcome says so, and the session with the database is closed.
    ///
    /// Dropping the future stops the plugin where it is; its connections are closed then instead of going back to the pool.
    pub async fn run(&self, plugin: &Plugin, database: &Database, mut request: Request) -> Outcome {
        let started = Instant::now();
        let interrupt = mem::replace(&mut request.interrupt, Interrupt::never());
        let mut watch = Watch::new(request.limits.timeout, interrupt);
        let limits = request.limits;
        let slot = match watch.over(self.slots.acquire()).await {
            Ended::Done(Ok(slot)) => slot,
            Ended::Done(Err(closed)) => return unbegun(End::HostBug(closed.to_string()), started),
            Ended::Deadline => {
                let end = End::Deadline {
                    timeout: limits.timeout,
                    step: Step::Waiting,
                };
                return unbegun(end, started);
            }
            Ended::Interrupted => return unbegun(End::Interrupted, started),
            Ended::Panicked(message) => return unbegun(End::HostBug(message), started),
        };
        let input = mem::take(&mut request.input);
        let mut live = Live::new(self, plugin, database, request, watch.deadline());
        let ended = watch.over(live.call(&input)).await;
        let outcome = live.finish(ended, watch.deadline(), started).await;
        drop(slot);
        outcome
    }
}

/// A run that has its slot: its store, and what outlives the store.
struct Live<'a> {
    runtime: &'a Runtime,
    plugin: &'a Plugin,
    store: Store<State>,
    budget: Arc<Budget>,
    limits: Limits,
    output: Output,
    lines: [Lines; 2],
}

impl<'a> Live<'a> {
    fn new(
        runtime: &'a Runtime,
        plugin: &'a Plugin,
        database: &Database,
        request: Request,
        deadline: Instant,
    ) -> Self {
        let limits = request.limits;
        let sandbox_limits = runtime.engine().limits();
        let budget = Budget::new(sandbox_limits);
        let run = run_info(plugin, database, &request);
        let log = LogSink::new(&run.plugin, &run.tenant, &run.run_id, &limits.of_bindings());
        let log = Arc::new(log);
        let [stdout, stderr] = ["stdout", "stderr"].map(|stream| lines(&log, stream));
        let output = Output::new(request.stdout, limits.output_bytes);
        let mut arguments = vec![run.plugin.clone()];
        arguments.extend(request.arguments);
        let world = World {
            arguments,
            stdin: request.stdin,
            stdout: if plugin.is_program() {
                Stdout::Output(output.clone())
            } else {
                Stdout::Lines(stdout.clone())
            },
            stderr: stderr.clone(),
            started_at: run.started_at,
            seed: Seed::random(),
        };
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(sandbox_limits.handles);
        let state = State {
            session: database.session(SessionOptions {
                grants: plugin.grants().clone(),
                limits: request.database_limits,
                deadline,
                retry: request.retry,
                read_committed: request.read_committed,
                chaos: request.chaos,
            }),
            guard: Guard::new(Arc::clone(&budget), sandbox_limits),
            wasi: world.into_context(),
            resources,
            format: ResultFormat::default(),
            run,
            settings: request.settings,
            log,
            limits: limits.of_bindings(),
            meter: Meter {
                budget: Arc::clone(&budget),
                output: output.clone(),
                output_bytes: limits.output_bytes,
            },
        };
        let mut store = Store::new(runtime.engine().wasm(), state);
        watch_store(&mut store, sandbox_limits, |state| &mut state.guard);
        Self {
            runtime,
            plugin,
            store,
            budget,
            limits,
            output,
            lines: [stdout, stderr],
        }
    }

    /// Runs the plugin, and charges the run for it.
    async fn call(&mut self, input: &str) -> wasmtime::Result<Returned> {
        let call = self
            .plugin
            .entry()
            .call(self.plugin.component(), &mut self.store, input);
        self.budget.charge(call).await
    }

    /// Gives everything back: output first, then the memory, then the session.
    async fn finish(
        self,
        ended: Ended<wasmtime::Result<Returned>>,
        deadline: Instant,
        started: Instant,
    ) -> Outcome {
        let mut end = self.end(ended);
        for lines in &self.lines {
            lines.finish();
        }
        match timeout(CLOSING, self.output.finish()).await {
            Ok(Err(failed)) if matches!(end, End::Finished { .. }) => {
                end = End::OutputFailed(failed);
            }
            Ok(_) => {}
            Err(_) => tracing::warn!("the last of the output could not be passed on in time"),
        }
        let output_bytes = if let End::Finished {
            output: Some(output),
        } = &end
        {
            output.len() as u64
        } else {
            self.output.written()
        };
        let session = self.store.into_data().session;
        let statistics = session.statistics();
        let retries = session.retries();
        close(session).await;
        if let Some(step) = late(&end, deadline, started, &statistics) {
            end = End::Deadline {
                timeout: self.limits.timeout,
                step,
            };
        }
        Outcome {
            end,
            report: Report {
                attempts: 1,
                database: statistics,
                retries,
                cpu: self.budget.cpu(),
                peak_memory_bytes: self.budget.peak_memory_bytes(),
                output_bytes,
                elapsed: started.elapsed(),
            },
        }
    }

    fn end(&self, ended: Ended<wasmtime::Result<Returned>>) -> End {
        match ended {
            Ended::Done(Ok(returned)) => self.returned(returned),
            Ended::Done(Err(error)) => self.failed(&error),
            Ended::Deadline => End::Deadline {
                timeout: self.limits.timeout,
                step: Step::Running,
            },
            Ended::Interrupted => End::Interrupted,
            Ended::Panicked(message) => End::HostBug(message),
        }
    }

    fn returned(&self, returned: Returned) -> End {
        let used = match &returned {
            Returned::Output(output) => output.len() as u64,
            Returned::Error(_) | Returned::Success | Returned::Failure => 0,
        };
        if used > self.limits.output_bytes {
            return End::Limit(LimitReached {
                name: "output-bytes",
                used,
                maximum: self.limits.output_bytes,
            });
        }
        match returned {
            Returned::Output(output) => End::Finished {
                output: Some(output),
            },
            Returned::Error(message) => End::PluginError(message),
            Returned::Success => End::Finished { output: None },
            Returned::Failure => End::ProgramFailed { code: 1 },
        }
    }

    fn failed(&self, error: &wasmtime::Error) -> End {
        if let Some(bug) = error.downcast_ref::<HostBug>() {
            return End::HostBug(bug.to_string());
        }
        match classify(error, &self.budget, self.runtime.engine().limits()) {
            Fault::Limit(limit) => End::Limit(limit),
            Fault::Output(failed) => End::OutputFailed(failed),
            Fault::Trap(stop) => End::Trap(stop),
            Fault::Host(message) => End::HostBug(message),
            Fault::Exit(0) if self.plugin.is_program() => End::Finished { output: None },
            Fault::Exit(code) if self.plugin.is_program() => End::ProgramFailed { code },
            Fault::Exit(code) => End::Trap(Stop {
                kind: StopKind::Unreachable,
                message: format!("it exited with code {code} instead of returning from `run`"),
                frames: Vec::new(),
            }),
        }
    }
}

/// Where the time went, if it ran out. A guest can see the deadline before the watch does, as a statement that timed out, and then
/// gives that as its own error: it is the deadline all the same.
fn late(end: &End, deadline: Instant, started: Instant, statistics: &Statistics) -> Option<Step> {
    let is_late = match end {
        End::Deadline { .. } => true,
        End::PluginError(_)
        | End::ProgramFailed { .. }
        | End::Trap(_)
        | End::NotCommitted(_)
        | End::Unavailable(_) => Instant::now() >= deadline,
        End::Finished { .. }
        | End::Limit(_)
        | End::AttemptsExhausted { .. }
        | End::AmbiguousCommit(_)
        | End::Interrupted
        | End::OutputFailed(_)
        | End::HostBug(_) => false,
    };
    let in_database = statistics.time >= started.elapsed() / 2;
    is_late.then_some(if in_database {
        Step::Database
    } else {
        Step::Running
    })
}

/// The outcome of a run that got no slot.
fn unbegun(end: End, started: Instant) -> Outcome {
    Outcome {
        end,
        report: Report {
            attempts: 0,
            database: Statistics::default(),
            retries: Vec::new(),
            cpu: Duration::ZERO,
            peak_memory_bytes: 0,
            output_bytes: 0,
            elapsed: started.elapsed(),
        },
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

/// Closes the session, whatever state the run left it in. The run is over: what fails here is for the operator to read.
async fn close(session: Session) {
    let closed = AssertUnwindSafe(session.close()).catch_unwind();
    match timeout(CLOSING, closed).await {
        Ok(Ok(())) => {}
        Ok(Err(panic)) => {
            tracing::error!(panic = panic_message(&*panic), "closing a session panicked");
        }
        Err(_) => {
            tracing::warn!("a session could not be closed in time; its connection is dropped");
        }
    }
}
