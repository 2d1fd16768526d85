//! Looks at its clocks, at its randomness and at the number of the attempt, in the run itself and in two operations of it.
//!
//! What an attempt saw is a line of the log, `saw {...}`, since all else of a failed attempt is gone; then it inserts a row
//! into `looks`, where a test may let it fail.

use std::hash::{BuildHasher as _, RandomState};
use std::time::SystemTime;

use chitin::{Column, Result, create_table, json, operation, run_info, table};
use wasip2::{clocks::monotonic_clock, random};

chitin::plugin!(run, operations: [look]);

fn run() -> Result<()> {
    create_table("looks")
        .column(Column::text("place").not_null())
        .if_not_exists()
        .run()?;
    look::here("run".to_owned())?;
    look("first operation".to_owned())?;
    look("second operation".to_owned())
}

#[operation]
fn look(place: String) -> Result<()> {
    // In the order in which a program would come to them, so that attempts can be compared.
    let clocks = (SystemTime::UNIX_EPOCH.elapsed(), monotonic_clock::now());
    let saw = json!({
        "place": place,
        "attempt": run_info().attempt,
        "run_id": run_info().run_id,
        "wall": clocks.0.map(|time| time.as_micros()).unwrap_or_default(),
        "monotonic": clocks.1,
        "random": random::random::get_random_u64(),
        "insecure": random::insecure::get_insecure_random_u64(),
        "hash": RandomState::new().hash_one(0),
    });
    log::info!("saw {saw}");
    table("looks").insert(&json!({ "place": place }))
}
