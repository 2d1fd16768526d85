use std::{mem, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    time::{Instant, timeout},
};
use wasmtime::Store;

use crate::{
    bindings::HostBug,
    database::{
        Database, Error, Session, SessionOptions, Statistics, TimeoutStep, TransactionOptions,
    },
    sandbox::{Fault, LimitReached, Output, OutputFailed, Stdin, Stop, StopKind},
};

use super::{
    End, Interrupt, Limits, Outcome, Plugin, Report, Request, Runtime, State, Step,
    entry::Returned,
    launch::{Launch, Part},
    replay::Replay,
    watch::{Ended, Watch, panic_message},
    withheld::Withheld,
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
        // All at once: a run that waited for the slot of an operation while it holds its own could wait for ever.
        let slots = self.slots.acquire_many(plugin.slots());
        let slots = match watch.over(slots).await {
            Ended::Done(Ok(slots)) => slots,
            Ended::Done(Err(closed)) => return unbegun(End::HostBug(closed.to_string()), started),
            Ended::Deadline => {
                let end = End::Deadline {
                    timeout: limits.timeout,
                    step: Step::Waiting,
                };
                return unbegun(end, started);
            }
            Ended::Interrupted => return unbegun(End::Interrupted, started),
            Ended::Unclear(seen) => return unbegun(End::AmbiguousCommit(seen), started),
            Ended::Panicked(message) => return unbegun(End::HostBug(message), started),
        };
        let sandbox_limits = *self.engine().limits();
        let launch = Launch::new(plugin, database, sandbox_limits, &mut request);
        let session = database.session(SessionOptions {
            grants: plugin.grants().clone(),
            limits: request.database_limits,
            deadline: watch.deadline(),
            retry: request.retry,
            read_committed: request.read_committed,
            chaos: request.chaos,
        });
        watch.regard(session.account());
        let run = Run {
            launch: Arc::new(launch),
            watch,
            limits,
            input: request.input,
            started,
        };
        let outcome = match request.transaction {
            None => Box::pin(run.once(session, request.stdin, request.stdout)).await,
            Some(options) => {
                let stdin = Replay::new(request.stdin, limits.stdin_bytes);
                Box::pin(run.repeatedly(session, &options, stdin, request.stdout)).await
            }
        };
        drop(slots);
        outcome
    }
}

/// A run that has its slots.
struct Run {
    launch: Arc<Launch>,
    watch: Watch,
    limits: Limits,
    input: String,
    started: Instant,
}

/// What a run comes to, before it is reported.
struct Ending {
    end: End,
    attempts: u32,
    output_bytes: u64,
}

impl Ending {
    /// An end after so many attempts; a program has written so many bytes.
    fn new(end: End, attempts: u32, written: u64) -> Self {
        let output_bytes = if let End::Finished {
            output: Some(output),
        } = &end
        {
            output.len() as u64
        } else {
            written
        };
        Self {
            end,
            attempts,
            output_bytes,
        }
    }
}

impl Run {
    /// Runs the plugin once; each of its calls is a transaction of its own, unless it says otherwise.
    async fn once(
        mut self,
        session: Session,
        stdin: Stdin,
        stdout: Box<dyn AsyncWrite + Send + Unpin>,
    ) -> Outcome {
        let output = Output::new(stdout, self.limits.output_bytes);
        let mut store = self.launch.store(Part {
            session,
            attempt: 1,
            started_at: self.launch.started_at(),
            seed: self.launch.seeds.draw(),
            stdin,
            output: output.clone(),
        });
        let end = self.call(&mut store).await;
        // Output first, then the memory, then the session.
        self.launch.finish_lines();
        let mut end = pass_on(end, &output).await;
        let session = store.into_data().session;
        if matches!(end, End::Finished { .. }) && session.is_in_transaction() {
            end = End::NotCommitted(
                "a transaction was left open: commit it, or roll it back".to_owned(),
            );
        }
        let written = output.written();
        let ending = Ending::new(end, 1, written);
        self.close(session, ending).await
    }

