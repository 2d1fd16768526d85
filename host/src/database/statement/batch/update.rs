use super::{
    BatchStatements, Chunk, ChunkStatement, Reply,
    keys::{REPORT_TWICE, UNLESS_TWICE},
};
use crate::database::{
    error::Error,
    identifier::{Identifier, QualifiedName},
    request::Returning,
    statement::{Statement, builder::Builder},
};

/// A statement that is never run: the types of its parameters are those of the columns, in their order.
pub(super) fn describe(
    table: &QualifiedName,
    columns: &[Identifier],
    key: &[Identifier],
) -> String {
    // Parameters are numbered by the columns, wherever they stand.
    let numbered = || {
        let columns = columns.iter().enumerate();
        columns.map(|(place, column)| (column, format!("{column} = ${}", place + 1)))
    };
    let part = |is_key: bool, separator| {
        let parts = numbered().filter(|(column, _)| key.contains(column) == is_key);
        let parts: Vec<String> = parts.map(|(_, text)| text).collect();
        parts.join(separator)
    };
    let (changes, condition) = (part(false, ", "), part(true, " AND "));
    if changes.is_empty() {
        format!("SELECT 1 FROM {table} WHERE {condition}")
    } else {
        format!("UPDATE {table} SET {changes} WHERE {condition}")
    }
}

impl BatchStatements<'_> {
    pub(super) fn update_chunk(&self, chunk: &Chunk) -> Result<ChunkStatement<'_>, Error> {
        let mut builder = Builder::new();
        builder.sql("WITH input AS MATERIALIZED (");
        self.push_cells(&mut builder, &chunk.columns, &chunk.rows, "")?;
        builder.sql(")");
        let key: Vec<String> = self.key_inputs(&chunk.columns);
        self.push_twice(&mut builder, &key);
        let reply = match self.returning {
            Returning::Nothing => {
                builder.sql(", written (o) AS (");
                self.push_update(&mut builder, &chunk.columns, "input.o", true);
                builder
                    .sql(") SELECT (SELECT count(*) FROM written), ")
                    .sql(REPORT_TWICE)
                    .sql(", (SELECT array_agg(o ORDER BY o) FROM (SELECT o FROM input EXCEPT SELECT o FROM written) AS missing)");
                Reply::Report
            }
            Returning::AllColumns => {
                builder.sql(" ");
                self.push_update(&mut builder, &chunk.columns, "target.*, input.o", true);
                Reply::PlacedRows
            }
            Returning::Columns(wanted) => {
                let mut list = Vec::new();
                for name in wanted {
                    list.push(format!("target.{}", Identifier::column(name)?));
                }
                list.push("input.o".to_owned());
                let list = list.join(", ");
                builder.sql(" ");
                self.push_update(&mut builder, &chunk.columns, &list, true);
                Reply::PlacedRows
            }
        };
        Ok(ChunkStatement {
            statement: builder.finish(),
            reply,
        })
    }

    /// Adds the statement that sets the other columns where the key is that of `input`. Without other columns it only looks whether
    /// the rows are there.
    fn push_update(
        &self,
        builder: &mut Builder<'_>,
        columns: &[usize],
        wanted: &str,
        guarded: bool,
    ) {
        let changes: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(number, &place)| (number, &self.columns[place]))
            .filter(|(_, column)| !self.key.contains(column))
            .map(|(number, column)| format!("{column} = input.c{number}"))
            .collect();
        let table = &self.table;
        if changes.is_empty() {
            builder.sql(format_args!(
                "SELECT {wanted} FROM {table} AS target, input"
            ));
        } else {
            builder.sql(format_args!(
                "UPDATE {table} AS target SET {} FROM input",
                changes.join(", ")
            ));
        }
        for (number, (part, input)) in self.key.iter().zip(self.key_inputs(columns)).enumerate() {
            let word = if number == 0 { "WHERE" } else { "AND" };
            builder.sql(format_args!(" {word} target.{part} = input.{input}"));
        }
        if guarded {
            builder.sql(" AND ").sql(UNLESS_TWICE);
        }
        if !changes.is_empty() {
            builder.sql(" RETURNING ").sql(wanted);
        }
    }

    /// What holds the key in `input`.
    fn key_inputs(&self, columns: &[usize]) -> Vec<String> {
        let place = |part: &Identifier| {
            columns
                .iter()
                .position(|&column| self.columns[column] == *part)
        };
        let places = self.key.iter().filter_map(place);
        places.map(|number| format!("c{number}")).collect()
    }

    pub(super) fn update_cells(
        &self,
        columns: &[usize],
        rows: &[usize],
    ) -> Result<Statement<'_>, Error> {
        let mut builder = Builder::new();
        builder.sql("WITH input (");
        for number in 0..columns.len() {
            let separator = if number == 0 { "" } else { ", " };
            builder.sql(format_args!("{separator}c{number}"));
        }
        builder.sql(") AS (VALUES ");
        for (number, &row) in rows.iter().enumerate() {
            builder.sql(if number == 0 { "(" } else { ", (" });
            for (number, &column) in columns.iter().enumerate() {
                builder.sql(if number == 0 { "" } else { ", " });
                let cell = self.cell(row, column);
                builder.value_in_row(&self.columns[column], Some(row as u64), cell)?;
                builder.sql("::").sql(self.cast(column));
            }
            builder.sql(")");
        }
        builder.sql(") ");
        self.push_update(&mut builder, columns, "1", false);
        Ok(builder.finish())
    }
}
