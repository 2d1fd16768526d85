//! The whole tour: a table is made, and its rows are written one by one and many at once, read, changed and deleted.

use chitin::schema::describe_table;
use chitin::sql::batch;
use chitin::{
    AllColumns, Column, Conflict, Result, Table, add, create_table, desc, eq, ge, is_not_null,
    json, query, set, table,
};
use serde::{Deserialize, Serialize};

chitin::plugin!(tour);

const TABLE: &str = "async_users";

/// A user who is not in the table yet.
#[derive(Clone, Copy, Serialize)]
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
    columns: Vec<String>,
    inserted: User,
    selected: Option<User>,
    updated: Option<User>,
    written_over: bool,
    batch_inserted: u64,
    batch_updated: u64,
    not_found: Vec<u32>,
    adults: Vec<User>,
    by_age: Vec<String>,
    moved_together: u64,
    sum_of_ages: i64,
    duplicate_refused: bool,
    users: u64,
    deleted: u64,
}

fn tour() -> Result<Report> {
    let table_created = make_table()?;
    let users = table(TABLE);
    let left_over = users.all_rows().delete()?;
    if left_over > 0 {
        log::info!("deleted {left_over} users of an earlier run");
    }
    let columns = describe_table(TABLE)?.columns.into_iter();

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
    let john = users.filter(eq("id", inserted.id));
    let selected = john.clone().select_one()?;
    let updated = john
        .clone()
        .update_one(&json!({ "name": "John Smith", "age": 31 }))?;

    let older = NewUser {
        age: Some(28),
        ..jane
    };
    let written_over = users.upsert(&older, &Conflict::update(["email"]))?;
    users
        .filter(eq("email", jane.email))
        .update([set("active", false), add("age", 1)])?;
    let (batch_inserted, batch_updated, not_found) = many(&users)?;

    let adults = query("SELECT * FROM async_users WHERE age >= $1 ORDER BY name")
        .bind(18)
        .rows()?;
    let by_age = users
        .filter(is_not_null("age"))
        .columns(["name"])
        .order_by(desc("age"))
        .limit(3)
        .select()?;
    Ok(Report {
        table_created,
        columns: columns.map(|column| column.name).collect(),
        selected: selected.map(|row| row.deserialize()).transpose()?,
        updated: updated.map(|row| row.deserialize()).transpose()?,
        inserted,
        written_over,
        batch_inserted,
        batch_updated,
        not_found,
        adults: adults.deserialize()?,
        by_age: by_age
            .iter()
            .map(|row| row.get("name"))
            .collect::<Result<_>>()?,
        moved_together: all_or_none()?,
        sum_of_ages: sum_of_ages()?,
        duplicate_refused: is_refused(&users, &jane)?,
        users: users.count()?,
        deleted: john.delete()?,
    })
}

fn make_table() -> Result<bool> {
    create_table(TABLE)
        .column(Column::int64("id").primary_key().unique_id())
        .column(Column::text("name").not_null())
        .column(Column::text("email").not_null().unique())
        .column(Column::int32("age"))
        .column(Column::boolean("active").not_null().default(true))
        .column(Column::timestamptz("created_at").not_null().now())
        .check([ge("age", 0)])
        .if_not_exists()
        .run()
}

/// Many rows in one statement each way: what was inserted and updated, and the places of those that nobody has.
fn many(users: &Table) -> Result<(u64, u64, Vec<u32>)> {
    let emails: Vec<String> = (0..1_000)
        .map(|number| format!("user{number}@example.com"))
        .collect();
    let inserted = users.batch_insert(emails.iter().map(|email| NewUser {
        name: "Somebody",
        email,
        age: None,
    }))?;
    let older = |email: &String| json!({ "email": email, "age": 17 });
    let nobody = "nobody@example.com".to_owned();
    let updated = users.batch_update(
        emails.iter().take(10).chain([&nobody]).map(older),
        ["email"],
    )?;
    Ok((inserted, updated.count, updated.not_found))
}

/// Two statements of SQL that happen as one, in one round trip.
fn all_or_none() -> Result<u64> {
    let birthday = "UPDATE async_users SET age = age + 1 WHERE email = $1";
    let outcomes = batch([
        query(birthday).bind("john@example.com"),
        query(birthday).bind("jane@example.com"),
    ])?;
    Ok(outcomes.iter().map(|outcome| outcome.count).sum())
}

/// Reads every row and holds a part of them at a time.
fn sum_of_ages() -> Result<i64> {
    let mut sum = 0;
    for row in query("SELECT age FROM async_users WHERE age IS NOT NULL").cursor()? {
        sum += row?.get::<i64>("age")?;
    }
    Ok(sum)
}

/// Whether a user is refused whose e-mail address another one has. An error tells what it is.
fn is_refused(users: &Table, user: &NewUser<'_>) -> Result<bool> {
    match users.insert(user) {
        Err(error) if error.is_unique_violation() => Ok(true),
        result => result.map(|()| false),
    }
}
