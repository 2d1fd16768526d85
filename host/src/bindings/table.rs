use crate::database::{ConversionError, Rows, Value};

/// Rows as this layer reads them: those of a result, or those of a test.
pub(super) trait Table {
    /// In the order of the values.
    fn columns(&self) -> impl ExactSizeIterator<Item = Heading<'_>>;

    /// The number of rows.
    fn height(&self) -> usize;

    /// The value in this row and column, both from 0 and below what the other two say.
    fn value(&self, row: usize, column: usize) -> Result<Value<'_>, ConversionError>;
}

/// What a column says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heading<'a> {
    pub(super) name: &'a str,
    pub(super) type_name: &'a str,
}

impl Table for Rows {
    fn columns(&self) -> impl ExactSizeIterator<Item = Heading<'_>> {
        self.columns().iter().map(|column| Heading {
            name: &column.name,
            type_name: &column.type_name,
        })
    }

    fn height(&self) -> usize {
        self.len()
    }

    fn value(&self, row: usize, column: usize) -> Result<Value<'_>, ConversionError> {
        self.value(row, column)
    }
}
