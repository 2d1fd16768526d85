use std::{future::poll_fn, pin::Pin, task::Poll};

use futures_util::future::maybe_done;
use tokio_postgres::{Client, Row};

use super::{
    Answer, Bounds, Lease,
    operation::{OnDrop, Operation, Timed},
    run::{check, count_rows},
    send::{Query, Size, Stop, send_once},
    settle::Talk,
    transaction::BEGIN,
};
use crate::database::{classify::Phase, failure::Failure, limits::LimitExceeded};

const COMMIT: &str = "COMMIT";

/// What is sent around the statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::database) enum Around {
    /// This BEGIN. The transaction stays open, also when a statement in it failed.
    Begin(&'static str),
    /// BEGIN and COMMIT. COMMIT after a statement that failed is a rollback.
    BeginAndCommit,
}

/// Why statements that were sent together failed.
#[derive(Debug)]
pub(in crate::database) struct Broken {
    /// The first that failed, from 0, if it was one of them.
    pub(in crate::database) place: Option<usize>,
    /// Where the transaction stood.
    pub(in crate::database) phase: Phase,
    pub(in crate::database) failure: Failure,
}

/// Everything that is sent at once.
struct Together<'a> {
    texts: Vec<Query<'a>>,
    /// The first is BEGIN.
    begins: bool,
    /// The last is COMMIT.
    commits: bool,
}

impl Broken {
    /// Something failed before anything was sent that could have an effect.
    pub(super) fn before(failure: Failure) -> Self {
        Self {
            place: None,
            phase: Phase::Read,
            failure,
        }
    }

    fn is_unsent(&self) -> bool {
        self.phase == Phase::Read && matches!(self.failure, Failure::Lost { sent: false, .. })
    }
}

