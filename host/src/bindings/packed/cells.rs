use std::borrow::Cow;

use crate::database::{Other, Value};

use super::{
    Kind, UTF16_FLAG, shapes,
    source::{Cell, Entry, Refusal, Source, States, malformed},
    state,
};

/// Reads the columns of a buffer, counting what they hold.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) source: Source<'a>,
    /// Cells and elements so far.
    values: u64,
    values_maximum: u64,
}

/// Where a column stands, which decides what it may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A column of the batch.
    Column,
    /// The values of one kind in a mixed column of the batch.
    PartOfColumn,
    /// The elements of arrays.
    Elements,
    /// The elements of one kind.
    PartOfElements,
}

impl Place {
    fn part(self) -> Self {
        match self {
            Self::Column | Self::PartOfColumn => Self::PartOfColumn,
            Self::Elements | Self::PartOfElements => Self::PartOfElements,
        }
    }

    /// Refuses a column that may not stand here.
    fn check(self, entry: &Entry) -> Result<(), Refusal> {
        let is_part = self == self.part();
        if entry.kind == Kind::Array && self.part() == Self::PartOfElements {
            return malformed("an array holds arrays");
        }
        if is_part && matches!(entry.kind, Kind::Null | Kind::Mixed) {
            return malformed("a part of a mixed column is mixed itself or holds only NULLs");
        }
        if is_part && entry.states != 0 {
            return malformed("a part of it has states of its own");
        }
        Ok(())
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(buffer: &'a [u8], values_maximum: u64) -> Self {
        Self {
            source: Source::new(buffer),
            values: 0,
            values_maximum,
        }
    }

    /// Counts values before anything is allocated for them.
    pub(super) fn count(&mut self, values: usize) -> Result<(), Refusal> {
        let values = u64::try_from(values).unwrap_or(u64::MAX);
        self.values = self.values.saturating_add(values);
        if self.values > self.values_maximum {
            return Err(Refusal::TooManyValues(self.values));
        }
        Ok(())
    }

    /// The cells of a column, which were counted.
    pub(super) fn cells(
        &mut self,
        entry: &Entry,
        place: Place,
        type_name: &'a str,
    ) -> Result<Vec<Cell<'a>>, Refusal> {
        place.check(entry)?;
        if entry.flags != 0 && !(entry.flags == UTF16_FLAG && entry.kind.is_text()) {
            return malformed(format!("its flags {:#x} are not known", entry.flags));
        }
        if entry.kind == Kind::Mixed {
            return self.mixed(entry, place, type_name);
        }
        let last_state = match place {
            Place::Column => state::LEFT_OUT,
            Place::PartOfColumn | Place::Elements | Place::PartOfElements => state::NULL,
        };
        let states = self.source.states(entry, last_state)?;
        let source = &mut self.source;
        match entry.kind {
            Kind::Null | Kind::Mixed => shapes::nulls(entry, states),
            Kind::Boolean => shapes::booleans(source, entry, states),
            Kind::Int64 => shapes::fixed(source, entry, states, |bytes| {
                Value::Int64(i64::from_le_bytes(bytes))
            }),
            Kind::Float64 => shapes::fixed(source, entry, states, |bytes| {
                Value::Float64(f64::from_le_bytes(bytes))
            }),
            Kind::Date => shapes::fixed(source, entry, states, |bytes| {
                Value::Date(i32::from_le_bytes(bytes))
            }),
            Kind::Time => shapes::fixed(source, entry, states, |bytes| {
                Value::Time(i64::from_le_bytes(bytes))
            }),
            Kind::Timestamp => shapes::fixed(source, entry, states, |bytes| {
                Value::Timestamp(i64::from_le_bytes(bytes))
            }),
            Kind::TimestampTz => shapes::fixed(source, entry, states, |bytes| {
                Value::TimestampTz(i64::from_le_bytes(bytes))
            }),
            Kind::TimeTz => shapes::times_with_offset(source, entry, states),
            Kind::Interval => shapes::intervals(source, entry, states),
            Kind::Decimal => shapes::texts(source, entry, states, Value::Decimal),
            Kind::Text => shapes::texts(source, entry, states, Value::Text),
            Kind::Uuid => shapes::texts(source, entry, states, Value::Uuid),
            Kind::Json => shapes::texts(source, entry, states, Value::Json),
            Kind::Bytes => shapes::bytes(source, entry, states),
            Kind::Vector => shapes::vectors(source, entry, states),
            Kind::Array => self.arrays(entry, states, type_name),
            Kind::Other => self.others(entry, states, type_name),
        }
    }

