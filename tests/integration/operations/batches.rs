//! Many rows at once.

use host::database::{Batch, ErrorKind, Returning, Value};

use super::{database_error, names, session, text, values, with_accounts};

#[tokio::test]
async fn a_batch_keeps_its_order_and_fills_in_defaults() {
    let (_database, mut session) = with_accounts().await;
    let row = |number: i64| {
        let balance = (number % 3 != 0).then_some(Value::Int64(number));
        let seen = (number % 2 != 0).then_some(Value::TimestampTz(number));
        let owner = Value::Text(format!("owner {number}").into());
        vec![
            Some(Value::Int64(1_000 - number)),
            Some(owner),
            balance,
            seen,
        ]
    };
    let columns = names(&["id", "owner", "balance", "seen"]);
    let batch = Batch {
        columns,
        rows: (0..900).map(row).collect(),
    };
    let returning = Returning::Columns(names(&["owner", "balance", "seen"]));
    let written = session
        .batch_insert("accounts", &batch, None, &returning)
        .await
        .expect("inserted");
    let rows = written.rows.expect("they were asked for");
    assert_eq!((written.count, rows.len()), (900, 900));
    for (number, row) in (0..).zip(values(&rows)) {
        let balance = if number % 3 == 0 {
            "0.00".to_owned()
        } else {
            format!("{number}.00")
        };
        let seen = if number % 2 == 0 {
            Value::Null
        } else {
            Value::TimestampTz(number)
        };
        let owner = Value::Text(format!("owner {number}").into());
        assert_eq!(row, [owner, Value::Decimal(balance.into()), seen]);
    }
}

#[tokio::test]
async fn a_batch_of_nothing_but_defaults_and_one_of_nothing_work() {
    let database = tests::database().await;
    database
        .client()
        .await
        .simple_query("CREATE TABLE t (a int8 DEFAULT 7, b text)")
        .await
        .expect("a table");
    let mut session = session(&database).await;
    let batch = Batch {
        columns: names(&["a", "b"]),
        rows: vec![vec![None, None]; 3],
    };
    let written = session
        .batch_insert("t", &batch, None, &Returning::AllColumns)
        .await
        .expect("inserted");
    assert_eq!(
        values(&written.rows.expect("they were asked for")),
        vec![[Value::Int64(7), Value::Null]; 3]
    );
    let nothing = Batch {
        columns: names(&["a"]),
        rows: vec![],
    };
    let written = session
        .batch_insert("t", &nothing, None, &Returning::AllColumns)
        .await
        .expect("inserted");
    let rows = written.rows.expect("they were asked for");
    assert_eq!((written.count, rows.len(), rows.columns().len()), (0, 0, 2));
}

#[tokio::test]
async fn a_batch_is_all_or_nothing_at_any_size() {
    let (_database, mut session) = with_accounts().await;
    let row = |number: i64| {
        let owner = if number == 24_999 {
            "ann".to_owned()
        } else {
            format!("owner {number}")
        };
        vec![
            Some(Value::Int64(1_000 + number)),
            Some(Value::Text(owner.into())),
        ]
    };
    let columns = names(&["id", "owner"]);
    let mut batch = Batch {
        columns,
        rows: (0..25_000).map(row).collect(),
    };
    let error = database_error(
        session
            .batch_insert("accounts", &batch, None, &Returning::Nothing)
            .await,
    );
    assert_eq!(
        (error.kind, error.constraint.as_deref()),
        (ErrorKind::UniqueViolation, Some("one_owner"))
    );
    assert_eq!(session.count("accounts", &[]).await, Ok(3));
    batch.rows.pop();
    let written = session
        .batch_insert("accounts", &batch, None, &Returning::Nothing)
        .await
        .expect("inserted");
    assert_eq!(
        (written.count, session.count("accounts", &[]).await),
        (24_999, Ok(25_002))
    );
}

#[tokio::test]
async fn a_batch_follows_a_column_that_changed_its_type() {
    let database = tests::database().await;
    let client = database.client().await;
    client
        .simple_query("CREATE TABLE t (a int8)")
        .await
        .expect("a table");
    let mut session = session(&database).await;
    let batch = |value| Batch {
        columns: names(&["a"]),
        rows: vec![vec![Some(value)]],
    };
    session
        .batch_insert("t", &batch(Value::Int64(1)), None, &Returning::Nothing)
        .await
        .expect("inserted");
    client
        .simple_query("ALTER TABLE t ALTER a TYPE text")
        .await
        .expect("changed");
    session
        .batch_insert("t", &batch(text("one")), None, &Returning::Nothing)
        .await
        .expect("inserted");
    assert_eq!(session.count("t", &[]).await, Ok(2));
}
