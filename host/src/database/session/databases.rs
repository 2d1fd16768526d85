use super::Session;
use crate::database::{
    error::{DatabaseError, Error, ErrorKind},
    lease::Author,
    statement,
};

impl Session {
    /// Makes a database and says whether it was made: false if it was there and `if_not_exists` was given.
    pub async fn create_database(
        &mut self,
        name: &str,
        if_not_exists: bool,
    ) -> Result<bool, Error> {
        let statement = statement::create_database(self.database.server().kind, name)?;
        match self.write_only(&statement, Author::Host).await {
            Ok(_) => Ok(true),
            Err(Error::Database(error)) if is_there(&error) => {
                if if_not_exists {
                    Ok(false)
                } else {
                    Err(Error::Database(Box::new(DatabaseError {
                        sqlstate: "42P04".to_owned(),
                        kind: ErrorKind::DuplicateObject,
                        ..*error
                    })))
                }
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether the database is there already. Of two who make the same one at once, PostgreSQL may tell one of a key violated in its own
/// tables.
fn is_there(error: &DatabaseError) -> bool {
    error.sqlstate == "42P04"
        || (error.kind == ErrorKind::UniqueViolation
            && error.constraint.as_deref() == Some("pg_database_datname_index"))
}
