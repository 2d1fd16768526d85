use crate::{
    bindings::{Failure, View, databases_wit},
    database::Error,
};

impl databases_wit::Host for View<'_> {
    async fn create_database(
        &mut self,
        _name: String,
        _if_not_exists: bool,
    ) -> Result<bool, Failure> {
        Err(Error::not_implemented("databases.create-database").into())
    }
}
