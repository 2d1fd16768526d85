use super::Session;
use crate::database::{
    error::{Error, ErrorKind},
    request::{Batch, Conflict, ConflictAction, Returning},
    session::Written,
    statement::BatchStatements,
};

impl Session {
    /// Inserts all rows or none, and gives them back in their order. With `conflict`, rows whose key is there already are overwritten,
    /// or kept and left out.
    ///
    /// One round trip, and up to two more before it when the columns and the table's key are not known yet. Rows that are too many
    /// for one statement, or of which not all have the same cells, take one for each such group, two for the transaction around
    /// them, and with `conflict` one to compare their keys.
    pub async fn batch_insert(
        &mut self,
        table: &str,
        batch: &Batch<'_>,
        conflict: Option<&Conflict>,
        returning: &Returning,
    ) -> Result<Written, Error> {
        let mut statements = BatchStatements::insert(table, batch, conflict, returning)?;
        if batch.rows.is_empty() {
            let rows = self.no_rows(table, returning).await?;
            return Ok(Written { count: 0, rows });
        }
        let keeps = conflict.is_some_and(|conflict| conflict.action == ConflictAction::Keep);
        if *returning != Returning::Nothing && !keeps {
            self.charge(|usage, limits| usage.result_rows(batch.rows.len() as u64, limits))?;
        }
        let done = match self.run_batch(&mut statements, conflict, returning).await {
            Err(Error::Database(error))
                if conflict.is_some() && error.kind == ErrorKind::CardinalityViolation =>
            {
                // Both got a part of their key by default: only the database knows which.
                return Err(Error::Invalid(
                    "two rows of the batch have the same key, by the default of a cell that was left out".to_owned(),
                ));
            }
            outcome => outcome?,
        };
        let count = done.count;
        let rows = if *returning == Returning::Nothing {
            None
        } else {
            Some(done.rows(self).await)
        };
        Ok(Written { count, rows })
    }
}
