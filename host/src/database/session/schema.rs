use super::Session;
use crate::database::{
    error::{DatabaseError, Error, ErrorKind},
    identifier::QualifiedName,
    lease::Author,
    request::TableDefinition,
    statement,
};

impl Session {
    /// Makes a table and says whether it was made: false if it was there and `if_not_exists` was given.
    pub async fn create_table(
        &mut self,
        table: &str,
        definition: &TableDefinition,
        if_not_exists: bool,
    ) -> Result<bool, Error> {
        let statement = statement::create_table(self.database.server().kind, table, definition)?;
        let made = self.write_only(&statement, Author::Host).await;
        self.database.forget_tables();
        let name = QualifiedName::table(table)?;
        match made {
            Ok(_) => Ok(true),
            Err(Error::Database(error)) if is_there(&error, &name) => {
                if if_not_exists {
                    Ok(false)
                } else {
                    Err(duplicate(*error))
                }
            }
            Err(Error::Database(error)) if contradicts_itself(&error) => {
                Err(Error::Invalid(error.message))
            }
            Err(Error::Conversion(error)) => Err(Error::Invalid(error.message)),
            Err(error) => Err(error),
        }
    }

    /// Removes a table and says whether there was one: false if there was none and `if_exists` was given.
    pub async fn drop_table(
        &mut self,
        table: &str,
        if_exists: bool,
        cascade: bool,
    ) -> Result<bool, Error> {
        let statement = statement::drop_table(table, cascade)?;
        let dropped = self.write_only(&statement, Author::Host).await;
        self.database.forget_tables();
        match dropped {
            Ok(_) => Ok(true),
            Err(Error::Database(error)) if if_exists && error.kind == ErrorKind::UndefinedTable => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether the error says that a relation of this name is there: the table, and not an index of the definition. Of two who make the
/// same table at once, PostgreSQL tells one of a key violated in its own tables.
fn is_there(error: &DatabaseError, table: &QualifiedName) -> bool {
    let is_race =
        error.kind == ErrorKind::UniqueViolation && error.schema.as_deref() == Some("pg_catalog");
    is_race || (error.sqlstate == "42P07" && error.message.contains(table.name.as_str()))
}

fn duplicate(error: DatabaseError) -> Error {
    Error::Database(Box::new(DatabaseError {
        sqlstate: "42P07".to_owned(),
        kind: ErrorKind::DuplicateObject,
        ..error
    }))
}

/// Whether the error is about the definition alone: a constant that cannot be read, a size that cannot be.
fn contradicts_itself(error: &DatabaseError) -> bool {
    error.kind == ErrorKind::DataException
        || matches!(
            error.sqlstate.as_str(),
            "42804" | "42846" | "42P16" | "42611"
        )
}