    fn arrays(
        &mut self,
        entry: &Entry,
        states: States<'a>,
        type_name: &'a str,
    ) -> Result<Vec<Cell<'a>>, Refusal> {
        let mut block = self.source.block(entry.data)?;
        let offsets = self.source.offsets(&mut block, entry.count)?;
        block.align();
        let inner = self.source.entry(&mut block)?;
        if inner.count != offsets.end() {
            return malformed(format!(
                "its arrays have {} elements, and their column has {}",
                offsets.end(),
                inner.count
            ));
        }
        self.count(inner.count)?;
        let type_name = type_name.strip_suffix("[]").unwrap_or(type_name);
        let elements = self
            .cells(&inner, Place::Elements, type_name)
            .map_err(|refusal| refusal.within("its elements"))?;
        let mut elements = elements.into_iter().flatten();
        let arrays = offsets
            .pieces()
            .map(|piece| elements.by_ref().take(piece.len()).collect());
        states.cells(arrays, |elements| Ok(Value::Array(elements)))
    }

    fn others(
        &mut self,
        entry: &Entry,
        states: States<'a>,
        type_name: &'a str,
    ) -> Result<Vec<Cell<'a>>, Refusal> {
        let mut block = self.source.block(entry.data)?;
        let text = self.source.entry(&mut block)?;
        let bytes = self.source.entry(&mut block)?;
        if (text.kind, bytes.kind) != (Kind::Text, Kind::Bytes) {
            return malformed("it is not made of a text and a bytes column");
        }
        if text.count != entry.count || bytes.count != entry.count {
            return malformed("its text and its bytes are not as many as its values");
        }
        // Text that is left out is told as a NULL; neither part is counted, since they are one value.
        let texts = self.cells(&text, Place::Elements, "")?;
        let bytes = self.cells(&bytes, Place::PartOfElements, "")?;
        states.cells(texts.into_iter().zip(bytes), |(text, bytes)| {
            let text = match text {
                Some(Value::Text(text)) => Some(text),
                _ => None,
            };
            let bytes = match bytes {
                Some(Value::Bytes(bytes)) => bytes,
                _ => Cow::Borrowed(&[][..]),
            };
            Ok(Value::Other(Other {
                type_name: Cow::Borrowed(type_name),
                text,
                bytes,
            }))
        })
    }

    fn mixed(
        &mut self,
        entry: &Entry,
        place: Place,
        type_name: &'a str,
    ) -> Result<Vec<Cell<'a>>, Refusal> {
        if entry.states == 0 && entry.count > 0 {
            return malformed("it is mixed and does not say which value is of which kind");
        }
        let kinds = self.source.states(entry, u8::MAX)?;
        let mut block = self.source.block(entry.data)?;
        let [width, zero] = self.source.words(&mut block)?;
        if zero != 0 {
            return malformed("the number of its parts is not followed by 0");
        }
        let mut parts = Vec::new();
        let mut values = 0_usize;
        let mut last = Kind::Null;
        for _ in 0..width {
            let part = self.source.entry(&mut block)?;
            if part.kind <= last {
                return malformed("the kinds of its parts do not ascend");
            }
            last = part.kind;
            values = values.saturating_add(part.count);
            // Checked before they are read: it is the column's number of values that was counted.
            if values > entry.count {
                return malformed("its parts have more values than it has");
            }
            let cells = self.cells(&part, place.part(), type_name)?;
            parts.push((part.kind.number(), cells.into_iter()));
        }
        let cells = kinds.iter().take(entry.count).map(|kind| match kind {
            0 => Ok(Some(Value::Null)),
            state::MIXED_LEFT_OUT if place == Place::Column => Ok(None),
            kind => parts
                .iter_mut()
                .find(|(number, _)| *number == kind)
                .and_then(|(_, cells)| cells.next())
                .map_or_else(
                    || malformed(format!("a value of kind {kind} is missing")),
                    Ok,
                ),
        });
        let cells = cells.collect::<Result<Vec<_>, _>>()?;
        if parts.iter().any(|(_, cells)| cells.len() > 0) {
            return malformed("its parts have values that it does not have");
        }
        Ok(cells)
    }
}
