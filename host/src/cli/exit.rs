//! How a run ends: the exit codes, and what is said with them.

use std::{fmt, process::ExitCode};

/// The exit codes of the host. One table, which `host run --help` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// The plugin finished.
    Success,
    /// The plugin says itself that it failed.
    PluginError,
    /// The command line or the configuration cannot be used. Nothing was run.
    Usage,
    /// The plugin's file cannot be read, or is none that may run here. Nothing was run, and the database was not contacted.
    Refused,
    /// A limit or the deadline ended the run.
    Limit,
    /// The plugin crashed.
    Trap,
    /// A transaction lost every one of its attempts.
    RetriesExhausted,
    /// The connection was lost during a commit: whether it happened is not known.
    AmbiguousCommit,
    /// The database cannot be reached, or does not let the host in.
    Unreachable,
    /// The plugin said that it finished, but what it wrote was not committed.
    NotCommitted,
    /// The host itself failed.
    Internal,
    /// SIGINT ended the run.
    Interrupted,
    /// SIGTERM ended the run.
    Terminated,
}

impl Exit {
    /// All of them, in the order of their codes.
    pub(super) const ALL: [Self; 13] = [
        Self::Success,
        Self::PluginError,
        Self::Usage,
        Self::Refused,
        Self::Limit,
        Self::Trap,
        Self::RetriesExhausted,
        Self::AmbiguousCommit,
        Self::Unreachable,
        Self::NotCommitted,
        Self::Internal,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The number that the shell sees.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::PluginError => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Limit => 4,
            Self::Trap => 5,
            Self::RetriesExhausted => 6,
            Self::AmbiguousCommit => 7,
            Self::Unreachable => 8,
            Self::NotCommitted => 9,
            Self::Internal => 70,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// The name in a summary for programs.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Success => "ok",
            Self::PluginError => "plugin-error",
            Self::Usage => "usage",
            Self::Refused => "refused",
            Self::Limit => "limit",
            Self::Trap => "trap",
            Self::RetriesExhausted => "retries-exhausted",
            Self::AmbiguousCommit => "ambiguous-commit",
            Self::Unreachable => "unreachable",
            Self::NotCommitted => "not-committed",
            Self::Internal => "internal",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }

    /// What it means, in a line.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Success => "the plugin finished",
            Self::PluginError => "the plugin reports an error of its own",
            Self::Usage => "the command line or the configuration is wrong; nothing was run",
            Self::Refused => "the plugin was refused before anything was run",
            Self::Limit => "a limit or the deadline ended the run",
            Self::Trap => "the plugin crashed",
            Self::RetriesExhausted => "a transaction lost the race in all its attempts",
            Self::AmbiguousCommit => "a commit was sent and never answered: it may have happened",
            Self::Unreachable => "the database cannot be reached: network, TLS or login",
            Self::NotCommitted => "the plugin finished, but what it wrote was not committed",
            Self::Internal => "the host itself failed",
            Self::Interrupted => "interrupted by SIGINT (Ctrl-C); what was not committed is undone",
            Self::Terminated => "ended by SIGTERM; what was not committed is undone",
        }
    }

    /// The table for people.
    pub(super) fn table() -> String {
        Self::ALL
            .map(|exit| format!("  {:>3}  {}", exit.code(), exit.meaning()))
            .join("\n")
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why there is no success, as it is said to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// Which exit code it comes to.
    pub(super) exit: Exit,
    /// What happened, and to what.
    pub(super) message: String,
    /// What to do about it.
    pub(super) hint: Option<String>,
}

impl Failure {
    /// A failure with its message.
    pub(super) fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self {
            exit,
            message: message.to_string(),
            hint: None,
        }
    }

    /// A failure with the message of an error and of all that caused it, each said once.
    pub(super) fn caused_by(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        let mut messages = Vec::new();
        for message in error.into().chain().map(ToString::to_string) {
            if !messages
                .iter()
                .any(|said: &String| said.ends_with(&message))
            {
                messages.push(message);
            }
        }
        Self::new(exit, messages.join(": "))
    }

    /// Adds what to do about it.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{Exit, Failure};

    #[test]
    fn a_failure_says_every_cause_once() {
        let error = anyhow::anyhow!("no such file")
            .context("cannot read it: no such file")
            .context("--input");
        let failure = Failure::caused_by(Exit::Usage, error);
        assert_eq!(failure.message, "--input: cannot read it: no such file");
    }

    #[test]
    fn every_exit_has_a_code_and_a_name_of_its_own() {
        let codes = Exit::ALL.map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 70, 130, 143]);
        let mut names = Exit::ALL.map(Exit::name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Exit::ALL.len());
    }
}
