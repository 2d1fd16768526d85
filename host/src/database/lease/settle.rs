//! What became of statements that were sent together in one transaction.

use tokio_postgres::{Row, error::SqlState};

use super::{Answer, Author, Broken, operation::COPY, run::is_sound, send::Stop};
use crate::database::{
    classify::Phase,
    error::TimeoutStep,
    failure::Failure,
    wire::{Exchange, Status},
};

/// What was sent and what came back, one of each for every text.
pub(super) struct Talk {
    pub(super) rows: Vec<Result<Vec<Row>, Stop>>,
    pub(super) seen: Vec<Exchange>,
    /// The first text is BEGIN.
    pub(super) begins: bool,
    /// How many texts stand before the statements, BEGIN among them.
    pub(super) before: usize,
    /// The last text is COMMIT.
    pub(super) commits: bool,
    /// The time was over and the statements were cancelled.
    pub(super) cancelled: Option<TimeoutStep>,
}

/// What went wrong first.
#[derive(Debug)]
enum Fault {
    /// BEGIN was refused, and so was all that followed.
    NotBegun,
    /// BEGIN was refused, and something ran without it.
    Loose,
    /// The server refused this text.
    Refused(usize),
    /// This text did what only the host may do.
    Unsound(usize, Failure),
    /// The server refused COMMIT.
    NotCommitted,
    /// COMMIT was a rollback, although nothing had failed.
    RolledBack,
    /// COMMIT did not end the transaction.
    Unended,
}

impl Talk {
    /// Whether the transaction is where the host believes it to be, so that the connection may be used further.
    pub(super) fn is_sound(&self, author: Author) -> bool {
        self.cancelled.is_none()
            && match fault(&self.seen, (self.begins, self.before), self.commits, author) {
                None | Some(Fault::Refused(_) | Fault::NotCommitted | Fault::RolledBack) => true,
                Some(Fault::NotBegun | Fault::Loose | Fault::Unsound(..) | Fault::Unended) => false,
            }
    }

    /// The answers, if everything went well.
    pub(super) fn settle(mut self, author: Author) -> Result<Vec<Answer>, Broken> {
        let before = self.before;
        let broken = |place, phase, failure| Broken {
            place,
            phase,
            failure,
        };
        match fault(&self.seen, (self.begins, self.before), self.commits, author) {
            None => match self.cancelled {
                // It can go on no further, since the connection cannot be used any more.
                Some(step) if !self.commits => {
                    let settled = true;
                    let failure = Failure::TimedOut { step, settled };
                    Err(broken(None, Phase::Transaction, failure))
                }
                _ => self.answers(),
            },
            Some(Fault::NotBegun) => Err(Broken::before(self.refusal(0))),
            Some(Fault::Loose) => Err(broken(None, Phase::Commit, Failure::Loose)),
            Some(Fault::Refused(text)) => {
                let refusal = self.refusal(text);
                let place = text.checked_sub(before);
                Err(broken(place, Phase::Transaction, refusal))
            }
            Some(Fault::Unsound(text, failure)) => {
                let place = text.checked_sub(before);
                Err(broken(place, Phase::Transaction, failure))
            }
            Some(Fault::NotCommitted) => {
                let refusal = self.refusal(self.seen.len() - 1);
                Err(broken(None, Phase::Commit, refusal))
            }
            Some(Fault::RolledBack) => Err(broken(None, Phase::Commit, Failure::RolledBack)),
            Some(Fault::Unended) => {
                let failure = Failure::Protocol("COMMIT did not end the transaction".to_owned());
                Err(broken(None, Phase::Commit, failure))
            }
        }
    }

    /// Why a text was refused.
    fn refusal(&mut self, text: usize) -> Failure {
        let Some(Err(Stop::Driver(error))) = self.rows.get(text) else {
            return Failure::Protocol("an error was seen and not told".to_owned());
        };
        match (error.as_db_error(), self.cancelled) {
            (Some(error), Some(step)) if *error.code() == SqlState::QUERY_CANCELED => {
                Failure::TimedOut {
                    step,
                    settled: true,
                }
            }
            (Some(error), _) => Failure::Server(Box::new(error.clone())),
            (None, _) => Failure::Protocol(error.to_string()),
        }
    }

    fn answers(self) -> Result<Vec<Answer>, Broken> {
        let before = self.before;
        let statements = self.seen.len() - before - usize::from(self.commits);
        let talk = self.rows.into_iter().zip(self.seen);
        let answer = |(place, (rows, seen)): (usize, (Result<Vec<Row>, Stop>, Exchange))| {
            let rows = rows.map_err(|_| Broken {
                place: Some(place),
                phase: Phase::Commit,
                failure: Failure::Protocol("the rows of an answer could not be read".to_owned()),
            });
            Ok(Answer {
                columns: seen.columns.unwrap_or_default(),
                rows: rows?,
                tag: seen.tag.unwrap_or_default(),
            })
        };
        let talk = talk.skip(before).take(statements);
        talk.enumerate().map(answer).collect()
    }
}

