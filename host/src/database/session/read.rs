use super::{Session, columns};
use crate::database::{
    error::{DatabaseError, Error},
    request::{Condition, Selection},
    rows::Rows,
    statement,
    value::Value,
};

impl Session {
    /// Reads rows.
    pub async fn select(&mut self, table: &str, selection: &Selection) -> Result<Rows, Error> {
        // One row more than allowed is enough to know that there are too many.
        self.read(table, selection, self.limits.result_rows.saturating_add(1))
            .await
    }

    /// Reads the first row, or none. With `unique`, a second one is an error.
    pub async fn select_one(
        &mut self,
        table: &str,
        selection: &Selection,
        unique: bool,
    ) -> Result<Rows, Error> {
        let rows = self
            .read(table, selection, if unique { 2 } else { 1 })
            .await?;
        let one = if rows.len() > 1 {
            Err(more_than_one())
        } else {
            Ok(rows)
        };
        self.doomed_if_refused(one).await
    }

    /// Counts rows.
    pub async fn count(&mut self, table: &str, filter: &[Condition]) -> Result<u64, Error> {
        let statement = statement::count(table, filter)?;
        self.check_losses(table, columns::of_conditions(filter))
            .await?;
        let answer = self.read_only(&statement).await?;
        let rows = self.rows(answer).await;
        match rows.value(0, 0) {
            Ok(Value::Int64(count)) => Ok(count.unsigned_abs()),
            _ => Err(Error::Other("protocol: a count is no number".to_owned())),
        }
    }

    async fn read(
        &mut self,
        table: &str,
        selection: &Selection,
        at_most: u64,
    ) -> Result<Rows, Error> {
        if selection.lock.is_some() && !self.is_in_transaction() {
            return Err(Error::Invalid(
                "rows can be locked only inside a transaction: outside it the lock would end with the call".to_owned(),
            ));
        }
        let statement = statement::select(table, selection, at_most)?;
        self.check_losses(table, columns::of_conditions(&selection.filter))
            .await?;
        let answer = self.read_only(&statement).await?;
        Ok(self.rows(answer).await)
    }
}

fn more_than_one() -> Error {
    Error::Database(Box::new(DatabaseError::of_host(
        "21000",
        "more than one row matches where one was promised",
    )))
}
