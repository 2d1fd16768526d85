//! Requests, turned into SQL text and parameters.
//!
//! Names are quoted, values are parameters; the only values in a text are the constants of table definitions, which take no
//! parameters, as checked literals. Nothing here speaks to a database.

mod batch;
mod builder;
mod condition;
mod database;
#[cfg(test)]
mod goldens;
mod inspect;
mod literal;
mod marker;
mod operator;
mod read;
mod table;
mod text;
mod write;

pub(super) use batch::{BatchStatements, Chunk, Known, Reply, conflict_key, same_key};
pub(super) use database::create_database;
pub(super) use inspect::{describe_table, tables};
pub(super) use marker::{
    CLEANED_AT_ONCE, FENCE, MARK, READ_MARKER, clean_markers, create_cleaner, create_markers,
    create_own_schema, find_markers, grant_markers, revoke_markers,
};
pub(super) use operator::{capacity, clock, isolation, role};
pub(super) use read::{count, select, select_nothing};
pub(super) use table::{create_table, drop_table};
pub(super) use text::{Gives, SqlText};
pub(super) use write::{delete, insert, try_addition, update, upsert};

use super::{
    error::{ConversionError, Error},
    lease::Parameter,
    value::Unfit,
};

/// One statement, ready to be sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Statement<'a> {
    pub(super) sql: String,
    pub(super) parameters: Vec<Parameter<'a>>,
    /// What each parameter is for, so that an error can name it.
    pub(super) places: Vec<Place>,
    /// How many of the parameters, the first ones, go into columns as they are.
    pub(super) written: usize,
    /// Whether it is SQL text of the guest's that says it writes.
    pub(super) writes: bool,
}

/// What a parameter is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The column it is for, or `$1`.
    pub(super) column: String,
    /// Its row in a batch.
    pub(super) row: Option<u64>,
}

impl Place {
    /// The error of a value that cannot be sent.
    pub(super) fn unfit(&self, reason: Unfit) -> Error {
        Error::Conversion(Box::new(ConversionError {
            column: self.column.clone(),
            row: self.row,
            type_name: String::new(),
            message: reason.to_string(),
        }))
    }
}
