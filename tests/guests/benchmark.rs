//! The guest's side of the benchmark: one kind of statement, so many times.

use chitin::{Batch, Row, eq, table};
use serde::Deserialize;

chitin::plugin!(work);

/// What to do, and how often.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Work {
    /// Read a row of `points` by its key, from 0 up; the answer is the sum of their weights.
    PointSelect(i64),
    /// Insert a row into `entries`; the answer is how many.
    Insert(i64),
    /// Insert so many rows into `entries` at once; the answer is how many.
    BatchInsert(i64),
}

fn work(work: Work) -> chitin::Result<i64> {
    match work {
        Work::PointSelect(count) => (0..count).map(weight).sum(),
        Work::Insert(count) => {
            let entries = table("entries");
            for number in 0..count {
                let label = format!("entry {number}");
                entries.insert(&chitin::json!({ "number": number, "label": label, "share": 0.5, "done": true }))?;
            }
            Ok(count)
        }
        Work::BatchInsert(count) => {
            let mut batch = Batch::new(["number", "label", "share", "done"]);
            for number in 0..count {
                batch.set(0, number)?;
                batch.set(1, &*format!("entry {number}"))?;
                batch.set(2, 0.5)?;
                batch.set(3, true)?;
                batch.end_row();
            }
            let inserted = table("entries").batch_insert(&batch)?;
            Ok(i64::try_from(inserted).unwrap_or(i64::MAX))
        }
    }
}

fn weight(id: i64) -> chitin::Result<i64> {
    let row: Option<Row> = table("points").filter(eq("id", id)).select_one()?;
    row.map_or(Ok(0), |row| row.get("weight"))
}
