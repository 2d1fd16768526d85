//! Many rows in few statements: the cells of a column travel as one array of texts, which the database takes apart and reads as the
//! type of the column. So a batch has as many parameters as columns, whatever its size.
//!
//! Neither database promises in which order a write gives its rows back. So each comes with its place in the batch wherever that can
//! be had: an update returns it, an insert finds it again by the key. Which keys are equal only the database can say: every
//! statement that depends on it sees to it that nothing is written if two of its rows have the same.

mod cells;
#[cfg(test)]
mod goldens;
mod insert;
mod keys;
mod update;

pub(in crate::database) use keys::same_key;

use std::{collections::HashMap, sync::Arc};

use super::{
    Statement,
    builder::{Builder, distinct},
    write::push_returning,
};
use crate::database::{
    catalog::{Target, TypeInfo},
    error::Error,
    identifier::{Identifier, QualifiedName},
    request::{Batch, Conflict, ConflictAction, Returning},
    server::ServerKind,
    table_info::TableInfo,
    value::Value,
};

/// The statements of one batch.
#[derive(Debug)]
pub(in crate::database) struct BatchStatements<'a> {
    table: QualifiedName,
    columns: Vec<Identifier>,
    batch: &'a Batch<'a>,
    purpose: Purpose,
    /// The columns that tell rows apart; empty where nothing depends on it, or as long as the primary key is not known.
    key: Vec<Identifier>,
    returning: &'a Returning,
    known: Known,
}

/// What becomes of the rows of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Insert,
    InsertOr(ConflictAction),
    Update,
}

/// What the statements depend on besides the batch itself. It is asked of the database, and kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::database) struct Known {
    /// The types of the columns, by their names.
    pub(in crate::database) types: HashMap<String, Arc<TypeInfo>>,
    /// The table, where it is needed.
    pub(in crate::database) table: Option<Arc<TableInfo>>,
}

/// Rows of a batch that go into one statement, because the same cells of theirs are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::database) struct Chunk {
    /// Places of the columns, ascending.
    columns: Vec<usize>,
    /// Places of the rows, ascending.
    pub(in crate::database) rows: Vec<usize>,
}

/// The statement for a chunk, and what it answers.
#[derive(Debug)]
pub(in crate::database) struct ChunkStatement<'a> {
    pub(in crate::database) statement: Statement<'a>,
    pub(in crate::database) reply: Reply,
}

/// What the rows of an answer are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::database) enum Reply {
    /// Those of the table in the order of the chunk, or none: how many were written, the tag says.
    Rows,
    /// Those of the table, and in a last column of its own the place of each in the chunk, from 1. None at all may mean that a
    /// key was given twice.
    PlacedRows,
    /// A single one: how many rows were written, two places from 1 that have the same key, and the places whose key no row has.
    Report,
}

impl<'a> BatchStatements<'a> {
    /// An insert. Checks names and numbers of cells.
    pub(in crate::database) fn insert(
        table: &str,
        batch: &'a Batch<'a>,
        conflict: Option<&Conflict>,
        returning: &'a Returning,
    ) -> Result<Self, Error> {
        let mut statements = Self::new(table, batch, returning)?;
        if let Some(conflict) = conflict {
            statements.purpose = Purpose::InsertOr(conflict.action);
            statements.key = distinct(&conflict.key)?;
        }
        Ok(statements)
    }

    /// An update by key. Checks names, numbers of cells, and that every row has its key.
    pub(in crate::database) fn update(
        table: &str,
        batch: &'a Batch<'a>,
        key: &[String],
        returning: &'a Returning,
    ) -> Result<Self, Error> {
        let mut statements = Self::new(table, batch, returning)?;
        statements.purpose = Purpose::Update;
        statements.key = distinct(key)?;
        statements.check_update()?;
        Ok(statements)
    }

