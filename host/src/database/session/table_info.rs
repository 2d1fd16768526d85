use std::sync::Arc;

use super::Session;
use crate::database::{
    error::Error,
    identifier::QualifiedName,
    lease::Parameter,
    statement::Statement,
    table_info::{TableInfo, look_up},
};

impl Session {
    /// What is known of a table, and whether it was known before. Otherwise, or with `ask`, it takes a round trip.
    pub(super) async fn table_info(
        &mut self,
        name: &QualifiedName,
        ask: bool,
    ) -> Result<(Arc<TableInfo>, bool), Error> {
        let kept = self.database.catalog().table(name).filter(|_| !ask);
        if let Some(kept) = kept {
            return Ok((kept, true));
        }
        let look_up = Statement {
            sql: look_up(self.database.server().kind),
            parameters: vec![Parameter::untyped(name.to_string())],
            ..Statement::default()
        };
        let found = self.ask_catalog(&look_up).await?;
        let table = TableInfo::read(&found);
        let catalog = self.database.catalog();
        Ok((catalog.keep_table(name.clone(), table), false))
    }
}
