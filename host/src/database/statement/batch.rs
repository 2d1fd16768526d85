//! Many rows in few statements: the cells of a column travel as one array of texts, which the database takes apart and reads as the
//! type of the column. So a batch has as many parameters as columns, whatever its size.

use std::{borrow::Cow, collections::HashMap};

use tokio_postgres::types::Type;

use super::{
    Place, Statement,
    builder::{Builder, distinct},
    write::push_returning,
};
use crate::database::{
    catalog::{Target, TypeInfo},
    error::{ConversionError, Error},
    identifier::{Identifier, QualifiedName},
    lease::Parameter,
    request::{Batch, Returning},
    server::ServerKind,
    value::{Value, encode, loss, push_element},
};

/// The statements of one batch insert.
#[derive(Debug)]
pub(in crate::database) struct BatchStatements<'a> {
    table: QualifiedName,
    columns: Vec<Identifier>,
    batch: &'a Batch<'a>,
    returning: &'a Returning,
}

/// Rows of a batch that go into one statement, because the same cells of theirs are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::database) struct Chunk {
    /// Places of the columns, ascending.
    columns: Vec<usize>,
    /// Places of the rows, ascending.
    pub(in crate::database) rows: Vec<usize>,
}

impl<'a> BatchStatements<'a> {
    /// Checks names and numbers of cells.
    pub(in crate::database) fn new(
        table: &str,
        batch: &'a Batch<'a>,
        returning: &'a Returning,
    ) -> Result<Self, Error> {
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
            returning,
        })
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

    /// The table.
    pub(in crate::database) fn table(&self) -> &QualifiedName {
        &self.table
    }

    /// Refuses a value that its column would lose a part of. `info` says what a column holds, where that is known.
    pub(in crate::database) fn check_losses<'t>(
        &self,
        info: impl Fn(&Identifier) -> Option<&'t TypeInfo>,
    ) -> Result<(), Error> {
        for (place, column) in self.columns.iter().enumerate() {
            let Some(info) = info(column) else {
                continue;
            };
            for (row, cells) in (0..).zip(&self.batch.rows) {
                let value = cells.get(place).and_then(Option::as_ref);
                if let Some(reason) = value.and_then(|value| loss(info.shape, value)) {
                    return Err(Error::Conversion(Box::new(ConversionError {
                        column: column.as_str().to_owned(),
                        row: Some(row),
                        type_name: info.name.clone(),
                        message: reason.to_string(),
                    })));
                }
            }
        }
        Ok(())
    }

    /// Every cell of a chunk that is not NULL, as it would be a parameter.
    pub(in crate::database) fn cells_of(
        &self,
        chunk: &Chunk,
    ) -> impl Iterator<Item = (&str, Option<u64>, Cow<'_, str>)> {
        let in_row = move |&row: &usize| {
            let cell = move |&column: &usize| {
                let value = self.batch.rows.get(row)?.get(column)?.as_ref()?;
                let text = encode(value).ok()??;
                Some((self.columns.get(column)?.as_str(), Some(row as u64), text))
            };
            chunk.columns.iter().filter_map(cell).collect::<Vec<_>>()
        };
        chunk.rows.iter().flat_map(in_row)
    }

    /// A statement that is never run: the types of its parameters are those of the columns.
    pub(in crate::database) fn describe(table: &QualifiedName, columns: &[Identifier]) -> String {
        let mut builder = Builder::new();
        builder
            .sql("INSERT INTO ")
            .sql(table)
            .sql(" (")
            .names(columns)
            .sql(") VALUES (");
        for (place, column) in columns.iter().enumerate() {
            let place_of = Place {
                column: column.as_str().to_owned(),
                row: None,
            };
            let parameter = Parameter {
                data_type: Type::UNKNOWN,
                text: None,
            };
            builder
                .sql(if place == 0 { "" } else { ", " })
                .parameter(place_of, parameter);
        }
        builder.sql(")");
        builder.finish().sql
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
        let mut chunks = Vec::new();
        let mut current = Vec::new();
        let mut bytes = 0;
        for place in rows {
            let size: usize = self.batch.rows[place].iter().flatten().map(size).sum();
            let is_full = current.len() == server.rows_per_statement()
                || bytes + size > server.bytes_per_statement();
            if is_full && !current.is_empty() {
                chunks.push(Chunk {
                    columns: columns.clone(),
                    rows: std::mem::take(&mut current),
                });
                bytes = 0;
            }
            bytes += size;
            current.push(place);
        }
        chunks.push(Chunk {
            columns,
            rows: current,
        });
        chunks
    }

    /// The statement for one chunk. `cast` gives the SQL name of the type of a column. Its parameters have no places, since each is
    /// for many cells.
    pub(in crate::database) fn insert<'t>(
        &self,
        chunk: &Chunk,
        cast: impl Fn(&Identifier) -> &'t str,
    ) -> Result<Statement<'_>, Error> {
        let mut builder = Builder::new();
        if chunk.columns.is_empty() {
            self.push_defaults(&mut builder, chunk);
        } else {
            let columns: Vec<Identifier> = chunk
                .columns
                .iter()
                .map(|&place| self.columns[place].clone())
                .collect();
            builder
                .sql("INSERT INTO ")
                .sql(&self.table)
                .sql(" (")
                .names(&columns)
                .sql(") SELECT ");
            for (place, column) in columns.iter().enumerate() {
                let separator = if place == 0 { "" } else { ", " };
                builder
                    .sql(separator)
                    .sql(format_args!("c{place}::{}", cast(column)));
            }
            builder.sql(" FROM unnest(");
            for (place, &column) in chunk.columns.iter().enumerate() {
                let place_of = Place {
                    column: self.columns[column].as_str().to_owned(),
                    row: None,
                };
                let parameter = Parameter {
                    data_type: Type::UNKNOWN,
                    text: Some(self.cells(column, &chunk.rows)?.into()),
                };
                builder
                    .sql(if place == 0 { "" } else { ", " })
                    .parameter(place_of, parameter)
                    .sql("::text[]");
            }
            builder.sql(") WITH ORDINALITY AS cells (");
            for place in 0..columns.len() {
                builder.sql(format_args!("c{place}, "));
            }
            builder.sql("o) ORDER BY o");
        }
        push_returning(&mut builder, self.returning)?;
        let mut statement = builder.finish();
        statement.places.clear();
        Ok(statement)
    }

    /// Rows of nothing but defaults.
    fn push_defaults(&self, builder: &mut Builder<'_>, chunk: &Chunk) {
        let column = &self.columns[..1];
        builder
            .sql("INSERT INTO ")
            .sql(&self.table)
            .sql(" (")
            .names(column)
            .sql(") VALUES ");
        for place in 0..chunk.rows.len() {
            builder.sql(if place == 0 {
                "(DEFAULT)"
            } else {
                ", (DEFAULT)"
            });
        }
    }

    /// The same rows with a parameter for each cell: slower, but an error names the parameter and so the cell. Rows without cells are
    /// left out.
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
        rows.chunks(rows_each)
            .map(|rows| self.values(&chunk.columns, rows))
    }

    fn values(&self, columns: &[usize], rows: &[usize]) -> Result<Statement<'_>, Error> {
        let names: Vec<Identifier> = columns
            .iter()
            .map(|&place| self.columns[place].clone())
            .collect();
        let mut builder = Builder::new();
        builder
            .sql("INSERT INTO ")
            .sql(&self.table)
            .sql(" (")
            .names(&names)
            .sql(") VALUES ");
        for (place, &row) in rows.iter().enumerate() {
            builder.sql(if place == 0 { "(" } else { ", (" });
            for (place, &column) in columns.iter().enumerate() {
                let cell = self.batch.rows[row][column]
                    .as_ref()
                    .unwrap_or(&Value::Null);
                builder.sql(if place == 0 { "" } else { ", " });
                builder.value_in_row(&self.columns[column], Some(row as u64), cell)?;
            }
            builder.sql(")");
        }
        Ok(builder.finish())
    }

    /// The cells of a column as an array literal of texts.
    fn cells(&self, column: usize, rows: &[usize]) -> Result<String, Error> {
        let mut literal = "{".to_owned();
        for (place, &row) in rows.iter().enumerate() {
            if place > 0 {
                literal.push(',');
            }
            let cell = self.batch.rows[row][column]
                .as_ref()
                .unwrap_or(&Value::Null);
            let text = encode(cell).map_err(|reason| {
                let place_of = Place {
                    column: self.columns[column].as_str().to_owned(),
                    row: Some(row as u64),
                };
                place_of.unfit(reason)
            })?;
            push_element(&mut literal, text.as_deref());
        }
        literal.push('}');
        Ok(literal)
    }
}

/// About how many bytes a value takes as text.
fn size(value: &Value<'_>) -> usize {
    match value {
        Value::Decimal(text) | Value::Text(text) | Value::Uuid(text) | Value::Json(text) => {
            text.len() + 3
        }
        Value::Bytes(bytes) => bytes.len() * 2 + 6,
        Value::Vector(numbers) => numbers.len() * 12,
        Value::Array(elements) => elements.iter().map(|element| size(element) + 4).sum(),
        Value::Other(other) => other.text.as_ref().map_or(0, |text| text.len()) + 3,
        Value::Null
        | Value::Boolean(_)
        | Value::Int64(_)
        | Value::Float64(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::TimeTz(_)
        | Value::Timestamp(_)
        | Value::TimestampTz(_)
        | Value::Interval(_) => 24,
    }
}
