//! Writing single rows and all that match.

use host::database::{Change, Error, ErrorKind, Interval, Operator, Returning, Target, Value};

use super::{
    assign, condition, database_error, decimal, field, is, kind, matching, names, numbers, session,
    text, values, with_accounts,
};

#[tokio::test]
async fn one_row_is_inserted_with_its_defaults() {
    let (_database, mut session) = with_accounts().await;
    let fields = [field("id", Value::Int64(9)), field("owner", text("eve"))];
    let written = session
        .insert("accounts", &fields, &Returning::AllColumns)
        .await
        .expect("inserted");
    let rows = written.rows.expect("they were asked for");
    assert_eq!(written.count, 1);
    assert_eq!(
        values(&rows),
        [[Value::Int64(9), text("eve"), decimal("0.00"), Value::Null]]
    );
    let shown: Vec<(&str, &str)> = rows
        .columns()
        .iter()
        .map(|c| (c.name.as_str(), c.type_name.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            ("id", "int8"),
            ("owner", "text"),
            ("balance", "numeric"),
            ("seen", "timestamptz")
        ]
    );

    let written = session
        .insert("accounts", &fields, &Returning::AllColumns)
        .await;
    let error = database_error(written);
    assert_eq!(
        (error.kind, error.sqlstate.as_str()),
        (ErrorKind::UniqueViolation, "23505")
    );
    assert_eq!(
        (error.table.as_deref(), error.constraint.as_deref()),
        (Some("accounts"), Some("accounts_pkey"))
    );
    assert_eq!(
        kind(session.insert("accounts", &[], &Returning::Nothing).await),
        ErrorKind::NotNullViolation
    );
    assert!(
        session
            .insert("accounts", &fields[1..], &Returning::Nothing)
            .await
            .is_err()
    );
    let written = session
        .insert(
            "accounts",
            &[field("id", Value::Int64(10)), field("owner", text("fay"))],
            &Returning::Nothing,
        )
        .await
        .expect("inserted");
    assert!(written.rows.is_none());
}

#[tokio::test]
async fn updates_set_add_and_reset() {
    let (_database, mut session) = with_accounts().await;
    let day = Value::Interval(Interval {
        months: 0,
        days: 1,
        microseconds: 0,
    });
    let epoch = assign("seen", Change::Set(Value::TimestampTz(0)));
    let target = matching(condition("id", Operator::Le, &[Value::Int64(2)]));
    let changes = [assign("balance", Change::Add(decimal("0.25"))), epoch];
    let written = session
        .update("accounts", &changes, &target, &Returning::Nothing)
        .await
        .expect("updated");
    assert_eq!((written.count, written.rows.is_none()), (2, true));
    let changes = [
        assign("seen", Change::Add(day)),
        assign("balance", Change::Add(Value::Int64(1))),
    ];
    let one = matching(is("id", Value::Int64(1)));
    let returning = Returning::Columns(names(&["balance", "seen"]));
    let written = session
        .update("accounts", &changes, &one, &returning)
        .await
        .expect("updated");
    let rows = written.rows.expect("they were asked for");
    assert_eq!(
        values(&rows),
        [[decimal("11.75"), Value::TimestampTz(86_400_000_000)]]
    );
    let reset = [assign("balance", Change::Reset)];
    let written = session
        .update(
            "accounts",
            &reset,
            &Target::AllRows,
            &Returning::Columns(names(&["balance"])),
        )
        .await;
    assert_eq!(written.expect("updated").count, 3);
    assert_eq!(
        session
            .count("accounts", &[is("balance", decimal("0"))])
            .await,
        Ok(3)
    );
    let nobody = matching(is("id", Value::Int64(99)));
    assert_eq!(
        session
            .update("accounts", &reset, &nobody, &Returning::Nothing)
            .await
            .expect("updated")
            .count,
        0
    );
    let refused = session
        .update(
            "accounts",
            &reset,
            &Target::Matching(vec![]),
            &Returning::Nothing,
        )
        .await;
    assert!(matches!(refused, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn an_addition_is_never_rounded() {
    let database = tests::database().await;
    database
        .client()
        .await
        .simple_query("CREATE TABLE t (n int8); INSERT INTO t VALUES (1)")
        .await
        .expect("a row");
    let mut session = session(&database).await;
    let half = [assign("n", Change::Add(Value::Float64(0.5)))];
    let result = session
        .update("t", &half, &Target::AllRows, &Returning::Nothing)
        .await;
    assert!(
        matches!(result, Err(Error::Conversion(ref error)) if error.column == "n"),
        "{result:?}"
    );
    assert_eq!(session.count("t", &[is("n", Value::Int64(1))]).await, Ok(1));
}

#[tokio::test]
async fn deletes_return_rows_as_they_were() {
    let (_database, mut session) = with_accounts().await;
    let one = matching(is("owner", text("cy")));
    let written = session
        .delete("accounts", &one, &Returning::Columns(names(&["id"])))
        .await
        .expect("deleted");
    assert_eq!(
        (
            written.count,
            numbers(&written.rows.expect("they were asked for"))
        ),
        (1, vec![3])
    );
    let refused = session
        .delete("accounts", &Target::Matching(vec![]), &Returning::Nothing)
        .await;
    assert!(matches!(refused, Err(Error::Invalid(_))));
    let written = session
        .delete("accounts", &Target::AllRows, &Returning::Nothing)
        .await
        .expect("deleted");
    assert_eq!(
        (written.count, session.count("accounts", &[]).await),
        (2, Ok(0))
    );
}
