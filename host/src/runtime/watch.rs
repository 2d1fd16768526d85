use std::{any::Any, fmt, future::Future, panic::AssertUnwindSafe, pin::pin, time::Duration};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Fuse},
};
use tokio::time::{Instant, sleep_until};

use crate::database::Account;

/// A wish of the caller that a run end early.
pub struct Interrupt(Fuse<BoxFuture<'static, ()>>);

impl Interrupt {
    /// It comes when this future is over.
    pub fn when(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(future.boxed().fuse())
    }

    /// It never comes.
    pub fn never() -> Self {
        Self(Fuse::terminated())
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Interrupt").finish_non_exhaustive()
    }
}

/// Watches over the steps of a run: none goes on after the deadline or an interrupt, and none takes the process with it.
#[derive(Debug)]
pub(super) struct Watch {
    deadline: Instant,
    interrupt: Interrupt,
    /// What the run does to the database.
    account: Account,
}

/// How a step ended.
#[derive(Debug)]
pub(super) enum Ended<T> {
    /// By itself, with this.
    Done(T),
    /// The deadline of the run came first.
    Deadline,
    /// The caller's wish came first.
    Interrupted,
    /// The deadline or the wish came during a commit, and what became of that is not known: what was seen of it.
    Unclear(String),
    /// The host panicked in it, with this message.
    Panicked(String),
}

impl Watch {
    pub(super) fn new(timeout: Duration, interrupt: Interrupt) -> Self {
        let now = Instant::now();
        // A timeout that no clock can show is as good as a year.
        let deadline = now
            .checked_add(timeout)
            .unwrap_or(now + Duration::from_hours(365 * 24));
        Self {
            deadline,
            interrupt,
            account: Account::default(),
        }
    }

    /// Has the commits of the run in view, which are waited for.
    pub(super) fn regard(&mut self, account: Account) {
        self.account = account;
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Runs a step to its end, or drops it where it stands; during a commit, when that is over.
    pub(super) async fn over<F: Future>(&mut self, step: F) -> Ended<F::Output> {
        let mut step = pin!(AssertUnwindSafe(step).catch_unwind());
        let stopped = tokio::select! {
            biased;
            result = &mut step => return Ended::of(result),
            () = &mut self.interrupt.0 => Ended::Interrupted,
            () = sleep_until(self.deadline) => Ended::Deadline,
        };
        tokio::select! {
            biased;
            result = &mut step => Ended::of(result),
            unclear = self.account.commit_ends() => unclear.map_or(stopped, Ended::Unclear),
        }
    }
}

impl<T> Ended<T> {
    fn of(result: Result<T, Box<dyn Any + Send>>) -> Self {
        match result {
            Ok(done) => Self::Done(done),
            Err(panic) => Self::Panicked(panic_message(&*panic)),
        }
    }
}

pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Ended, Interrupt, Watch};
    use std::future::{pending, ready};

    #[tokio::test]
    async fn a_step_ends_by_itself_or_by_the_first_that_comes() {
        let soon = Duration::from_millis(20);
        let interrupt = || Interrupt::when(tokio::time::sleep(soon));
        let mut watch = Watch::new(soon, Interrupt::never());
        assert!(matches!(watch.over(ready(1)).await, Ended::Done(1)));
        assert!(matches!(watch.over(pending::<()>()).await, Ended::Deadline));
        let mut watch = Watch::new(Duration::MAX, interrupt());
        assert!(matches!(
            watch.over(pending::<()>()).await,
            Ended::Interrupted
        ));
        let panics = async { std::panic::resume_unwind(Box::new("on purpose")) };
        match watch.over(panics).await {
            Ended::Panicked(message) => assert_eq!(message, "on purpose"),
            Ended::Done(()) | Ended::Deadline | Ended::Interrupted | Ended::Unclear(_) => {
                unreachable!("it panics")
            }
        }
    }

    #[tokio::test]
    async fn a_timeout_beyond_all_clocks_is_no_panic() {
        let mut watch = Watch::new(Duration::MAX, Interrupt::never());
        assert!(matches!(watch.over(ready(())).await, Ended::Done(())));
    }
}
