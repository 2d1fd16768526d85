use crate::bindings::{Failure, View, databases_wit};

impl databases_wit::Host for View<'_> {
    async fn create_database(
        &mut self,
        name: String,
        if_not_exists: bool,
    ) -> Result<bool, Failure> {
        Ok(self.session.create_database(&name, if_not_exists).await?)
    }
}
