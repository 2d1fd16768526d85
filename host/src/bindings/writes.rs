use crate::{
    bindings::{
        Failure, View,
        convert::{all, batch, batch_update_result, statement_result},
        packed, wit, writes_wit,
    },
    database::{Batch, Error},
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
        table: String,
        fields: Vec<wit::Field>,
        conflict: writes_wit::Conflict,
        returning: wit::Returning,
    ) -> Result<wit::StatementResult, Failure> {
        let (fields, conflict, returning) = (all(fields), conflict.into(), returning.into());
        let written = self
            .session
            .upsert(&table, &fields, &conflict, &returning)
            .await?;
        statement_result(&written, *self.format)
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
        let mut buffer = Vec::new();
        let rows = read(rows, &mut buffer, self.limits.batch_values)?;
        let (conflict, returning) = (conflict.map(Into::into), returning.into());
        let written = self
            .session
            .batch_insert(&table, &rows, conflict.as_ref(), &returning)
            .await?;
        statement_result(&written, *self.format)
    }

    async fn batch_update(
        &mut self,
        table: String,
        rows: writes_wit::Batch,
        key: Vec<String>,
        returning: wit::Returning,
    ) -> Result<writes_wit::BatchUpdateResult, Failure> {
        let mut buffer = Vec::new();
        let rows = read(rows, &mut buffer, self.limits.batch_values)?;
        let returning = returning.into();
        let updated = self
            .session
            .batch_update(&table, &rows, &key, &returning)
            .await?;
        batch_update_result(updated, *self.format)
    }
}

/// A batch of either shape. A packed one borrows from its own bytes, which move into `buffer`.
fn read(
    rows: writes_wit::Batch,
    buffer: &mut Vec<u8>,
    values_maximum: u64,
) -> Result<Batch<'_>, Error> {
    match rows {
        writes_wit::Batch::Typed(rows) => batch(rows, values_maximum),
        writes_wit::Batch::Packed(bytes) => {
            *buffer = bytes;
            packed::read_batch(buffer, values_maximum)
        }
    }
}
