use crate::bindings::{
    Failure, View,
    convert::{all, row_set},
    reads_wit, wit,
};

impl reads_wit::Host for View<'_> {
    async fn select(
        &mut self,
        table: String,
        selection: reads_wit::Selection,
    ) -> Result<wit::RowSet, Failure> {
        let rows = self.session.select(&table, &selection.into()).await?;
        row_set(&rows, *self.format)
    }

    async fn select_one(
        &mut self,
        table: String,
        selection: reads_wit::Selection,
        unique: bool,
    ) -> Result<wit::RowSet, Failure> {
        let selection = selection.into();
        let rows = self.session.select_one(&table, &selection, unique).await?;
        row_set(&rows, *self.format)
    }

    async fn count(&mut self, table: String, filter: Vec<wit::Condition>) -> Result<u64, Failure> {
        Ok(self.session.count(&table, &all(filter)).await?)
    }
}
