use crate::bindings::{Failure, View, convert::all, schema_wit};

impl schema_wit::Host for View<'_> {
    async fn create_table(
        &mut self,
        table: String,
        definition: schema_wit::TableDefinition,
        if_not_exists: bool,
    ) -> Result<bool, Failure> {
        let definition = definition.into();
        let made = self
            .session
            .create_table(&table, &definition, if_not_exists)
            .await?;
        Ok(made)
    }

    async fn drop_table(
        &mut self,
        table: String,
        if_exists: bool,
        cascade: bool,
    ) -> Result<bool, Failure> {
        Ok(self.session.drop_table(&table, if_exists, cascade).await?)
    }

    async fn tables(
        &mut self,
        schema: Option<String>,
    ) -> Result<Vec<schema_wit::TableEntry>, Failure> {
        Ok(all(self.session.tables(schema.as_deref()).await?))
    }

    async fn describe_table(
        &mut self,
        table: String,
    ) -> Result<schema_wit::TableDescription, Failure> {
        Ok(self.session.describe_table(&table).await?.into())
    }
}