    /// Runs the plugin as one transaction, in a fresh instance for each attempt. What a failed attempt printed is never seen.
    async fn repeatedly(
        mut self,
        mut session: Session,
        options: &TransactionOptions,
        stdin: Replay,
        stdout: Box<dyn AsyncWrite + Send + Unpin>,
    ) -> Outcome {
        let repeated = self.watch.over(session.repeated(options)).await;
        let mut repeated = match self.settled(repeated) {
            Ok(repeated) => repeated,
            Err(end) => {
                let ending = Ending::new(end, 0, 0);
                return self.close(session, ending).await;
            }
        };
        let seed = self.launch.seeds.draw();
        let mut attempts = 0;
        let (end, withheld) = loop {
            let withheld = Withheld::default();
            let begun = self.watch.over(repeated.begin()).await;
            let begun = match self.settled(begun) {
                Ok(begun) => begun,
                Err(end) => break (end, withheld),
            };
            attempts = repeated.attempt();
            let output = Output::new(Box::new(withheld.clone()), self.limits.output_bytes);
            let mut store = self.launch.store(Part {
                session: begun,
                attempt: attempts,
                started_at: self.launch.started_at(),
                seed,
                stdin: stdin.reader(),
                output: output.clone(),
            });
            let end = self.call(&mut store).await;
            self.launch.finish_lines();
            let end = pass_on(end, &output).await;
            let end = stdin.exceeded().map_or(end, End::Limit);
            let attempted = store.into_data().session;
            if is_final(&end) {
                close(attempted).await;
                break (end, withheld);
            }
            // Not under the watch: what became of a commit must be known.
            let done = matches!(end, End::Finished { .. });
            let ended = AssertUnwindSafe(repeated.end(attempted, done)).catch_unwind();
            let ended = match ended.await {
                Ok(ended) => ended,
                Err(panic) => break (End::HostBug(panic_message(&*panic)), withheld),
            };
            let again = async { Ok(repeated.conclude(ended).await) };
            let concluded = self.watch.over(again).await;
            match self.settled(concluded) {
                Ok(None) => {}
                Ok(Some(Ok(()))) => break (end, withheld),
                Ok(Some(Err(error))) => break (self.not_committed(error), withheld),
                Err(end) => break (end, withheld),
            }
        };
        let (end, written) = release(end, &withheld, stdout).await;
        if let End::AttemptsExhausted { attempts: all, .. } = &end {
            attempts = *all;
        }
        let ending = Ending::new(end, attempts, written);
        self.close(session, ending).await
    }

    /// Calls the plugin, and charges the run for it.
    async fn call(&mut self, store: &mut Store<State>) -> End {
        let plugin = self.launch.plugin.clone();
        let call = plugin.entry().call(plugin.component(), store, &self.input);
        let call = self.launch.budget.charge(call);
        match self.watch.over(call).await {
            Ended::Done(Ok(returned)) => self.returned(returned),
            Ended::Done(Err(error)) => self.failed(&error),
            Ended::Deadline => self.late(),
            Ended::Interrupted => End::Interrupted,
            Ended::Unclear(seen) => End::AmbiguousCommit(seen),
            Ended::Panicked(message) => End::HostBug(message),
        }
    }

    /// What a step gave that asks the database, or how the run ends for want of it.
    fn settled<T>(&self, ended: Ended<Result<T, Error>>) -> Result<T, End> {
        match ended {
            Ended::Done(outcome) => outcome.map_err(|error| self.not_committed(error)),
            Ended::Deadline => Err(self.late()),
            Ended::Interrupted => Err(End::Interrupted),
            Ended::Unclear(seen) => Err(End::AmbiguousCommit(seen)),
            Ended::Panicked(message) => Err(End::HostBug(message)),
        }
    }

