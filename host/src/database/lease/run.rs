use std::pin::pin;

use futures_util::TryStreamExt;
use tokio::time::Instant;
use tokio_postgres::{
    Client, Error, Row, RowStream,
    error::SqlState,
    types::{Oid, ToSql},
};

use super::{
    Answer, Author, Bounds, Lease, Parameter,
    operation::{OnDrop, Timed},
};
use crate::database::{
    failure::Failure,
    limits::LimitExceeded,
    server::ServerKind,
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

/// Why an answer was not read to its end.
pub(super) enum Stop {
    /// The driver gave up.
    Driver(Error),
    /// We did.
    Limit(LimitExceeded),
}

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
        let started = Instant::now();
        let outcome = Box::pin(self.run_replacing(sql, parameters, bounds)).await;
        self.statistics.time += started.elapsed();
        if let Ok(answer) = &outcome {
            count_rows(&mut self.statistics, answer);
        }
        outcome
    }

    /// The types that the server gives the parameters of a statement, which is not run. Two round trips: what is prepared for it is
    /// removed again.
    pub(in crate::database) async fn describe(
        &mut self,
        sql: &str,
        bounds: &Bounds,
    ) -> Result<Vec<Oid>, Failure> {
        check(sql, 0)?;
        self.ready(bounds.deadline).await?;
        let started = Instant::now();
        let outcome = Box::pin(self.describe_once(sql, bounds)).await;
        self.statistics.time += started.elapsed();
        outcome
    }

    async fn run_replacing(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
        bounds: &Bounds,
    ) -> Result<Answer, Failure> {
        self.ready(bounds.deadline).await?;
        loop {
            let may_be_stale = self.may_be_stale();
            match self.run_once(sql, parameters, bounds).await {
                Err(Failure::Lost { sent: false, .. }) if may_be_stale => {
                    self.replace(bounds.deadline).await?;
                }
                outcome => return outcome,
            }
        }
    }

    async fn run_once(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
        bounds: &Bounds,
    ) -> Result<Answer, Failure> {
        let (end, step) = bounds.end()?;
        let in_transaction = self.in_transaction;
        let settled = self.pool.server_kind() == ServerKind::PostgreSql;
        let mut operation = self.operation(OnDrop::Cancel, bounds.author)?;
        let reading = read(operation.client, sql, parameters, bounds);
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
        let rows = match outcome {
            Ok(rows) if cancelled && in_transaction => {
                drop(rows);
                return Err(Failure::TimedOut {
                    step,
                    settled: true,
                });
            }
            Ok(rows) => rows,
            Err(Stop::Limit(limit)) => {
                let settled = operation.is_stopped().await && settled;
                return Err(Failure::Limit { limit, settled });
            }
            Err(Stop::Driver(error)) => {
                let by_us = cancelled && error.code() == Some(&SqlState::QUERY_CANCELED);
                let failure = operation.failed(&error).await;
                #[expect(clippy::wildcard_enum_match_arm, reason = "all others are as they are")]
                return Err(match failure {
                    Failure::Server(_) if by_us => Failure::TimedOut { step, settled },
                    // The frame that was too long blocked the server before it came to the end of the statement.
                    Failure::Limit { limit, .. } => Failure::Limit { limit, settled },
                    failure => failure,
                });
            }
        };
        let exchange = operation.finish().await?;
        let sound = is_sound(&exchange, in_transaction, bounds.author);
        if sound.is_err() {
            operation.spoil();
        }
        sound.map(|()| Answer {
            columns: exchange.columns.unwrap_or_default(),
            rows,
            tag: exchange.tag.unwrap_or_default(),
        })
    }

    async fn describe_once(&mut self, sql: &str, bounds: &Bounds) -> Result<Vec<Oid>, Failure> {
        let (end, step) = bounds.end()?;
        let mut operation = self.operation(OnDrop::Cancel, bounds.author)?;
        let client = operation.client;
        match operation.timed(end, client.prepare(sql)).await {
            Timed::InTime(Ok(statement)) => {
                let exchange = operation.finish().await?;
                operation.close(statement).await;
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

async fn read(
    client: &Client,
    sql: &str,
    parameters: &[Parameter<'_>],
    bounds: &Bounds,
) -> Result<Vec<Row>, Stop> {
    let stream = send(client, sql, parameters).await;
    Size::default()
        .collect(stream.map_err(Stop::Driver)?, bounds)
        .await
}

/// Sends a statement; the first poll puts it in the driver's queue.
pub(super) async fn send(
    client: &Client,
    sql: &str,
    parameters: &[Parameter<'_>],
) -> Result<RowStream, Error> {
    let parameters = parameters.iter().map(|parameter| {
        (
            parameter as &(dyn ToSql + Sync),
            parameter.data_type.clone(),
        )
    });
    client.query_typed_raw(sql, parameters).await
}

/// The size of a result so far, or of several together.
#[derive(Debug, Default)]
pub(super) struct Size {
    rows: u64,
    bytes: u64,
}

impl Size {
    /// Reads a result to its end.
    pub(super) async fn collect(
        &mut self,
        stream: RowStream,
        bounds: &Bounds,
    ) -> Result<Vec<Row>, Stop> {
        let mut stream = pin!(stream);
        let mut rows = Vec::new();
        while let Some(row) = stream.try_next().await.map_err(Stop::Driver)? {
            if !bounds.keeps_rows {
                continue;
            }
            self.rows += 1;
            self.bytes += u64::try_from(row.raw_size_bytes()).unwrap_or(u64::MAX);
            within("result-rows", self.rows, bounds.rows)?;
            within("result-bytes", self.bytes, bounds.bytes)?;
            rows.push(row);
        }
        Ok(rows)
    }
}

fn within(name: &'static str, used: u64, maximum: u64) -> Result<(), Stop> {
    if used <= maximum {
        return Ok(());
    }
    Err(Stop::Limit(LimitExceeded {
        name,
        used,
        maximum,
    }))
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
    let controlled = author == Author::Guest && verb.is_some_and(|verb| CONTROL.contains(&verb));
    if controlled || exchange.status != expected {
        return Err(Failure::Denied(CONTROLLED));
    }
    if exchange.misread {
        return Err(Failure::Denied(MISREAD));
    }
    Ok(())
}

pub(super) fn count_rows(statistics: &mut Statistics, answer: &Answer) {
    statistics.rows_read += u64::try_from(answer.rows.len()).unwrap_or(u64::MAX);
    if let ("INSERT" | "UPDATE" | "DELETE" | "MERGE", Some(count)) =
        (answer.tag.verb.as_str(), answer.tag.count)
    {
        statistics.rows_written += count;
    }
}
