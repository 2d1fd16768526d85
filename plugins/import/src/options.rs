//! The input of the plugin.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::column::ColumnType;

/// What to load, and how to read it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    /// The table, which is made if it is missing.
    pub(crate) table: String,
    pub(crate) format: Format,
    /// Types by column, for columns whose type is not to be inferred.
    #[serde(default)]
    pub(crate) types: BTreeMap<String, ColumnType>,
    /// The names of the columns of a CSV file without a header.
    pub(crate) columns: Option<Vec<String>>,
    /// What is between the fields of a CSV file.
    #[serde(default = "comma")]
    pub(crate) delimiter: char,
    /// The CSV fields that are NULL.
    #[serde(default = "empty")]
    pub(crate) nulls: Vec<String>,
    /// Rows a statement, unless they are large.
    #[serde(default = "batch_rows")]
    pub(crate) batch_rows: usize,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    Csv,
    Ndjson,
}

fn comma() -> char {
    ','
}

fn empty() -> Vec<String> {
    vec![String::new()]
}

fn batch_rows() -> usize {
    5_000
}
