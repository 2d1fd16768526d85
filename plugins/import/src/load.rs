//! The load itself: a sample decides the columns, then batch after batch is read and written.

use std::time::{Duration, Instant};

use chitin::Batch;

use crate::cell::Cell;
use crate::column::ColumnReport;
use crate::failure::Failure;
use crate::options::Options;
use crate::records::Records;
use crate::sample::{infer, read_sample};
use crate::sink::Sink;

/// A batch ends with this, if it does not with its number of rows.
const BATCH_BYTES: usize = 4 << 20;
/// As many values go into a batch at most, however narrow they are.
const BATCH_VALUES: usize = 250_000;
const BETWEEN_MESSAGES: Duration = Duration::from_secs(2);

/// What was loaded.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) rows: u64,
    pub(crate) columns: Vec<ColumnReport>,
}

/// Loads all records.
pub(crate) fn load<R: Records>(
    mut records: R,
    options: &Options,
    sink: &mut impl Sink,
) -> Result<Loaded, Failure> {
    let sample = read_sample(&mut records)?;
    let columns = infer(&records, &sample, options)?;
    sink.columns(&columns).map_err(Failure::input)?;
    let mut load = Load::new(columns, options, sink);
    let result = load.all(&mut records, sample);
    let rows = load.rows;
    match result {
        Ok(()) => Ok(Loaded {
            rows,
            columns: load.columns,
        }),
        Err(failure) => Err(failure.after(rows)),
    }
}

/// A load under way.
struct Load<'a, S> {
    columns: Vec<ColumnReport>,
    names: Vec<String>,
    batch_rows: usize,
    sink: &'a mut S,
    batch: Batch,
    /// The line on which the batch begins.
    first_line: Option<u64>,
    /// In the table.
    rows: u64,
    last_message: Instant,
}

impl<'a, S: Sink> Load<'a, S> {
    fn new(columns: Vec<ColumnReport>, options: &Options, sink: &'a mut S) -> Self {
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let batch_rows = options.batch_rows.min(BATCH_VALUES / names.len()).max(1);
        Self {
            columns,
            batch: Batch::new(names.iter().cloned()),
            names,
            batch_rows,
            sink,
            first_line: None,
            rows: 0,
            last_message: Instant::now(),
        }
    }

    fn all<R: Records>(&mut self, records: &mut R, sample: Vec<R::Record>) -> Result<(), Failure> {
        for record in sample {
            self.add(records, &record)?;
        }
        let mut record = R::Record::default();
        while records.read(&mut record)? {
            self.add(records, &record)?;
        }
        self.write(None)
    }

    fn add<R: Records>(&mut self, records: &R, record: &R::Record) -> Result<(), Failure> {
        let line = R::line(record);
        let (columns, batch) = (&mut self.columns, &mut self.batch);
        records.cells(record, &self.names, |place, cell| {
            let column = &mut columns[place];
            let Some(value) = column.column_type.read(cell) else {
                return Err(misfit(line, column, cell));
            };
            column.nulls += u64::from(value.is_null());
            batch
                .set(place, value)
                .map_err(|error| Failure::at(line, error))
        })?;
        batch.end_row();
        self.first_line.get_or_insert(line);
        if self.batch.len() >= self.batch_rows || self.batch.size() >= BATCH_BYTES {
            self.write(Some(line))?;
        }
        Ok(())
    }

    /// Writes the batch, which ends on this line or with the input.
    fn write(&mut self, last_line: Option<u64>) -> Result<(), Failure> {
        let Some(first_line) = self.first_line.take() else {
            return Ok(());
        };
        let batch = std::mem::replace(&mut self.batch, Batch::new(self.names.iter().cloned()));
        self.rows += self.sink.insert(batch).map_err(|error| {
            let end = last_line.map_or("the end".to_owned(), |line| format!("line {line}"));
            Failure::input(format_args!(
                "the rows from line {first_line} to {end} could not be written: {error}"
            ))
        })?;
        if self.last_message.elapsed() >= BETWEEN_MESSAGES {
            self.last_message = Instant::now();
            log::info!("{} rows are in the table", self.rows);
        }
        Ok(())
    }
}

