//! What the sessions of one run used together.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    error::RetryReason,
    limits::Limits,
    session::{LimitState, Usage},
    statistics::Statistics,
};

/// How many kinds of conflicts are told apart; those after them are counted as one that names no table.
const KINDS: usize = 100;

/// What all sessions of one run used so far, those of its transactions' attempts included: the limits of a run bind them together, and
/// whatever ends one of them loses nothing of what it did. Cheap to clone; all clones are the same account.
#[derive(Clone, Default)]
pub struct Account(Arc<Mutex<Entries>>);

/// A kind of conflict for which something was done again, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryCount {
    /// The five characters of the SQLSTATE; absent for a lost connection.
    pub sqlstate: Option<String>,
    /// The table, where the database names it.
    pub table: Option<String>,
    /// Attempts that failed in this way, those after which the work was given up included.
    pub count: u64,
}

#[derive(Debug, Default)]
struct Entries {
    usage: Usage,
    statistics: Statistics,
    reasons: BTreeMap<(Option<String>, Option<String>), u64>,
}

impl Account {
    /// Adds what was done.
    pub(super) fn add(&self, statistics: Statistics) {
        self.entries().statistics += statistics;
    }

    /// What was done so far.
    pub fn statistics(&self) -> Statistics {
        self.entries().statistics
    }

    /// Counts something against the limits.
    pub(super) fn charge<T>(&self, use_of: impl FnOnce(&mut Usage) -> T) -> T {
        use_of(&mut self.entries().usage)
    }

    /// Every limit that a guest can reach, with what was used of it.
    pub(super) fn limits(&self, limits: &Limits) -> Vec<LimitState> {
        self.entries().usage.states(limits)
    }

    /// The number of one more transaction, from 1.
    pub(super) fn next_transaction(&self) -> u64 {
        let statistics = &mut self.entries().statistics;
        statistics.transactions += 1;
        statistics.transactions
    }

    /// Counts an attempt that lost.
    pub(super) fn lost(&self, reason: &RetryReason) {
        let entries = &mut *self.entries();
        let mut kind = (reason.sqlstate.clone(), reason.table.clone());
        if entries.reasons.len() >= KINDS && !entries.reasons.contains_key(&kind) {
            kind.1 = None;
        }
        *entries.reasons.entry(kind).or_default() += 1;
    }

    /// Why attempts failed, the most frequent reason first.
    pub fn retries(&self) -> Vec<RetryCount> {
        let entries = self.entries();
        let counts = entries.reasons.iter();
        let count =
            |((sqlstate, table), count): (&(Option<String>, Option<String>), &u64)| RetryCount {
                sqlstate: sqlstate.clone(),
                table: table.clone(),
                count: *count,
            };
        let mut counts: Vec<_> = counts.map(count).collect();
        counts.sort_by_key(|count| std::cmp::Reverse(count.count));
        counts
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::{Account, RetryReason};

    #[test]
    fn conflicts_are_counted_by_reason_and_table() {
        let account = Account::default();
        let lose = |sqlstate: Option<&str>, table: Option<&str>| {
            account.lost(&RetryReason {
                sqlstate: sqlstate.map(str::to_owned),
                message: String::new(),
                table: table.map(str::to_owned),
                statement: None,
            });
        };
        lose(None, None);
        for _ in 0..3 {
            lose(Some("40001"), Some("accounts"));
        }
        let counts = account.retries();
        assert_eq!(counts.len(), 2);
        assert_eq!((counts[0].count, counts[1].count), (3, 1));
        assert_eq!(counts[0].table.as_deref(), Some("accounts"));
        for number in 0..1_000 {
            lose(Some("40001"), Some(&format!("t{number}")));
        }
        let counts = account.retries();
        assert!(counts.len() <= super::KINDS + 1, "{}", counts.len());
        assert_eq!(counts.iter().map(|count| count.count).sum::<u64>(), 1_004);
    }
}
