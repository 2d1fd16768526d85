use super::{Statement, builder::Builder};
use crate::database::{error::Error, identifier::database_name, server::ServerKind};

/// Makes a database. That it is there already is an error of the statement.
pub(in crate::database) fn create_database(
    server: ServerKind,
    name: &str,
) -> Result<Statement<'static>, Error> {
    let mut builder = Builder::new();
    builder
        .sql("CREATE DATABASE ")
        .sql(database_name(name)?)
        .sql(server.new_database());
    Ok(builder.finish())
}
