use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::{
    Error,
    error::{DbError, SqlState},
};

use crate::database::{
    connect::Canceller,
    failure::Failure,
    limits::LimitExceeded,
    pool::{Background, Conn, Statements},
    value::Shape,
    wire::{End, Exchange, Wire},
};

/// How long to wait for what should come at once: the end of an answer, or of a statement that was cancelled.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
pub(super) const COPY: &str = "COPY is not available as SQL text: write rows with `batch-insert`";

/// A request that is under way on a connection. Dropped before its end, it spoils the connection and cancels the statement.
pub(super) struct Operation<'a> {
    pub(super) client: &'a ClientWrapper,
    wire: &'a Wire,
    canceller: &'a Canceller,
    pub(super) statements: &'a mut Statements,
    requests: &'a mut u64,
    tainted: &'a mut bool,
    background: &'a Background,
    /// The number on the wire of its last request.
    request: u64,
    on_drop: OnDrop,
    finished: bool,
}

/// What becomes of a statement whose caller has gone, or whose time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnDrop {
    /// It is cancelled on the server.
    Cancel,
    /// It goes on: to cancel a COMMIT only makes its outcome less certain.
    Leave,
}

/// How a request went whose time is limited.
pub(super) enum Timed<T> {
    /// It ended in time.
    InTime(T),
    /// It ended after it had been cancelled.
    Cancelled(T),
    /// It did not end.
    Never,
}

impl<'a> Operation<'a> {
    /// Counts a request that is about to be put in the driver's queue.
    pub(super) fn begin(conn: &'a mut Conn, background: &'a Background, on_drop: OnDrop) -> Self {
        let Conn {
            client,
            wire,
            canceller,
            statements,
            requests,
            tainted,
            used,
            ..
        } = conn;
        *requests += 1;
        *used = true;
        Self {
            client,
            wire,
            canceller,
            statements,
            tainted,
            background,
            request: *requests,
            requests,
            on_drop,
            finished: false,
        }
    }

    /// Counts a request that is sent together with the first.
    pub(super) fn and_another(&mut self) {
        *self.requests += 1;
    }

    /// Counts as many requests more, to be put in the driver's queue behind the first: they are followed together. Gives the number
    /// of the first.
    pub(super) fn followed_by(&mut self, more: u64) -> u64 {
        let first = self.request;
        *self.requests += more;
        self.request = *self.requests;
        first
    }

    /// How many requests were written in full, of all on this connection.
    pub(super) fn sent(&self) -> u64 {
        self.wire.sent()
    }

    /// Lets a request run until `end`. Then it is cancelled and given a moment, and the connection is not used again.
    pub(super) async fn timed<T>(
        &mut self,
        end: Instant,
        request: impl Future<Output = T>,
    ) -> Timed<T> {
        let mut request = std::pin::pin!(request);
        if let Ok(outcome) = timeout_at(end, &mut request).await {
            return Timed::InTime(outcome);
        }
        self.spoil();
        match timeout(PATIENCE, request).await {
            Ok(outcome) => Timed::Cancelled(outcome),
            Err(_) => Timed::Never,
        }
    }

    /// Waits for the end of the answer and gives what was seen of it.
    pub(super) async fn finish(&mut self) -> Result<Exchange, Failure> {
        let exchange = self.answer(self.request).await?;
        self.finished = self.request == *self.requests;
        Ok(exchange)
    }

    /// The same for the request that was sent together with the first.
    pub(super) async fn finish_other(&mut self) -> Result<Exchange, Failure> {
        let exchange = self.answer(*self.requests).await?;
        self.finished = true;
        Ok(exchange)
    }

    /// Waits for the end of every answer, and gives what was seen of those from the request `first` on.
    pub(super) async fn finish_from(&mut self, first: u64) -> Result<Vec<Exchange>, Failure> {
        self.ended(self.request).await?;
        self.finished = true;
        (first..=self.request)
            .map(|request| self.seen(request))
            .collect()
    }

    async fn answer(&self, request: u64) -> Result<Exchange, Failure> {
        self.ended(request).await?;
        self.seen(request)
    }

    fn seen(&self, request: u64) -> Result<Exchange, Failure> {
        let exchange = self.wire.take(request);
        exchange.ok_or_else(|| Failure::Protocol("an answer was not seen".to_owned()))
    }

    async fn ended(&self, request: u64) -> Result<(), Failure> {
        match timeout(PATIENCE, self.wire.idle(request)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(End::FrameTooLong { bytes, maximum })) => Err(Failure::Limit {
                limit: LimitExceeded {
                    name: "frame-bytes",
                    used: bytes.try_into().unwrap_or(u64::MAX),
                    maximum: maximum.try_into().unwrap_or(u64::MAX),
                },
                settled: false,
            }),
            Ok(Err(End::Closed { sqlstate })) => Err(Failure::Lost {
                sent: self.wire.sent() >= request,
                sqlstate,
            }),
            Ok(Err(End::Malformed(what))) => {
                Err(Failure::Protocol(format!("the server sent {what}")))
            }
            Err(_) => Err(Failure::Protocol(
                "the server did not end its answer".to_owned(),
            )),
        }
    }

    /// What an error of the driver was about, after the end of the answer was awaited.
    pub(super) async fn failed(&mut self, error: &Error) -> Failure {
        if self.wire.is_copying() {
            return Failure::Denied(COPY);
        }
        let finished = self.finish().await;
        if !self.finished && finished.is_ok() {
            // What was sent together with it. If that does not end, the connection is not used again.
            drop(self.finish_other().await);
        }
        if let Some(error) = error.as_db_error() {
            let unreadable = finished.ok().and_then(|it| unreadable(error, &it));
            return unreadable.unwrap_or_else(|| Failure::Server(Box::new(error.clone())));
        }
        match finished {
            Ok(exchange) => {
                self.spoil();
                if exchange.copy {
                    Failure::Denied(COPY)
                } else {
                    Failure::Protocol(error.to_string())
                }
            }
            Err(failure) => failure,
        }
    }

    /// Cancels the statement, whose rows nobody wants any more; whether it is known that it changed nothing.
    pub(super) async fn is_stopped(&mut self) -> bool {
        self.spoil();
        self.finish().await.is_ok_and(|exchange| {
            let verb = exchange.tag.map(|tag| tag.verb);
            verb.as_deref() == Some("SELECT")
                || exchange.error.as_deref() == Some(SqlState::QUERY_CANCELED.code())
        })
    }

    /// Sees to it that the connection is not used again, and cancels what runs on it, once.
    pub(super) fn spoil(&mut self) {
        *self.tainted = true;
        if !self.finished && self.on_drop == OnDrop::Cancel && self.wire.end().is_none() {
            let canceller = self.canceller.clone();
            self.background
                .spawn(async move { canceller.cancel().await });
        }
        self.on_drop = OnDrop::Leave;
    }
}

impl Drop for Operation<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.spoil();
        }
    }
}

/// Names the column that the server cannot send, since results are asked for in binary form.
fn unreadable(error: &DbError, exchange: &Exchange) -> Option<Failure> {
    let message = error.message();
    let type_name = message.strip_prefix("no binary output function available for type ")?;
    let columns = exchange.columns.as_ref()?;
    let name_of = |oid| Shape::of_builtin(oid).map(|(name, _)| name);
    let column = columns
        .iter()
        .find(|column| name_of(column.oid).as_deref() == Some(type_name))
        .or_else(|| columns.iter().find(|it| name_of(it.oid).is_none()))?;
    Some(Failure::Unreadable {
        column: column.name.clone(),
        type_name: type_name.to_owned(),
    })
}
