//! Newline-delimited JSON: an object a line.

use std::borrow::Cow;
use std::fmt;
use std::io::{BufRead, BufReader, Read};

use serde::Deserializer;
use serde::de::{Deserialize, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::cell::Cell;
use crate::failure::Failure;
use crate::records::{Bounded, Records};

const BUFFER_BYTES: usize = 256 << 10;

/// The objects of a file, one a line. Empty lines are left out.
#[derive(Debug)]
pub(crate) struct JsonRecords<R> {
    reader: BufReader<Bounded<R>>,
    line: u64,
}

/// One line.
#[derive(Debug, Default)]
pub(crate) struct Line {
    text: String,
    number: u64,
}

impl<R: Read> JsonRecords<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            reader: BufReader::with_capacity(BUFFER_BYTES, Bounded::new(input)),
            line: 0,
        }
    }
}

impl<R: Read> Records for JsonRecords<R> {
    type Record = Line;
    const FIXED_COLUMNS: bool = false;

    fn read(&mut self, record: &mut Line) -> Result<bool, Failure> {
        loop {
            record.text.clear();
            self.line += 1;
            record.number = self.line;
            let read = self.reader.read_line(&mut record.text);
            self.reader.get_mut().renew();
            if read.map_err(|error| Failure::at(self.line, error))? == 0 {
                return Ok(false);
            }
            if !record.text.trim().is_empty() {
                return Ok(true);
            }
        }
    }

    fn names(&self, sample: &[Line]) -> Result<Vec<String>, Failure> {
        let mut names: Vec<String> = Vec::new();
        for line in sample {
            for (name, _) in object(line)?.0 {
                if !names.iter().any(|known| *known == name) {
                    names.push(name.into_owned());
                }
            }
        }
        Ok(names)
    }

    fn cells(
        &self,
        record: &Line,
        names: &[String],
        mut visit: impl FnMut(usize, &Cell<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for (place, (name, value)) in object(record)?.0.into_iter().enumerate() {
            let usual = names
                .get(place)
                .filter(|usual| **usual == name)
                .map(|_| place);
            let Some(column) = usual.or_else(|| names.iter().position(|known| *known == name))
            else {
                let text = format!(
                    "the key `{name}` did not occur in the sample; give it a type: {{\"types\": {{{name:?}: …}}}}"
                );
                return Err(Failure::at(record.number, text));
            };
            visit(column, &cell(value.get()))?;
        }
        Ok(())
    }

    fn line(record: &Line) -> u64 {
        record.number
    }

    fn size(record: &Line) -> usize {
        record.text.len()
    }
}

fn object(line: &Line) -> Result<Object<'_>, Failure> {
    serde_json::from_str(&line.text)
        .map_err(|error| Failure::at(line.number, format_args!("not an object of JSON: {error}")))
}

fn cell(json: &str) -> Cell<'_> {
    match json.as_bytes().first() {
        Some(b'"') => Cell::Quoted {
            text: unquoted(json),
            json,
        },
        Some(b'n') => Cell::Null,
        Some(b't') => Cell::Boolean(true),
        Some(b'f') => Cell::Boolean(false),
        Some(b'{' | b'[') => Cell::Json(json),
        _ => Cell::Number(json),
    }
}

/// The text of a JSON string, which was parsed before. Only one with escapes needs memory of its own.
fn unquoted(json: &str) -> Cow<'_, str> {
    match serde_json::from_str::<&str>(json) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(serde_json::from_str(json).unwrap_or_default()),
    }
}

/// Keys and values in their order, the values as they are written.
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object<'de>, M::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry::<Key<'de>, &RawValue>()? {
            entries.push((key.0, value));
        }
        Ok(Object(entries))
    }
}

/// A key, borrowed unless it has escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(KeyVisitor)
    }
}
