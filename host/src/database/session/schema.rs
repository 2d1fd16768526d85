use super::Session;
use crate::database::{
    error::{DatabaseError, Error, ErrorKind},
    lease::Author,
    request::{DataType, TableDefinition},
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
        self.refuse_in_transaction("no table is made")?;
        let statement = statement::create_table(self.database.server().kind, table, definition)?;
        let mut made = self.write_only(&statement, Author::Host).await;
        if matches!(&made, Err(Error::Database(error)) if error.sqlstate == "42710") {
            // A type has the name: that of the rows of a table which somebody else has made at this moment, as the next answer tells, or
            // another one.
            made = self.write_only(&statement, Author::Host).await;
        }
        self.database.forget_tables();
        match made {
            Ok(_) => Ok(true),
            Err(Error::Database(error)) if if_not_exists && is_there(&error, definition) => {
                Ok(false)
            }
            Err(Error::Database(error)) if lacks_vectors(&error, definition) => {
                Err(not_supported(*error))
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
        self.refuse_in_transaction("no table is removed")?;
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

/// Whether the error says that a relation of this name is there: the table, and not an index of the definition.
fn is_there(error: &DatabaseError, definition: &TableDefinition) -> bool {
    // Names that the database chooses for indexes are never taken: only where one is given, the message has to tell.
    let keys = definition.unique_keys.iter();
    let mut given = keys.filter_map(|key| key.name.as_deref());
    error.sqlstate == "42P07" && !given.any(|index| names(&error.message, index))
}

/// Whether a message has this name in its quotes, maybe after those of a database and a schema.
fn names(message: &str, name: &str) -> bool {
    let quoted = message
        .split_once('"')
        .and_then(|(_, rest)| rest.rsplit_once('"'));
    let written = format!("\"{}\"", name.replace('"', "\"\""));
    quoted.is_some_and(|(shown, _)| {
        let last = |name: &str| {
            shown
                .strip_suffix(name)
                .is_some_and(|before| before.ends_with('.'))
        };
        shown == name || last(name) || last(&written)
    })
}

/// Whether the error says that the database has no type for vectors, of which the definition has some.
fn lacks_vectors(error: &DatabaseError, definition: &TableDefinition) -> bool {
    let mut types = definition.columns.iter().map(|column| &column.data_type);
    error.sqlstate == "42704"
        && error.message.contains("vector")
        && types.any(|data_type| matches!(data_type, DataType::Vector(_)))
}

fn not_supported(error: DatabaseError) -> Error {
    Error::Database(Box::new(DatabaseError {
        sqlstate: "0A000".to_owned(),
        kind: ErrorKind::NotSupported,
        ..error
    }))
}

/// Whether the error is about the definition alone: a constant that cannot be read, a size that cannot be, types that do not fit
/// together, a reference to what is no key, too many columns.
fn contradicts_itself(error: &DatabaseError) -> bool {
    error.kind == ErrorKind::DataException
        || matches!(
            error.sqlstate.as_str(),
            "42804" | "42830" | "42846" | "42883" | "42P16" | "42611" | "54011"
        )
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn the_name_in_a_message_is_the_whole_of_it() {
        for (message, name, expected) in [
            ("relation \"data\" already exists", "data", true),
            ("relation \"data\" already exists", "a", false),
            ("relation \"my.public.data\" already exists", "data", true),
            (
                "relation \"my.public.\"odd.name\"\" already exists",
                "odd.name",
                true,
            ),
            (
                "relation \"my.public.my_data\" already exists",
                "data",
                false,
            ),
            ("relation already exists", "data", false),
        ] {
            assert_eq!(names(message, name), expected, "{message} {name}");
        }
    }
}
