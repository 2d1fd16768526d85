//! Statements that are sent together in one transaction, with its beginning and its end where those go with them.

use std::{borrow::Cow, future::poll_fn, pin::Pin, task::Poll};

use futures_util::future::{OptionFuture, maybe_done};
use tokio_postgres::{Client, Row, error::Severity};

use super::{
    Answer, Author, Bounds, COMMIT, Lease, TRACE,
    operation::{OnDrop, Operation, Timed},
    run::{check, count_rows},
    send::{Prepared, Query, Size, Stop, prepare, stream},
    settle::Talk,
    transaction::{Begin, Control, Opening},
};
use crate::database::{
    classify::Phase,
    error::TimeoutStep,
    failure::Failure,
    limits::LimitExceeded,
    pool::{Plan, Text},
};

/// What becomes of the transaction after the statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::database) enum Ending {
    /// It stays open, also when a statement in it failed.
    Open,
    /// COMMIT goes with them. After a statement that failed it is a rollback.
    Commit,
    /// The same, and whoever waits for it no longer does not end it.
    CommitForSure,
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
    texts: Vec<(Query<'a>, Plan)>,
    /// The first is BEGIN.
    begins: bool,
    /// How many stand before the statements: BEGIN, and what else was to be done before the next statement.
    before: usize,
    ending: Ending,
    /// What the only statement is known by, if it is worth preparing.
    text: Option<Text<'a>>,
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

    pub(in crate::database) fn in_transaction(failure: Failure) -> Self {
        Self {
            place: None,
            phase: Phase::Transaction,
            failure,
        }
    }

    pub(super) fn at_commit(failure: Failure) -> Self {
        Self {
            place: None,
            phase: Phase::Commit,
            failure,
        }
    }

    fn is_unsent(&self) -> bool {
        self.phase == Phase::Read && matches!(self.failure, Failure::Lost { sent: false, .. })
    }
}

impl Together<'_> {
    fn commits(&self) -> bool {
        self.ending != Ending::Open
    }

    fn on_drop(&self) -> OnDrop {
        if self.ending == Ending::CommitForSure {
            OnDrop::Leave
        } else {
            OnDrop::Cancel
        }
    }

    /// Whether the only statement is prepared in the same flight.
    fn prepares(&self) -> bool {
        let statement = self.texts.get(self.before);
        self.text.is_some() && statement.is_some_and(|(_, plan)| plan.prepares())
    }

    /// How far it had come when it was cut off after all of it had been sent.
    fn last_phase(&self) -> Phase {
        if self.commits() {
            Phase::Commit
        } else {
            Phase::Transaction
        }
    }

    /// No answer came, nor to the request to cancel.
    fn unanswered(&self, step: TimeoutStep) -> Broken {
        Broken {
            place: None,
            phase: self.last_phase(),
            failure: Failure::TimedOut {
                step,
                settled: false,
            },
        }
    }

    /// A BEGIN that the server refused before the connection was lost: what was sent behind it may have been committed by itself. A server
    /// that ends the connection with its refusal has done nothing more.
    fn loose(&self, rows: &[Result<Vec<Row>, Stop>]) -> Option<Broken> {
        let Some(Err(Stop::Driver(error))) = rows.first().filter(|_| self.begins) else {
            return None;
        };
        let is_refused = error
            .as_db_error()
            .is_some_and(|error| match error.parsed_severity() {
                Some(severity) => severity == Severity::Error,
                // Not every server says it in a form that no language changes.
                None => error.severity() == "ERROR",
            });
        (is_refused && self.texts.len() > 1).then(|| Broken::at_commit(Failure::Loose))
    }

    /// A statement that the server refused before the connection was lost: then there was nothing to commit any more.
    fn refused(&self, rows: &[Result<Vec<Row>, Stop>]) -> Option<Broken> {
        let statements = self.texts.len() - self.before - usize::from(self.commits());
        let is_begun = rows.iter().take(self.before).all(Result::is_ok);
        let statements = rows.iter().skip(self.before).take(statements).enumerate();
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

    /// Which statement this is, of those that the caller gave.
    fn place(&self, text: usize) -> Option<usize> {
        text.checked_sub(self.before)
    }
}

