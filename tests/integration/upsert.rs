//! Upserts, and what updates and upserts do to columns that fill themselves.

#![expect(clippy::too_many_lines, reason = "lists of cases are long")]

use host::database::{
    Assignment, Change, Error, ErrorKind, Interval, Limits, Returning, Target, Value,
};
use serde_json::json;

use crate::writing::{
    Trips, columns, decimal, expected, fields, invalid, keep, limited, number, on, run, table,
    tell, text, update, values,
};

const PEOPLE: &str = "CREATE TABLE people (id int8 PRIMARY KEY, email text UNIQUE, name text, visits int8 DEFAULT 1)";

#[tokio::test]
async fn an_upsert_inserts_writes_over_or_keeps() {
    let (_database, mut session) = on(PEOPLE).await;
    let ann = fields(&[
        ("id", number(1)),
        ("email", text("a@x")),
        ("name", text("Ann")),
    ]);
    let anna = fields(&[
        ("email", text("a@x")),
        ("name", text("Anna")),
        ("id", number(7)),
    ]);
    for (fields, conflict, count, name) in [
        (&ann, keep(&["email"]), 1, "Ann"),
        (&anna, keep(&["email"]), 0, "Ann"),
        (&anna, update(&["email"]), 1, "Anna"),
    ] {
        let written = session
            .upsert("people", fields, &conflict, &columns(&["name", "visits"]))
            .await;
        let written = written.expect("upserted");
        let rows = values(&written.rows.expect("they were asked for"));
        assert_eq!((written.count, rows.len() as u64), (count, count));
        if count == 1 {
            assert_eq!(rows, expected(vec![vec![text(name), number(1)]]));
        }
        let kept = table(&mut session, "SELECT name FROM people").await;
        assert_eq!(kept, expected(vec![vec![text(name)]]));
    }
    // What is not part of the key was overwritten, the other unique column too; what was not given stays.
    let all = table(&mut session, "SELECT * FROM people").await;
    let row = vec![number(7), text("a@x"), text("Anna"), number(1)];
    assert_eq!(all, expected(vec![row]));
}

#[tokio::test]
async fn without_a_key_it_is_the_primary_one_and_followed_when_it_changes() {
    let (database, mut session) =
        on("CREATE TABLE t (a int8, b int8, c text, PRIMARY KEY (b, a))").await;
    let row = |a, c| fields(&[("a", number(a)), ("b", number(1)), ("c", text(c))]);
    let mut trips = Trips::since_now(&session);
    for (fields, expected_trips) in [(row(1, "x"), 2), (row(1, "y"), 1), (row(2, "z"), 1)] {
        let written = session
            .upsert("t", &fields, &update(&[]), &Returning::AllColumns)
            .await;
        assert_eq!(written.expect("upserted").count, 1);
        assert_eq!(trips.more(&session), expected_trips);
    }
    let kept = table(&mut session, "SELECT c FROM t ORDER BY a").await;
    assert_eq!(kept, expected(vec![vec![text("y")], vec![text("z")]]));

    run(
        &database,
        "DELETE FROM t WHERE a = 2; ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (b)",
    )
    .await;
    let written = session
        .upsert("t", &row(5, "new key"), &update(&[]), &Returning::Nothing)
        .await;
    assert_eq!(written.expect("the key was learnt again").count, 1);
    run(&database, "ALTER TABLE t RENAME b TO k").await;
    let fields = fields(&[("a", number(5)), ("k", number(1)), ("c", text("new name"))]);
    let written = session
        .upsert("t", &fields, &update(&[]), &Returning::Nothing)
        .await;
    assert_eq!(written.expect("the key was learnt again").count, 1);
    let kept = table(&mut session, "SELECT a, k, c FROM t").await;
    assert_eq!(
        kept,
        expected(vec![vec![number(5), number(1), text("new name")]])
    );
}

#[tokio::test]
async fn with_a_named_key_nothing_is_asked_before() {
    let (_database, mut session) = on(PEOPLE).await;
    let mut trips = Trips::since_now(&session);
    let one = fields(&[("id", number(1)), ("name", text("x"))]);
    for conflict in [keep(&["id"]), update(&["id"])] {
        let written = session
            .upsert("people", &one, &conflict, &Returning::Nothing)
            .await;
        written.expect("upserted");
        assert_eq!(trips.more(&session), 1);
    }
    // `email` could be of any size, and is not given: it may only come back where it can be undone.
    let returned = session
        .upsert("people", &one, &update(&["id"]), &Returning::AllColumns)
        .await;
    returned.expect("upserted");
    assert_eq!(trips.more(&session), 3);
    let returned = session
        .upsert(
            "people",
            &one,
            &update(&["id"]),
            &columns(&["id", "visits"]),
        )
        .await;
    returned.expect("upserted");
    assert_eq!(trips.more(&session), 1);
}