/// Finds what went wrong first, from what the guard saw alone.
fn fault(
    seen: &[Exchange],
    (begins, before): (bool, usize),
    commits: bool,
    author: Author,
) -> Option<Fault> {
    let (begin, rest) = seen.split_at(usize::from(begins).min(seen.len()));
    let (statements, commit) = rest.split_at(rest.len().saturating_sub(usize::from(commits)));
    if begin
        .iter()
        .any(|begin| begin.status != Status::Transaction)
    {
        let is_loose = statements.iter().any(|seen| seen.error.is_none());
        return Some(if is_loose {
            Fault::Loose
        } else {
            Fault::NotBegun
        });
    }
    for (place, seen) in statements.iter().enumerate() {
        let text = begin.len() + place;
        if seen.error.is_some() && seen.status == Status::Failed {
            return Some(Fault::Refused(text));
        }
        if seen.copy {
            return Some(Fault::Unsound(text, Failure::Denied(COPY)));
        }
        // What stands before the statements is the host's.
        let author = if text < before { Author::Host } else { author };
        if let Err(failure) = is_sound(seen, true, author) {
            return Some(Fault::Unsound(text, failure));
        }
    }
    let commit = commit.first()?;
    if commit.error.is_some() {
        Some(Fault::NotCommitted)
    } else if commit.status != Status::Idle {
        Some(Fault::Unended)
    } else if commit.is_rollback() {
        Some(Fault::RolledBack)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Author, Exchange, Fault, fault};
    use crate::database::wire::{CommandTag, Status};

    /// `BEGIN T`, `INSERT T`, `!23505 E`: the tag or the SQLSTATE, and the status byte.
    fn seen(texts: &[&str]) -> Vec<Exchange> {
        let exchange = |text: &&str| {
            let (what, status) = text.rsplit_once(' ').expect("two parts");
            let error = what.strip_prefix('!').map(str::to_owned);
            Exchange {
                tag: error.is_none().then(|| CommandTag {
                    verb: what.to_owned(),
                    count: None,
                }),
                error,
                status: Status::of(status.as_bytes()).expect("a state"),
                ..Exchange::default()
            }
        };
        texts.iter().map(exchange).collect()
    }

    #[test]
    fn what_became_of_a_batch_is_told_from_what_was_seen() {
        for (texts, expected) in [
            (&["BEGIN T", "INSERT T", "COMMIT I"][..], "None"),
            (&["BEGIN T", "COMMIT I"], "None"),
            (
                &["BEGIN T", "!23505 E", "!25P02 E", "ROLLBACK I"],
                "Some(Refused(1))",
            ),
            (
                &["BEGIN T", "INSERT T", "!40001 E", "ROLLBACK I"],
                "Some(Refused(2))",
            ),
            (&["BEGIN T", "INSERT T", "ROLLBACK I"], "Some(RolledBack)"),
            (&["BEGIN T", "INSERT T", "!40001 I"], "Some(NotCommitted)"),
            (&["BEGIN T", "INSERT T", "COMMIT T"], "Some(Unended)"),
            (&["!57014 I", "!23505 I", "!25P01 I"], "Some(NotBegun)"),
            (&["!57014 I", "INSERT I", "COMMIT I"], "Some(Loose)"),
            (
                &["!57014 I", "!23505 I", "INSERT I", "COMMIT I"],
                "Some(Loose)",
            ),
            (&["!25001 E", "!25P02 E", "ROLLBACK I"], "Some(NotBegun)"),
        ] {
            let found = fault(&seen(texts), (true, 1), true, Author::Guest);
            assert_eq!(format!("{found:?}"), expected, "{texts:?}");
        }
    }

    #[test]
    fn a_statement_that_ends_the_transaction_is_found() {
        for texts in [
            &["BEGIN T", "COMMIT I", "INSERT I", "COMMIT I"][..],
            &["BEGIN T", "SELECT I", "INSERT I", "COMMIT I"],
            &["BEGIN T", "!23505 I", "INSERT I", "COMMIT I"],
            &["BEGIN T", "SAVEPOINT T", "COMMIT I"],
        ] {
            let found = fault(&seen(texts), (true, 1), true, Author::Guest);
            assert!(
                matches!(found, Some(Fault::Unsound(1, _))),
                "{texts:?} {found:?}"
            );
        }
    }
}