impl Lease {
    /// Runs statements in one transaction and one round trip, after what is to be done before them. Their results are bounded together,
    /// and so is their time.
    ///
    /// BEGIN goes with them only on a connection where it is known to work: behind one that failed, each would commit by itself. COMMIT
    /// goes with them if it need not wait for their results: it is a rollback if one of them failed.
    pub(in crate::database) async fn run_together(
        &mut self,
        requests: &[Query<'_>],
        ending: Ending,
        bounds: &Bounds,
    ) -> Result<Vec<Answer>, Broken> {
        for (place, request) in requests.iter().enumerate() {
            check(request.sql, request.parameters.len()).map_err(|failure| Broken {
                place: Some(place),
                ..Broken::before(failure)
            })?;
        }
        self.ready(bounds.deadline).await.map_err(Broken::before)?;
        self.begin_unknown(bounds).await.map_err(Broken::before)?;
        self.start();
        let is_traced = tracing::enabled!(target: TRACE, tracing::Level::DEBUG);
        let sent = is_traced.then(|| self.all_texts(requests, ending).join("; "));
        let outcome = Box::pin(self.together_replacing(requests, ending, bounds)).await;
        let mut rows = 0;
        for answer in outcome.iter().flatten() {
            // A mark beside a COMMIT is the host's own row.
            if ending != Ending::CommitForSure {
                count_rows(&mut self.statistics, answer);
            }
            rows += answer.rows.len();
        }
        let failure = outcome.as_ref().err().map(|broken| &broken.failure);
        self.told(sent.as_deref().unwrap_or_default(), rows, failure);
        outcome
    }

    /// What is sent, in this order.
    fn all_texts(&self, requests: &[Query<'_>], ending: Ending) -> Vec<String> {
        let begin = self.opening.begin.iter().map(|it| it.text().into_owned());
        let controls = self.opening.controls.iter();
        let controls = controls.map(|it| it.text().into_owned());
        let statements = requests.iter().map(|request| request.sql.to_owned());
        let commit = (ending != Ending::Open).then(|| COMMIT.to_owned());
        begin
            .chain(controls)
            .chain(statements)
            .chain(commit)
            .collect()
    }

    async fn together_replacing(
        &mut self,
        requests: &[Query<'_>],
        ending: Ending,
        bounds: &Bounds,
    ) -> Result<Vec<Answer>, Broken> {
        loop {
            let may_be_stale = self.may_be_stale();
            let begin = self.opening.begin.as_ref().map(Begin::text);
            let controls = self.opening.controls.clone();
            let controls: Vec<_> = controls.iter().map(Control::text).collect();
            let before: Vec<&str> = begin
                .as_deref()
                .into_iter()
                .chain(controls.iter().map(Cow::as_ref))
                .collect();
            let together = self.together(&before, requests, ending, bounds.author);
            match self.talk(together.map_err(Broken::before)?, bounds).await {
                Err(broken) if broken.is_unsent() && may_be_stale && begin.is_some() => {
                    let replaced = self.replace(bounds.deadline).await;
                    replaced.map_err(Broken::before)?;
                    self.begin_unknown(bounds).await.map_err(Broken::before)?;
                }
                outcome => return outcome,
            }
        }
    }

    /// Begins with a round trip of its own where that is not known to work.
    async fn begin_unknown(&mut self, bounds: &Bounds) -> Result<(), Failure> {
        let begin = self.opening.begin.as_ref();
        if begin.is_some_and(|begin| !self.is_known(begin)) {
            self.begin_now(bounds).await?;
        }
        Ok(())
    }

    fn is_known(&self, begin: &Begin) -> bool {
        match begin {
            Begin::Known(text) => {
                let conn = self.object.as_ref();
                conn.is_some_and(|conn| conn.begins.contains(text))
            }
            Begin::Needed(_) => true,
            Begin::Alone(_) => false,
        }
    }

    fn together<'a>(
        &mut self,
        before: &[&'a str],
        requests: &[Query<'a>],
        ending: Ending,
        author: Author,
    ) -> Result<Together<'a>, Failure> {
        let text = match (requests, author) {
            ([only], Author::Host) => only.text(),
            _ => None,
        };
        let plan = self.plan(text.as_ref())?;
        let commit = (ending != Ending::Open).then_some(COMMIT);
        let once = |query| (query, Plan::Once);
        let mut texts: Vec<_> = before.iter().map(|sql| once(control(sql))).collect();
        match requests {
            [only] => texts.push((*only, plan)),
            several => texts.extend(several.iter().copied().map(once)),
        }
        texts.extend(commit.map(control).map(once));
        Ok(Together {
            texts,
            begins: self.opening.begin.is_some(),
            before: before.len(),
            ending,
            text,
        })
    }

    /// Sends everything and reads everything; what became of it is told from what the guard saw.
    async fn talk(
        &mut self,
        together: Together<'_>,
        bounds: &Bounds,
    ) -> Result<Vec<Answer>, Broken> {
        let (end, step) = bounds.end().map_err(Broken::before)?;
        let more = together.texts.len().saturating_sub(1) as u64;
        self.in_transaction = false;
        self.statistics.statements += more;
        let operation = self.operation(together.on_drop(), bounds.author);
        let mut operation = operation.map_err(Broken::before)?;
        let first = operation.followed_by(more);
        if together.prepares() {
            operation.and_another();
        }
        let asking = ask(operation.client, &together, bounds);
        let ((rows, prepared), cancelled) = match operation.timed(end, asking).await {
            Timed::InTime(asked) => (asked, None),
            // It was not cancelled, only late.
            Timed::Cancelled(asked) if together.on_drop() == OnDrop::Leave => (asked, None),
            Timed::Cancelled(asked) => (asked, Some(step)),
            Timed::Never => return Err(together.unanswered(step)),
        };
        if let Some(Err(Stop::Limit(limit))) = rows.last() {
            let place = together.place(rows.len() - 1);
            return Err(over(&mut operation, &together, (place, limit.clone()), first).await);
        }
        let talk = match operation.finish_from(first).await {
            Ok(seen) => Talk {
                rows,
                seen,
                begins: together.begins,
                before: together.before,
                commits: together.commits(),
                cancelled,
            },
            Err(failure) => {
                let told = together
                    .refused(&rows)
                    .or_else(|| together.loose(&rows))
                    .unwrap_or_else(|| lost(&operation, &together, failure, first));
                return Err(told);
            }
        };
        let is_sound = talk.is_sound(bounds.author);
        let mut settled = talk.settle(bounds.author);
        if together.prepares()
            && let Some(text) = &together.text
        {
            let kept = operation.keep(text, prepared, !together.commits()).await;
            settled = settled.and_then(|answers| match kept {
                Ok(()) => Ok(answers),
                Err(failure) => Err(Broken {
                    place: Some(0),
                    phase: Phase::Transaction,
                    failure,
                }),
            });
        }
        if !is_sound {
            operation.spoil();
        }
        let settled = reconsider(settled, &together, &mut operation);
        drop(operation);
        self.in_transaction = !together.commits() && is_sound;
        if self.in_transaction {
            self.opening = Opening::default();
        }
        settled
    }
}

/// Says what a statement that was prepared gives, and what its failure comes to.
fn reconsider(
    settled: Result<Vec<Answer>, Broken>,
    together: &Together<'_>,
    operation: &mut Operation<'_>,
) -> Result<Vec<Answer>, Broken> {
    let Some((_, Plan::Prepared(_, columns))) = together.texts.get(together.before) else {
        return settled;
    };
    match (settled, &together.text) {
        (Ok(mut answers), _) => {
            for answer in &mut answers {
                if answer.columns.is_empty() {
                    answer.columns.clone_from(columns);
                }
            }
            Ok(answers)
        }
        (Err(broken), Some(text)) if broken.place.is_some() => Err(Broken {
            failure: operation.reconsider(broken.failure, text, true),
            ..broken
        }),
        (settled, _) => settled,
    }
}

/// Sends all texts before the first answer is awaited, and reads the answers in their order, up to the first that is too large.
async fn ask(
    client: &Client,
    together: &Together<'_>,
    bounds: &Bounds,
) -> (Vec<Result<Vec<Row>, Stop>>, Prepared) {
    let texts = &together.texts;
    let mut streams: Vec<_> = texts
        .iter()
        .map(|(text, plan)| Box::pin(maybe_done(stream(client, *text, plan))))
        .collect();
    let preparing = texts.get(together.before).filter(|_| together.prepares());
    let preparing = preparing.map(|(text, _)| prepare(client, *text));
    let mut preparing = Box::pin(maybe_done(OptionFuture::from(preparing)));
    // The first poll puts each in the driver's queue, in this order. Whether it is done already does not matter.
    poll_fn(|context| {
        for stream in &mut streams {
            let _is_done = Pin::new(stream).poll(context).is_ready();
        }
        let _is_done = preparing.as_mut().poll(context).is_ready();
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
            return (rows, None);
        }
    }
    preparing.as_mut().await;
    (rows, preparing.as_mut().take_output().flatten())
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
            settled: !(together.commits() && is_committed),
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
