//! What the sessions of one run used together.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::{
    error::{Error, RetryReason},
    limits::Limits,
    session::{LimitState, Usage},
    statistics::Statistics,
};

/// How many kinds of conflicts are told apart; those after them are counted as one that names no table.
const KINDS: usize = 100;

/// What all sessions of one run used so far, those of its transactions' attempts included: the limits of a run bind them together, and
/// whatever ends one of them loses nothing of what it did. Cheap to clone; all clones are the same account.
#[derive(Clone, Default)]
pub struct Account(Arc<Inner>);

#[derive(Default)]
struct Inner {
    entries: Mutex<Entries>,
    commits: watch::Sender<Commits>,
}

/// The commits of a run.
#[derive(Debug, Default)]
struct Commits {
    begun: u64,
    ended: u64,
    /// What is not known of the last one, if its outcome could not be found out.
    unclear: Option<String>,
}

/// A commit that is under way, until it is dropped.
pub(super) struct Committing {
    account: Account,
    unclear: Option<String>,
}

/// A kind of conflict for which something was done again, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryCount {
    /// The five characters of the SQLSTATE; absent for what the database did not say, such as a lost connection.
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

    /// Says that a commit begins: whoever ends the run waits until it is over.
    pub(super) fn commit_begins(&self) -> Committing {
        self.0.commits.send_modify(|commits| commits.begun += 1);
        Committing {
            account: self.clone(),
            unclear: None,
        }
    }

    /// Waits until the commit is over that is under way now, if there is one, and gives what is not known of it.
    pub async fn commit_ends(&self) -> Option<String> {
        let mut commits = self.0.commits.subscribe();
        let (begun, ended) = {
            let commits = commits.borrow_and_update();
            (commits.begun, commits.ended)
        };
        if begun == ended {
            return None;
        }
        let over = commits.wait_for(|commits| commits.ended > ended).await;
        over.ok().and_then(|commits| commits.unclear.clone())
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Committing {
    /// Says how it ended.
    pub(super) fn ended<T>(mut self, outcome: &Result<T, Error>) {
        if let Err(Error::AmbiguousCommit(seen)) = outcome {
            self.unclear = Some(seen.clone());
        }
    }
}

impl Drop for Committing {
    fn drop(&mut self) {
        self.account.0.commits.send_modify(|commits| {
            commits.ended += 1;
            commits.unclear = self.unclear.take();
        });
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::{Account, Error, RetryReason};

    #[tokio::test]
    async fn who_ends_a_run_waits_for_its_commit() {
        let account = Account::default();
        assert_eq!(account.commit_ends().await, None, "there is none");
        let committing = account.commit_begins();
        let outcome: Result<(), _> = Err(Error::AmbiguousCommit("no answer".to_owned()));
        let waiting = account.commit_ends();
        let mut waiting = std::pin::pin!(waiting);
        assert_eq!(waiting.as_mut().now_or_never(), None);
        committing.ended(&outcome);
        // Another one is not waited for.
        let another = account.commit_begins();
        assert_eq!(waiting.await.as_deref(), Some("no answer"));
        drop(another);
        assert_eq!(account.commit_ends().await, None);
    }

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