    fn new(table: &str, batch: &'a Batch<'a>, returning: &'a Returning) -> Result<Self, Error> {
        let table = QualifiedName::table(table)?;
        let columns = distinct(&batch.columns)?;
        if columns.is_empty() && !batch.rows.is_empty() {
            return Err(Error::Invalid(
                "a batch needs at least one column".to_owned(),
            ));
        }
        if let Some(row) = batch.rows.iter().position(|row| row.len() != columns.len()) {
            return Err(Error::Invalid(format!(
                "row {row} of the batch has {} cells for {} columns",
                batch.rows[row].len(),
                columns.len()
            )));
        }
        push_returning(&mut Builder::new(), returning)?;
        Ok(Self {
            table,
            columns,
            batch,
            purpose: Purpose::Insert,
            key: Vec::new(),
            returning,
            known: Known::default(),
        })
    }

    /// The table.
    pub(in crate::database) fn table(&self) -> &QualifiedName {
        &self.table
    }

    /// The table and the columns that any row has a cell for: what the types depend on.
    pub(in crate::database) fn target(&self) -> Target {
        let is_used = |place: &usize| self.batch.rows.iter().any(|row| row[*place].is_some());
        let used = (0..self.columns.len()).filter(is_used);
        (
            self.table.clone(),
            used.map(|place| self.columns[place].clone()).collect(),
        )
    }

    /// A statement that is never run: the types of its parameters are those of the columns, in their order.
    pub(in crate::database) fn describe(&self, columns: &[Identifier]) -> String {
        if self.purpose == Purpose::Update {
            update::describe(&self.table, columns, &self.key)
        } else {
            insert::describe(&self.table, columns)
        }
    }

    /// Whether the table itself must be known, beyond the types of the columns.
    pub(in crate::database) fn needs_table(&self) -> bool {
        match self.purpose {
            Purpose::InsertOr(_) => true,
            Purpose::Insert | Purpose::Update => *self.returning != Returning::Nothing,
        }
    }

    /// Takes what had to be asked. A conflict without a key of its own is about the primary key.
    ///
    /// Fails if the table has none, or two rows say the same of their key.
    pub(in crate::database) fn learn(
        &mut self,
        known: Known,
        conflict: Option<&Conflict>,
    ) -> Result<(), Error> {
        if let Some(conflict) = conflict
            && let Some(table) = &known.table
        {
            self.key = conflict_key(&self.table, conflict, Some(table))?;
        }
        self.known = known;
        self.check_keys_given()
    }

    /// Divides the rows by which cells they have, and then by size.
    pub(in crate::database) fn chunks(&self, server: ServerKind) -> Vec<Chunk> {
        let mut groups: Vec<Chunk> = Vec::new();
        let mut group_of: HashMap<Vec<bool>, usize> = HashMap::new();
        for (place, row) in self.batch.rows.iter().enumerate() {
            let present: Vec<bool> = row.iter().map(Option::is_some).collect();
            let columns = || {
                (0..row.len())
                    .filter(|&column| row[column].is_some())
                    .collect()
            };
            let group = *group_of.entry(present).or_insert_with(|| {
                groups.push(Chunk {
                    columns: columns(),
                    rows: Vec::new(),
                });
                groups.len() - 1
            });
            groups[group].rows.push(place);
        }
        groups
            .into_iter()
            .flat_map(|group| self.divide(group, server))
            .collect()
    }

    fn divide(&self, group: Chunk, server: ServerKind) -> Vec<Chunk> {
        let Chunk { columns, rows } = group;
        let parts = self.split(
            &columns,
            rows,
            server.rows_per_statement(),
            server.bytes_per_statement(),
        );
        let chunk = |rows| Chunk {
            columns: columns.clone(),
            rows,
        };
        parts.into_iter().map(chunk).collect()
    }

    /// Cuts a list of rows so that no part has more rows than this, or more bytes in these columns.
    fn split(
        &self,
        columns: &[usize],
        rows: Vec<usize>,
        rows_maximum: usize,
        bytes_maximum: usize,
    ) -> Vec<Vec<usize>> {
        let mut parts = Vec::new();
        let mut current = Vec::new();
        let mut bytes = 0;
        for place in rows {
            let row = &self.batch.rows[place];
            let cells = columns.iter().filter_map(|&column| row[column].as_ref());
            let size: usize = cells.map(cells::size).sum();
            let is_full = current.len() == rows_maximum || bytes + size > bytes_maximum;
            if is_full && !current.is_empty() {
                parts.push(std::mem::take(&mut current));
                bytes = 0;
            }
            bytes += size;
            current.push(place);
        }
        parts.push(current);
        parts
    }

