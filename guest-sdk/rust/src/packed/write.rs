//! Writing: a column collects its values densely and lays them out when the buffer is made.

use super::store::{Entry, Lane, Store, Values, align, word, write_words};
use super::{ENTRY_LENGTH, Elements, STATE_MISSING, STATE_NULL, STATE_VALUE, kind};
use crate::Mismatch;
use crate::value::ValueRef;

/// One column of a buffer that is being made, or the elements of its arrays.
#[derive(Clone, Debug, Default)]
pub(crate) struct ColumnWriter {
    /// The kind of each value, NULL and left out included.
    kinds: Vec<u8>,
    /// What each kind that occurs has collected. More than one make a mixed column.
    stores: Vec<Store>,
}

impl ColumnWriter {
    /// Appends a value. Fails for an array in an array.
    pub(crate) fn push(&mut self, value: ValueRef<'_>) -> Result<(), Mismatch> {
        match value {
            ValueRef::Null => self.kinds.push(kind::NULL),
            ValueRef::Boolean(value) => self.fixed(kind::BOOLEAN, [&[u8::from(value)]]),
            ValueRef::Int64(value) => self.fixed(kind::INT64, [&value.to_le_bytes()]),
            ValueRef::Float64(value) => self.fixed(kind::FLOAT64, [&value.to_le_bytes()]),
            ValueRef::Decimal(text) => self.sized(kind::DECIMAL, text.as_bytes()),
            ValueRef::Text(text) => self.sized(kind::TEXT, text.as_bytes()),
            ValueRef::Bytes(bytes) => self.sized(kind::BYTES, bytes),
            ValueRef::Uuid(text) => self.sized(kind::UUID, text.as_bytes()),
            ValueRef::Date(date) => self.fixed(kind::DATE, [&date.0.to_le_bytes()]),
            ValueRef::Time(time) => self.fixed(kind::TIME, [&time.0.to_le_bytes()]),
            ValueRef::TimeTz(time) => self.fixed(
                kind::TIMETZ,
                [
                    &time.microseconds.to_le_bytes()[..],
                    &time.offset_seconds.to_le_bytes(),
                ],
            ),
            ValueRef::Timestamp(time) => self.fixed(kind::TIMESTAMP, [&time.0.to_le_bytes()]),
            ValueRef::Timestamptz(time) => self.fixed(kind::TIMESTAMPTZ, [&time.0.to_le_bytes()]),
            ValueRef::Interval(interval) => self.fixed(
                kind::INTERVAL,
                [
                    &interval.microseconds.to_le_bytes()[..],
                    &interval.days.to_le_bytes(),
                    &interval.months.to_le_bytes(),
                ],
            ),
            ValueRef::Json(text) => self.sized(kind::JSON, text.as_bytes()),
            ValueRef::Vector(numbers) => {
                let bytes: Vec<u8> = numbers.iter().flat_map(f32::to_le_bytes).collect();
                self.sized(kind::VECTOR, &bytes);
            }
            ValueRef::Array(elements) => self.array(elements)?,
            ValueRef::Other {
                type_name, text, ..
            } => self.other(type_name, text),
        }
        Ok(())
    }

    /// Appends a cell that is left out.
    pub(crate) fn push_missing(&mut self) {
        self.kinds.push(kind::MISSING);
    }

    pub(crate) fn len(&self) -> usize {
        self.kinds.len()
    }

    /// About how many bytes of the buffer it takes.
    pub(crate) fn size(&self) -> usize {
        self.kinds.len()
            + self
                .stores
                .iter()
                .map(|store| store.values.size())
                .sum::<usize>()
    }

    /// The type's name, where its values say it.
    pub(crate) fn type_name(&self) -> String {
        self.stores
            .iter()
            .map(|store| match &store.values {
                Values::Others { type_name, .. } => type_name.clone(),
                Values::Arrays { elements, .. } => match elements.type_name() {
                    name if name.is_empty() => name,
                    name => name + "[]",
                },
                Values::Fixed(_) | Values::Sized { .. } => String::new(),
            })
            .find(|name| !name.is_empty())
            .unwrap_or_default()
    }

    /// Writes the blocks of this column and returns its entry.
    pub(crate) fn write(&self, out: &mut Vec<u8>) -> Entry {
        let count = word(self.kinds.len());
        match &self.stores[..] {
            [] if !self.kinds.contains(&kind::MISSING) => [u32::from(kind::NULL), count, 0, 0],
            [] => self.write_single(&Store::new(kind::TEXT, Values::sized(1)), count, out),
            [store] => self.write_single(store, count, out),
            stores => self.write_mixed(stores, count, out),
        }
    }

