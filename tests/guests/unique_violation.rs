//! Inserts the same key twice.

use chitin::{Column, create_table, json, table};

chitin::plugin!(run);

fn run() -> chitin::Result<()> {
    create_table("keys")
        .column(Column::int64("id").primary_key())
        .if_not_exists()
        .run()?;
    table("keys").insert(&json!({ "id": 1 }))?;
    table("keys").insert(&json!({ "id": 1 }))
}
