use crate::database::{Column, ConversionError, Rows, Value};

/// Rows as this layer reads them: those of a result, or those of a test.
pub(super) trait Table {
    /// In the order of the values.
    fn columns(&self) -> &[Column];

    /// The number of rows.
    fn height(&self) -> usize;

    /// The value in this row and column, both from 0 and below what the other two say.
    fn value(&self, row: usize, column: usize) -> Result<Value<'_>, ConversionError>;
}

impl Table for Rows {
    fn columns(&self) -> &[Column] {
        self.columns()
    }

    fn height(&self) -> usize {
        self.len()
    }

    fn value(&self, row: usize, column: usize) -> Result<Value<'_>, ConversionError> {
        self.value(row, column)
    }
}
