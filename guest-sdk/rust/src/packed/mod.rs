//! Rows as one buffer, column by column: `wit/packed-rows.md`, read in place and written.
//!
//! Reading trusts the host's sums but never leaves the buffer: a buffer that contradicts itself is an error.

mod elements;
mod read;
mod store;
#[cfg(test)]
mod vectors;
mod write;

pub use elements::{Elements, Numbers};
pub(crate) use read::Packed;
pub(crate) use write::{ColumnWriter, encode};

/// "CPR" and the version.
const MAGIC: [u8; 4] = [0x43, 0x50, 0x52, 0x01];
const HEADER_LENGTH: usize = 24;
const ENTRY_LENGTH: usize = 16;
/// Every block begins at a multiple of this.
const ALIGNMENT: usize = 8;

/// The states of values.
const STATE_VALUE: u8 = 0;
const STATE_NULL: u8 = 1;
const STATE_MISSING: u8 = 2;

/// Text with a second row of offsets, in UTF-16 code units.
const FLAG_UTF16_OFFSETS: u32 = 1 << 8;

/// The kinds of values: the places of their cases in the contract's variant `value`.
mod kind {
    pub(super) const NULL: u8 = 0;
    pub(super) const BOOLEAN: u8 = 1;
    pub(super) const INT64: u8 = 2;
    pub(super) const FLOAT64: u8 = 3;
    pub(super) const DECIMAL: u8 = 4;
    pub(super) const TEXT: u8 = 5;
    pub(super) const BYTES: u8 = 6;
    pub(super) const UUID: u8 = 7;
    pub(super) const DATE: u8 = 8;
    pub(super) const TIME: u8 = 9;
    pub(super) const TIMETZ: u8 = 10;
    pub(super) const TIMESTAMP: u8 = 11;
    pub(super) const TIMESTAMPTZ: u8 = 12;
    pub(super) const INTERVAL: u8 = 13;
    pub(super) const JSON: u8 = 14;
    pub(super) const VECTOR: u8 = 15;
    pub(super) const ARRAY: u8 = 16;
    pub(super) const OTHER: u8 = 17;
    /// In the states of a mixed column: left out.
    pub(super) const MISSING: u8 = 254;
    pub(super) const MIXED: u8 = 255;
}
