//! CSV: a header, and a record a row.

use std::io::Read;

use csv::{ByteRecord, Position, Reader, ReaderBuilder};

use crate::cell::Cell;
use crate::failure::Failure;
use crate::options::Options;
use crate::records::{Bounded, Records};

/// Large, because every read leaves the sandbox.
const BUFFER_BYTES: usize = 256 << 10;

/// The records of a CSV file.
#[derive(Debug)]
pub(crate) struct CsvRecords<R> {
    reader: Reader<Bounded<R>>,
    names: Vec<String>,
    nulls: Vec<String>,
}

impl<R: Read> CsvRecords<R> {
    /// Reads the header, unless the options name the columns.
    pub(crate) fn new(input: R, options: &Options) -> Result<Self, Failure> {
        let delimiter = u8::try_from(options.delimiter)
            .map_err(|_| Failure::input("the delimiter must be one character of ASCII"))?;
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(options.columns.is_none())
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(Bounded::new(input));
        let names = match &options.columns {
            Some(names) => names.clone(),
            None => reader
                .headers()
                .map_err(csv_failure)?
                .iter()
                .map(ToOwned::to_owned)
                .collect(),
        };
        Ok(Self {
            reader,
            names,
            nulls: options.nulls.clone(),
        })
    }
}

impl<R: Read> Records for CsvRecords<R> {
    type Record = ByteRecord;
    const FIXED_COLUMNS: bool = true;

    fn read(&mut self, record: &mut ByteRecord) -> Result<bool, Failure> {
        let found = self.reader.read_byte_record(record).map_err(csv_failure)?;
        self.reader.get_mut().renew();
        if found && record.len() != self.names.len() {
            let text = format!(
                "{} fields, and not {} as there are columns",
                record.len(),
                self.names.len()
            );
            return Err(Failure::at(Self::line(record), text));
        }
        Ok(found)
    }

    fn names(&self, _sample: &[ByteRecord]) -> Result<Vec<String>, Failure> {
        Ok(self.names.clone())
    }

    fn cells(
        &self,
        record: &ByteRecord,
        names: &[String],
        mut visit: impl FnMut(usize, &Cell<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for (column, field) in record.iter().enumerate() {
            let Ok(text) = str::from_utf8(field) else {
                let text = format!("column `{}`: the text is not UTF-8", names[column]);
                return Err(Failure::at(Self::line(record), text));
            };
            let null = self.nulls.iter().any(|null| null == text);
            visit(column, &if null { Cell::Null } else { Cell::Plain(text) })?;
        }
        Ok(())
    }

    fn line(record: &ByteRecord) -> u64 {
        record.position().map_or(0, Position::line)
    }

    fn size(record: &ByteRecord) -> usize {
        record.as_slice().len()
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "no other kind is made by reading records of bytes"
)]
fn csv_failure(error: csv::Error) -> Failure {
    let line = error.position().map(Position::line);
    let text = match error.into_kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("{len} fields, and not {expected_len} as there are columns")
        }
        csv::ErrorKind::Io(error) => error.to_string(),
        csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8".to_owned(),
        kind => format!("{kind:?}"),
    };
    match line {
        Some(line) => Failure::at(line, text),
        None => Failure::input(text),
    }
}
