//! Keys that a batch gives twice: those that are the same by their text are found here, the others by the database, which alone
//! knows that `1.0` is `1.00`.

use std::{borrow::Cow, collections::HashMap};

use super::{BatchStatements, Chunk, Purpose};
use crate::database::{
    error::Error,
    server::ServerKind,
    statement::{Statement, builder::Builder},
    value::{Value, encode},
};

impl BatchStatements<'_> {
    /// The places of the columns of the key in the batch, if it has them all.
    pub(super) fn key_cells(&self) -> Option<Vec<usize>> {
        let place = |part| self.columns.iter().position(|column| column == part);
        let places: Option<Vec<usize>> = self.key.iter().map(place).collect();
        places.filter(|places| !places.is_empty())
    }

    /// Checks that an update has a key, and every row a value for each part of it.
    pub(super) fn check_update(&self) -> Result<(), Error> {
        if self.key.is_empty() {
            return Err(Error::Invalid(
                "a batch update needs the columns of a key, by which it finds the rows".to_owned(),
            ));
        }
        for part in &self.key {
            let Some(column) = self.columns.iter().position(|column| column == part) else {
                return Err(Error::Invalid(format!(
                    "the batch has no column {:?}, which its key needs",
                    part.as_str()
                )));
            };
            for (row, cells) in self.batch.rows.iter().enumerate() {
                let problem = match &cells[column] {
                    None => "lacks the cell",
                    Some(Value::Null) => "has NULL",
                    Some(_) => continue,
                };
                return Err(Error::Invalid(format!(
                    "row {row} of the batch {problem} in column {:?} of the key",
                    part.as_str()
                )));
            }
        }
        Ok(())
    }

    /// Refuses two rows whose keys are the same text.
    pub(super) fn check_keys_given(&self) -> Result<(), Error> {
        let Some(columns) = self.key_cells() else {
            return Ok(());
        };
        let mut seen: HashMap<Vec<Cow<'_, str>>, usize> = HashMap::new();
        for row in self.keyed_rows(&columns) {
            let mut key = Vec::with_capacity(columns.len());
            for &column in &columns {
                let text = encode(self.cell(row, column))
                    .map_err(|reason| self.place(column, Some(row)).unfit(reason))?;
                key.push(text.unwrap_or_default());
            }
            if let Some(first) = seen.insert(key, row) {
                return Err(same_key(first, row));
            }
        }
        Ok(())
    }

    /// Rows that have a value for each part of the key. NULL is like no other, and of a default nothing is known here.
    fn keyed_rows(&self, columns: &[usize]) -> impl Iterator<Item = usize> {
        (0..self.batch.rows.len()).filter(move |&row| {
            let mut cells = columns.iter().map(|&column| &self.batch.rows[row][column]);
            cells.all(|cell| !matches!(cell, None | Some(Value::Null)))
        })
    }

    /// Lists of rows, so that any two that have a key are together in one of them: one list, unless the keys alone are more than a
    /// statement takes.
    pub(in crate::database) fn rows_to_compare(&self, server: ServerKind) -> Vec<Vec<usize>> {
        let Some(columns) = self.key_cells() else {
            return Vec::new();
        };
        let rows: Vec<usize> = self.keyed_rows(&columns).collect();
        let maximum = server.bytes_per_statement();
        let mut parts = self.split(&columns, rows.clone(), usize::MAX, maximum);
        if parts.len() > 1 {
            parts = self.split(&columns, rows, usize::MAX, maximum / 2);
        }
        let mut lists = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            for other in parts.iter().skip(number + 1) {
                lists.push(part.iter().chain(other).copied().collect());
            }
        }
        if lists.is_empty() { parts } else { lists }
    }

    /// Finds two of these rows that have the same key, by their places from 1.
    pub(in crate::database) fn compare(&self, rows: &[usize]) -> Result<Statement<'_>, Error> {
        let columns = self.key_cells().unwrap_or_default();
        let mut builder = Builder::new();
        builder.sql("SELECT min(o), max(o) FROM (");
        self.push_cells(&mut builder, &columns, rows, "")?;
        builder.sql(") AS input GROUP BY ");
        let stored = |(number, &column): (usize, &usize)| {
            let table = self.known.table.as_deref();
            let info = table.and_then(|table| table.column(self.columns[column].as_str()));
            match info.filter(|_| self.purpose != Purpose::Update) {
                Some(info) => format!("c{number}::{}", info.exact_type),
                None => format!("c{number}"),
            }
        };
        let key: Vec<String> = columns.iter().enumerate().map(stored).collect();
        push_list(&mut builder, &key);
        builder.sql(" HAVING count(*) > 1 ORDER BY min(o) LIMIT 1");
        let mut statement = builder.finish();
        statement.places.clear();
        Ok(statement)
    }

    /// The rows of a chunk that have a key, to be compared.
    pub(in crate::database) fn comparable(&self, chunk: &Chunk) -> Vec<usize> {
        let Some(columns) = self.key_cells() else {
            return Vec::new();
        };
        let keyed = self.keyed_rows(&columns);
        keyed
            .filter(|row| chunk.rows.binary_search(row).is_ok())
            .collect()
    }

    /// Adds the CTE `twice`, which has two places of `input` with the same key if there are any.
    pub(super) fn push_twice(&self, builder: &mut Builder<'_>, key: &[String]) {
        builder.sql(", twice (place, again) AS MATERIALIZED (SELECT min(o), max(o) FROM input");
        if self.purpose != Purpose::Update {
            for (number, part) in key.iter().enumerate() {
                let word = if number == 0 { " WHERE " } else { " AND " };
                builder.sql(word).sql(part).sql(" IS NOT NULL");
            }
        }
        builder.sql(" GROUP BY ");
        push_list(builder, key);
        builder.sql(" HAVING count(*) > 1 ORDER BY min(o) LIMIT 1)");
    }
}

/// What keeps a statement from writing anything if a key is there twice.
pub(super) const UNLESS_TWICE: &str = "NOT EXISTS (SELECT 1 FROM twice)";

/// What is reported of `twice`.
pub(super) const REPORT_TWICE: &str = "(SELECT place FROM twice), (SELECT again FROM twice)";

/// The refusal of a key that two rows have.
pub(in crate::database) fn same_key(row: usize, other: usize) -> Error {
    let (first, second) = (row.min(other), row.max(other));
    Error::Invalid(format!(
        "rows {first} and {second} of the batch have the same key"
    ))
}

/// Adds a list with commas between its items.
pub(super) fn push_list(builder: &mut Builder<'_>, items: &[String]) {
    for (number, item) in items.iter().enumerate() {
        builder.sql(if number == 0 { "" } else { ", " }).sql(item);
    }
}
