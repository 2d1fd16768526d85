//! What an outcome comes to: the exit code, and what is said.

use std::path::Path;

use super::{
    amount,
    exit::{Exit, Failure},
    interrupt::interrupted,
};
use crate::{
    config,
    runtime::{End, Refusal, StartError, Step},
};

/// How much of a crashed plugin's call stack is shown.
const FRAMES: usize = 12;

/// The plugin's output, or why there is none. A signal that ended the run is known to the caller only.
pub(super) fn of(end: End, told: Option<Exit>) -> Result<Option<String>, Failure> {
    let message = end.to_string();
    Err(match end {
        End::Finished { output } => return Ok(output),
        End::PluginError(_) => Failure::new(Exit::PluginError, message),
        End::ProgramFailed { .. } => Failure::new(Exit::PluginError, message)
            .hint("what the program had to say is in the log above"),
        End::Limit(reached) => {
            let (name, unit) = config::limit_of(reached.name);
            let used = amount::of_unit(unit, reached.used);
            let maximum = amount::of_unit(unit, reached.maximum);
            Failure::new(
                Exit::Limit,
                format!(
                    "the plugin was stopped by limit `{name}`: {used} needed, {maximum} allowed"
                ),
            )
            .hint(format!(
                "if that is too little for good work, raise it: --limit {name}=…; `host explain {name}` says more"
            ))
        }
        End::Deadline { step, .. } => Failure::new(Exit::Limit, message).hint(match step {
            Step::Running => "if that is too little for good work, raise it: --timeout …",
            Step::Database => "find out what the database waits for, or raise it: --timeout …",
            Step::Waiting => "try again when fewer plugins run",
        }),
        End::Trap(stop) => {
            // A number without a name tells nobody anything: plugins are mostly built without names.
            let frames = stop
                .frames
                .iter()
                .filter(|frame| !frame.function.starts_with("function "))
                .take(FRAMES);
            let frames = frames.map(|frame| format!("\nat {frame}"));
            Failure::new(Exit::Trap, message + &frames.collect::<String>()).hint(
                "what was not committed is undone; what the plugin said before is in the log above",
            )
        }
        End::NotCommitted(_) => Failure::new(Exit::NotCommitted, message)
            .hint("a plugin commits what it begins, and passes on the errors that it gets or undoes the savepoint around them; `host explain not-committed` says more"),
        End::AttemptsExhausted { .. } => Failure::new(Exit::RetriesExhausted, message)
            .hint("try again later, or allow more retries: --max-retries …"),
        End::AmbiguousCommit(_) => Failure::new(Exit::AmbiguousCommit, message).hint(
            "look whether it happened before running it again; `host check --prepare` lets the host find out by itself",
        ),
        End::Unavailable(_) => Failure::new(Exit::Unreachable, message).hint("try again later"),
        End::Interrupted => interrupted(told.unwrap_or(Exit::Interrupted)),
        End::OutputFailed(failed) if failed.closed => Failure::new(
            Exit::Interrupted,
            "interrupted: nobody reads standard output any more; what was not committed is undone",
        ),
        End::OutputFailed(_) => Failure::new(Exit::Internal, message),
        End::HostBug(_) => Failure::new(Exit::Internal, message)
            .hint("please report it with this message and what you did"),
    })
}

/// Why a plugin is not run.
pub(super) fn of_refusal(plugin: &Path, refusal: Refusal) -> Failure {
    if matches!(refusal, Refusal::HostBug(_)) {
        return Failure::caused_by(Exit::Internal, refusal);
    }
    Failure::new(
        Exit::Refused,
        format!("`{}` cannot be run: {refusal}", plugin.display()),
    )
}

/// Why nothing can be run. The address space of all memories is set aside at the start: limits can ask for more than there is.
pub(super) fn of_start(error: StartError) -> Failure {
    match error {
        StartError::Engine(_) => Failure::caused_by(Exit::Usage, error)
            .hint("if this machine has too little memory for the limits, lower them: --memory …"),
        StartError::Link(_) => Failure::caused_by(Exit::Internal, error),
        StartError::Cache(_) => Failure::caused_by(Exit::Usage, error)
            .hint("name a directory that only you can write, with --cache-dir"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{End, Exit, Step, of};
    use crate::sandbox::{Frame, LimitReached, OutputFailed, Stop, StopKind};

    fn limit(name: &'static str, used: u64, maximum: u64) -> End {
        End::Limit(LimitReached {
            name,
            used,
            maximum,
        })
    }

    fn output_failed(closed: bool) -> End {
        End::OutputFailed(OutputFailed {
            closed,
            message: "No space left on device".to_owned(),
        })
    }

    fn trap() -> End {
        End::Trap(Stop {
            kind: StopKind::Unreachable,
            message: "it gave up".to_owned(),
            frames: vec![Frame {
                module: Some("users".to_owned()),
                function: "main".to_owned(),
            }],
        })
    }

    fn deadline() -> End {
        End::Deadline {
            timeout: Duration::from_secs(2),
            step: Step::Running,
        }
    }

    #[test]
    fn every_end_has_its_exit_and_its_words() {
        for (end, exit, words) in [
            (
                End::PluginError("no such user".into()),
                Exit::PluginError,
                "no such user",
            ),
            (
                End::ProgramFailed { code: 1 },
                Exit::PluginError,
                "exit code 1",
            ),
            (
                limit("cpu-ms", 30_000, 30_000),
                Exit::Limit,
                "the plugin was stopped by limit `cpu`: 30 s needed, 30 s allowed",
            ),
            (deadline(), Exit::Limit, "(limit `timeout`)"),
            (
                trap(),
                Exit::Trap,
                "the plugin crashed: it gave up\nat users!main",
            ),
            (
                End::Interrupted,
                Exit::Terminated,
                "interrupted: what was not committed is undone",
            ),
            (
                output_failed(true),
                Exit::Interrupted,
                "nobody reads standard output any more",
            ),
            (
                output_failed(false),
                Exit::Internal,
                "No space left on device",
            ),
            (
                End::HostBug("oh".into()),
                Exit::Internal,
                "a bug of the host: oh",
            ),
        ] {
            let failure = of(end, Some(Exit::Terminated)).expect_err(words);
            assert_eq!(failure.exit, exit, "{failure:?}");
            assert!(failure.message.contains(words), "{failure:?}");
        }
        let output = Some("{}".to_owned());
        assert_eq!(
            of(
                End::Finished {
                    output: output.clone()
                },
                None
            ),
            Ok(output)
        );
    }
}
