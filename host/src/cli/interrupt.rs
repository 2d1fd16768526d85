//! Signals that end a run: the first one ends it in order, the second one at once.

use std::{future::Future, io};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use super::exit::{Exit, Failure};

/// The signals that ask for the end, from the moment that this is made.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Listens from now on; the system's own way to answer, which is to kill the process, is off.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one, and says how a run that it ends is reported.
    pub(super) async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
        }
    }
}

/// Who tells a run to end.
#[derive(Debug)]
pub(super) struct Interrupter(watch::Sender<Option<Exit>>);

/// Whether a run was told to end.
#[derive(Debug, Clone)]
pub(super) struct Interruption(watch::Receiver<Option<Exit>>);

/// The two ends of telling a run to end.
pub(super) fn channel() -> (Interrupter, Interruption) {
    let (sender, receiver) = watch::channel(None);
    (Interrupter(sender), Interruption(receiver))
}

impl Interrupter {
    /// Tells the run to end.
    pub(super) fn interrupt(&self, exit: Exit) {
        self.0.send_replace(Some(exit));
    }
}

impl Interruption {
    /// Waits until the run is told to end. Never resolves if nobody will.
    pub(super) async fn wait(mut self) -> Exit {
        let told = self
            .0
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|exit| *exit);
        match told {
            Some(exit) => exit,
            None => std::future::pending().await,
        }
    }

    /// How the run was told to end, if it was.
    pub(super) fn told(&self) -> Option<Exit> {
        *self.0.borrow()
    }

    /// Does a step that may be dropped in the middle.
    pub(super) async fn or<T>(&self, step: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::select! {
            done = step => Ok(done),
            exit = self.clone().wait() => Err(interrupted(exit)),
        }
    }
}

/// What is said about a run that was told to end.
pub(super) fn interrupted(exit: Exit) -> Failure {
    Failure::new(exit, "interrupted: what was not committed is undone")
}

/// What is said about a run that was left at once.
pub(super) fn abandoned(exit: Exit) -> Failure {
    Failure::new(
        exit,
        "interrupted twice: the run was left as it was, and the database undoes what was not committed when it notices",
    )
}

#[cfg(test)]
mod tests {
    use super::{Exit, channel};

    #[tokio::test]
    async fn a_step_is_given_up_when_the_run_is_told_to_end() {
        let (interrupter, interruption) = channel();
        assert_eq!(interruption.or(async { 7 }).await, Ok(7));
        let waiting = interruption.or(std::future::pending::<()>());
        let told = async { interrupter.interrupt(Exit::Terminated) };
        let (given_up, ()) = tokio::join!(waiting, told);
        assert_eq!(given_up.expect_err("told").exit, Exit::Terminated);
        assert_eq!(interruption.told(), Some(Exit::Terminated));
    }
}
