//! Bulk-loads CSV or newline-delimited JSON from standard input into a table.
//!
//! The input is a stream: at any time only the sample, or one batch, is in memory.

mod cell;
mod column;
mod csv_records;
mod failure;
mod json_records;
mod load;
mod options;
mod records;
mod sample;
mod sink;
mod times;

use std::io::stdin;
use std::time::Instant;

use column::ColumnReport;
use csv_records::CsvRecords;
use failure::Failure;
use json_records::JsonRecords;
use load::load;
use options::{Format, Options};
use serde::Serialize;
use sink::TableSink;

chitin::plugin!(import);

/// What was loaded.
#[derive(Serialize)]
struct Report {
    table: String,
    /// Whether the table was made; otherwise it was there.
    table_created: bool,
    rows: u64,
    seconds: f64,
    rows_per_second: f64,
    columns: Vec<ColumnReport>,
}

fn import(options: Options) -> Result<Report, Failure> {
    let start = Instant::now();
    let mut sink = TableSink::new(&options.table);
    let input = stdin().lock();
    let loaded = match options.format {
        Format::Csv => load(CsvRecords::new(input, &options)?, &options, &mut sink),
        Format::Ndjson => load(JsonRecords::new(input), &options, &mut sink),
    }?;
    let seconds = start.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate is no exact number")]
    let rows_per_second = loaded.rows as f64 / seconds.max(f64::MIN_POSITIVE);
    let table_created = sink.table_created();
    Ok(Report {
        table: options.table,
        table_created,
        rows: loaded.rows,
        seconds: round(seconds, 1000.0),
        rows_per_second: round(rows_per_second, 1.0),
        columns: loaded.columns,
    })
}

fn round(number: f64, parts: f64) -> f64 {
    (number * parts).round() / parts
}
