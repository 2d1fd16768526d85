//! What is to be done, and what became of it.

use std::{collections::BTreeMap, fmt::Debug, time::Duration};

use host::runtime::Report;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio_postgres::Client;

/// A transaction that can be done by a guest and without one.
pub(super) trait Work: Clone + Debug + Serialize + Send + Sync + 'static {
    /// What it finds out.
    type Answer: Clone + Debug + DeserializeOwned + Send + 'static;

    /// The guest that knows how.
    const GUEST: &'static str;

    /// The same as plain SQL, in a transaction that is open.
    fn perform(
        &self,
        client: &Client,
    ) -> impl Future<Output = Result<Self::Answer, Refusal>> + Send;
}

/// Why a transaction as plain SQL is not to be committed.
#[derive(Debug)]
pub(super) enum Refusal {
    /// By its own rules.
    Rejected(String),
    /// The database refused it.
    Database(tokio_postgres::Error),
}

impl From<tokio_postgres::Error> for Refusal {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

/// What became of a transaction, as it was told to who asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Told<Answer> {
    /// It was committed.
    Ok(Answer),
    /// It refused itself and was rolled back.
    Rejected(String),
    /// It was not done: so many attempts all lost their race.
    Exhausted(u32),
    /// It was not done, for another reason.
    Failed(String),
    /// It was done or not.
    Unknown(String),
}

impl<Answer> Told<Answer> {
    /// What it found out, if it was committed.
    pub(super) fn ok(&self) -> Option<&Answer> {
        match self {
            Self::Ok(answer) => Some(answer),
            Self::Rejected(_) | Self::Exhausted(_) | Self::Failed(_) | Self::Unknown(_) => None,
        }
    }
}

/// What became of lists of transactions, each done one after the other, and all lists at the same time.
#[derive(Debug)]
pub(super) struct Play<W: Work> {
    /// Each transaction, in the order of the lists.
    pub(super) told: Vec<(W, Told<W::Answer>)>,
    /// Attempts after the first, of all of them.
    pub(super) retries: u64,
    /// How long was waited before those, all of them together.
    pub(super) waited: Duration,
    /// Why attempts failed, and how many for that reason.
    pub(super) reasons: BTreeMap<String, u64>,
    /// From the first to the end of the last.
    pub(super) elapsed: Duration,
}

impl<W: Work> Default for Play<W> {
    fn default() -> Self {
        Self {
            told: Vec::new(),
            retries: 0,
            waited: Duration::ZERO,
            reasons: BTreeMap::new(),
            elapsed: Duration::ZERO,
        }
    }
}

impl<W: Work> Play<W> {
    /// How many were told something for which this holds.
    pub(super) fn count(&self, holds: impl Fn(&Told<W::Answer>) -> bool) -> usize {
        self.told.iter().filter(|(_, told)| holds(told)).count()
    }

    /// How many were committed.
    pub(super) fn committed(&self) -> usize {
        self.count(|told| told.ok().is_some())
    }

    /// What those were told who do not know.
    pub(super) fn unknown(&self) -> Vec<&str> {
        let unknown = self.told.iter().filter_map(|(_, told)| match told {
            Told::Unknown(message) => Some(message.as_str()),
            Told::Ok(_) | Told::Rejected(_) | Told::Exhausted(_) | Told::Failed(_) => None,
        });
        unknown.collect()
    }

    /// Adds what the report of a run says of attempts.
    pub(super) fn count_attempts(&mut self, report: &Report) {
        self.retries += report.database.retries;
        self.waited += report.database.waited;
        for reason in &report.retries {
            let code = reason.sqlstate.as_deref().unwrap_or("lost connection");
            *self.reasons.entry(code.to_owned()).or_default() += reason.count;
        }
    }

    /// Adds what was played at the same time.
    pub(super) fn add(&mut self, other: Self) {
        self.told.extend(other.told);
        self.retries += other.retries;
        self.waited += other.waited;
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
    }

    /// The figures of a play, for who runs the test to read.
    #[expect(clippy::print_stderr, reason = "shown with --nocapture and on failure")]
    pub(super) fn report(&self, title: &str) {
        let committed = self.committed();
        let count = |holds: fn(&Told<W::Answer>) -> bool| self.count(holds);
        eprintln!(
            "{title}: {} transactions in {:?}, {committed} committed, {} rejected, {} exhausted, {} failed, {} unknown, \
             {} retries after {:?} of waits, for {:?}",
            self.told.len(),
            self.elapsed,
            count(|told| matches!(told, Told::Rejected(_))),
            count(|told| matches!(told, Told::Exhausted(_))),
            count(|told| matches!(told, Told::Failed(_))),
            count(|told| matches!(told, Told::Unknown(_))),
            self.retries,
            self.waited,
            self.reasons,
        );
    }
}
