//! What is there: tables as the database describes them.

use super::request::{ForeignKey, UniqueKey};

/// A table or view as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDescription {
    /// The schema that it is in.
    pub schema: String,
    /// Its plain name.
    pub name: String,
    /// In their order, without hidden ones.
    pub columns: Vec<ColumnDescription>,
    /// Its columns, in the order of the key; empty if there is none that can be seen.
    pub primary_key: Vec<String>,
    /// By name, without the primary key. A unique index counts; one over a part of the rows, or over an expression, does not.
    pub unique_keys: Vec<UniqueKey>,
    /// Where its rows refer to, by name. Tables are named with their schemas.
    pub foreign_keys: Vec<ForeignKey>,
}

/// A column as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDescription {
    /// Its plain name.
    pub name: String,
    /// The name of its type as in results, with its size where it has one: `int8`, `numeric(12,2)`, `text[]`.
    pub type_name: String,
    /// Whether it refuses NULL.
    pub not_null: bool,
    /// What it holds when an insert does not say, or how it is computed, as SQL text.
    pub default_text: Option<String>,
}

/// A table in a list of tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableEntry {
    /// The schema that it is in.
    pub schema: String,
    /// Its plain name.
    pub name: String,
    /// What it is.
    pub kind: TableKind,
}

/// What a table is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// Rows of its own, those of its partitions and of other servers included.
    Table,
    /// A query that runs whenever it is read.
    View,
    /// A query whose rows were stored when it was last refreshed.
    MaterializedView,
}
