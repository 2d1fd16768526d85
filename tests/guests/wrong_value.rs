//! Puts a number with a fraction into a column of whole numbers.

use chitin::{Column, create_table, json, table};

chitin::plugin!(run);

fn run() -> chitin::Result<()> {
    create_table("amounts")
        .column(Column::int64("amount"))
        .if_not_exists()
        .run()?;
    table("amounts").insert(&json!({ "amount": 1.5 }))
}
