//! [`TransactionOptions`]: how a transaction runs.

use std::time::Duration;

use crate::bindings::chitin::db::transactions as contract;
pub use crate::bindings::chitin::db::transactions::Isolation;
use crate::time::Timestamptz;

/// How a transaction runs. What is not said is as the operator set it, who also sets the upper bounds.
///
/// ```no_run
/// use std::time::Duration;
///
/// use chitin::TransactionOptions;
///
/// let hasty = TransactionOptions::new().max_retries(1).timeout(Duration::from_secs(1));
/// let users = chitin::transaction_with(hasty, |_| chitin::table("users").count())?;
/// # Ok::<(), chitin::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[must_use = "options do nothing by themselves"]
pub struct TransactionOptions {
    max_retries: Option<u32>,
    timeout: Option<Duration>,
    isolation: Option<Isolation>,
    read_only: bool,
    snapshot: Option<contract::Snapshot>,
    resolve_ambiguous: Option<bool>,
}

impl TransactionOptions {
    /// All as the operator set it.
    pub fn new() -> Self {
        Self::default()
    }

    /// At most so many attempts after the first; 0 runs once. The operator's number, 3 by default, is a bound: more than that are
    /// as many as that.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = Some(retries);
        self
    }

    /// At most so long for all attempts and the waits between them.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sees more of others that run beside it than the default, [`Isolation::Serializable`]: nothing.
    ///
    /// [`Isolation::ReadCommitted`] is [`Error::Denied`](crate::Error::Denied) where the operator does not allow it.
    ///
    /// ```
    /// use chitin::{Isolation, TransactionOptions};
    ///
    /// let options = TransactionOptions::new().isolation(Isolation::ReadCommitted);
    /// ```
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = Some(isolation);
        self
    }

    /// Writes fail with the [kind](crate::DatabaseErrorKind) `ReadOnly`.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Reads what was there some seconds ago, from the nearest replica, and writes nothing. Only CockroachDB can do it; on
    /// another database it is [`Error::Invalid`](crate::Error::Invalid).
    pub fn follower_read(self) -> Self {
        self.snapshot(contract::Snapshot::FollowerRead)
    }

    /// Reads what was there at this instant of the past, and writes nothing. Only CockroachDB can do it; on another database
    /// it is [`Error::Invalid`](crate::Error::Invalid).
    ///
    /// ```no_run
    /// use chitin::TransactionOptions;
    /// use chitin::time::Timestamptz;
    ///
    /// let an_hour_ago = Timestamptz(chitin::run_info().started_at - 3_600_000_000);
    /// let options = TransactionOptions::new().as_of(an_hour_ago);
    /// ```
    pub fn as_of(self, instant: Timestamptz) -> Self {
        self.snapshot(contract::Snapshot::At(instant.0))
    }

    fn snapshot(mut self, snapshot: contract::Snapshot) -> Self {
        self.snapshot = Some(snapshot);
        self.read_only()
    }

    /// Whether the host leaves a mark in the database, by which it finds out what became of a commit whose answer was lost.
    /// Not said, it does so for operations, and not for [`transaction`](crate::transaction()). It has no effect where the
    /// operator has not prepared the database.
    pub fn resolve_ambiguous(mut self, resolve: bool) -> Self {
        self.resolve_ambiguous = Some(resolve);
        self
    }

    pub(crate) fn into_contract(self) -> contract::TransactionOptions {
        contract::TransactionOptions {
            max_retries: self.max_retries,
            timeout_ms: self.timeout.map(milliseconds),
            isolation: self.isolation,
            read_only: self.read_only,
            snapshot: self.snapshot,
            resolve_ambiguous: self.resolve_ambiguous,
        }
    }
}

/// A part of a millisecond counts as a whole one, so that a short time does not become none.
fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_left_to_the_operator() {
        let options = TransactionOptions::new().into_contract();
        assert_eq!(
            options,
            contract::TransactionOptions {
                max_retries: None,
                timeout_ms: None,
                isolation: None,
                read_only: false,
                snapshot: None,
                resolve_ambiguous: None,
            }
        );
    }

    #[test]
    fn all_that_is_said_reaches_the_host() {
        let options = TransactionOptions::new()
            .max_retries(0)
            .timeout(Duration::from_micros(1_001))
            .isolation(Isolation::ReadCommitted)
            .resolve_ambiguous(false)
            .into_contract();
        assert_eq!(
            (options.max_retries, options.timeout_ms, options.isolation),
            (Some(0), Some(2), Some(Isolation::ReadCommitted))
        );
        assert_eq!(
            (options.read_only, options.resolve_ambiguous),
            (false, Some(false))
        );
    }

    #[test]
    fn the_past_is_read_only() {
        let past = TransactionOptions::new()
            .as_of(Timestamptz(-1))
            .into_contract();
        assert_eq!(
            (past.read_only, past.snapshot),
            (true, Some(contract::Snapshot::At(-1)))
        );
        let near = TransactionOptions::new().follower_read().into_contract();
        assert_eq!(
            (near.read_only, near.snapshot),
            (true, Some(contract::Snapshot::FollowerRead))
        );
    }

    #[test]
    fn times_are_never_rounded_to_none() {
        assert_eq!(milliseconds(Duration::from_nanos(1)), 1);
        assert_eq!(milliseconds(Duration::ZERO), 0);
        assert_eq!(milliseconds(Duration::MAX), u64::MAX);
    }
}
