//! Where the rows go.

use chitin::{Batch, create_table, table};

use crate::column::ColumnReport;

/// Takes the columns once, and then batch after batch.
pub(crate) trait Sink {
    fn columns(&mut self, columns: &[ColumnReport]) -> chitin::Result<()>;
    fn insert(&mut self, batch: Batch) -> chitin::Result<u64>;
}

/// A table of the database, made if it is missing.
#[derive(Debug)]
pub(crate) struct TableSink<'a> {
    name: &'a str,
    created: bool,
}

impl<'a> TableSink<'a> {
    pub(crate) fn new(name: &'a str) -> Self {
        Self {
            name,
            created: false,
        }
    }

    /// Whether the table was missing.
    pub(crate) fn table_created(&self) -> bool {
        self.created
    }
}

impl Sink for TableSink<'_> {
    fn columns(&mut self, columns: &[ColumnReport]) -> chitin::Result<()> {
        let definition = create_table(self.name).if_not_exists();
        let definition = columns.iter().fold(definition, |definition, column| {
            definition.column(column.column_type.define(&column.name))
        });
        self.created = definition.run()?;
        Ok(())
    }

    fn insert(&mut self, batch: Batch) -> chitin::Result<u64> {
        table(self.name).batch_insert(batch)
    }
}
