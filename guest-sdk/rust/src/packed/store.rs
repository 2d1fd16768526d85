//! The values of one kind, collected densely and laid out with places for those that are not there.

use super::write::ColumnWriter;
use super::{ALIGNMENT, kind};

/// All values of one kind, one after the other, without places for NULL.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) kind: u8,
    pub(super) count: usize,
    pub(super) values: Values,
}

#[derive(Clone, Debug)]
pub(super) enum Values {
    /// Parts of a fixed width, each in a block part of its own.
    Fixed(Vec<Lane>),
    /// Items of this width, and how many there are up to the end of each value.
    Sized {
        width: usize,
        ends: Vec<u32>,
        bytes: Vec<u8>,
    },
    Arrays {
        ends: Vec<u32>,
        elements: Box<ColumnWriter>,
    },
    /// Text notations and the type's name; the binary form is for results only.
    Others {
        type_name: String,
        texts: Vec<Option<String>>,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) width: usize,
    pub(super) bytes: Vec<u8>,
}

/// The four words that say where a column lies.
pub(super) type Entry = [u32; 4];

/// An offset or a count. One that does not fit makes a buffer that does not fit either, which is refused as a whole.
pub(super) fn word(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Store {
    pub(super) fn new(kind: u8, values: Values) -> Self {
        Self {
            kind,
            count: 0,
            values,
        }
    }
}

impl Values {
    pub(super) fn sized(width: usize) -> Self {
        Self::Sized {
            width,
            ends: Vec::new(),
            bytes: Vec::new(),
        }
    }

    pub(super) fn size(&self) -> usize {
        match self {
            Self::Fixed(lanes) => lanes.iter().map(|lane| lane.bytes.len()).sum(),
            Self::Sized { ends, bytes, .. } => 4 * ends.len() + bytes.len(),
            Self::Arrays { ends, elements } => 4 * ends.len() + elements.size(),
            Self::Others { texts, .. } => texts.iter().flatten().map(|text| 8 + text.len()).sum(),
        }
    }

    /// Writes the values into the places where one is present and nothing into the others; returns where the data begin.
    pub(super) fn write(&self, present: &[bool], out: &mut Vec<u8>) -> u32 {
        match self {
            Self::Fixed(lanes) => {
                let data = align(out);
                for lane in lanes {
                    lane.write(present, out);
                }
                data
            }
            Self::Sized { ends, bytes, .. } => {
                let data = align(out);
                write_offsets(ends, present, out);
                out.extend_from_slice(bytes);
                data
            }
            Self::Arrays { ends, elements } => {
                let entry = elements.write(out);
                let data = align(out);
                write_offsets(ends, present, out);
                align(out);
                write_words(&entry, out);
                data
            }
            Self::Others { texts, .. } => write_others(texts, present, out),
        }
    }
}

impl Lane {
    fn write(&self, present: &[bool], out: &mut Vec<u8>) {
        if self.bytes.len() == present.len() * self.width {
            return out.extend_from_slice(&self.bytes);
        }
        let mut values = self.bytes.chunks_exact(self.width);
        for present in present {
            match if *present { values.next() } else { None } {
                Some(value) => out.extend_from_slice(value),
                None => out.resize(out.len() + self.width, 0),
            }
        }
    }
}

fn write_others(texts: &[Option<String>], present: &[bool], out: &mut Vec<u8>) -> u32 {
    let mut texts = texts.iter();
    let texts = present.iter().map(|present| {
        if *present {
            texts.next()?.as_deref()
        } else {
            None
        }
    });
    let text = ColumnWriter::write_texts(texts, out);
    let no_bytes = align(out);
    out.resize(out.len() + 4 * (present.len() + 1), 0);
    let bytes = [u32::from(kind::BYTES), word(present.len()), 0, no_bytes];
    let data = align(out);
    write_words(&text, out);
    write_words(&bytes, out);
    data
}

fn write_offsets(ends: &[u32], present: &[bool], out: &mut Vec<u8>) {
    out.reserve(4 * (present.len() + 1));
    let mut ends = ends.iter();
    let mut offset = 0;
    write_words(&[offset], out);
    for present in present {
        if *present && let Some(end) = ends.next() {
            offset = *end;
        }
        write_words(&[offset], out);
    }
}

pub(super) fn write_words(words: &[u32], out: &mut Vec<u8>) {
    for word in words {
        out.extend_from_slice(&word.to_le_bytes());
    }
}

/// Fills up to the next block and returns where it begins.
pub(super) fn align(out: &mut Vec<u8>) -> u32 {
    out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
    word(out.len())
}
