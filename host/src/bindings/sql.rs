use wasmtime::component::Resource;

use crate::{
    bindings::{
        Failure, HostBug, View,
        convert::{all, row_set},
        sql_wit, wit,
    },
    database::Error,
};

/// What a `cursor` of a guest stands for. There is none yet, since `open-cursor` is not built.
#[derive(Debug)]
pub enum Cursor {}

impl sql_wit::Host for View<'_> {
    async fn query(
        &mut self,
        text: String,
        parameters: Vec<wit::Value>,
    ) -> Result<wit::RowSet, Failure> {
        let rows = self.session.query(&text, &all(parameters)).await?;
        row_set(&rows, *self.format)
    }

    async fn execute(&mut self, text: String, parameters: Vec<wit::Value>) -> Result<u64, Failure> {
        Ok(self.session.execute(&text, &all(parameters)).await?)
    }

    async fn batch(
        &mut self,
        _statements: Vec<sql_wit::Statement>,
    ) -> Result<Vec<wit::StatementResult>, Failure> {
        Err(Error::not_implemented("sql.batch").into())
    }

    async fn open_cursor(
        &mut self,
        _text: String,
        _parameters: Vec<wit::Value>,
    ) -> Result<Resource<Cursor>, Failure> {
        Err(Error::not_implemented("sql.open-cursor").into())
    }
}

impl sql_wit::HostCursor for View<'_> {
    async fn columns(&mut self, cursor: Resource<Cursor>) -> wasmtime::Result<Vec<wit::Column>> {
        match *self.resources.get(&cursor).map_err(HostBug::from)? {}
    }

    async fn next(
        &mut self,
        cursor: Resource<Cursor>,
        _max_rows: u32,
    ) -> Result<Option<wit::RowSet>, Failure> {
        match *self.resources.get(&cursor).map_err(HostBug::from)? {}
    }

    async fn drop(&mut self, cursor: Resource<Cursor>) -> wasmtime::Result<()> {
        match self.resources.delete(cursor).map_err(HostBug::from)? {}
    }
}
