use tokio::time::Instant;
use tokio_postgres::SimpleQueryMessage;

use super::{
    Author, Bounds, Lease,
    operation::{OnDrop, Operation, PATIENCE, Timed},
};
use crate::database::{
    error::TimeoutStep,
    failure::Failure,
    wire::{Exchange, Status},
};

/// How the host begins a transaction. Every new connection is tried with it.
pub(in crate::database) const BEGIN: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE";
/// How the transaction of a cursor begins. Whether it works need not be known before: a cursor cannot be declared without it.
pub(in crate::database) const BEGIN_READ_ONLY: &str =
    "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY";

impl Lease {
    /// Begins a transaction of the host, with a round trip of its own: a BEGIN that fails must not let a statement commit alone.
    pub(in crate::database) async fn begin(&mut self, bounds: &Bounds) -> Result<(), Failure> {
        if self.in_transaction {
            return Err(Failure::Protocol(
                "a transaction is open already".to_owned(),
            ));
        }
        self.ready(bounds.deadline).await?;
        loop {
            let may_be_stale = self.may_be_stale();
            let (end, step) = bounds.end()?;
            let sent = self.control(BEGIN, OnDrop::Cancel, end, step).await;
            match sent {
                Ok(exchange) if exchange.status == Status::Transaction => {
                    self.in_transaction = true;
                    self.conn()?.begins = true;
                    return Ok(());
                }
                Ok(_) => return Err(self.unexpected("BEGIN began no transaction")),
                Err(Failure::Lost { sent: false, .. }) if may_be_stale => {
                    self.replace(bounds.deadline).await?;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Commits the transaction. It is over in any case; a COMMIT is never cancelled, and done only if the server said `COMMIT`.
    pub(in crate::database) async fn commit(&mut self, bounds: &Bounds) -> Result<(), Failure> {
        if !std::mem::take(&mut self.in_transaction) || self.is_spoilt() {
            return Err(Failure::Over);
        }
        let (end, step) = bounds.end()?;
        let exchange = self.control("COMMIT", OnDrop::Leave, end, step).await?;
        let verb = exchange.tag.map(|tag| tag.verb);
        match (verb.as_deref(), exchange.status) {
            (Some("COMMIT"), Status::Idle) => Ok(()),
            (Some("ROLLBACK"), Status::Idle) => Err(Failure::RolledBack),
            _ => Err(self.unexpected("COMMIT did not end the transaction")),
        }
    }

    /// Rolls the transaction back. Where that cannot be done in order, the connection is closed, which does it too.
    pub(in crate::database) async fn roll_back(&mut self) {
        if !std::mem::take(&mut self.in_transaction) || self.is_spoilt() {
            return;
        }
        let end = Instant::now() + PATIENCE;
        let sent = self.control("ROLLBACK", OnDrop::Cancel, end, TimeoutStep::Executing);
        if !matches!(sent.await, Ok(exchange) if exchange.status == Status::Idle) {
            self.unexpected("ROLLBACK did not end the transaction");
        }
    }

    async fn control(
        &mut self,
        sql: &'static str,
        on_drop: OnDrop,
        end: Instant,
        step: TimeoutStep,
    ) -> Result<Exchange, Failure> {
        self.start();
        let operation = self.operation(on_drop, Author::Host)?;
        let outcome = Box::pin(send(operation, sql, on_drop, end, step)).await;
        self.tell();
        outcome
    }

    fn unexpected(&mut self, what: &str) -> Failure {
        if let Ok(conn) = self.conn() {
            conn.tainted = true;
        }
        Failure::Protocol(what.to_owned())
    }
}

async fn send(
    mut operation: Operation<'_>,
    sql: &'static str,
    on_drop: OnDrop,
    end: Instant,
    step: TimeoutStep,
) -> Result<Exchange, Failure> {
    let client = operation.client;
    let sending = client.simple_query(sql);
    let outcome: Result<Vec<SimpleQueryMessage>, _> = match operation.timed(end, sending).await {
        Timed::InTime(outcome) => outcome,
        // It was not cancelled, only late.
        Timed::Cancelled(outcome) if on_drop == OnDrop::Leave => outcome,
        Timed::Cancelled(_) | Timed::Never => {
            return Err(Failure::TimedOut {
                step,
                settled: false,
            });
        }
    };
    match outcome {
        Ok(_) => operation.finish().await,
        Err(error) => Err(operation.failed(&error).await),
    }
}
