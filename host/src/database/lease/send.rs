use std::pin::pin;

use futures_util::{
    TryStreamExt,
    future::{Either, OptionFuture, select},
};
use tokio::time::Instant;
use tokio_postgres::{Client, Error, Row, RowStream, Statement, error::SqlState, types::ToSql};

use super::{Author, Bounds, Lease, Parameter, operation::Operation};
use crate::database::{
    failure::Failure,
    limits::LimitExceeded,
    pool::{Plan, Text},
};

/// Parameters of more bytes than this take so long that parsing the text once more does not count. What would be sent behind them to
/// prepare it could miss their flight.
const SMALL_BYTES: usize = 64 << 10;

/// A statement's text and its parameters.
#[derive(Debug, Clone, Copy)]
pub(in crate::database) struct Query<'a> {
    pub(in crate::database) sql: &'a str,
    pub(in crate::database) parameters: &'a [Parameter<'a>],
}

/// Why an answer was not read to its end.
pub(super) enum Stop {
    /// The driver gave up.
    Driver(Error),
    /// We did.
    Limit(LimitExceeded),
}

/// What came of preparing, if that was to be done.
pub(super) type Prepared = Option<Result<Statement, Error>>;

impl Stop {
    /// Whether the server says that it was told to.
    pub(super) fn is_cancelled(&self) -> bool {
        matches!(self, Self::Driver(error) if error.code() == Some(&SqlState::QUERY_CANCELED))
    }

    /// What that is for the statement, after the end of the answer was awaited.
    pub(super) async fn into_failure(
        self,
        operation: &mut Operation<'_>,
        author: Author,
    ) -> Failure {
        let error = match self {
            Self::Limit(limit) => {
                let settled = operation.is_stopped().await;
                return Failure::Limit { limit, settled };
            }
            Self::Driver(error) => error,
        };
        match (operation.failed(&error).await, author) {
            // The frame that was too long blocked the server before it came to the end of the statement.
            (Failure::Limit { limit, .. }, _) => Failure::Limit {
                limit,
                settled: true,
            },
            (Failure::Denied(_), Author::Host) => {
                Failure::Protocol("the server wants to copy data".to_owned())
            }
            (failure, _) => failure,
        }
    }
}

impl<'a> Query<'a> {
    /// What it is known by, if it is worth preparing.
    pub(super) fn text(self) -> Option<Text<'a>> {
        let texts = self.parameters.iter().filter_map(|it| it.text.as_deref());
        if texts.map(str::len).sum::<usize>() > SMALL_BYTES {
            return None;
        }
        let types = self.parameters.iter();
        Text::new(self.sql, types.map(|parameter| parameter.data_type.clone()))
    }
}

impl Lease {
    /// How a text is best run on this connection; all but the host's texts are run as they are.
    pub(super) fn plan(&mut self, text: Option<&Text<'_>>) -> Result<Plan, Failure> {
        let generation = self.pool.generation();
        let now = Instant::now();
        let statements = &mut self.conn()?.statements;
        Ok(text.map_or(Plan::Once, |text| statements.plan(text, generation, now)))
    }
}

impl Operation<'_> {
    /// Keeps the statement that was prepared in the flight of this request. That it could not be is of no interest, unless it ended the
    /// transaction.
    pub(super) async fn keep(
        &mut self,
        text: &Text<'_>,
        prepared: Prepared,
        in_transaction: bool,
    ) -> Result<(), Failure> {
        match (prepared, self.finish_other().await) {
            (Some(Ok(statement)), Ok(exchange)) => {
                let columns = exchange.columns.unwrap_or_default();
                let is_complete = statement.columns().len() == columns.len();
                if is_complete && statement.params().len() == text.types().len() {
                    self.statements
                        .keep(text, statement, columns, Instant::now());
                }
                Ok(())
            }
            (_, Err(failure)) if in_transaction => Err(failure),
            (Some(Err(error)), Ok(_)) if in_transaction => Err(match error.as_db_error() {
                Some(error) => Failure::Server(Box::new(error.clone())),
                None => Failure::Protocol(error.to_string()),
            }),
            (prepared, finished) => {
                tracing::debug!(?prepared, ?finished, "a statement could not be prepared");
                Ok(())
            }
        }
    }

    /// What a failure of a statement that was prepared comes to. What the server may say of one that it has forgotten, or whose tables or
    /// types have changed, is no reason to give up: nothing was kept, and it can be run as it is.
    pub(super) fn reconsider(
        &mut self,
        failure: Failure,
        text: &Text<'_>,
        in_transaction: bool,
    ) -> Failure {
        let Failure::Server(error) = failure else {
            return failure;
        };
        let code = error.code().code();
        let is_lost = matches!(code, "0A000" | "26000");
        let may_be_lost = code.starts_with("22") || code.starts_with("42");
        if is_lost || may_be_lost {
            self.statements.discard(text);
        }
        if is_lost || (may_be_lost && !in_transaction) {
            Failure::Outdated(error)
        } else {
            Failure::Server(error)
        }
    }
}

/// Sends a statement and reads its rows. Where it is to be prepared, that is sent in the same flight: so the next time costs less, and this
/// time no more.
pub(super) async fn send(
    client: &Client,
    query: Query<'_>,
    plan: &Plan,
    bounds: &Bounds,
) -> Result<(Vec<Row>, Prepared), Stop> {
    let reading = pin!(read(client, query, plan, bounds));
    let preparing: OptionFuture<_> = plan.prepares().then(|| prepare(client, query)).into();
    // Each sends when it is first polled: the statement goes first.
    match select(reading, pin!(preparing)).await {
        Either::Left((rows, preparing)) => Ok((rows?, preparing.await)),
        Either::Right((prepared, reading)) => Ok((reading.await?, prepared)),
    }
}

pub(super) async fn prepare(client: &Client, query: Query<'_>) -> Result<Statement, Error> {
    let types = query.parameters.iter();
    let types: Vec<_> = types.map(|parameter| parameter.data_type.clone()).collect();
    client.prepare_typed(query.sql, &types).await
}

async fn read(
    client: &Client,
    query: Query<'_>,
    plan: &Plan,
    bounds: &Bounds,
) -> Result<Vec<Row>, Stop> {
    let stream = stream(client, query, plan).await;
    Size::default()
        .collect(stream.map_err(Stop::Driver)?, bounds)
        .await
}

/// Sends a statement without reading its rows; the first poll puts it in the driver's queue.
pub(super) async fn stream(
    client: &Client,
    query: Query<'_>,
    plan: &Plan,
) -> Result<RowStream, Error> {
    match plan {
        Plan::Prepared(statement, _) => client.query_raw(statement, query.parameters).await,
        Plan::Once | Plan::Prepare => send_once(client, query).await,
    }
}

async fn send_once(client: &Client, query: Query<'_>) -> Result<RowStream, Error> {
    let typed = query.parameters.iter().map(|parameter| {
        let declared = parameter.data_type.clone();
        (parameter as &(dyn ToSql + Sync), declared)
    });
    client.query_typed_raw(query.sql, typed).await
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
