//! What all commands have in common: how they begin, and how every failure is told.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
};

use super::{
    exit::{Exit, Failure},
    terminal::Terminal,
};
use crate::{
    config::Environment,
    telemetry::{self, Choice, Format},
};

/// Does the work of a command, and tells why it failed, even if that is a panic.
pub(super) fn guard(terminal: Terminal, work: impl FnOnce() -> Result<Exit, Failure>) -> Exit {
    terminal.report_panics();
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(exit)) => exit,
        Ok(Err(failure)) => {
            terminal.error(&failure);
            failure.exit
        }
        // The panic has told about itself.
        Err(_) => Exit::Internal,
    }
}

/// The same for a command that answers on standard output and runs no plugin.
pub(super) fn answer<W>(work: impl FnOnce(Environment) -> W) -> Exit
where
    W: Future<Output = Result<Exit, Failure>>,
{
    let terminal = Terminal {
        format: Format::Text,
        quiet: false,
    };
    guard(terminal, || {
        let environment = Environment::of_process();
        let filter = environment.text("RUST_LOG").map_err(usage)?;
        let choice = Choice {
            filter,
            ..Choice::default()
        };
        telemetry::start(Format::Text, choice).map_err(usage)?;
        let executor = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error: io::Error| Failure::caused_by(Exit::Internal, error))?;
        executor.block_on(work(environment))
    })
}

/// A mistake of the operator.
pub(super) fn usage(error: impl Into<anyhow::Error>) -> Failure {
    Failure::caused_by(Exit::Usage, error)
}
