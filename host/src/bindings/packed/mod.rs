//! Rows as bytes, as `wit/packed-rows.md` describes: results of the database in, batches of a guest out.
//!
//! Writing is the path of every large result: one pass over the values of a column, which are copied once, from where the driver
//! left them. Reading trusts nothing. What it allocates is bounded by the buffer's size, which no blocks together may exceed, and by
//! the limit `batch-values`.

mod cells;
mod column;
mod kind;
mod read;
mod shapes;
mod source;
#[cfg(test)]
mod tests;
mod write;

pub(super) use read::read_batch;
pub(super) use write::write_rows;

use kind::Kind;

/// What a buffer begins with: the letters and the version.
const MAGIC: [u8; 4] = *b"CPR\x01";

/// Bytes before the first entry.
const HEADER_BYTES: usize = 24;

/// Bytes of an entry.
const ENTRY_BYTES: usize = 16;

/// Every block begins at a multiple of this.
const ALIGNMENT: usize = 8;

/// The flag of text whose offsets in UTF-16 code units are there too.
const UTF16_FLAG: u32 = 1;

/// The states of values.
mod state {
    pub(super) const VALUE: u8 = 0;
    pub(super) const NULL: u8 = 1;
    pub(super) const LEFT_OUT: u8 = 2;

    /// In a mixed column the state is the kind, and this is no kind.
    pub(super) const MIXED_LEFT_OUT: u8 = 254;
}
