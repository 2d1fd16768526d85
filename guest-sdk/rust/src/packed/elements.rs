//! The elements of arrays and vectors, wherever they are kept.

use std::fmt;

use super::read::{Buffer, Entry};
use crate::Mismatch;
use crate::value::{Value, ValueRef};

/// The elements of an array, decoded one by one.
#[derive(Clone, Copy)]
pub struct Elements<'a>(Source<'a>);

#[derive(Clone, Copy)]
enum Source<'a> {
    Values(&'a [Value]),
    Packed {
        buffer: &'a Buffer,
        entry: &'a Entry,
        type_name: &'a str,
        from: usize,
        to: usize,
    },
}

impl<'a> Elements<'a> {
    /// Of a value at hand.
    pub(crate) fn of(values: &'a [Value]) -> Self {
        Self(Source::Values(values))
    }

    /// From one place up to another among the elements of a packed column.
    pub(super) fn packed(
        buffer: &'a Buffer,
        entry: &'a Entry,
        type_name: &'a str,
        (from, to): (usize, usize),
    ) -> Self {
        Self(Source::Packed {
            buffer,
            entry,
            type_name,
            from,
            to,
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self.0 {
            Source::Values(values) => values.len(),
            Source::Packed { from, to, .. } => to - from,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements in their order. One that the host wrote wrongly is an error.
    pub fn iter(&self) -> impl Iterator<Item = Result<ValueRef<'a>, Mismatch>> + use<'a> {
        let source = self.0;
        (0..self.len()).map(move |index| match source {
            Source::Values(values) => Ok(values[index].as_ref()),
            Source::Packed {
                buffer,
                entry,
                type_name,
                from,
                ..
            } => buffer.value(entry, from + index, type_name),
        })
    }
}

impl fmt::Debug for Elements<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The numbers of a vector.
#[derive(Clone, Copy)]
pub struct Numbers<'a>(NumberSource<'a>);

#[derive(Clone, Copy)]
enum NumberSource<'a> {
    Values(&'a [f32]),
    Packed(&'a [u8]),
}

impl<'a> Numbers<'a> {
    /// Of a value at hand.
    pub(crate) fn of(values: &'a [f32]) -> Self {
        Self(NumberSource::Values(values))
    }

    /// Of their bytes in a buffer.
    pub(super) fn packed(bytes: &'a [u8]) -> Self {
        Self(NumberSource::Packed(bytes))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self.0 {
            NumberSource::Values(values) => values.len(),
            NumberSource::Packed(bytes) => bytes.len() / size_of::<f32>(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers in their order.
    pub fn iter(&self) -> impl Iterator<Item = f32> + use<'a> {
        let (values, bytes): (&[f32], &[u8]) = match self.0 {
            NumberSource::Values(values) => (values, &[]),
            NumberSource::Packed(bytes) => (&[], bytes),
        };
        let (numbers, _) = bytes.as_chunks();
        values
            .iter()
            .copied()
            .chain(numbers.iter().map(|number| f32::from_le_bytes(*number)))
    }
}

impl fmt::Debug for Numbers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
