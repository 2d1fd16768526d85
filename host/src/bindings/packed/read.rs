use crate::{
    bindings::convert::too_many_values,
    database::{Batch, Error},
};

use super::{
    HEADER_BYTES, MAGIC,
    cells::{Place, Reader},
    source::{Block, Cell, Entry, Refusal, malformed},
};

/// The batch in a buffer of a guest. It borrows from the buffer whatever it can.
pub(in crate::bindings) fn read_batch(
    buffer: &[u8],
    values_maximum: u64,
) -> Result<Batch<'_>, Error> {
    let mut reader = Reader::new(buffer, values_maximum);
    batch(&mut reader, buffer.len()).map_err(|refusal| match refusal {
        Refusal::Malformed(what) => Error::Invalid(format!("malformed packed batch: {what}")),
        Refusal::TooManyValues(counted) => too_many_values(counted, values_maximum),
    })
}

/// What the buffer says of one of its columns.
struct Column<'a> {
    entry: Entry,
    name: &'a str,
    type_name: &'a str,
}

fn batch<'a>(reader: &mut Reader<'a>, length: usize) -> Result<Batch<'a>, Refusal> {
    if length < HEADER_BYTES {
        return malformed(format!("{length} bytes are less than a header"));
    }
    let mut head = reader.source.block(0)?;
    if reader.source.take(&mut head, MAGIC.len())? != MAGIC {
        return malformed("it does not begin with `CPR` and version 1");
    }
    let [said, rows, width, names, names_length] = reader.source.words(&mut head)?;
    if said as usize != length || !length.is_multiple_of(8) {
        return malformed(format!(
            "it says that its length is {said}, which must be a multiple of 8, and it is {length}"
        ));
    }
    let mut names = reader.source.block(names)?;
    let names = reader.source.take(&mut names, names_length as usize)?;
    let columns = columns(reader, head, width as usize, names)?;

    let (rows, width) = (rows as usize, columns.len());
    reader.count(rows.saturating_mul(width.max(1)))?;
    let mut cells = Vec::new();
    cells.resize_with(rows, || Vec::with_capacity(width));
    for (index, column) in columns.iter().enumerate() {
        let read = reader
            .column(&column.entry, rows, column.type_name)
            .map_err(|refusal| refusal.within(&format!("column {index} (`{}`)", column.name)))?;
        for (row, cell) in cells.iter_mut().zip(read) {
            row.push(cell);
        }
    }
    let name = |column: Column<'_>| column.name.to_owned();
    Ok(Batch {
        columns: columns.into_iter().map(name).collect(),
        rows: cells,
    })
}

/// The columns with their names, each of which ends with a zero byte.
fn columns<'a>(
    reader: &mut Reader<'a>,
    mut entries: Block<'a>,
    width: usize,
    names: &'a [u8],
) -> Result<Vec<Column<'a>>, Refusal> {
    let Ok(names) = str::from_utf8(names) else {
        return malformed("the names are not UTF-8");
    };
    if !names.is_empty() && !names.ends_with('\0') {
        return malformed("the last name does not end");
    }
    let mut names = names.split_terminator('\0');
    let mut columns = Vec::new();
    for _ in 0..width {
        let entry = reader.source.entry(&mut entries)?;
        let (Some(name), Some(type_name)) = (names.next(), names.next()) else {
            return malformed("there are fewer names than columns");
        };
        columns.push(Column {
            entry,
            name,
            type_name,
        });
    }
    if names.next().is_some() {
        return malformed("there are more names than columns");
    }
    Ok(columns)
}

impl<'a> Reader<'a> {
    /// The cells of one of the columns of the batch.
    fn column(
        &mut self,
        entry: &Entry,
        rows: usize,
        type_name: &'a str,
    ) -> Result<Vec<Cell<'a>>, Refusal> {
        if entry.count != rows {
            return malformed(format!("it has {} values in {rows} rows", entry.count));
        }
        self.cells(entry, Place::Column, type_name)
    }
}