#[tokio::test]
async fn nothing_but_the_key_leaves_the_row_as_it_is_and_gives_it_back() {
    let (_database, mut session) =
        on("CREATE TABLE t (k numeric PRIMARY KEY, a text DEFAULT 'new'); INSERT INTO t VALUES (1.0, 'old')").await;
    for (key, row) in [
        ("1.00", [decimal("1.0"), text("old")]),
        ("2", [decimal("2"), text("new")]),
    ] {
        let key = fields(&[("k", decimal(key))]);
        let written = session
            .upsert("t", &key, &update(&[]), &Returning::AllColumns)
            .await;
        let written = written.expect("upserted");
        let rows = values(&written.rows.expect("they were asked for"));
        assert_eq!((written.count, rows), (1, expected(vec![row.to_vec()])));
    }
    let defaults = "CREATE TABLE d (k int8 DEFAULT 7 PRIMARY KEY, a int8)";
    session.execute(defaults, &[]).await.expect("made");
    for _ in 0..2 {
        let written = session
            .upsert("d", &[], &update(&[]), &Returning::AllColumns)
            .await;
        assert_eq!(written.expect("upserted").count, 1);
    }
    let kept = session
        .upsert("d", &[], &keep(&[]), &Returning::Nothing)
        .await;
    assert_eq!(kept.expect("kept").count, 0);
}

#[tokio::test]
async fn a_key_that_is_none_is_told() {
    let (_database, mut session) = on(
        "CREATE TABLE bare (a int8); CREATE TABLE t (a int8 PRIMARY KEY, b int8, c int8 UNIQUE);
         CREATE UNIQUE INDEX partial ON t (b) WHERE c > 0; INSERT INTO t VALUES (1, 1, 1)",
    )
    .await;
    let row = fields(&[("a", number(1))]);
    let refused = session
        .upsert("bare", &row, &update(&[]), &Returning::Nothing)
        .await;
    let words = invalid(refused);
    assert!(words.contains("\"bare\" has no primary key"), "{words}");
    for (table, key, kind) in [
        ("t", &["b"][..], ErrorKind::SyntaxError),
        ("t", &["a", "c"], ErrorKind::SyntaxError),
        ("t", &["none"], ErrorKind::UndefinedColumn),
        ("none", &[], ErrorKind::UndefinedTable),
        ("none", &["a"], ErrorKind::UndefinedTable),
    ] {
        for returning in [Returning::Nothing, Returning::AllColumns] {
            let refused = session.upsert(table, &row, &update(key), &returning).await;
            match refused {
                Err(Error::Database(error)) => assert_eq!(error.kind, kind, "{error}"),
                other => unreachable!("{other:?}"),
            }
        }
    }
    // Another unique key than the one that decides.
    let row = fields(&[("a", number(2)), ("c", number(1))]);
    match session
        .upsert("t", &row, &keep(&["a"]), &Returning::Nothing)
        .await
    {
        Err(Error::Database(error)) => assert_eq!(error.kind, ErrorKind::UniqueViolation),
        other => unreachable!("{other:?}"),
    }
    let twice = session
        .upsert("t", &row, &keep(&["a", "a"]), &Returning::Nothing)
        .await;
    assert!(invalid(twice).contains("twice"));
    assert_eq!(session.count("t", &[]).await, Ok(1));
}

#[tokio::test]
async fn a_row_that_comes_back_too_large_is_not_written() {
    let (database, _) = on(
        "CREATE TABLE t (k int8 PRIMARY KEY, n int8, a text); INSERT INTO t VALUES (1, 1, repeat('x', 9000))",
    )
    .await;
    let limits = Limits {
        result_bytes: 8_000,
        ..Limits::default()
    };
    let mut session = limited(&database.connect().await, limits);
    let row = fields(&[("k", number(1)), ("n", number(2))]);
    match session
        .upsert("t", &row, &update(&[]), &Returning::AllColumns)
        .await
    {
        Err(Error::Limit(limit)) => assert_eq!(limit.name, "result-bytes"),
        other => unreachable!("{other:?}"),
    }
    let kept = table(&mut session, "SELECT n FROM t").await;
    assert_eq!(kept, expected(vec![vec![number(1)]]));
}

