//! The guest's side of the benchmark: one kind of work, so many times.

use chitin::{
    AllColumns, Batch, Conflict, Row, TransactionOptions, add, eq, operation, query, set, table,
    transaction_with,
};
use serde::{Deserialize, Serialize};

chitin::plugin!(work, operations: [update, increment]);

/// Rows that a cursor gives at a time.
const PART: u32 = 1_000;

/// What to do, and how often or with how many rows. Each answers what the plain side of the benchmark answers.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Work {
    PointSelect(i64),
    Count(i64),
    Insert(i64),
    InsertReturning(i64),
    Upsert(i64),
    Update(i64),
    Delete(i64),
    Query(i64),
    Execute(i64),
    BatchInsert(i64),
    BatchUpdate(i64),
    SelectMany(i64),
    Cursor(i64),
    /// Statements of each transaction, and how many transactions.
    Operation(i64, i64),
    Marked(i64, i64),
    Handle(i64, i64),
    /// How often one row is changed that others change too, and whether each transaction leaves a mark.
    Counter(i64, bool),
}

/// A row of `entries`.
#[derive(Serialize)]
struct Entry {
    number: i64,
    label: String,
    share: f64,
    done: bool,
}

/// A row of `points`.
#[derive(Deserialize)]
struct Point {
    id: i64,
    label: String,
    weight: i64,
    share: Option<f64>,
    done: Option<bool>,
    made: Option<String>,
}

#[expect(clippy::too_many_lines, reason = "one arm for each kind of work")]
fn work(work: Work) -> chitin::Result<i64> {
    let entries = table("entries");
    match work {
        Work::PointSelect(count) => (0..count).map(weight).sum(),
        Work::Count(count) => (0..count)
            .map(|id| number(table("points").filter(eq("id", id)).count()))
            .sum(),
        Work::Insert(count) => {
            for number in 0..count {
                entries.insert(&Entry::new(number))?;
            }
            Ok(count)
        }
        Work::InsertReturning(count) => {
            let inserted = |number| -> chitin::Result<i64> {
                let row = entries.insert_returning(&Entry::new(number), AllColumns)?;
                row.get("number")
            };
            (0..count).map(inserted).sum()
        }
        Work::Upsert(count) => {
            let conflict = Conflict::update(["number"]);
            (0..count)
                .map(|number| Ok(i64::from(entries.upsert(&Entry::new(number), &conflict)?)))
                .sum()
        }
        Work::Update(count) => (0..count)
            .map(|key| {
                number(
                    entries
                        .filter(eq("number", key))
                        .update([set("done", false)]),
                )
            })
            .sum(),
        Work::Delete(count) => (0..count)
            .map(|key| number(entries.filter(eq("number", key)).delete()))
            .sum(),
        Work::Query(count) => {
            let by_key = |id| -> chitin::Result<i64> {
                query("SELECT * FROM points WHERE id = $1")
                    .bind(id)
                    .one()?
                    .get("weight")
            };
            (0..count).map(by_key).sum()
        }
        Work::Execute(count) => {
            let grow = "UPDATE entries SET share = share + 1 WHERE number = $1";
            (0..count)
                .map(|key| number(query(grow).bind(key).execute()))
                .sum()
        }
        Work::BatchInsert(count) => number(entries.batch_insert(&batch(count)?)),
        Work::BatchUpdate(count) => number(
            entries
                .batch_update(&batch(count)?, ["number"])
                .map(|done| done.count),
        ),
        Work::SelectMany(count) => {
            let points: Vec<Point> = table("points")
                .limit(count.unsigned_abs())
                .select()?
                .deserialize()?;
            Ok(points.iter().map(Point::check).sum())
        }
        Work::Cursor(count) => sum_of_readings(count),
        Work::Operation(statements, count) => transactions(statements, count, false),
        Work::Marked(statements, count) => transactions(statements, count, true),
        Work::Handle(statements, count) => {
            let options = TransactionOptions::new().resolve_ambiguous(false);
            (0..count)
                .map(|first| {
                    transaction_with(options, |_| update::here((first, statements, count)))
                })
                .sum()
        }
        Work::Counter(count, marked) => {
            let options = TransactionOptions::new().resolve_ambiguous(marked);
            (0..count).map(|_| increment::with(options)).sum()
        }
    }
}

/// Transactions of so many statements each.
fn transactions(statements: i64, count: i64, marked: bool) -> chitin::Result<i64> {
    let options = TransactionOptions::new().resolve_ambiguous(marked);
    (0..count)
        .map(|first| update::with(options, (first, statements, count)))
        .sum()
}

/// Changes so many entries, one by one.
#[operation]
fn update((first, statements, count): (i64, i64, i64)) -> chitin::Result<i64> {
    let entries = table("entries");
    (0..statements)
        .map(|step| {
            let key = (first + step) % count;
            number(
                entries
                    .filter(eq("number", key))
                    .update([set("done", false)]),
            )
        })
        .sum()
}

#[operation]
fn increment() -> chitin::Result<i64> {
    number(table("counters").filter(eq("id", 1)).update([add("n", 1)]))
}

fn weight(id: i64) -> chitin::Result<i64> {
    let row: Option<Row> = table("points").filter(eq("id", id)).select_one()?;
    row.map_or(Ok(0), |row| row.get("weight"))
}

fn batch(count: i64) -> chitin::Result<Batch> {
    let mut batch = Batch::new(["number", "label", "share", "done"]);
    for number in 0..count {
        batch.set(0, number)?;
        batch.set(1, &*format!("entry {number}"))?;
        batch.set(2, 0.25)?;
        batch.set(3, false)?;
        batch.end_row();
    }
    Ok(batch)
}

fn sum_of_readings(count: i64) -> chitin::Result<i64> {
    let mut cursor = query("SELECT * FROM readings WHERE id < $1")
        .bind(count)
        .cursor()?;
    let mut sum = 0;
    while let Some(rows) = cursor.next(PART)? {
        for row in &rows {
            sum += row.get::<i64>("weight")?;
        }
    }
    Ok(sum)
}

fn number(count: chitin::Result<u64>) -> chitin::Result<i64> {
    count.map(|count| i64::try_from(count).unwrap_or(i64::MAX))
}

impl Entry {
    fn new(number: i64) -> Self {
        Self {
            number,
            label: format!("entry {number}"),
            share: 0.5,
            done: true,
        }
    }
}

impl Point {
    /// A number in which every field has a part.
    fn check(&self) -> i64 {
        let label = i64::try_from(self.label.len()).unwrap_or(0);
        let present = [
            self.share.is_some(),
            self.done == Some(true),
            self.made.is_some(),
        ];
        let present: i64 = present.into_iter().map(i64::from).sum();
        self.id + self.weight + label + present
    }
}
