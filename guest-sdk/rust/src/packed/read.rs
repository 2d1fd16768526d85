//! Reading: the header and the entries once, every value where it lies.

use super::{
    ALIGNMENT, ENTRY_LENGTH, Elements, FLAG_UTF16_OFFSETS, HEADER_LENGTH, MAGIC, Numbers,
    STATE_VALUE, kind,
};
use crate::Mismatch;
use crate::row::Column;
use crate::time::{Date, Interval, Time, TimeTz, Timestamp, Timestamptz};
use crate::value::ValueRef;

/// Rows in one buffer.
pub(crate) struct Packed {
    buffer: Buffer,
    columns: Vec<Column>,
    entries: Vec<Entry>,
    rows: usize,
}

/// The bytes of a packed table. Nothing is read outside of them.
pub(super) struct Buffer(Vec<u8>);

/// Where the values of a column, or of a part of one, lie.
pub(super) struct Entry {
    kind: u8,
    count: usize,
    /// One byte a value, or none if every value is there.
    states: Option<usize>,
    data: usize,
    /// Where the bytes begin that the offsets count.
    bytes: usize,
    inner: Inner,
}

enum Inner {
    None,
    /// The elements of an array.
    Elements(Box<Entry>),
    /// Text and bytes of other values.
    Other(Box<[Entry; 2]>),
    /// The entries of a mixed column, and for each value its entry and place there, or none for NULL.
    Mixed {
        entries: Vec<Entry>,
        places: Vec<Option<(usize, usize)>>,
    },
}

impl Packed {
    /// Reads everything but the values.
    pub(crate) fn parse(bytes: Vec<u8>) -> Result<Self, Mismatch> {
        let buffer = Buffer(bytes);
        if buffer.slice(0, MAGIC.len())? != MAGIC || buffer.number(4)? != buffer.0.len() {
            return Err(Mismatch::new("these are not packed rows of version 1"));
        }
        let (rows, count) = (buffer.number(8)?, buffer.number(12)?);
        let names = buffer.slice(buffer.number(16)?, buffer.number(20)?)?;
        let columns = columns(names, count)?;
        let entries = (0..count)
            .map(|index| buffer.entry(HEADER_LENGTH + index * ENTRY_LENGTH, 0))
            .collect::<Result<Vec<_>, _>>()?;
        if entries.iter().any(|entry| entry.count != rows) {
            return Err(malformed());
        }
        Ok(Self {
            buffer,
            columns,
            entries,
            rows,
        })
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// The value of a row and a column that exist.
    pub(crate) fn value(&self, row: usize, column: usize) -> Result<ValueRef<'_>, Mismatch> {
        self.buffer
            .value(&self.entries[column], row, &self.columns[column].type_name)
    }
}

