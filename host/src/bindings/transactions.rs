use std::time::Duration;

use futures_util::future::BoxFuture;
use wasmtime::component::Resource;

use crate::{
    bindings::{Failure, HostBug, View, transactions_wit as wit},
    database::{Isolation, Session, Snapshot, TransactionId, TransactionOptions},
};

/// What a `transaction` of a guest stands for. The session knows the rest.
#[derive(Debug)]
pub struct Transaction {
    id: TransactionId,
    /// Which attempt it is at, also when it is over.
    attempt: u32,
}

/// Runs operations: calls the plugin's export in instances of their own. The layer that makes instances has it.
pub trait Operations: Send + Sync {
    /// Runs the operation of this name as one transaction, as often as it takes, and gives what it returned.
    fn run<'a>(
        &'a self,
        session: &'a mut Session,
        name: String,
        input: String,
        options: TransactionOptions,
    ) -> BoxFuture<'a, Result<String, Failure>>;
}

impl wit::Host for View<'_> {
    async fn run(
        &mut self,
        name: String,
        input: String,
        options: Option<wit::TransactionOptions>,
    ) -> Result<String, Failure> {
        let options = options.map(TransactionOptions::from).unwrap_or_default();
        let operations = self.operations;
        operations.run(self.session, name, input, options).await
    }

    async fn begin(
        &mut self,
        options: Option<wit::TransactionOptions>,
    ) -> Result<Resource<Transaction>, Failure> {
        let options = options.map(TransactionOptions::from);
        let id = self.session.begin(options.as_ref()).await?;
        let attempt = self.session.attempt();
        match self.resources.push(Transaction { id, attempt }) {
            Ok(handle) => Ok(handle),
            Err(full) => {
                self.session.drop_transaction(id).await;
                Err(full.into())
            }
        }
    }
}

impl wit::HostTransaction for View<'_> {
    async fn commit(&mut self, transaction: Resource<Transaction>) -> Result<(), Failure> {
        let id = self.id(&transaction)?;
        Ok(self.session.commit(id).await?)
    }

    async fn rollback(&mut self, transaction: Resource<Transaction>) -> Result<(), Failure> {
        let id = self.id(&transaction)?;
        Ok(self.session.roll_back(id).await?)
    }

    async fn restart(&mut self, transaction: Resource<Transaction>) -> Result<(), Failure> {
        let id = self.id(&transaction)?;
        self.session.restart(id).await?;
        let begun = self.resources.get_mut(&transaction);
        begun.map_err(HostBug::from)?.attempt = self.session.attempt();
        Ok(())
    }

    async fn attempt(&mut self, transaction: Resource<Transaction>) -> wasmtime::Result<u32> {
        let transaction = self.resources.get(&transaction);
        Ok(transaction.map_err(HostBug::from)?.attempt)
    }

    async fn drop(&mut self, transaction: Resource<Transaction>) -> wasmtime::Result<()> {
        let transaction = self.resources.delete(transaction).map_err(HostBug::from)?;
        self.session.drop_transaction(transaction.id).await;
        Ok(())
    }
}

impl View<'_> {
    fn id(&self, transaction: &Resource<Transaction>) -> Result<TransactionId, HostBug> {
        Ok(self.resources.get(transaction)?.id)
    }
}

impl From<wit::TransactionOptions> for TransactionOptions {
    fn from(options: wit::TransactionOptions) -> Self {
        Self {
            max_retries: options.max_retries,
            timeout: options.timeout_ms.map(Duration::from_millis),
            isolation: match options.isolation {
                None | Some(wit::Isolation::Serializable) => Isolation::Serializable,
                Some(wit::Isolation::ReadCommitted) => Isolation::ReadCommitted,
            },
            read_only: options.read_only,
            snapshot: options.snapshot.map(|snapshot| match snapshot {
                wit::Snapshot::FollowerRead => Snapshot::FollowerRead,
                wit::Snapshot::At(instant) => Snapshot::At(instant),
            }),
            resolve_ambiguous: options.resolve_ambiguous,
        }
    }
}
