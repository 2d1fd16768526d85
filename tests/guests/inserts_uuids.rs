//! Inserts random UUIDs as their primary keys, from the run itself and from two operations of it.

use chitin::{Batch, Column, Result, Value, create_table, operation, table};
use wasip2::random::random::get_random_u64;

chitin::plugin!(run, operations: [insert]);

/// How many UUIDs each of the three makes.
const EACH: usize = 100;

fn run() -> Result<u64> {
    create_table("uuids")
        .column(Column::uuid("id").primary_key())
        .column(Column::text("maker").not_null())
        .if_not_exists()
        .run()?;
    insert::here("run".to_owned())?;
    insert("first operation".to_owned())?;
    insert("second operation".to_owned())?;
    table("uuids").count()
}

#[operation]
fn insert(maker: String) -> Result<()> {
    let mut batch = Batch::new(["id", "maker"]);
    for _ in 0..EACH {
        batch.set(0, &Value::Uuid(random_uuid()))?;
        batch.set(1, &Value::from(maker.as_str()))?;
        batch.end_row();
    }
    table("uuids").batch_insert(batch)?;
    Ok(())
}

/// Of version 4. The database reads one without dashes too.
fn random_uuid() -> String {
    let random = u128::from(get_random_u64()) << 64 | u128::from(get_random_u64());
    let version = 0xf << 76;
    let variant = 0b11 << 62;
    format!(
        "{:032x}",
        random & !(version | variant) | 4 << 76 | 0b10 << 62
    )
}
