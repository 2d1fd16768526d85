use crate::{
    bindings::{Failure, convert::nested_array},
    database::{Other, Value},
};

use super::{ALIGNMENT, ENTRY_BYTES, Kind, UTF16_FLAG, state};

/// A column as it is being written. One is used for many columns after each other, and keeps what it has allocated.
#[derive(Debug)]
pub(super) struct Column {
    /// `Null` until the first value that is not.
    kind: Kind,
    /// Values so far.
    count: usize,
    /// One a value; in a mixed column its kind.
    states: Vec<u8>,
    /// Whether any state is not 0.
    has_states: bool,
    /// The parts of the data, in their order: numbers; offsets, none, and what they cut; or the three numbers of an interval.
    first: Vec<u8>,
    second: Vec<u8>,
    third: Vec<u8>,
    /// Elements of arrays; text and bytes of other values; the columns of a mixed one, ascending by kind.
    inner: Vec<Self>,
    /// Whether the elements of arrays are of several kinds.
    mixed_elements: bool,
}

/// Where an entry points to, and what it says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry(pub(super) [u32; 4]);

/// Why a value cannot be added.
#[derive(Debug)]
pub(super) enum Unfit {
    /// Its kind is not that of the values before it: the column must be begun again as a mixed one.
    Column,
    /// The same of the elements of its arrays.
    Elements,
    /// There is no column for it.
    Failed(Failure),
}

impl Column {
    /// An empty one that takes the kind of its first value.
    pub(super) fn new() -> Self {
        Self {
            kind: Kind::Null,
            count: 0,
            states: Vec::new(),
            has_states: false,
            first: Vec::new(),
            second: Vec::new(),
            third: Vec::new(),
            inner: Vec::new(),
            mixed_elements: false,
        }
    }

    /// An empty one of this kind.
    fn of(kind: Kind, mixed_elements: bool) -> Self {
        let mut column = Self::new();
        column.mixed_elements = mixed_elements;
        column.begin(kind);
        column
    }

    /// Makes it as new, as a mixed one or one of mixed elements if need be.
    pub(super) fn restart(&mut self, mixed: bool, mixed_elements: bool) {
        self.kind = if mixed { Kind::Mixed } else { Kind::Null };
        self.count = 0;
        self.has_states = false;
        self.states.clear();
        self.first.clear();
        self.second.clear();
        self.third.clear();
        self.inner.clear();
        self.mixed_elements = mixed_elements;
    }