fn misfit(line: u64, column: &ColumnReport, cell: &Cell<'_>) -> Failure {
    let ColumnReport {
        name, column_type, ..
    } = column;
    let text = format!(
        "column `{name}`: `{}` is no {column_type}; if that is right, set the type in the input: \
         {{\"types\": {{{name:?}: \"text\"}}}}",
        cell.shown()
    );
    Failure::at(line, text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::csv_records::CsvRecords;
    use crate::json_records::JsonRecords;

    const FLIGHTS: &str = "\
year,dep_time,dep_delay,carrier,tailnum,air_time,time_hour
2013,517,2,UA,N14228,227,2013-01-01T10:00:00Z
2013,,,AA,,,2013-01-01T11:00:00Z
2013,1,-1.5,B6,\"N,1\"\"2\",0.25,2013-01-01T11:00:00Z
";

    /// Remembers the sizes of the batches, and refuses the one that would hold this row.
    #[derive(Default)]
    struct Recorder {
        batches: Vec<u64>,
        refuse_after: Option<u64>,
    }

    impl Sink for Recorder {
        fn columns(&mut self, _columns: &[ColumnReport]) -> chitin::Result<()> {
            Ok(())
        }

        fn insert(&mut self, batch: Batch) -> chitin::Result<u64> {
            let rows = batch.len() as u64;
            if self
                .refuse_after
                .is_some_and(|most| self.batches.iter().sum::<u64>() + rows > most)
            {
                return Err("duplicate key".into());
            }
            self.batches.push(rows);
            Ok(rows)
        }
    }

    fn options(mut more: Value, format: &str) -> Options {
        more["table"] = "t".into();
        more["format"] = format.into();
        serde_json::from_value(more).expect("options")
    }

    fn csv(text: &str, more: Value, sink: &mut Recorder) -> Result<Loaded, Failure> {
        let options = options(more, "csv");
        load(CsvRecords::new(text.as_bytes(), &options)?, &options, sink)
    }

    fn ndjson(text: &str, more: Value) -> Result<Loaded, Failure> {
        load(
            JsonRecords::new(text.as_bytes()),
            &options(more, "ndjson"),
            &mut Recorder::default(),
        )
    }

    fn columns(loaded: &Loaded) -> String {
        let column = |column: &ColumnReport| {
            format!("{} {} {}", column.name, column.column_type, column.nulls)
        };
        loaded
            .columns
            .iter()
            .map(column)
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn message(result: Result<Loaded, Failure>) -> String {
        result.expect_err("a failure").to_string()
    }

    #[test]
    fn types_are_inferred_and_empty_fields_are_null() {
        let loaded = csv(FLIGHTS, json!({}), &mut Recorder::default()).expect("loaded");
        assert_eq!(loaded.rows, 3);
        assert_eq!(
            columns(&loaded),
            "year int64 0, dep_time int64 1, dep_delay decimal 1, carrier text 0, tailnum text 1, \
             air_time decimal 1, time_hour timestamptz 0"
        );
    }

    #[test]
    fn given_types_names_delimiters_and_nulls_hold() {
        let options = json!({
            "columns": ["a", "b"], "delimiter": "\t", "nulls": ["NA"], "types": { "a": "text" }
        });
        let loaded = csv("1\tNA\n\t2\n", options, &mut Recorder::default()).expect("loaded");
        assert_eq!(columns(&loaded), "a text 0, b int64 1");
    }

    #[test]
    fn rows_go_in_batches() {
        let mut sink = Recorder::default();
        csv("a\n1\n2\n3\n4\n5\n", json!({ "batch_rows": 2 }), &mut sink).expect("loaded");
        assert_eq!(sink.batches, [2, 2, 1]);
        let mut sink = Recorder::default();
        let line = format!("{}\n", "x".repeat(1 << 20));
        csv(&format!("a\n{}", line.repeat(6)), json!({}), &mut sink).expect("loaded");
        assert_eq!(sink.batches, [4, 2]);
    }

    #[test]
    fn nothing_but_a_header_makes_an_empty_table() {
        let mut sink = Recorder::default();
        let loaded = csv("a,b\n", json!({}), &mut sink).expect("loaded");
        assert_eq!((loaded.rows, sink.batches.len()), (0, 0));
        assert_eq!(columns(&loaded), "a text 0, b text 0");
        assert_eq!(
            message(csv("", json!({}), &mut sink)),
            "there is nothing to load: the input has no columns; no rows were written"
        );
    }

    #[test]
    fn a_value_that_does_not_fit_is_named_with_the_remedy() {
        let text = format!("n\n{}abc\n", "1\n".repeat(1_500));
        assert_eq!(
            message(csv(
                &text,
                json!({ "batch_rows": 1_000 }),
                &mut Recorder::default()
            )),
            "line 1502: column `n`: `abc` is no int64; if that is right, set the type in the input: \
             {\"types\": {\"n\": \"text\"}}; the 1000 rows before are in the table"
        );
    }

    #[test]
    fn a_refused_batch_says_which_lines_and_what_is_in() {
        let mut sink = Recorder {
            refuse_after: Some(4),
            ..Recorder::default()
        };
        assert_eq!(
            message(csv(
                "a\n1\n2\n3\n4\n5\n",
                json!({ "batch_rows": 2 }),
                &mut sink
            )),
            "the rows from line 6 to the end could not be written: duplicate key; the 4 rows before are in the table"
        );
    }

    #[test]
    fn what_is_no_csv_is_refused() {
        let mut sink = Recorder::default();
        let mut refused = |text: &str, more| message(csv(text, more, &mut sink));
        let none = "no rows were written";
        assert_eq!(
            refused("a,b\n1\n", json!({})),
            format!("line 2: 1 fields, and not 2 as there are columns; {none}")
        );
        assert_eq!(
            refused("a,a\n", json!({})),
            format!("two columns have the name `a`; {none}")
        );
        assert_eq!(
            refused("a,\n", json!({})),
            format!("column 2 has no name; {none}")
        );
        assert_eq!(
            refused("a\n", json!({ "types": { "b": "text" } })),
            format!("the input gives a type to `b`, which is no column; {none}")
        );
        let endless = format!("a\n\"{}", "x".repeat(9 << 20));
        assert!(refused(&endless, json!({})).contains("a quote that is not closed"));
    }

    #[test]
    fn json_keeps_numbers_texts_and_documents_apart() {
        let text = "{\"id\": 1, \"price\": 1.50, \"tags\": [1], \"at\": \"2013-01-01\"}\n\n\
                    {\"price\": 2, \"id\": 2, \"code\": \"0\\u0041\", \"tags\": null}\n";
        let loaded = ndjson(text, json!({ "types": { "later": "int64" } })).expect("loaded");
        assert_eq!(loaded.rows, 2);
        assert_eq!(
            columns(&loaded),
            "id int64 0, price decimal 0, tags json 1, at date 0, code text 0, later int64 0"
        );
    }

    #[test]
    fn a_key_after_the_sample_is_named_with_its_line() {
        let text = format!("{}{{\"b\": 1}}\n", "{\"a\": 1}\n".repeat(1_000));
        let message = message(ndjson(&text, json!({})));
        assert!(
            message.starts_with("line 1001: the key `b` did not occur in the sample"),
            "{message}"
        );
        let message = self::message(ndjson("{\"a\": 1}\n[]\n", json!({})));
        assert!(
            message.starts_with("line 2: not an object of JSON"),
            "{message}"
        );
    }
}
