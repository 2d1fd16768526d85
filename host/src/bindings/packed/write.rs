use crate::{
    bindings::{Failure, table::Table},
    database::{Error, LimitExceeded},
};

use super::{
    ENTRY_BYTES, HEADER_BYTES, MAGIC,
    column::{Column, Unfit, begin_block, word},
};

/// The rows as one buffer.
pub(in crate::bindings) fn write_rows(table: &impl Table) -> Result<Vec<u8>, Failure> {
    let width = table.columns().len();
    let head_bytes = HEADER_BYTES.saturating_add(width.saturating_mul(ENTRY_BYTES));
    let mut buffer = vec![0; head_bytes];

    let names = begin_block(&mut buffer);
    for column in table.columns() {
        for name in [column.name, column.type_name] {
            buffer.extend_from_slice(name.as_bytes());
            buffer.push(0);
        }
    }
    let names_bytes = buffer.len().saturating_sub(head_bytes);

    let mut column = Column::new();
    let mut entries = Vec::with_capacity(width);
    for index in 0..width {
        fill(&mut column, table, index)?;
        entries.push(column.write(&mut buffer));
    }
    let length = begin_block(&mut buffer);
    if length == u32::MAX {
        return Err(too_large(buffer.len()).into());
    }

    let mut head = Vec::with_capacity(head_bytes);
    head.extend_from_slice(&MAGIC);
    let (rows, width) = (word(table.height()), word(width));
    for number in [length, rows, width, names, word(names_bytes)] {
        head.extend_from_slice(&number.to_le_bytes());
    }
    for entry in entries {
        entry.write(&mut head);
    }
    for (place, byte) in buffer.iter_mut().zip(head) {
        *place = byte;
    }
    Ok(buffer)
}

/// Puts the values of a column of the table into an empty one. A column of one kind takes one pass; a mixed one is begun again.
fn fill(column: &mut Column, table: &impl Table, index: usize) -> Result<(), Failure> {
    let (mut mixed, mut mixed_elements) = (false, false);
    loop {
        column.restart(mixed, mixed_elements);
        let mut values = (0..table.height()).map(|row| table.value(row, index));
        let filled = values.try_for_each(|value| {
            let value = value.map_err(|error| Unfit::Failed(error.into()))?;
            column.push(&value)
        });
        match filled {
            Ok(()) => return Ok(()),
            Err(Unfit::Column) => mixed = true,
            Err(Unfit::Elements) => mixed_elements = true,
            Err(Unfit::Failed(failure)) => return Err(failure),
        }
    }
}

/// The answer to rows that no buffer can hold. Only an operator who raised the limit on results beyond 4 GiB meets it.
fn too_large(bytes: usize) -> Error {
    Error::Limit(LimitExceeded {
        name: "result-bytes",
        used: u64::try_from(bytes).unwrap_or(u64::MAX),
        maximum: u32::MAX.into(),
    })
}