    /// Adds a value.
    pub(super) fn push(&mut self, value: &Value<'_>) -> Result<(), Unfit> {
        let kind = Kind::of(value);
        if self.kind == Kind::Mixed {
            return self.push_mixed(kind, value);
        }
        if kind == Kind::Null {
            self.push_null();
            return Ok(());
        }
        if self.kind != kind {
            if self.kind != Kind::Null {
                return Err(Unfit::Column);
            }
            self.begin(kind);
        }
        self.add(value)?;
        self.states.push(state::VALUE);
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// Fixes the kind, and makes a place for each of the NULLs that came before.
    fn begin(&mut self, kind: Kind) {
        self.kind = kind;
        if kind.has_offsets() {
            self.first.extend([0; 4]);
        }
        if kind == Kind::Array {
            let mut elements = Self::new();
            elements.restart(self.mixed_elements, false);
            self.inner.push(elements);
        } else if kind == Kind::Other {
            self.inner.push(Self::of(Kind::Text, false));
            self.inner.push(Self::of(Kind::Bytes, false));
        }
        for _ in 0..self.count {
            self.add_place();
        }
    }

    fn push_null(&mut self) {
        self.has_states = true;
        self.states.push(state::NULL);
        self.count = self.count.saturating_add(1);
        self.add_place();
    }

    /// Adds to the data what stands where there is no value.
    fn add_place(&mut self) {
        match self.kind {
            Kind::Null | Kind::Mixed => {}
            Kind::Boolean => self.first.push(0),
            Kind::Date => self.first.extend([0; 4]),
            Kind::Int64 | Kind::Float64 | Kind::Time | Kind::Timestamp | Kind::TimestampTz => {
                self.first.extend([0; 8]);
            }
            Kind::TimeTz => {
                self.first.extend([0; 8]);
                self.second.extend([0; 4]);
            }
            Kind::Interval => {
                self.first.extend([0; 8]);
                self.second.extend([0; 4]);
                self.third.extend([0; 4]);
            }
            Kind::Decimal | Kind::Text | Kind::Bytes | Kind::Uuid | Kind::Json => {
                self.end_piece(self.third.len());
            }
            Kind::Vector => self.end_piece(self.third.len() / 4),
            Kind::Array => self.end_piece(self.inner.first().map_or(0, |elements| elements.count)),
            Kind::Other => {
                if let [text, bytes] = &mut *self.inner {
                    text.push_null();
                    bytes.add_bytes(&[]);
                }
            }
        }
    }

    /// Adds a value of the column's kind to the data.
    fn add(&mut self, value: &Value<'_>) -> Result<(), Unfit> {
        match value {
            Value::Null => {}
            Value::Boolean(it) => self.first.push(u8::from(*it)),
            Value::Int64(it) | Value::Time(it) | Value::Timestamp(it) | Value::TimestampTz(it) => {
                self.first.extend_from_slice(&it.to_le_bytes());
            }
            Value::Float64(it) => self.first.extend_from_slice(&it.to_le_bytes()),
            Value::Date(it) => self.first.extend_from_slice(&it.to_le_bytes()),
            Value::TimeTz(it) => {
                self.first.extend_from_slice(&it.microseconds.to_le_bytes());
                self.second
                    .extend_from_slice(&it.offset_seconds.to_le_bytes());
            }
            Value::Interval(it) => {
                self.first.extend_from_slice(&it.microseconds.to_le_bytes());
                self.second.extend_from_slice(&it.days.to_le_bytes());
                self.third.extend_from_slice(&it.months.to_le_bytes());
            }
            Value::Decimal(it) | Value::Text(it) | Value::Uuid(it) | Value::Json(it) => {
                self.add_piece(it.as_bytes());
            }
            Value::Bytes(it) => self.add_piece(it),
            Value::Vector(it) => {
                self.third.extend(it.iter().flat_map(|x| x.to_le_bytes()));
                self.end_piece(self.third.len() / 4);
            }
            Value::Array(it) => self.add_array(it)?,
            Value::Other(it) => self.add_other(it),
        }
        Ok(())
    }

    fn add_array(&mut self, array: &[Value<'_>]) -> Result<(), Unfit> {
        let mut end = 0;
        if let Some(elements) = self.inner.first_mut() {
            for element in array {
                if matches!(element, Value::Array(_)) {
                    return Err(Unfit::Failed(nested_array().into()));
                }
                elements.push(element).map_err(|unfit| match unfit {
                    Unfit::Column => Unfit::Elements,
                    other @ (Unfit::Elements | Unfit::Failed(_)) => other,
                })?;
            }
            end = elements.count;
        }
        self.end_piece(end);
        Ok(())
    }

    fn add_other(&mut self, other: &Other<'_>) {
        if let [text, bytes] = &mut *self.inner {
            match &other.text {
                Some(it) => text.add_bytes(it.as_bytes()),
                None => text.push_null(),
            }
            bytes.add_bytes(&other.bytes);
        }
    }

    /// Adds a whole value to a column of text or bytes.
    fn add_bytes(&mut self, bytes: &[u8]) {
        self.add_piece(bytes);
        self.states.push(state::VALUE);
        self.count = self.count.saturating_add(1);
    }

    fn add_piece(&mut self, bytes: &[u8]) {
        self.third.extend_from_slice(bytes);
        self.end_piece(self.third.len());
    }

    fn end_piece(&mut self, end: usize) {
        self.first.extend_from_slice(&word(end).to_le_bytes());
    }

    fn push_mixed(&mut self, kind: Kind, value: &Value<'_>) -> Result<(), Unfit> {
        if kind != Kind::Null {
            let at = match self.inner.binary_search_by_key(&kind, |column| column.kind) {
                Ok(at) => at,
                Err(at) => {
                    self.inner.insert(at, Self::of(kind, self.mixed_elements));
                    at
                }
            };
            if let Some(column) = self.inner.get_mut(at) {
                column.push(value)?;
            }
        }
        self.states.push(kind.number());
        self.has_states = true;
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// Adds the blocks of this column to the buffer and gives the entry that points to them.
    pub(super) fn write(&self, buffer: &mut Vec<u8>) -> Entry {
        let count = word(self.count);
        if self.kind == Kind::Null {
            return Entry([u32::from(Kind::Null.number()), count, 0, 0]);
        }
        let states = if self.has_states {
            let at = begin_block(buffer);
            buffer.extend_from_slice(&self.states);
            at
        } else {
            0
        };
        let entries: Vec<_> = self.inner.iter().map(|inner| inner.write(buffer)).collect();
        let data = begin_block(buffer);
        let mut flags = 0;
        if self.kind == Kind::Mixed {
            buffer.extend_from_slice(&word(entries.len()).to_le_bytes());
            buffer.extend([0; 4]);
        }
        buffer.extend_from_slice(&self.first);
        buffer.extend_from_slice(&self.second);
        if self.kind.is_text() && !self.third.is_ascii() {
            flags = UTF16_FLAG;
            self.write_utf16_offsets(buffer);
        }
        buffer.extend_from_slice(&self.third);
        if !entries.is_empty() {
            begin_block(buffer);
            buffer.reserve(entries.len().saturating_mul(ENTRY_BYTES));
            for entry in entries {
                entry.write(buffer);
            }
        }
        let kind = u32::from(self.kind.number()) | flags << 8;
        Entry([kind, count, states, data])
    }

    /// Adds the offsets of text once more, in UTF-16 code units.
    fn write_utf16_offsets(&self, buffer: &mut Vec<u8>) {
        let (offsets, _) = self.first.as_chunks();
        let (mut start, mut units) = (0, 0);
        for offset in offsets {
            let end = u32::from_le_bytes(*offset) as usize;
            let piece = self.third.get(start..end).unwrap_or_default();
            units = piece
                .iter()
                .copied()
                .map(utf16_units)
                .fold(units, usize::saturating_add);
            buffer.extend_from_slice(&word(units).to_le_bytes());
            start = end;
        }
    }
}

impl Entry {
    /// Adds it to the buffer.
    pub(super) fn write(self, buffer: &mut Vec<u8>) {
        buffer.extend(self.0.iter().flat_map(|word| word.to_le_bytes()));
    }
}

/// A number for the buffer. One that does not fit is only met in a buffer of 4 GiB, which is refused as a whole.
pub(super) fn word(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Fills the buffer up to where a block may begin, and gives that place.
pub(super) fn begin_block(buffer: &mut Vec<u8>) -> u32 {
    buffer.resize(buffer.len().next_multiple_of(ALIGNMENT), 0);
    word(buffer.len())
}

/// How many UTF-16 code units a character takes, told by the first byte of its UTF-8; 0 for the other bytes.
pub(super) fn utf16_units(byte: u8) -> usize {
    match byte {
        0x80..0xc0 => 0,
        0xf0.. => 2,
        _ => 1,
    }
}