    /// The statement for one chunk. Its parameters have no places, since each is for many cells.
    pub(in crate::database) fn statement(
        &self,
        chunk: &Chunk,
    ) -> Result<ChunkStatement<'_>, Error> {
        let mut chunk_statement = match self.purpose {
            Purpose::Insert | Purpose::InsertOr(_) => self.insert_chunk(chunk),
            Purpose::Update => self.update_chunk(chunk),
        }?;
        chunk_statement.statement.places.clear();
        Ok(chunk_statement)
    }

    /// Whether the statement for a chunk changes anything: an update of nothing but the key does not.
    pub(in crate::database) fn writes(&self, chunk: &Chunk) -> bool {
        let is_key = |&place: &usize| self.key.contains(&self.columns[place]);
        self.purpose != Purpose::Update || !chunk.columns.iter().all(is_key)
    }

    /// Whether the rows that come back for a chunk are no more and hardly larger than those that were given: then a limit on them
    /// can be checked before they are written.
    pub(in crate::database) fn is_bounded(&self, chunk: &Chunk) -> bool {
        let (Some(table), Returning::AllColumns | Returning::Columns(_)) =
            (&self.known.table, self.returning)
        else {
            return true;
        };
        let given: Vec<&str> = chunk
            .columns
            .iter()
            .map(|&place| self.columns[place].as_str())
            .collect();
        match self.purpose {
            Purpose::Insert | Purpose::InsertOr(ConflictAction::Keep) => true,
            Purpose::InsertOr(ConflictAction::Update) => table.returns_only(&given, self.returning),
            Purpose::Update => {
                let is_key = |column| self.key.iter().any(|part| part.as_str() == column);
                let mut primary_key = table.primary_key().peekable();
                primary_key.peek().is_some()
                    && primary_key.all(is_key)
                    && table.returns_only(&given, self.returning)
            }
        }
    }

    /// The same rows with a parameter for each cell: slower, but an error names the parameter and so the cell. Rows without cells are
    /// left out. They are meant to be rolled back.
    pub(in crate::database) fn cell_by_cell(
        &self,
        chunk: &Chunk,
    ) -> impl Iterator<Item = Result<Statement<'_>, Error>> {
        const PARAMETERS: usize = 50_000;
        let rows_each = (PARAMETERS / chunk.columns.len().max(1)).max(1);
        let rows: &[usize] = if chunk.columns.is_empty() {
            &[]
        } else {
            &chunk.rows
        };
        rows.chunks(rows_each).map(|rows| match self.purpose {
            Purpose::Insert | Purpose::InsertOr(_) => self.insert_cells(&chunk.columns, rows),
            Purpose::Update => self.update_cells(&chunk.columns, rows),
        })
    }

    /// A value, where a cell that is left out counts as NULL.
    fn cell(&self, row: usize, column: usize) -> &Value<'_> {
        self.batch.rows[row][column]
            .as_ref()
            .unwrap_or(&Value::Null)
    }
}

/// The columns that decide whether a row is there already: those that were named, or the primary key.
pub(in crate::database) fn conflict_key(
    table: &QualifiedName,
    conflict: &Conflict,
    info: Option<&TableInfo>,
) -> Result<Vec<Identifier>, Error> {
    if !conflict.key.is_empty() {
        return distinct(&conflict.key);
    }
    let key: Vec<Identifier> = info
        .into_iter()
        .flat_map(TableInfo::primary_key)
        .map(Identifier::column)
        .collect::<Result<_, _>>()?;
    if key.is_empty() {
        return Err(Error::Invalid(format!(
            "table {table} has no primary key: name the columns of one of its unique keys as the key of the conflict"
        )));
    }
    Ok(key)
}
