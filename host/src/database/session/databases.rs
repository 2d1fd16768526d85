use super::Session;
use crate::database::{error::Error, lease::Author, statement};

impl Session {
    /// Makes a database and says whether it was made: false if it was there and `if_not_exists` was given.
    pub async fn create_database(
        &mut self,
        name: &str,
        if_not_exists: bool,
    ) -> Result<bool, Error> {
        self.refuse_in_transaction("no database is made")?;
        let statement = statement::create_database(self.database.server().kind, name)?;
        match self.write_only(&statement, Author::Host).await {
            Ok(_) => Ok(true),
            Err(Error::Database(error)) if if_not_exists && error.sqlstate == "42P04" => Ok(false),
            Err(error) => Err(error),
        }
    }
}
