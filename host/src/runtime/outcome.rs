use std::{fmt, time::Duration};

use crate::{
    database::{RetryCount, Statistics},
    sandbox::{LimitReached, OutputFailed, Stop},
};

use super::Reason;

/// How a run ended, and what it took.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// What it took.
    pub report: Report,
}

/// How a run ended.
#[derive(Debug)]
pub enum End {
    /// It finished. A plugin with the export `run` gives its output here, a program has written it by now.
    Finished {
        /// What `run` returned.
        output: Option<String>,
    },
    /// The plugin's `run` returned this error, in its own words.
    PluginError(String),
    /// The program ended with an exit code that says failure. Its words are in the log.
    ProgramFailed {
        /// The code; WASI knows hardly more than 1.
        code: i32,
    },
    /// A limit stopped it.
    Limit(LimitReached),
    /// It was not over in time.
    Deadline {
        /// The limit `timeout`.
        timeout: Duration,
        /// Where the time went.
        step: Step,
    },
    /// The sandbox stopped it for what it did.
    Trap(Stop),
    /// It finished, but what it wrote was not kept: a statement had failed, or a transaction was left open. In these words.
    NotCommitted(String),
    /// The run was one transaction, and lost in all its attempts.
    AttemptsExhausted {
        /// Attempts made.
        attempts: u32,
        /// Why the last one failed.
        message: String,
    },
    /// The run was one transaction, and no clear answer came to its commit: it may have happened.
    AmbiguousCommit(String),
    /// The run was one transaction, and the database could not be reached, or gave no connection in time.
    Unavailable(String),
    /// The caller asked for its end.
    Interrupted,
    /// Its output could not be passed on.
    OutputFailed(OutputFailed),
    /// The host failed, through no fault of the plugin.
    HostBug(String),
}

/// Where the time of a run that was not over in time went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Waiting for a slot: other runs have them all.
    Waiting,
    /// Mostly waiting for the database.
    Database,
    /// In the plugin itself.
    Running,
}

/// Who can do something about an end that is no success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// Who wrote the plugin.
    Plugin,
    /// Who runs it.
    Operator,
    /// Who runs the database.
    Database,
    /// Who wrote this host.
    Host,
}

impl End {
    /// The same for programs.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Finished { .. } => Reason::Finished,
            Self::PluginError(_) => Reason::PluginError,
            Self::ProgramFailed { .. } => Reason::ProgramFailed,
            Self::Limit(_) => Reason::Limit,
            Self::Deadline { step, .. } => Reason::Deadline(*step),
            Self::Trap(stop) => Reason::Trap(stop.kind),
            Self::NotCommitted(_) => Reason::NotCommitted,
            Self::AttemptsExhausted { .. } => Reason::AttemptsExhausted,
            Self::AmbiguousCommit(_) => Reason::AmbiguousCommit,
            Self::Unavailable(_) => Reason::Unavailable,
            Self::Interrupted => Reason::Interrupted,
            Self::OutputFailed(_) => Reason::OutputFailed,
            Self::HostBug(_) => Reason::HostBug,
        }
    }

    /// Who can do something about it; nobody if it is a success.
    pub fn blame(&self) -> Option<Blame> {
        match self {
            Self::Finished { .. } => None,
            Self::PluginError(_)
            | Self::ProgramFailed { .. }
            | Self::Limit(_)
            | Self::Trap(_)
            | Self::NotCommitted(_)
            | Self::Deadline {
                step: Step::Running,
                ..
            } => Some(Blame::Plugin),
            Self::Interrupted
            | Self::OutputFailed(_)
            | Self::Deadline {
                step: Step::Waiting,
                ..
            } => Some(Blame::Operator),
            Self::Deadline {
                step: Step::Database,
                ..
            }
            | Self::AttemptsExhausted { .. }
            | Self::AmbiguousCommit(_)
            | Self::Unavailable(_) => Some(Blame::Database),
            Self::HostBug(_) => Some(Blame::Host),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished { .. } => formatter.write_str("the plugin finished"),
            Self::PluginError(message) => write!(formatter, "the plugin reports: {message}"),
            Self::ProgramFailed { code } => {
                write!(formatter, "the program ended with exit code {code}")
            }
            Self::Limit(limit) => write!(formatter, "the plugin was stopped: {limit}"),
            Self::Deadline { timeout, step } => {
                let seconds = timeout.as_secs_f64();
                match step {
                    Step::Waiting => write!(
                        formatter,
                        "no slot came free within {seconds} s (limit `timeout`)"
                    ),
                    Step::Database => write!(
                        formatter,
                        "the run was not over after {seconds} s (limit `timeout`), most of it spent waiting for the database"
                    ),
                    Step::Running => write!(
                        formatter,
                        "the run was not over after {seconds} s (limit `timeout`)"
                    ),
                }
            }
            Self::Trap(stop) => write!(formatter, "the plugin crashed: {}", stop.message),
            Self::NotCommitted(message) => write!(
                formatter,
                "the plugin finished, but what it wrote was not committed: {message}"
            ),
            Self::AttemptsExhausted { attempts, message } => {
                let s = if *attempts == 1 { "" } else { "s" };
                write!(
                    formatter,
                    "the run was given up after {attempts} attempt{s}: {message}"
                )
            }
            Self::AmbiguousCommit(message) => write!(
                formatter,
                "it is not known whether what it did was committed: {message}"
            ),
            Self::Unavailable(message) => {
                write!(formatter, "nothing was committed: {message}")
            }
            Self::Interrupted => formatter.write_str("the run was interrupted"),
            Self::OutputFailed(failed) => failed.fmt(formatter),
            Self::HostBug(message) => write!(formatter, "a bug of the host: {message}"),
        }
    }
}

/// What a run took.
#[derive(Debug, Clone)]
pub struct Report {
    /// How often it was tried, from 1; 0 if it never began.
    pub attempts: u32,
    /// Its use of the database.
    pub database: Statistics,
    /// Why attempts failed that were followed by others, or after which the work was given up.
    pub retries: Vec<RetryCount>,
    /// Processor time, in the plugin and in what the host did for it.
    pub cpu: Duration,
    /// The most memory it had at one time.
    pub peak_memory_bytes: u64,
    /// The bytes of its output.
    pub output_bytes: u64,
    /// By the clock on the wall.
    pub elapsed: Duration,
}

#[cfg(test)]
mod tests {
    use super::{Blame, Duration, End, Step};

    #[test]
    fn a_deadline_says_where_the_time_went_and_who_can_help() {
        let end = |step| End::Deadline {
            timeout: Duration::from_millis(1500),
            step,
        };
        assert_eq!(
            end(Step::Waiting).to_string(),
            "no slot came free within 1.5 s (limit `timeout`)"
        );
        assert_eq!(end(Step::Waiting).blame(), Some(Blame::Operator));
        assert_eq!(end(Step::Database).blame(), Some(Blame::Database));
        assert_eq!(end(Step::Running).blame(), Some(Blame::Plugin));
        assert_eq!(End::Finished { output: None }.blame(), None);
    }
}
