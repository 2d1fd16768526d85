//! The usual tour: a table is made, its rows are written, read, changed and deleted.

use chitin::{AllColumns, Column, create_table, eq, json, query, table};
use serde::{Deserialize, Serialize};

chitin::plugin!(tour);

/// A user who is not in the table yet.
#[derive(Serialize)]
struct NewUser<'a> {
    name: &'a str,
    email: &'a str,
    age: Option<i32>,
}

/// A user as the table has it.
#[derive(Debug, Serialize, Deserialize)]
struct User {
    id: i64,
    name: String,
    email: String,
    age: Option<i32>,
    active: bool,
    created_at: String,
}

/// What the tour saw, in its order.
#[derive(Serialize)]
struct Report {
    table_created: bool,
    inserted: User,
    selected: Option<User>,
    updated: Option<User>,
    adults: Vec<User>,
    users: u64,
    deleted: bool,
    duplicate_refused: bool,
}

fn tour() -> chitin::Result<Report> {
    let table_created = create_table("async_users")
        .column(Column::int64("id").primary_key().unique_id())
        .column(Column::text("name").not_null())
        .column(Column::text("email").not_null().unique())
        .column(Column::int32("age"))
        .column(Column::boolean("active").not_null().default(true))
        .column(Column::timestamptz("created_at").not_null().now())
        .if_not_exists()
        .run()?;
    let users = table("async_users");
    let left_over = users.all_rows().delete()?;
    if left_over > 0 {
        log::info!("deleted {left_over} users of an earlier run");
    }

    let john = NewUser {
        name: "John Doe",
        email: "john@example.com",
        age: Some(30),
    };
    let jane = NewUser {
        name: "Jane Doe",
        email: "jane@example.com",
        age: None,
    };
    let inserted: User = users.insert_returning(&john, AllColumns)?.deserialize()?;
    users.insert(&jane)?;

    let only = users.filter(eq("id", inserted.id));
    let selected = only
        .clone()
        .select_one()?
        .map(|row| row.deserialize())
        .transpose()?;
    let updated = only
        .clone()
        .update_one(&json!({ "name": "John Smith", "age": 31 }))?;
    let updated = updated.map(|row| row.deserialize()).transpose()?;

    let adults = query("SELECT * FROM async_users WHERE age >= $1 ORDER BY name")
        .bind(18)
        .rows()?
        .deserialize()?;
    let duplicate_refused = match users.insert(&jane) {
        Err(error) if error.is_unique_violation() => true,
        result => result.map(|()| false)?,
    };
    Ok(Report {
        table_created,
        inserted,
        selected,
        updated,
        adults,
        users: users.count()?,
        deleted: only.delete()? > 0,
        duplicate_refused,
    })
}
