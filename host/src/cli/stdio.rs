//! The standard input and output of a run.

use std::{
    io::{self, Write as _},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, ReadBuf};

use super::exit::{Exit, Failure};

/// What a plugin finds as standard input when `--input -` has used it up: an error, and a note that it was asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct TakenInput {
    asked_for: Arc<AtomicBool>,
}

impl TakenInput {
    /// Whether the plugin wanted to read it.
    pub(super) fn was_asked_for(&self) -> bool {
        self.asked_for.load(Relaxed)
    }
}

impl AsyncRead for TakenInput {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.asked_for.store(true, Relaxed);
        Poll::Ready(Err(io::Error::other(
            "standard input was used up by --input -",
        )))
    }
}

/// What is said to who gave standard input to the host and to the plugin.
pub(super) fn asked_for_taken_input() -> Failure {
    Failure::new(
        Exit::Usage,
        "the plugin reads standard input, which `--input -` has used up",
    )
    .hint("give the input in a file, as --input @FILE, and leave standard input to the plugin")
}

/// Prints a plugin's output as a line. Whoever reads it may stop in the middle.
pub(super) fn print(output: Option<&str>) -> Result<(), Failure> {
    let Some(output) = output.filter(|output| !output.is_empty()) else {
        return Ok(());
    };
    let mut stdout = io::stdout().lock();
    let written = stdout
        .write_all(output.as_bytes())
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            Exit::Internal,
            format!("the plugin finished, but its output cannot be written: {error}"),
        )),
        _ => Ok(()),
    }
}
