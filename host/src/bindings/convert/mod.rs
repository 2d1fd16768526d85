//! The contract's types to ours and back. Requests are moved, not cloned; rows are copied once, into what the guest will hold.

mod definition;
mod description;
mod request;
mod value;

use crate::database::{Batch, BatchUpdated, Error, LimitExceeded, Rows, Written};

use super::{
    Failure, HostBug, ResultFormat, packed,
    table::{Heading, Table},
    wit, writes_wit,
};

/// Every item converted.
pub(super) fn all<T, U: From<T>>(items: Vec<T>) -> Vec<U> {
    items.into_iter().map(U::from).collect()
}

/// Rows in the shape that the instance chose.
pub(super) fn row_set(rows: &Rows, format: ResultFormat) -> Result<wit::RowSet, Failure> {
    match format {
        ResultFormat::Typed => Ok(wit::RowSet::Typed(typed_rows(rows)?)),
        ResultFormat::Packed => Ok(wit::RowSet::Packed(packed::write_rows(rows)?)),
    }
}

/// What a write did.
pub(super) fn statement_result(
    written: &Written,
    format: ResultFormat,
) -> Result<wit::StatementResult, Failure> {
    let rows = written.rows.as_ref();
    Ok(wit::StatementResult {
        count: written.count,
        rows: rows.map(|rows| row_set(rows, format)).transpose()?,
    })
}

/// What a batch update did.
pub(super) fn batch_update_result(
    updated: BatchUpdated,
    format: ResultFormat,
) -> Result<writes_wit::BatchUpdateResult, Failure> {
    let rows = updated.rows.as_ref();
    Ok(writes_wit::BatchUpdateResult {
        count: updated.count,
        rows: rows.map(|rows| row_set(rows, format)).transpose()?,
        not_found: updated.not_found,
    })
}

/// A typed batch, counted as a packed one is.
pub(super) fn batch(
    batch: writes_wit::TypedBatch,
    values_maximum: u64,
) -> Result<Batch<'static>, Error> {
    let in_cell = |cell: &Option<wit::Value>| match cell {
        Some(wit::Value::Array(elements)) => elements.len().saturating_add(1),
        _ => 1,
    };
    let in_row = |row: &Vec<_>| {
        row.iter()
            .map(in_cell)
            .fold(0, usize::saturating_add)
            .max(1)
    };
    let counted = batch.rows.iter().map(in_row).fold(0, usize::saturating_add);
    let used = u64::try_from(counted).unwrap_or(u64::MAX);
    if used > values_maximum {
        return Err(too_many_values(used, values_maximum));
    }
    let cells = |row: Vec<Option<wit::Value>>| {
        let row = row.into_iter();
        row.map(|cell| cell.map(Into::into)).collect()
    };
    Ok(Batch {
        columns: batch.columns,
        rows: batch.rows.into_iter().map(cells).collect(),
    })
}

/// The answer to a batch of more cells and elements than the host would hold.
pub(super) fn too_many_values(used: u64, maximum: u64) -> Error {
    Error::Limit(LimitExceeded {
        name: "batch-values",
        used,
        maximum,
    })
}

fn typed_rows(table: &impl Table) -> Result<wit::TypedRows, Failure> {
    let column = |heading: Heading<'_>| wit::Column {
        name: heading.name.to_owned(),
        type_name: heading.type_name.to_owned(),
    };
    let columns: Vec<_> = table.columns().map(column).collect();
    let row = |row| -> Result<Vec<wit::Value>, Failure> {
        let value = |column| Ok(wit::Value::try_from(table.value(row, column)?)?);
        (0..columns.len()).map(value).collect()
    };
    let rows = (0..table.height()).map(row).collect::<Result<_, _>>()?;
    Ok(wit::TypedRows { columns, rows })
}

/// The answer to an array within an array, which the database layer gives as `other`.
pub(super) fn nested_array() -> HostBug {
    HostBug("an array of the database layer holds an array".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Error, batch, wit, writes_wit};

    fn of_rows(rows: Vec<Vec<Option<wit::Value>>>) -> writes_wit::TypedBatch {
        let columns = vec!["a".to_owned()];
        writes_wit::TypedBatch { columns, rows }
    }

    #[test]
    fn a_typed_batch_is_counted_with_its_elements() {
        let array = || {
            let elements = vec![wit::Element::Null, wit::Element::Null];
            of_rows(vec![vec![Some(wit::Value::Array(elements))], vec![None]])
        };
        assert_eq!(batch(array(), 4).expect("four values").rows.len(), 2);
        match batch(array(), 3) {
            Err(Error::Limit(limit)) => assert_eq!((limit.name, limit.used), ("batch-values", 4)),
            other => panic!("{other:?}"),
        }
        let no_cells = || of_rows(vec![vec![]; 5]);
        assert!(batch(no_cells(), 5).is_ok());
        assert!(batch(no_cells(), 4).is_err());
    }
}
