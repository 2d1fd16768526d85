use tokio_postgres::types::Oid;

use super::{
    Answer, Author, Bounds, Lease, Parameter,
    operation::{OnDrop, Timed},
    send::{Query, send},
    together::Ending,
};
use crate::database::{
    failure::Failure,
    pool::Plan,
    statistics::Statistics,
    wire::{Exchange, Status},
};

/// What the protocol can number.
const MAX_PARAMETERS: usize = 65_535;
const CONTROL: [&str; 9] = [
    "BEGIN",
    "START TRANSACTION",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "PREPARE TRANSACTION",
    "COMMIT PREPARED",
    "ROLLBACK PREPARED",
];
const CONTROLLED: &str = "SQL text does not control transactions: use the interface `transactions`";

const MISREAD: &str = "SQL text does not change `standard_conforming_strings` or `client_encoding`: the host reads texts by them";

impl Lease {
    /// Runs one statement in one round trip and reads its whole result.
    ///
    /// A connection that was lost before anything was sent is replaced. When the time is over, the statement is cancelled on the
    /// server; an answer that comes all the same is an answer, unless a transaction is open, which is then over.
    pub(in crate::database) async fn run(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
        bounds: &Bounds,
    ) -> Result<Answer, Failure> {
        check(sql, parameters.len())?;
        if !self.opening.is_empty() {
            return self.run_opening(Query { sql, parameters }, bounds).await;
        }
        self.start();
        let outcome = Box::pin(self.run_replacing(sql, parameters, bounds)).await;
        if let Ok(answer) = &outcome {
            count_rows(&mut self.statistics, answer);
        }
        let rows = outcome.as_ref().map_or(0, |answer| answer.rows.len());
        self.told(sql, rows, outcome.as_ref().err());
        outcome
    }

    /// Runs a statement behind what is to be done before it.
    async fn run_opening(&mut self, query: Query<'_>, bounds: &Bounds) -> Result<Answer, Failure> {
        let answers = self.run_together(&[query], Ending::Open, bounds).await;
        let answer = answers.map_err(|broken| broken.failure)?.pop();
        answer.ok_or_else(|| Failure::Protocol("a statement was not answered".to_owned()))
    }

    /// The types that the server gives the parameters of a statement, which is not run.
    pub(in crate::database) async fn describe(
        &mut self,
        sql: &str,
        bounds: &Bounds,
    ) -> Result<Vec<Oid>, Failure> {
        check(sql, 0)?;
        self.ready(bounds.deadline).await?;
        if !self.opening.is_empty() {
            let opened = self.run_together(&[], Ending::Open, bounds).await;
            opened.map_err(|broken| broken.failure)?;
        }
        self.start();
        let outcome = Box::pin(self.describe_once(sql, bounds)).await;
        self.tell();
        outcome
    }

    async fn run_replacing(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
        bounds: &Bounds,
    ) -> Result<Answer, Failure> {
        self.ready(bounds.deadline).await?;
        let query = Query { sql, parameters };
        loop {
            let may_be_stale = self.may_be_stale();
            match self.run_once(query, bounds).await {
                Err(Failure::Lost { sent: false, .. }) if may_be_stale => {
                    self.replace(bounds.deadline).await?;
                }
                // Nothing was kept, and it is not prepared any more.
                Err(Failure::Outdated(_)) if !self.in_transaction => {}
                outcome => return outcome,
            }
        }
    }

