use crate::{
    bindings::{
        Failure, View,
        convert::{all, batch, statement_result},
        packed, wit, writes_wit,
    },
    database::Error,
};

impl writes_wit::Host for View<'_> {
    async fn insert(
        &mut self,
        table: String,
        fields: Vec<wit::Field>,
        returning: wit::Returning,
    ) -> Result<wit::StatementResult, Failure> {
        let fields = all(fields);
        let returning = returning.into();
        let written = self.session.insert(&table, &fields, &returning).await?;
        statement_result(&written, *self.format)
    }

    async fn upsert(
        &mut self,
        _table: String,
        _fields: Vec<wit::Field>,
        _conflict: writes_wit::Conflict,
        _returning: wit::Returning,
    ) -> Result<wit::StatementResult, Failure> {
        Err(Error::not_implemented("writes.upsert").into())
    }

    async fn update(
        &mut self,
        table: String,
        assignments: Vec<wit::Assignment>,
        target: writes_wit::Target,
        returning: wit::Returning,
    ) -> Result<wit::StatementResult, Failure> {
        let (assignments, target, returning) = (all(assignments), target.into(), returning.into());
        let written = self
            .session
            .update(&table, &assignments, &target, &returning)
            .await?;
        statement_result(&written, *self.format)
    }

    async fn delete(
        &mut self,
        table: String,
        target: writes_wit::Target,
        returning: wit::Returning,
    ) -> Result<wit::StatementResult, Failure> {
        let (target, returning) = (target.into(), returning.into());
        let written = self.session.delete(&table, &target, &returning).await?;
        statement_result(&written, *self.format)
    }

    async fn batch_insert(
        &mut self,
        table: String,
        rows: writes_wit::Batch,
        conflict: Option<writes_wit::Conflict>,
        returning: wit::Returning,
    ) -> Result<wit::StatementResult, Failure> {
        let buffer;
        let rows = match rows {
            writes_wit::Batch::Typed(rows) => batch(rows, self.limits.batch_values)?,
            writes_wit::Batch::Packed(bytes) => {
                buffer = bytes;
                packed::read_batch(&buffer, self.limits.batch_values)?
            }
        };
        let (conflict, returning) = (conflict.map(Into::into), returning.into());
        let written = self
            .session
            .batch_insert(&table, &rows, conflict.as_ref(), &returning)
            .await?;
        statement_result(&written, *self.format)
    }

    async fn batch_update(
        &mut self,
        _table: String,
        _batch: writes_wit::Batch,
        _key: Vec<String>,
        _returning: wit::Returning,
    ) -> Result<writes_wit::BatchUpdateResult, Failure> {
        Err(Error::not_implemented("writes.batch-update").into())
    }
}
