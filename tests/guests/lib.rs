//! Guests for tests, one a file, each an example of this package. `manifest.toml` says what each must come to.
//!
//! `cargo build --package guests --examples --target wasm32-wasip2 --profile plugin` builds them all.
//!
//! Those that have transactions under contention share this: a [`Script`] of transactions, and what was [`Told`] of each.

use chitin::{Error, Isolation, Result, TransactionOptions, transaction_with};
use serde::{Deserialize, Serialize};

/// Transactions to do one after the other.
#[derive(Debug, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Script<Work> {
    /// What each is to do.
    works: Vec<Work>,
    /// In which form.
    by: Form,
    /// At the lower isolation.
    read_committed: bool,
}

impl<Work> Default for Script<Work> {
    fn default() -> Self {
        Self {
            works: Vec::new(),
            by: Form::default(),
            read_committed: false,
        }
    }
}

/// A form of a transaction.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// An operation that the host runs.
    #[default]
    Operation,
    /// A handle, and a loop in the guest.
    Handle,
    /// None of the guest's: the whole run is one.
    WholeRun,
}

/// What became of a transaction.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told<Answer> {
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

/// Does all of a script by an operation, which is given in its two forms: as `operation::with` and as `operation::here`.
///
/// Goes on whatever becomes of each. Ends with an error that no race and no lost connection explains, and with any if the whole run is
/// the transaction.
pub fn play<Work: Clone, Answer>(
    script: Script<Work>,
    operation: impl Fn(TransactionOptions, Work) -> Result<Answer>,
    here: impl Fn(Work) -> Result<Answer>,
) -> Result<Vec<Told<Answer>>> {
    let mut options = TransactionOptions::new();
    if script.read_committed {
        options = options.isolation(Isolation::ReadCommitted);
    }
    let perform = |work: Work| match script.by {
        Form::Operation => operation(options, work),
        Form::Handle => transaction_with(options, |_| here(work.clone())),
        Form::WholeRun => here(work),
    };
    script
        .works
        .into_iter()
        .map(|work| match script.by {
            Form::Operation | Form::Handle => Told::of(perform(work)),
            Form::WholeRun => perform(work).map(Told::Ok),
        })
        .collect()
}

impl<Answer> Told<Answer> {
    fn of(done: Result<Answer>) -> Result<Self> {
        Ok(match done {
            Ok(answer) => Self::Ok(answer),
            Err(Error::Rejected(text) | Error::Message(text)) => Self::Rejected(text),
            Err(Error::AttemptsExhausted(exhaustion)) => Self::Exhausted(exhaustion.attempts),
            Err(error @ (Error::Unavailable(_) | Error::Busy(_) | Error::Timeout(_))) => {
                Self::Failed(error.to_string())
            }
            Err(error @ Error::AmbiguousCommit(_)) => Self::Unknown(error.to_string()),
            Err(error) => return Err(error),
        })
    }
}
