use wasmtime::component::Resource;

use crate::{
    bindings::{Failure, HostBug, View, transactions_wit},
    database::Error,
};

/// What a `transaction` of a guest stands for. There is none yet, since `begin` is not built.
#[derive(Debug)]
pub enum Transaction {}

impl transactions_wit::Host for View<'_> {
    async fn run(
        &mut self,
        _name: String,
        _input: String,
        _options: Option<transactions_wit::TransactionOptions>,
    ) -> Result<String, Failure> {
        Err(Error::not_implemented("transactions.run").into())
    }

    async fn begin(
        &mut self,
        _options: Option<transactions_wit::TransactionOptions>,
    ) -> Result<Resource<Transaction>, Failure> {
        Err(Error::not_implemented("transactions.begin").into())
    }
}

impl transactions_wit::HostTransaction for View<'_> {
    async fn commit(&mut self, transaction: Resource<Transaction>) -> Result<(), Failure> {
        match *self.resources.get(&transaction).map_err(HostBug::from)? {}
    }

    async fn rollback(&mut self, transaction: Resource<Transaction>) -> Result<(), Failure> {
        match *self.resources.get(&transaction).map_err(HostBug::from)? {}
    }

    async fn restart(&mut self, transaction: Resource<Transaction>) -> Result<(), Failure> {
        match *self.resources.get(&transaction).map_err(HostBug::from)? {}
    }

    async fn attempt(&mut self, transaction: Resource<Transaction>) -> wasmtime::Result<u32> {
        match *self.resources.get(&transaction).map_err(HostBug::from)? {}
    }

    async fn drop(&mut self, transaction: Resource<Transaction>) -> wasmtime::Result<()> {
        match self.resources.delete(transaction).map_err(HostBug::from)? {}
    }
}
