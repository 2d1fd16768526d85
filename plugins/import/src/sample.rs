//! The first records, and what they say about the columns.

use crate::column::{ColumnReport, ColumnType};
use crate::failure::Failure;
use crate::options::Options;
use crate::records::Records;

/// The sample ends with whichever comes first.
const SAMPLE_ROWS: usize = 1_000;
const SAMPLE_BYTES: usize = 1 << 20;

/// Reads the sample.
pub(crate) fn read_sample<R: Records>(records: &mut R) -> Result<Vec<R::Record>, Failure> {
    let mut sample = Vec::new();
    let mut bytes = 0;
    while sample.len() < SAMPLE_ROWS && bytes < SAMPLE_BYTES {
        let mut record = R::Record::default();
        if !records.read(&mut record)? {
            break;
        }
        bytes += R::size(&record);
        sample.push(record);
    }
    Ok(sample)
}

/// The columns: of the given types, else of the narrowest that hold the sample, else text.
pub(crate) fn infer<R: Records>(
    records: &R,
    sample: &[R::Record],
    options: &Options,
) -> Result<Vec<ColumnReport>, Failure> {
    let mut names = records.names(sample)?;
    for name in options
        .types
        .keys()
        .filter(|name| !names.contains(name))
        .cloned()
        .collect::<Vec<_>>()
    {
        if R::FIXED_COLUMNS {
            return Err(Failure::input(format_args!(
                "the input gives a type to `{name}`, which is no column"
            )));
        }
        names.push(name);
    }
    check(&names)?;
    let mut types = vec![None; names.len()];
    for record in sample {
        records.cells(record, &names, |column, cell| {
            types[column] = match (types[column], ColumnType::of(cell)) {
                (Some(known), Some(new)) => Some(ColumnType::widened(known, new)),
                (known, new) => known.or(new),
            };
            Ok(())
        })?;
    }
    let column = |(name, inferred): (String, Option<ColumnType>)| {
        let column_type = options
            .types
            .get(&name)
            .copied()
            .or(inferred)
            .unwrap_or(ColumnType::Text);
        ColumnReport {
            name,
            column_type,
            nulls: 0,
        }
    };
    Ok(names.into_iter().zip(types).map(column).collect())
}

fn check(names: &[String]) -> Result<(), Failure> {
    if names.is_empty() {
        return Err(Failure::input(
            "there is nothing to load: the input has no columns",
        ));
    }
    for (place, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(Failure::input(format_args!(
                "column {} has no name",
                place + 1
            )));
        }
        if names[..place].contains(name) {
            return Err(Failure::input(format_args!(
                "two columns have the name `{name}`"
            )));
        }
    }
    Ok(())
}