    async fn run_once(&mut self, query: Query<'_>, bounds: &Bounds) -> Result<Answer, Failure> {
        let (end, step) = bounds.end()?;
        let in_transaction = self.in_transaction;
        let settled = self.pool.server_kind().cancels_for_certain();
        let text = match bounds.author {
            Author::Host => query.text(),
            // What a guest writes comes once, or may mean something else the next time.
            Author::Guest => None,
        };
        let plan = self.plan(text.as_ref())?;
        let mut operation = self.operation(OnDrop::Cancel, bounds.author)?;
        if plan.prepares() {
            operation.and_another();
        }
        let reading = send(operation.client, query, &plan, bounds);
        let (outcome, cancelled) = match operation.timed(end, reading).await {
            Timed::InTime(outcome) => (outcome, false),
            Timed::Cancelled(outcome) => (outcome, true),
            Timed::Never => {
                return Err(Failure::TimedOut {
                    step,
                    settled: false,
                });
            }
        };
        let (rows, prepared) = match outcome {
            Ok(_) if cancelled && in_transaction => {
                return Err(Failure::TimedOut {
                    step,
                    settled: true,
                });
            }
            Ok(outcome) => outcome,
            Err(stop) => {
                let by_us = cancelled && stop.is_cancelled();
                let failure = stop.into_failure(&mut operation, bounds.author).await;
                return Err(match (failure, text, plan) {
                    (Failure::Server(_), ..) if by_us => Failure::TimedOut { step, settled },
                    (
                        Failure::Limit {
                            limit,
                            settled: by_stop,
                        },
                        ..,
                    ) => Failure::Limit {
                        limit,
                        settled: by_stop && settled,
                    },
                    (failure, Some(text), Plan::Prepared(..)) => {
                        operation.reconsider(failure, &text, in_transaction)
                    }
                    (failure, ..) => failure,
                });
            }
        };
        let exchange = operation.finish().await?;
        let sound = is_sound(&exchange, in_transaction, bounds.author);
        if sound.is_err() {
            operation.spoil();
        }
        sound?;
        if let Some(text) = text.filter(|_| plan.prepares()) {
            operation.keep(&text, prepared, in_transaction).await?;
        }
        Ok(Answer {
            columns: exchange.columns.unwrap_or_else(|| plan.into_columns()),
            rows,
            tag: exchange.tag.unwrap_or_default(),
        })
    }

    async fn describe_once(&mut self, sql: &str, bounds: &Bounds) -> Result<Vec<Oid>, Failure> {
        let (end, step) = bounds.end()?;
        let mut operation = self.operation(OnDrop::Cancel, bounds.author)?;
        let client = operation.client;
        match operation.timed(end, client.prepare(sql)).await {
            // Dropped, it is closed on the server.
            Timed::InTime(Ok(_)) => {
                let exchange = operation.finish().await?;
                Ok(exchange.parameters.unwrap_or_default())
            }
            Timed::InTime(Err(error)) => Err(operation.failed(&error).await),
            Timed::Cancelled(_) | Timed::Never => Err(Failure::TimedOut {
                step,
                settled: true,
            }),
        }
    }
}

/// Refuses what cannot be put into the protocol, so that the driver never fails before it has sent a request.
pub(super) fn check(sql: &str, parameters: usize) -> Result<(), Failure> {
    if sql.contains('\0') {
        return Err(Failure::Invalid("SQL text cannot hold a zero byte"));
    }
    if parameters > MAX_PARAMETERS {
        return Err(Failure::Invalid(
            "a statement takes at most 65535 parameters",
        ));
    }
    Ok(())
}

/// Whether a statement left the transaction as it was, which only the host may change, and the way in which texts are read.
pub(super) fn is_sound(
    exchange: &Exchange,
    in_transaction: bool,
    author: Author,
) -> Result<(), Failure> {
    let expected = if in_transaction {
        Status::Transaction
    } else {
        Status::Idle
    };
    let verb = exchange.tag.as_ref().map(|tag| tag.verb.as_str());
    let is_kept = exchange.status == expected;
    match (author, verb) {
        (_, None) => Err(Failure::Protocol(
            "the server ended its answer without saying what it did".to_owned(),
        )),
        (Author::Guest, Some(verb)) if !is_kept || CONTROL.contains(&verb) => {
            Err(Failure::Denied(CONTROLLED))
        }
        (Author::Host, Some(_)) if !is_kept => Err(Failure::Protocol(format!(
            "the server is in the state {:?} after a statement of the host",
            exchange.status
        ))),
        (_, Some(_)) if exchange.misread => Err(Failure::Denied(MISREAD)),
        (_, Some(_)) => Ok(()),
    }
}

pub(super) fn count_rows(statistics: &mut Statistics, answer: &Answer) {
    statistics.rows_read += u64::try_from(answer.rows.len()).unwrap_or(u64::MAX);
    if let ("INSERT" | "UPDATE" | "DELETE" | "MERGE", Some(count)) =
        (answer.tag.verb.as_str(), answer.tag.count)
    {
        statistics.rows_written += count;
    }
}
