//! Doing again what lost a race: how often, after what wait, and when no more.
//!
//! [`RetryPolicy`] is what the operator chose; [`Attempts`] counts those of one piece of work and decides after each that failed. All who do
//! work again ask it, and nothing else: the sessions here, each call for itself.
//!
//! Invariants: decides by the [`RetryReason`] alone, never by the text of a message. What decides knows no clock and draws no numbers:
//! both are passed in.

mod policy;

use std::time::Duration;

use tokio::time::{Instant, sleep};

pub use policy::{InvalidRetryPolicy, RetryPolicy};

use super::{
    account::Account,
    error::{Error, RetryReason},
    statistics::Statistics,
};

/// The attempts of one piece of work so far.
#[derive(Debug)]
pub(super) struct Attempts {
    /// What is done, for the log.
    name: &'static str,
    policy: RetryPolicy,
    deadline: Instant,
    account: Account,
    failed: u32,
    /// Which transaction of the run it is, from 1, if it is one of the guest's.
    transaction: Option<u64>,
}

impl Attempts {
    pub(super) fn new(
        name: &'static str,
        policy: RetryPolicy,
        deadline: Instant,
        account: Account,
    ) -> Self {
        Self {
            name,
            policy,
            deadline,
            account,
            failed: 0,
            transaction: None,
        }
    }

    /// Says which transaction of the run the work is, from 1.
    pub(super) fn of_transaction(&mut self, number: u64) {
        self.transaction = Some(number);
    }

    /// Which attempt is under way, from 1.
    pub(super) fn current(&self) -> u32 {
        self.failed + 1
    }

    /// Which transaction of the run it is, if it is one of the guest's, and which attempt at it is under way.
    pub(super) fn place(&self) -> Option<(u64, u32)> {
        Some((self.transaction?, self.current()))
    }

    /// When the work must be done.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The outcome of the work, or none if this attempt must be followed by another: after the wait, which is over then. What fails
    /// with [`Error::Retry`] must have left nothing open.
    pub(super) async fn conclude<T>(
        &mut self,
        outcome: Result<T, Error>,
    ) -> Option<Result<T, Error>> {
        let Err(Error::Retry(reason)) = outcome else {
            return Some(outcome);
        };
        self.account.lost(&reason);
        match self.again(reason, Instant::now(), rand::random()) {
            Ok(wait) => {
                sleep(wait).await;
                self.account.add(Statistics {
                    retries: 1,
                    waited: wait,
                    ..Statistics::default()
                });
                None
            }
            Err(error) => Some(Err(error)),
        }
    }

    /// How long to wait before the next attempt, after one failed now. `chance` is drawn evenly from 0 to 1.
    ///
    /// Fails when there are no attempts left, or when the deadline would pass during the wait.
    fn again(&mut self, reason: RetryReason, now: Instant, chance: f64) -> Result<Duration, Error> {
        self.failed += 1;
        let wait = self.policy.wait(self.failed, chance);
        let is_late = now + wait >= self.deadline;
        if self.failed > self.policy.max_retries() || is_late {
            tracing::info!(
                work = self.name,
                transaction = self.transaction,
                statement = reason.statement,
                attempts = self.failed,
                sqlstate = reason.sqlstate,
                reason = reason.message,
                is_late,
                "gave up"
            );
            return Err(Error::AttemptsExhausted {
                attempts: self.failed,
                last: reason,
            });
        }
        tracing::info!(
            monotonic_counter.chitin_retries = 1,
            work = self.name,
            transaction = self.transaction,
            statement = reason.statement,
            attempt = self.failed,
            sqlstate = reason.sqlstate,
            reason = reason.message,
            wait_us = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX),
            "an attempt failed, and the work is done again"
        );
        Ok(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason() -> RetryReason {
        RetryReason {
            sqlstate: Some("40001".to_owned()),
            message: "the transaction lost a race against another one".to_owned(),
            table: None,
            statement: None,
        }
    }

    fn attempts(max_retries: u32, deadline: Duration) -> (Attempts, Instant) {
        let now = Instant::now();
        let policy = RetryPolicy::default().with_max_retries(max_retries);
        (
            Attempts::new("test", policy, now + deadline, Account::default()),
            now,
        )
    }

    #[test]
    fn retries_are_attempts_after_the_first() {
        let (mut attempts, now) = attempts(2, Duration::from_mins(1));
        assert!(attempts.again(reason(), now, 0.5).is_ok());
        assert!(attempts.again(reason(), now, 0.5).is_ok());
        let exhausted = attempts.again(reason(), now, 0.5);
        let expected = Error::AttemptsExhausted {
            attempts: 3,
            last: reason(),
        };
        assert_eq!(exhausted, Err(expected));
    }

    #[test]
    fn no_retries_run_once() {
        let (mut attempts, now) = attempts(0, Duration::from_mins(1));
        let exhausted = attempts.again(reason(), now, 0.0);
        assert!(matches!(
            exhausted,
            Err(Error::AttemptsExhausted { attempts: 1, .. })
        ));
    }

    #[test]
    fn nothing_is_begun_that_the_deadline_would_meet_waiting() {
        let (mut attempts, now) = attempts(10, Duration::from_millis(30));
        assert_eq!(attempts.again(reason(), now, 0.0), Ok(Duration::ZERO));
        let late = attempts.again(reason(), now, 1.0);
        assert!(matches!(
            late,
            Err(Error::AttemptsExhausted { attempts: 2, .. })
        ));
    }
}
