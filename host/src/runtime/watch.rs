use std::{any::Any, fmt, future::Future, panic::AssertUnwindSafe, pin::pin, time::Duration};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Fuse},
};
use tokio::time::{Instant, sleep_until};

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
        }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Runs a step to its end, or drops it where it stands.
    pub(super) async fn over<F: Future>(&mut self, step: F) -> Ended<F::Output> {
        let mut step = pin!(AssertUnwindSafe(step).catch_unwind());
        tokio::select! {
            biased;
            result = &mut step => match result {
                Ok(done) => Ended::Done(done),
                Err(panic) => Ended::Panicked(panic_message(&*panic)),
            },
            () = &mut self.interrupt.0 => Ended::Interrupted,
            () = sleep_until(self.deadline) => Ended::Deadline,
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
            Ended::Done(()) | Ended::Deadline | Ended::Interrupted => unreachable!("it panics"),
        }
    }

    #[tokio::test]
    async fn a_timeout_beyond_all_clocks_is_no_panic() {
        let mut watch = Watch::new(Duration::MAX, Interrupt::never());
        assert!(matches!(watch.over(ready(())).await, Ended::Done(())));
    }
}
