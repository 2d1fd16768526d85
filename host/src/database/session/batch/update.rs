use super::Session;
use crate::database::{
    error::Error,
    request::{Batch, Returning},
    rows::Rows,
    statement::BatchStatements,
};

/// What a batch update did.
#[derive(Debug)]
pub struct BatchUpdated {
    /// Rows updated.
    pub count: u64,
    /// Places in the batch, from 0 and ascending, whose key no row has.
    pub not_found: Vec<u32>,
    /// The updated rows in the order of the batch, if they were asked for.
    pub rows: Option<Rows>,
}

impl Session {
    /// Updates each row of the batch by its key, all or none: the columns in `key` find the row, the other cells that are there are
    /// set. A row without other cells is only looked for.
    ///
    /// One round trip, and up to two more before it when the columns and the table's key are not known yet. Rows that are too many
    /// for one statement, or of which not all have the same cells, take one for each such group, one to compare their keys, and
    /// two for the transaction around them. There is a transaction too if what comes back is not bounded by the batch: all
    /// rows of a key that is not the primary one, or columns that the batch does not set.
    pub async fn batch_update(
        &mut self,
        table: &str,
        batch: &Batch<'_>,
        key: &[String],
        returning: &Returning,
    ) -> Result<BatchUpdated, Error> {
        let mut statements = BatchStatements::update(table, batch, key, returning)?;
        if batch.rows.is_empty() {
            let rows = self.no_rows(table, returning).await?;
            return Ok(BatchUpdated {
                count: 0,
                not_found: Vec::new(),
                rows,
            });
        }
        let mut done = self.run_batch(&mut statements, None, returning).await?;
        let places = std::mem::take(&mut done.not_found).into_iter();
        let not_found = places
            .map(|place| u32::try_from(place).unwrap_or(u32::MAX))
            .collect();
        let count = done.count;
        let rows = if *returning == Returning::Nothing {
            None
        } else {
            Some(done.rows(self).await)
        };
        Ok(BatchUpdated {
            count,
            not_found,
            rows,
        })
    }
}