impl<'a> Together<'a> {
    fn new(requests: &[Query<'a>], begin: Option<&'static str>, commits: bool) -> Self {
        let begin = begin.map(control).into_iter();
        let commit = commits.then(|| control(COMMIT)).into_iter();
        Self {
            begins: begin.len() > 0,
            commits,
            texts: begin
                .chain(requests.iter().copied())
                .chain(commit)
                .collect(),
        }
    }

    /// How far it had come when it was cut off after all of it had been sent.
    fn last_phase(&self) -> Phase {
        if self.commits {
            Phase::Commit
        } else {
            Phase::Transaction
        }
    }

    /// A statement that the server refused before the connection was lost: then there was nothing to commit any more.
    fn refused(&self, rows: &[Result<Vec<Row>, Stop>]) -> Option<Broken> {
        let before = usize::from(self.begins);
        let statements = self.texts.len() - before - usize::from(self.commits);
        let is_begun = rows.iter().take(before).all(Result::is_ok);
        let statements = rows.iter().skip(before).take(statements).enumerate();
        let mut refusals = statements.filter_map(|(place, read)| match read {
            Err(Stop::Driver(error)) => Some((place, error.as_db_error()?)),
            Ok(_) | Err(Stop::Limit(_)) => None,
        });
        let (place, error) = refusals.next().filter(|_| is_begun)?;
        Some(Broken {
            place: Some(place),
            phase: Phase::Transaction,
            failure: Failure::Server(Box::new(error.clone())),
        })
    }

    /// Which statement this is, of those that are neither BEGIN nor COMMIT.
    fn place(&self, text: usize) -> Option<usize> {
        text.checked_sub(usize::from(self.begins))
    }
}

impl Lease {
    /// Runs statements in one transaction and one round trip. Their results are bounded together, and so is their time.
    ///
    /// BEGIN goes with them only on a connection where it is known to work: behind one that failed, each would commit by itself. COMMIT
    /// goes with them if it need not wait for their results: it is a rollback if one of them failed.
    pub(in crate::database) async fn run_together(
        &mut self,
        requests: &[Query<'_>],
        around: Around,
        bounds: &Bounds,
    ) -> Result<Vec<Answer>, Broken> {
        for (place, request) in requests.iter().enumerate() {
            check(request.sql, request.parameters.len()).map_err(|failure| Broken {
                place: Some(place),
                ..Broken::before(failure)
            })?;
        }
        self.start();
        let outcome = Box::pin(self.together_replacing(requests, around, bounds)).await;
        for answer in outcome.iter().flatten() {
            count_rows(&mut self.statistics, answer);
        }
        self.tell();
        outcome
    }

    async fn together_replacing(
        &mut self,
        requests: &[Query<'_>],
        around: Around,
        bounds: &Bounds,
    ) -> Result<Vec<Answer>, Broken> {
        let (begin, commits) = match around {
            Around::Begin(begin) => (begin, false),
            Around::BeginAndCommit => (BEGIN, true),
        };
        self.ready(bounds.deadline).await.map_err(Broken::before)?;
        loop {
            let may_be_stale = self.may_be_stale();
            let is_known = begin != BEGIN || self.conn().is_ok_and(|conn| conn.begins);
            if !is_known {
                self.begin(bounds).await.map_err(Broken::before)?;
            }
            let together = Together::new(requests, is_known.then_some(begin), commits);
            match self.talk(&together, bounds).await {
                Err(broken) if broken.is_unsent() && may_be_stale && is_known => {
                    let replaced = self.replace(bounds.deadline).await;
                    replaced.map_err(Broken::before)?;
                }
                outcome => return outcome,
            }
        }
    }

    /// Sends everything and reads everything; what became of it is told from what the guard saw.
    async fn talk(
        &mut self,
        together: &Together<'_>,
        bounds: &Bounds,
    ) -> Result<Vec<Answer>, Broken> {
        let (end, step) = bounds.end().map_err(Broken::before)?;
        let more = together.texts.len().saturating_sub(1) as u64;
        self.in_transaction = false;
        self.statistics.statements += more;
        let operation = self.operation(OnDrop::Cancel, bounds.author);
        let mut operation = operation.map_err(Broken::before)?;
        let first = operation.followed_by(more);
        let asking = ask(operation.client, &together.texts, bounds);
        let (rows, cancelled) = match operation.timed(end, asking).await {
            Timed::InTime(rows) => (rows, None),
            Timed::Cancelled(rows) => (rows, Some(step)),
            Timed::Never => {
                return Err(Broken {
                    place: None,
                    phase: together.last_phase(),
                    failure: Failure::TimedOut {
                        step,
                        settled: false,
                    },
                });
            }
        };
        if let Some(Err(Stop::Limit(limit))) = rows.last() {
            let place = together.place(rows.len() - 1);
            return Err(over(&mut operation, together, (place, limit.clone()), first).await);
        }
        let talk = match operation.finish_from(first).await {
            Ok(seen) => Talk {
                rows,
                seen,
                begins: together.begins,
                commits: together.commits,
                cancelled,
            },
            Err(failure) => {
                let refused = together.refused(&rows);
                return Err(refused.unwrap_or_else(|| lost(&operation, together, failure, first)));
            }
        };
        let is_sound = talk.is_sound(bounds.author);
        let settled = talk.settle(bounds.author);
        if !is_sound {
            operation.spoil();
        }
        drop(operation);
        self.in_transaction = !together.commits && is_sound;
        settled
    }
}

/// Sends all texts before the first answer is awaited, and reads the answers in their order, up to the first that is too large.
async fn ask(client: &Client, texts: &[Query<'_>], bounds: &Bounds) -> Vec<Result<Vec<Row>, Stop>> {
    let mut streams: Vec<_> = texts
        .iter()
        .map(|text| Box::pin(maybe_done(send_once(client, *text))))
        .collect();
    // The first poll puts each in the driver's queue, in this order. Whether it is done already does not matter.
    poll_fn(|context| {
        for stream in &mut streams {
            let _is_done = Pin::new(stream).poll(context).is_ready();
        }
        Poll::Ready(())
    })
    .await;
    let mut size = Size::default();
    let mut rows = Vec::with_capacity(texts.len());
    for mut stream in streams {
        stream.as_mut().await;
        let read = match stream.as_mut().take_output() {
            Some(Ok(stream)) => size.collect(stream, bounds).await,
            Some(Err(error)) => Err(Stop::Driver(error)),
            None => break,
        };
        let is_over = matches!(read, Err(Stop::Limit(_)));
        rows.push(read);
        if is_over {
            break;
        }
    }
    rows
}

/// Stops what gives too much. It is known that nothing was kept if COMMIT was not sent, or did not commit.
async fn over(
    operation: &mut Operation<'_>,
    together: &Together<'_>,
    (place, limit): (Option<usize>, LimitExceeded),
    first: u64,
) -> Broken {
    operation.spoil();
    let seen = operation.finish_from(first).await.unwrap_or_default();
    let last = seen.last();
    let is_committed = last.is_none_or(|last| last.error.is_none() && !last.is_rollback());
    Broken {
        place,
        phase: together.last_phase(),
        failure: Failure::Limit {
            limit,
            settled: !(together.commits && is_committed),
        },
    }
}

/// What it means that the connection was lost, or that the server did not end its answers.
fn lost(
    operation: &Operation<'_>,
    together: &Together<'_>,
    failure: Failure,
    first: u64,
) -> Broken {
    let requests = together.texts.len() as u64;
    if matches!(failure, Failure::Lost { .. }) && operation.sent() < first {
        return Broken::before(failure);
    }
    let is_sent = operation.sent() >= first + requests - 1;
    Broken {
        place: None,
        phase: if is_sent {
            together.last_phase()
        } else {
            Phase::Transaction
        },
        failure,
    }
}

fn control(sql: &str) -> Query<'_> {
    Query {
        sql,
        parameters: &[],
    }
}