#[tokio::test]
async fn a_value_that_does_not_fit_names_its_column() {
    let (_database, mut session) = on(PEOPLE).await;
    let row = fields(&[("id", number(1)), ("visits", text("many"))]);
    match session
        .upsert("people", &row, &update(&[]), &Returning::Nothing)
        .await
    {
        Err(Error::Conversion(error)) => assert_eq!(error.column, "visits"),
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test]
async fn columns_that_fill_themselves_are_reset_and_grow() {
    let (_database, mut session) = on(
        "CREATE TABLE t (id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
         i2 int2 DEFAULT 2, i4 int4 DEFAULT 4, f8 float8 DEFAULT 0.5, n numeric(6,2) DEFAULT 1.25,
         s interval DEFAULT '1 day', d date DEFAULT '2026-01-31', z timestamp DEFAULT '2026-01-31',
         number int8 GENERATED BY DEFAULT AS IDENTITY);
         INSERT INTO t DEFAULT VALUES",
    )
    .await;
    let assign = |column: &str, change| Assignment {
        column: column.to_owned(),
        change,
    };
    let span = Value::Interval(Interval {
        months: 1,
        days: 0,
        microseconds: 0,
    });
    let grow = [
        assign("i2", Change::Add(Value::Int64(3))),
        assign("i4", Change::Add(Value::Decimal("-5".into()))),
        assign("f8", Change::Add(Value::Float64(0.25))),
        assign("n", Change::Add(Value::Decimal("0.10".into()))),
        assign("s", Change::Add(span.clone())),
        assign("z", Change::Add(span)),
        assign("number", Change::Reset),
    ];
    let written = session
        .update("t", &grow, &Target::AllRows, &columns(&["id", "number"]))
        .await;
    let rows = written.expect("updated").rows.expect("asked for");
    assert_eq!(values(&rows), expected(vec![vec![number(1), number(2)]]));
    let read = "SELECT i2, i4, f8::numeric, n, s::text, z::text FROM t";
    let grown = vec![
        number(5),
        number(-1),
        decimal("0.75"),
        decimal("1.35"),
        text("1 mon 1 day"),
        text("2026-02-28 00:00:00"),
    ];
    assert_eq!(table(&mut session, read).await, expected(vec![grown]));

    let reset: Vec<Assignment> = ["i2", "i4", "f8", "n", "s", "z"]
        .map(|column| assign(column, Change::Reset))
        .into();
    let written = session
        .update("t", &reset, &Target::AllRows, &Returning::Nothing)
        .await;
    assert_eq!(written.expect("updated").count, 1);
    let before = vec![
        number(2),
        number(4),
        decimal("0.5"),
        decimal("1.25"),
        text("1 day"),
        text("2026-01-31 00:00:00"),
    ];
    assert_eq!(table(&mut session, read).await, expected(vec![before]));

    for (column, value) in [
        ("i2", Value::Int64(40_000)),
        ("i4", Value::Decimal("0.5".into())),
        ("n", Value::Int64(9_999)),
        ("d", Value::Decimal("0.5".into())),
    ] {
        let changes = [assign(column, Change::Add(value))];
        let outcome = session
            .update("t", &changes, &Target::AllRows, &Returning::Nothing)
            .await;
        assert!(
            matches!(outcome, Err(Error::Conversion(_) | Error::Database(_))),
            "{column}: {outcome:?}"
        );
    }
    let fixed = [assign("id", Change::Set(Value::Int64(9)))];
    let outcome = session
        .update("t", &fixed, &Target::AllRows, &Returning::Nothing)
        .await;
    assert!(matches!(outcome, Err(Error::Database(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_guest_upserts_in_both_forms() {
    for packed in [false, true] {
        let (database, _) = on(PEOPLE).await;
        let row = |name: &str| json!([["id", 1], ["name", name]]);
        let answers = tell(
            &database,
            packed,
            &[
                json!({ "call": "upsert", "table": "people", "fields": row("a"), "conflict": {}, "returning": { "columns": ["name"] } }),
                json!({ "call": "upsert", "table": "people", "fields": row("b"), "conflict": { "key": ["id"] }, "returning": "all-columns" }),
                json!({ "call": "upsert", "table": "people", "fields": row("c"), "conflict": { "keep": true }, "returning": "all-columns" }),
                json!({ "call": "upsert", "table": "people", "fields": row("d"), "conflict": {} }),
                json!({ "call": "upsert", "table": "people", "fields": row("e"), "conflict": { "key": ["visits"] } }),
            ],
        )
        .await;
        let rows = |place: usize| &answers[place]["ok"]["rows"]["rows"];
        assert_eq!(*rows(0), json!([[["text", "a"]]]));
        assert_eq!(
            *rows(1),
            json!([[["int64", 1], ["null"], ["text", "b"], ["int64", 1]]])
        );
        assert_eq!(
            (&answers[2]["ok"]["count"], rows(2)),
            (&json!(0), &json!([]))
        );
        assert_eq!(answers[3]["ok"], json!({ "count": 1, "rows": null }));
        assert_eq!(answers[4]["error"]["kind"], "syntax-error");
    }
}