impl Buffer {
    /// The value at this place of an entry; what is left out is NULL.
    pub(super) fn value<'a>(
        &'a self,
        entry: &'a Entry,
        index: usize,
        type_name: &'a str,
    ) -> Result<ValueRef<'a>, Mismatch> {
        if index >= entry.count {
            return Err(malformed());
        }
        if let Inner::Mixed { entries, places } = &entry.inner {
            return match places[index] {
                Some((entry, place)) => self.value(&entries[entry], place, type_name),
                None => Ok(ValueRef::Null),
            };
        }
        if let Some(states) = entry.states
            && self.byte(states + index)? != STATE_VALUE
        {
            return Ok(ValueRef::Null);
        }
        self.present(entry, index, type_name)
    }

    fn present<'a>(
        &'a self,
        entry: &'a Entry,
        index: usize,
        type_name: &'a str,
    ) -> Result<ValueRef<'a>, Mismatch> {
        Ok(match entry.kind {
            kind::NULL => ValueRef::Null,
            kind::BOOLEAN => ValueRef::Boolean(self.byte(entry.data + index)? != 0),
            kind::INT64 => ValueRef::Int64(self.long(entry.data, index)?),
            kind::FLOAT64 => {
                ValueRef::Float64(f64::from_le_bytes(self.array(entry.data + 8 * index)?))
            }
            kind::DECIMAL => ValueRef::Decimal(self.text(entry, index)?),
            kind::TEXT => ValueRef::Text(self.text(entry, index)?),
            kind::BYTES => ValueRef::Bytes(self.cut(entry, index, 1)?),
            kind::UUID => ValueRef::Uuid(self.text(entry, index)?),
            kind::DATE => ValueRef::Date(Date(self.short(entry.data, index)?)),
            kind::TIME => ValueRef::Time(Time(self.long(entry.data, index)?)),
            kind::TIMETZ => ValueRef::TimeTz(TimeTz {
                microseconds: self.long(entry.data, index)?,
                offset_seconds: self.short(entry.data + 8 * entry.count, index)?,
            }),
            kind::TIMESTAMP => ValueRef::Timestamp(Timestamp(self.long(entry.data, index)?)),
            kind::TIMESTAMPTZ => ValueRef::Timestamptz(Timestamptz(self.long(entry.data, index)?)),
            kind::INTERVAL => ValueRef::Interval(Interval {
                microseconds: self.long(entry.data, index)?,
                days: self.short(entry.data + 8 * entry.count, index)?,
                months: self.short(entry.data + 12 * entry.count, index)?,
            }),
            kind::JSON => ValueRef::Json(self.text(entry, index)?),
            kind::VECTOR => ValueRef::Vector(Numbers::packed(self.cut(entry, index, 4)?)),
            _ => return self.composite(entry, index, type_name),
        })
    }

    fn composite<'a>(
        &'a self,
        entry: &'a Entry,
        index: usize,
        type_name: &'a str,
    ) -> Result<ValueRef<'a>, Mismatch> {
        match &entry.inner {
            Inner::Elements(elements) => {
                let range = self.range(entry, index)?;
                if range.1 > elements.count {
                    return Err(malformed());
                }
                let type_name = type_name.strip_suffix("[]").unwrap_or(type_name);
                Ok(ValueRef::Array(Elements::packed(
                    self, elements, type_name, range,
                )))
            }
            Inner::Other(parts) => {
                let [text, bytes] = &**parts;
                let text = self.value(text, index, "")?;
                let text = if let ValueRef::Text(text) = text {
                    Some(text)
                } else {
                    None
                };
                Ok(ValueRef::Other {
                    type_name,
                    text,
                    bytes: self.cut(bytes, index, 1)?,
                })
            }
            Inner::None | Inner::Mixed { .. } => Err(malformed()),
        }
    }

    /// Reads the entry at an offset, and those within it.
    fn entry(&self, at: usize, depth: usize) -> Result<Entry, Mismatch> {
        const DEEPEST: usize = 5;
        let word = u32::from_le_bytes(self.array(at)?);
        let [kind, ..] = word.to_le_bytes();
        let (count, states, data) = (
            self.number(at + 4)?,
            self.number(at + 8)?,
            self.number(at + 12)?,
        );
        if depth == DEEPEST || count > self.0.len() {
            return Err(malformed());
        }
        let offsets = if word & FLAG_UTF16_OFFSETS == 0 { 1 } else { 2 };
        let mut entry = Entry {
            kind,
            count,
            states: (states != 0).then_some(states),
            data,
            bytes: data + 4 * (count + 1) * offsets,
            inner: Inner::None,
        };
        entry.inner = match kind {
            kind::ARRAY => {
                let inner = entry.bytes.next_multiple_of(ALIGNMENT);
                Inner::Elements(Box::new(self.entry(inner, depth + 1)?))
            }
            kind::OTHER => Inner::Other(Box::new([
                self.entry(data, depth + 1)?,
                self.entry(data + ENTRY_LENGTH, depth + 1)?,
            ])),
            kind::MIXED => self.mixed(&entry, depth)?,
            _ => Inner::None,
        };
        Ok(entry)
    }

    fn mixed(&self, entry: &Entry, depth: usize) -> Result<Inner, Mismatch> {
        let entries = (0..self.number(entry.data)?)
            .map(|index| self.entry(entry.data + 8 + index * ENTRY_LENGTH, depth + 1))
            .collect::<Result<Vec<_>, _>>()?;
        let kinds = match entry.states {
            Some(states) => self.slice(states, entry.count)?,
            None => &[],
        };
        let mut next = vec![0; entries.len()];
        let places = kinds
            .iter()
            .map(|kind| match *kind {
                kind::NULL | kind::MISSING => Ok(None),
                kind => {
                    let found = entries.iter().position(|entry| entry.kind == kind);
                    let entry = found.ok_or_else(malformed)?;
                    let place = next[entry];
                    next[entry] += 1;
                    Ok(Some((entry, place)))
                }
            })
            .collect::<Result<Vec<_>, _>>()?;
        if places.len() != entry.count {
            return Err(malformed());
        }
        Ok(Inner::Mixed { entries, places })
    }

    fn text(&self, entry: &Entry, index: usize) -> Result<&str, Mismatch> {
        std::str::from_utf8(self.cut(entry, index, 1)?).map_err(|_| malformed())
    }

    /// The bytes of a value of a kind with offsets, which count items of this many bytes.
    fn cut(&self, entry: &Entry, index: usize, size: usize) -> Result<&[u8], Mismatch> {
        let (from, to) = self.range(entry, index)?;
        self.slice(entry.bytes + from * size, (to - from) * size)
    }

    fn range(&self, entry: &Entry, index: usize) -> Result<(usize, usize), Mismatch> {
        let at = entry.data + 4 * index;
        let (from, to) = (self.number(at)?, self.number(at + 4)?);
        if from > to {
            Err(malformed())
        } else {
            Ok((from, to))
        }
    }

    fn long(&self, base: usize, index: usize) -> Result<i64, Mismatch> {
        Ok(i64::from_le_bytes(self.array(base + 8 * index)?))
    }

    fn short(&self, base: usize, index: usize) -> Result<i32, Mismatch> {
        Ok(i32::from_le_bytes(self.array(base + 4 * index)?))
    }

    /// A count or an offset.
    fn number(&self, at: usize) -> Result<usize, Mismatch> {
        usize::try_from(u32::from_le_bytes(self.array(at)?)).map_err(|_| malformed())
    }

    fn byte(&self, at: usize) -> Result<u8, Mismatch> {
        self.0.get(at).copied().ok_or_else(malformed)
    }

    fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], Mismatch> {
        self.0
            .get(at..)
            .and_then(|rest| rest.first_chunk())
            .copied()
            .ok_or_else(malformed)
    }

    fn slice(&self, at: usize, length: usize) -> Result<&[u8], Mismatch> {
        self.0
            .get(at..)
            .and_then(|rest| rest.get(..length))
            .ok_or_else(malformed)
    }
}

/// Names and type names, each ended by a zero byte.
fn columns(names: &[u8], count: usize) -> Result<Vec<Column>, Mismatch> {
    let mut parts = names
        .split(|byte| *byte == 0)
        .map(|part| String::from_utf8(part.to_vec()));
    let mut next = || parts.next().and_then(Result::ok).ok_or_else(malformed);
    (0..count)
        .map(|_| {
            Ok(Column {
                name: next()?,
                type_name: next()?,
            })
        })
        .collect()
}

fn malformed() -> Mismatch {
    Mismatch::new("the host sent packed rows that contradict themselves")
}
