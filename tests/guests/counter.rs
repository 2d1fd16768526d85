//! Reads a counter of the table `counters (id, n)` and writes one more, in a transaction, as often as it is told.

use chitin::{Result, eq, operation, set, table};
use guests::{Script, Told};
use serde::{Deserialize, Serialize};

chitin::plugin!(run, operations: [count]);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Count {
    counter: i64,
}

fn run(script: Script<Count>) -> Result<Vec<Told<i64>>> {
    guests::play(script, count::with, count::here)
}

#[operation]
fn count(Count { counter }: Count) -> Result<i64> {
    let counter = table("counters").filter(eq("id", counter));
    let Some(row) = counter.clone().columns(["n"]).select_one()? else {
        return Err("there is no such counter".into());
    };
    let next = row.get::<i64>("n")? + 1;
    counter.update([set("n", next)])?;
    Ok(next)
}
