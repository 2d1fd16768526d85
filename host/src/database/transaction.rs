//! What can be asked of a transaction.

use std::time::Duration;

/// How a transaction is to run. What is left out is as the operator set it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransactionOptions {
    /// Attempts after the first. More than the operator allows are as many as the operator allows.
    pub max_retries: Option<u32>,
    /// For all attempts and the waits between them. The deadline of the run ends it earlier.
    pub timeout: Option<Duration>,
    /// How much it sees of others that run beside it.
    pub isolation: Isolation,
    /// Writes in it fail.
    pub read_only: bool,
    /// As of when it reads; the present if left out.
    pub snapshot: Option<Snapshot>,
    /// Whether a commit whose answer is lost is to be settled by a marker, where the database is prepared for it. Left out, as the form of
    /// the transaction has it: yes where the host runs it, no for a handle.
    pub resolve_ambiguous: Option<bool>,
}

/// How much a transaction sees of others that run beside it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Nothing: the outcome is as if they ran one after the other.
    #[default]
    Serializable,
    /// What others have committed before each statement began. Only where the operator allows it.
    ReadCommitted,
}

/// As of when a transaction reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Snapshot {
    /// Some seconds ago, from the nearest replica.
    FollowerRead,
    /// At this instant, in microseconds since 1970-01-01T00:00:00Z.
    At(i64),
}

/// The share of the attempts at transactions that the host makes fail, as if each had lost a race: so that the author of a plugin sees what
/// it does then.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Chaos(f64);

/// A share that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the share of attempts that fail must be from 0 to 1")]
pub struct InvalidChaos;

impl Chaos {
    /// This share, from 0, none, to 1, all.
    pub fn new(share: f64) -> Result<Self, InvalidChaos> {
        (0.0..=1.0)
            .contains(&share)
            .then_some(Self(share))
            .ok_or(InvalidChaos)
    }

    /// Whether something fails; `chance` is drawn evenly from 0 to 1.
    pub(super) fn strikes(self, chance: f64) -> bool {
        chance < self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Chaos;

    #[test]
    fn a_share_is_from_none_to_all() {
        for share in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Chaos::new(share).is_err(), "{share}");
        }
        let half = Chaos::new(0.5).expect("a share");
        assert!(half.strikes(0.4) && !half.strikes(0.5));
        assert!(!Chaos::default().strikes(0.0), "none by default");
        assert!(Chaos::new(1.0).expect("all").strikes(0.999));
    }
}
