//! [`Batch`]: many rows of one table in one buffer.

use serde::Serialize;

use crate::packed::{ColumnWriter, encode};
use crate::record::fields;
use crate::value::ValueRef;
use crate::{Error, Result};

/// Many rows of one table, kept column by column in the form in which they are sent.
///
/// [`Table::batch_insert`](crate::Table::batch_insert) makes one from anything that can be iterated. Build it by hand to
/// fill it from a stream, or to see how large it has become:
///
/// ```
/// let mut batch = chitin::Batch::new(["id", "name"]);
/// for (id, name) in [(1, "Ada"), (2, "Grace")] {
///     batch.set(0, id)?;
///     batch.set(1, name)?;
///     batch.end_row();
/// }
/// assert_eq!(batch.len(), 2);
/// # Ok::<(), chitin::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Batch {
    columns: Vec<(String, ColumnWriter)>,
    rows: usize,
}

impl Batch {
    /// An empty batch of these columns. [`push`](Self::push) adds further ones when it meets them.
    pub fn new<Name: Into<String>>(columns: impl IntoIterator<Item = Name>) -> Self {
        let columns = columns
            .into_iter()
            .map(|name| (name.into(), ColumnWriter::default()));
        Self {
            columns: columns.collect(),
            rows: 0,
        }
    }

    /// Appends a row: a struct, a map, or a list of pairs of column and value. A column that other rows have and this one
    /// has not is left out: it gets its default.
    pub fn push(&mut self, row: &(impl Serialize + ?Sized)) -> Result<()> {
        for (name, value) in fields(row)? {
            let column = match self.columns.iter().position(|(column, _)| *column == name) {
                Some(column) => column,
                None => self.add_column(name),
            };
            self.set(column, value.as_ref())?;
        }
        self.end_row();
        Ok(())
    }

    /// Sets one cell of the row that is being written, by the place of its column.
    ///
    /// Fails with [`Error::Invalid`] if there is no such column or the cell is set already.
    pub fn set<'a>(&mut self, column: usize, value: impl Into<ValueRef<'a>>) -> Result<()> {
        let Some((name, writer)) = self.columns.get_mut(column) else {
            return Err(Error::Invalid(format!("the batch has no column {column}")));
        };
        if writer.len() > self.rows {
            return Err(Error::Invalid(format!(
                "the column {name} is set twice in one row"
            )));
        }
        writer
            .push(value.into())
            .map_err(|mismatch| Error::conversion(name, "", mismatch))
    }

    /// Ends the row that is being written. Cells that were not set are left out: they get their column's default.
    pub fn end_row(&mut self) {
        self.rows += 1;
        for (_, column) in &mut self.columns {
            if column.len() < self.rows {
                column.push_missing();
            }
        }
    }

    /// The names of the columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// How many rows have been ended.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether no row has been ended.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// About how many bytes it takes to send. One call may send as many as the limit `call-bytes` says.
    pub fn size(&self) -> usize {
        self.columns.iter().map(|(_, column)| column.size()).sum()
    }

    /// The buffer, as `wit/packed-rows.md` describes it.
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let buffer = encode(&self.columns, self.rows);
        if u32::try_from(buffer.len()).is_err() {
            return Err(Error::Invalid("the batch is larger than 4 GiB".to_owned()));
        }
        Ok(buffer)
    }

    fn add_column(&mut self, name: String) -> usize {
        let mut column = ColumnWriter::default();
        for _ in 0..self.rows {
            column.push_missing();
        }
        self.columns.push((name, column));
        self.columns.len() - 1
    }
}

/// What [`Table::batch_insert`](crate::Table::batch_insert) takes: a [`Batch`], or anything that gives rows.
pub trait BatchRows {
    /// The rows in the form in which they are sent.
    #[doc(hidden)]
    fn packed(self) -> Result<Vec<u8>>;
}

impl BatchRows for Batch {
    fn packed(self) -> Result<Vec<u8>> {
        self.encode()
    }
}

impl BatchRows for &Batch {
    fn packed(self) -> Result<Vec<u8>> {
        self.encode()
    }
}

impl<Rows> BatchRows for Rows
where
    Rows: IntoIterator,
    Rows::Item: Serialize,
{
    fn packed(self) -> Result<Vec<u8>> {
        let mut batch = Batch::default();
        for row in self {
            batch.push(&row)?;
        }
        batch.encode()
    }
}