    /// How a run ends whose transaction was not committed, or may not have been.
    fn not_committed(&self, error: Error) -> End {
        let is_unreached = matches!(
            error,
            Error::Unavailable(_)
                | Error::Busy(_)
                | Error::Timeout(TimeoutStep::Waiting | TimeoutStep::Connecting)
        );
        if let Error::Invalid(message) = error {
            End::NotCommitted(message)
        } else if let Error::AttemptsExhausted { attempts, last } = error {
            End::AttemptsExhausted {
                attempts,
                message: last.message,
            }
        } else if let Error::AmbiguousCommit(seen) = error {
            End::AmbiguousCommit(seen)
        } else if error == Error::Timeout(TimeoutStep::Running) {
            self.late()
        } else if is_unreached {
            End::Unavailable(error.to_string())
        } else {
            End::NotCommitted(error.to_string())
        }
    }

    fn late(&self) -> End {
        End::Deadline {
            timeout: self.limits.timeout,
            step: Step::Running,
        }
    }

    /// Closes the session, and reports.
    async fn close(self, session: Session, ending: Ending) -> Outcome {
        let Ending {
            mut end,
            attempts,
            output_bytes,
        } = ending;
        let account = session.account();
        close(session).await;
        let statistics = account.statistics();
        if let Some(step) = late(&end, self.watch.deadline(), self.started, &statistics) {
            end = End::Deadline {
                timeout: self.limits.timeout,
                step,
            };
        }
        Outcome {
            end,
            report: Report {
                attempts,
                database: statistics,
                retries: account.retries(),
                cpu: self.launch.budget.cpu(),
                peak_memory_bytes: self.launch.budget.peak_memory_bytes(),
                output_bytes,
                elapsed: self.started.elapsed(),
            },
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
        let is_program = self.launch.plugin.is_program();
        match self.launch.fault(error) {
            Fault::Limit(limit) => End::Limit(limit),
            Fault::Output(failed) => End::OutputFailed(failed),
            Fault::Trap(stop) => End::Trap(stop),
            Fault::Host(message) => End::HostBug(message),
            Fault::Exit(0) if is_program => End::Finished { output: None },
            Fault::Exit(code) if is_program => End::ProgramFailed { code },
            Fault::Exit(code) => End::Trap(Stop {
                kind: StopKind::Unreachable,
                message: format!("it exited with code {code} instead of returning from `run`"),
                frames: Vec::new(),
            }),
        }
    }
}

/// Passes on the last of the output.
async fn pass_on(end: End, output: &Output) -> End {
    match timeout(CLOSING, output.finish()).await {
        Ok(Err(failed)) if matches!(end, End::Finished { .. }) => End::OutputFailed(failed),
        Ok(_) => end,
        Err(_) => {
            tracing::warn!("the last of the output could not be passed on in time");
            end
        }
    }
}

/// Passes on what was withheld until the transaction was committed.
async fn release(
    end: End,
    withheld: &Withheld,
    mut stdout: Box<dyn AsyncWrite + Send + Unpin>,
) -> (End, u64) {
    let bytes = withheld.take();
    if !matches!(end, End::Finished { .. }) {
        return (end, 0);
    }
    let written = async {
        stdout.write_all(&bytes).await?;
        stdout.flush().await
    };
    match timeout(CLOSING, written).await {
        Ok(Ok(())) => (end, bytes.len() as u64),
        Ok(Err(error)) => (End::OutputFailed(OutputFailed::from(&error)), 0),
        Err(_) => {
            tracing::warn!("the output could not be passed on in time");
            (end, 0)
        }
    }
}

/// Whether a run ends with this attempt, whatever became of its transaction.
fn is_final(end: &End) -> bool {
    match end {
        End::Limit(_)
        | End::Deadline { .. }
        | End::Interrupted
        | End::OutputFailed(_)
        | End::HostBug(_) => true,
        End::Finished { .. }
        | End::PluginError(_)
        | End::ProgramFailed { .. }
        | End::Trap(_)
        | End::NotCommitted(_)
        | End::AttemptsExhausted { .. }
        | End::AmbiguousCommit(_)
        | End::Unavailable(_) => false,
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
