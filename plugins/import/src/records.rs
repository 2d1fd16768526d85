//! What both formats have in common: records, one after the other, and the cells in them.

use std::io::{self, Read};

use crate::cell::Cell;
use crate::failure::Failure;

/// A stream of records.
pub(crate) trait Records {
    /// One record, kept to be filled again.
    type Record: Default;

    /// Whether the columns are known before the first record.
    const FIXED_COLUMNS: bool;

    /// Reads the next record; false after the last.
    fn read(&mut self, record: &mut Self::Record) -> Result<bool, Failure>;

    /// The names of the columns, as far as this sample of the first records tells.
    fn names(&self, sample: &[Self::Record]) -> Result<Vec<String>, Failure>;

    /// Hands out the cells of a record, each with the place of its column among these names.
    fn cells(
        &self,
        record: &Self::Record,
        names: &[String],
        visit: impl FnMut(usize, &Cell<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure>;

    /// The line on which a record begins, from 1.
    fn line(record: &Self::Record) -> u64;

    /// About how many bytes a record holds.
    fn size(record: &Self::Record) -> usize;
}

/// No record is longer than this.
pub(crate) const LONGEST_RECORD_BYTES: usize = 8 << 20;

/// Input that ends with an error when a record, such as one whose quote is never closed, would fill the memory.
#[derive(Debug)]
pub(crate) struct Bounded<R> {
    input: R,
    left: usize,
}

impl<R> Bounded<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            left: LONGEST_RECORD_BYTES,
        }
    }

    /// To be called when a record is complete.
    pub(crate) fn renew(&mut self) {
        self.left = LONGEST_RECORD_BYTES;
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            let text = "a record is longer than 8 MiB; is there a quote that is not closed?";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let length = self.input.read(buffer)?;
        self.left = self.left.saturating_sub(length);
        Ok(length)
    }
}
