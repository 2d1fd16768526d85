//! What the database says of the columns of a table.

use std::collections::HashMap;

use tokio_postgres::types::Oid;

use crate::database::{rows::Rows, value::Value};

/// Finds the columns of the table that `$1` names.
pub(in crate::database) const COLUMNS: &str = "SELECT a.attname, a.atttypid, a.atttypmod \
    FROM pg_catalog.pg_attribute AS a \
    WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped";

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::database) struct ColumnType {
    /// Its OID.
    pub(in crate::database) oid: Oid,
    /// Its size as the database packs it, -1 for none: the 5 of `varchar(5)`.
    pub(in crate::database) modifier: i32,
}

/// The columns of a table, by their names.
pub(in crate::database) type Columns = HashMap<String, ColumnType>;

/// Reads what [`COLUMNS`] found.
pub(in crate::database) fn columns(found: &Rows) -> Columns {
    let column = |row| match (
        found.value(row, 0),
        found.value(row, 1),
        found.value(row, 2),
    ) {
        (Ok(Value::Text(name)), Ok(Value::Int64(oid)), Ok(Value::Int64(modifier))) => {
            let of_type = ColumnType {
                oid: Oid::try_from(oid).ok()?,
                modifier: i32::try_from(modifier).ok()?,
            };
            Some((name.into_owned(), of_type))
        }
        _ => None,
    };
    (0..found.len()).filter_map(column).collect()
}
