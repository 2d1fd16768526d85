use wasmtime::component::Resource;

use crate::{
    bindings::{
        Failure, HostBug, View,
        convert::{all, row_set, statement_result},
        sql_wit, wit,
    },
    database::{Column, CursorId, SqlStatement},
};

/// What a `cursor` of a guest stands for. The session knows the rest.
#[derive(Debug)]
pub struct Cursor(CursorId);

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
        statements: Vec<sql_wit::Statement>,
    ) -> Result<Vec<wit::StatementResult>, Failure> {
        let results = self.session.batch(&all(statements)).await?;
        let results = results.iter();
        results
            .map(|result| statement_result(result, *self.format))
            .collect()
    }

    async fn open_cursor(
        &mut self,
        text: String,
        parameters: Vec<wit::Value>,
    ) -> Result<Resource<Cursor>, Failure> {
        let cursor = self.session.open_cursor(&text, &all(parameters)).await?;
        Ok(self.resources.push(Cursor(cursor))?)
    }
}

impl sql_wit::HostCursor for View<'_> {
    async fn columns(&mut self, cursor: Resource<Cursor>) -> wasmtime::Result<Vec<wit::Column>> {
        let Cursor(cursor) = *self.resources.get(&cursor).map_err(HostBug::from)?;
        let columns = self.session.cursor_columns(cursor).iter();
        let column = |column: &Column| wit::Column {
            name: column.name.clone(),
            type_name: column.type_name.clone(),
        };
        Ok(columns.map(column).collect())
    }

    async fn next(
        &mut self,
        cursor: Resource<Cursor>,
        max_rows: u32,
    ) -> Result<Option<wit::RowSet>, Failure> {
        let Cursor(cursor) = *self.resources.get(&cursor).map_err(HostBug::from)?;
        let rows = self.session.fetch(cursor, max_rows).await?;
        rows.map(|rows| row_set(&rows, *self.format)).transpose()
    }

    async fn drop(&mut self, cursor: Resource<Cursor>) -> wasmtime::Result<()> {
        let Cursor(cursor) = self.resources.delete(cursor).map_err(HostBug::from)?;
        self.session.close_cursor(cursor).await;
        Ok(())
    }
}

impl From<sql_wit::Statement> for SqlStatement {
    fn from(statement: sql_wit::Statement) -> Self {
        Self {
            text: statement.text,
            parameters: all(statement.parameters),
        }
    }
}