    /// Writes texts, as a column of text even if there are none: a part of other values.
    pub(super) fn write_texts<'a>(
        texts: impl Iterator<Item = Option<&'a str>>,
        out: &mut Vec<u8>,
    ) -> Entry {
        let mut column = Self::default();
        for text in texts {
            match text {
                Some(text) => column.sized(kind::TEXT, text.as_bytes()),
                None => column.kinds.push(kind::NULL),
            }
        }
        let none = Store::new(kind::TEXT, Values::sized(1));
        column.write_single(
            column.stores.first().unwrap_or(&none),
            word(column.len()),
            out,
        )
    }

    fn write_single(&self, store: &Store, count: u32, out: &mut Vec<u8>) -> Entry {
        let complete = self.kinds.iter().all(|kind| *kind == store.kind);
        let states = if complete {
            0
        } else {
            let states = align(out);
            out.extend(self.kinds.iter().map(|kind| match *kind {
                kind::NULL => STATE_NULL,
                kind::MISSING => STATE_MISSING,
                _ => STATE_VALUE,
            }));
            states
        };
        let present: Vec<bool> = self.kinds.iter().map(|kind| *kind == store.kind).collect();
        let data = store.values.write(&present, out);
        [u32::from(store.kind), count, states, data]
    }

    fn write_mixed(&self, stores: &[Store], count: u32, out: &mut Vec<u8>) -> Entry {
        let states = align(out);
        out.extend_from_slice(&self.kinds);
        let mut stores: Vec<&Store> = stores.iter().collect();
        stores.sort_by_key(|store| store.kind);
        let entries: Vec<Entry> = stores
            .iter()
            .map(|store| {
                let data = store.values.write(&vec![true; store.count], out);
                [u32::from(store.kind), word(store.count), 0, data]
            })
            .collect();
        let data = align(out);
        write_words(&[word(entries.len()), 0], out);
        write_words(entries.as_flattened(), out);
        [u32::from(kind::MIXED), count, states, data]
    }

    fn store(&mut self, kind: u8, new: impl FnOnce() -> Values) -> &mut Values {
        self.kinds.push(kind);
        let known = self.stores.iter().position(|store| store.kind == kind);
        let index = known.unwrap_or_else(|| {
            self.stores.push(Store::new(kind, new()));
            self.stores.len() - 1
        });
        let store = &mut self.stores[index];
        store.count += 1;
        &mut store.values
    }

    fn fixed<const N: usize>(&mut self, kind: u8, parts: [&[u8]; N]) {
        let new = || {
            Values::Fixed(
                parts
                    .map(|part| Lane {
                        width: part.len(),
                        bytes: Vec::new(),
                    })
                    .into(),
            )
        };
        if let Values::Fixed(lanes) = self.store(kind, new) {
            for (lane, part) in lanes.iter_mut().zip(parts) {
                lane.bytes.extend_from_slice(part);
            }
        }
    }

    fn sized(&mut self, kind: u8, value: &[u8]) {
        let item = if kind == kind::VECTOR {
            size_of::<f32>()
        } else {
            1
        };
        if let Values::Sized { width, ends, bytes } = self.store(kind, || Values::sized(item)) {
            bytes.extend_from_slice(value);
            ends.push(word(bytes.len() / *width));
        }
    }

    fn array(&mut self, values: Elements<'_>) -> Result<(), Mismatch> {
        let new = || Values::Arrays {
            ends: Vec::new(),
            elements: Box::default(),
        };
        if let Values::Arrays { ends, elements } = self.store(kind::ARRAY, new) {
            for value in values.iter() {
                let value = value?;
                if matches!(value, ValueRef::Array(_)) {
                    return Err(Mismatch::new("an array cannot hold arrays here"));
                }
                elements.push(value)?;
            }
            ends.push(word(elements.len()));
        }
        Ok(())
    }

    fn other(&mut self, name: &str, text: Option<&str>) {
        let new = || Values::Others {
            type_name: name.to_owned(),
            texts: Vec::new(),
        };
        if let Values::Others { texts, .. } = self.store(kind::OTHER, new) {
            texts.push(text.map(ToOwned::to_owned));
        }
    }
}

/// Writes a whole buffer: the columns with their names, and as many rows as each of them has.
pub(crate) fn encode(columns: &[(String, ColumnWriter)], rows: usize) -> Vec<u8> {
    let values: usize = columns
        .iter()
        .map(|(name, column)| name.len() + column.size())
        .sum();
    let mut out = Vec::with_capacity(values + values / 8);
    out.resize(super::HEADER_LENGTH + columns.len() * ENTRY_LENGTH, 0);
    let names_at = word(out.len());
    for (name, column) in columns {
        out.extend_from_slice(name.as_bytes());
        out.push(0);
        out.extend_from_slice(column.type_name().as_bytes());
        out.push(0);
    }
    let names_length = word(out.len()) - names_at;
    let entries: Vec<Entry> = columns
        .iter()
        .map(|(_, column)| column.write(&mut out))
        .collect();
    let length = align(&mut out);
    let header = [
        length,
        word(rows),
        word(columns.len()),
        names_at,
        names_length,
    ];
    let words: Vec<u8> = header
        .iter()
        .chain(entries.as_flattened())
        .flat_map(|word| word.to_le_bytes())
        .collect();
    let (magic, rest) = out.split_at_mut(super::MAGIC.len());
    magic.copy_from_slice(&super::MAGIC);
    rest[..words.len()].copy_from_slice(&words);
    out
}
