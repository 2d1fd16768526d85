//! Many rows inserted at once: their order, keys that are there already, and what goes wrong.

#![expect(clippy::too_many_lines, reason = "lists of cases are long")]

use host::database::{Error, ErrorKind, Limits, Returning, Value};
use serde_json::json;

use crate::writing::{
    Cell, NULL, Trips, batch, columns, decimal, expected, invalid, keep, limited, number, on, run,
    table, tell, text, update, values,
};

const TAGS: &str = "CREATE TABLE tags (id int8 PRIMARY KEY, name text UNIQUE, uses int8 DEFAULT 1)";

#[tokio::test]
async fn rows_come_back_in_order_by_keys_of_any_kind() {
    // What each column holds differs from what it is given, and still the row is found by it.
    let (_database, mut session) = on("CREATE TABLE n (k numeric(10,2) PRIMARY KEY, a int8);
         CREATE TABLE c (k char(5) PRIMARY KEY, a int8);
         CREATE TABLE v (k varchar(3) PRIMARY KEY, a int8);
         CREATE TABLE z (k timestamp(0) PRIMARY KEY, a int8);
         CREATE TABLE u (k uuid, i int2, a int8, PRIMARY KEY (k, i))")
    .await;
    let given = |table: &str, row: i64| match table {
        "n" => decimal(format!("{row}.004")),
        "c" => text(format!("{row}")),
        "v" => text(format!("{row:03}   ")),
        "z" => text(format!("2026-01-01 00:{:02}:{:02}.4", row / 60, row % 60)),
        _ => text(format!("{{123E4567-E89B-12D3-A456-{row:012}}}")),
    };
    for (name, also) in [
        ("n", None),
        ("c", None),
        ("v", None),
        ("z", None),
        ("u", number(7)),
    ] {
        let row = |row: i64| {
            [
                &[number(row), given(name, 900 - row)],
                &also.clone().map_or(vec![], |cell| vec![Some(cell)])[..],
            ]
            .concat()
        };
        let batch = batch(
            &["a", "k", "i"][..2 + also.iter().len()],
            (0..900).map(row).collect(),
        );
        let mut trips = Trips::since_now(&session);
        let written = session
            .batch_insert(name, &batch, None, &columns(&["a", "a"]))
            .await
            .expect("inserted");
        let rows = written.rows.expect("asked for");
        assert_eq!(rows.columns().len(), 2);
        let numbers: Vec<_> = (0..900).map(|row| vec![number(row), number(row)]).collect();
        assert_eq!(values(&rows), expected(numbers), "{name}");
        assert_eq!((written.count, trips.more(&session)), (900, 3), "{name}");
        session
            .execute(&format!("DELETE FROM {name}"), &[])
            .await
            .expect("deleted");
        trips.more(&session);
        let written = session
            .batch_insert(name, &batch, None, &Returning::AllColumns)
            .await
            .expect("inserted");
        assert_eq!(
            (written.rows.map(|rows| rows.len()), trips.more(&session)),
            (Some(900), 1),
            "{name}"
        );
    }
}

#[tokio::test]
async fn rows_come_back_in_order_by_keys_that_are_drawn() {
    let (_database, mut session) = on("CREATE TABLE s (id serial PRIMARY KEY, a int8);
         CREATE TABLE u (a int8, id uuid DEFAULT gen_random_uuid() PRIMARY KEY);
         CREATE TABLE i (id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int8);
         CREATE TABLE bare (a int8)")
    .await;
    for name in ["s", "u", "i", "bare"] {
        let rows = batch(
            &["a"],
            (0..3_000).map(|row| vec![number(3_000 - row)]).collect(),
        );
        let written = session
            .batch_insert(name, &rows, None, &Returning::AllColumns)
            .await
            .expect("inserted");
        let rows = written.rows.expect("asked for");
        let place = rows
            .columns()
            .iter()
            .position(|column| column.name == "a")
            .expect("there");
        for (row, values) in (0..).zip(values(&rows)) {
            assert_eq!(values[place], Value::Int64(3_000 - row), "{name}");
            if matches!(name, "s" | "i") {
                assert_eq!(
                    values[0],
                    Value::Int64(row + 1),
                    "numbers are drawn in order"
                );
            }
        }
    }
}

#[tokio::test]
async fn keys_that_are_there_are_written_over_or_kept() {
    let (_database, mut session) = on(TAGS).await;
    run_tags(&mut session).await;
    let rows = || {
        vec![
            vec![number(10), text("new"), NULL],
            vec![number(1), text("one"), number(11)],
            vec![number(11), text("newer"), None],
            vec![number(3), text("three"), None],
            vec![None, text("no key"), number(5)],
            vec![number(2), text("two"), number(12)],
        ]
    };
    let all = batch(&["id", "name", "uses"], rows()[..4].to_vec());
    let kept = session
        .batch_insert("tags", &all, Some(&keep(&[])), &columns(&["name", "uses"]))
        .await;
    let kept = kept.expect("inserted");
    let new = vec![vec![text("new"), NULL], vec![text("newer"), number(1)]];
    assert_eq!(
        (kept.count, values(&kept.rows.expect("asked for"))),
        (2, expected(new))
    );
    let mut trips = Trips::since_now(&session);
    let kept = session
        .batch_insert("tags", &all, Some(&keep(&["id"])), &Returning::Nothing)
        .await;
    let kept = kept.expect("nothing was new");
    // Two statements, the COMMIT, and one to compare keys.
    assert_eq!(
        (kept.count, kept.rows.is_none(), trips.more(&session)),
        (0, true, 4)
    );

    session
        .execute("DELETE FROM tags WHERE id >= 10", &[])
        .await
        .expect("deleted");
    let updated = session
        .batch_insert("tags", &all, Some(&update(&["id"])), &Returning::AllColumns)
        .await;
    let updated = updated.expect("inserted");
    let now = vec![
        vec![number(10), text("new"), NULL],
        vec![number(1), text("one"), number(11)],
        vec![number(11), text("newer"), number(1)],
        vec![number(3), text("three"), number(30)],
    ];
    assert_eq!(
        (updated.count, values(&updated.rows.expect("asked for"))),
        (4, expected(now))
    );

    // A row without the key conflicts with nothing, since the column has no default: it is NULL.
    let all = batch(&["id", "name", "uses"], rows());
    let refused = session
        .batch_insert("tags", &all, Some(&update(&["id"])), &Returning::Nothing)
        .await;
    match refused {
        Err(Error::Database(error)) => assert_eq!(error.kind, ErrorKind::NotNullViolation),
        other => unreachable!("{other:?}"),
    }
    let two = table(&mut session, "SELECT uses FROM tags WHERE id = 2").await;
    assert_eq!(two, expected(vec![vec![number(20)]]), "all or nothing");
}

async fn run_tags(session: &mut host::database::Session) {
    let rows = [("a", 1), ("b", 2), ("c", 3)];
    let rows = rows.map(|(name, id)| vec![number(id), text(name), number(10 * id)]);
    let batch = batch(&["id", "name", "uses"], rows.into());
    let inserted = session
        .batch_insert("tags", &batch, None, &Returning::Nothing)
        .await;
    assert_eq!(inserted.expect("inserted").count, 3);
}

#[tokio::test]
async fn one_statement_is_one_round_trip_with_and_without_a_conflict() {
    let (_database, mut session) = on(TAGS).await;
    let rows = || {
        batch(
            &["id", "uses"],
            vec![vec![number(1), number(1)], vec![number(2), number(2)]],
        )
    };
    for conflict in [update(&["id"]), keep(&["id"])] {
        for returning in [Returning::Nothing, columns(&["uses"])] {
            session
                .batch_insert("tags", &rows(), Some(&conflict), &returning)
                .await
                .expect("inserted");
            session
                .execute("DELETE FROM tags WHERE id = 1", &[])
                .await
                .expect("deleted");
            let mut trips = Trips::since_now(&session);
            let before = session.statistics().rows_written;
            let written = session
                .batch_insert("tags", &rows(), Some(&conflict), &returning)
                .await;
            let written = written.expect("inserted");
            assert_eq!(trips.more(&session), 1, "{conflict:?} {returning:?}");
            assert_eq!(session.statistics().rows_written - before, written.count);
        }
    }
}

#[tokio::test]
async fn a_key_twice_is_refused_and_both_places_are_named() {
    let (_database, mut session) = on(
        "CREATE TABLE n (k numeric PRIMARY KEY, a int8 DEFAULT 1); CREATE TABLE c (k char(4) PRIMARY KEY, a int8);
         CREATE TABLE r (k numeric(6,2) PRIMARY KEY, a int8)",
    )
    .await;
    let statements = session.statistics().statements;
    let same_text = batch(
        &["k", "a"],
        vec![
            vec![number(5), NULL],
            vec![number(6), NULL],
            vec![text("5"), None],
        ],
    );
    for conflict in [update(&["k"]), keep(&["k"])] {
        let refused = session
            .batch_insert("n", &same_text, Some(&conflict), &Returning::Nothing)
            .await;
        assert_eq!(
            invalid(refused),
            "rows 0 and 2 of the batch have the same key"
        );
    }
    assert!(
        session.statistics().statements - statements <= 2,
        "only table and types were asked for"
    );

    for (table, other, one) in [
        ("n", "1.0", "1.00"),
        ("c", "x", "x  "),
        ("r", "0.301", "0.3"),
    ] {
        for rows in [3, 12_000] {
            let filler = |row: usize| {
                text(match table {
                    "n" => format!("{row}.5"),
                    "c" => format!("{row:x}"),
                    _ => format!("{}.{:02}", 1 + row / 100, row % 100),
                })
            };
            let mut keys: Vec<Cell> = (0..rows).map(filler).collect();
            keys[1] = text(other);
            keys[rows - 1] = text(one);
            for conflict in [update(&[]), keep(&["k"])] {
                for returning in [Returning::Nothing, Returning::AllColumns] {
                    if rows == 12_000 && returning != Returning::Nothing {
                        continue;
                    }
                    let batch = batch(&["k"], keys.iter().map(|key| vec![key.clone()]).collect());
                    let refused = session
                        .batch_insert(table, &batch, Some(&conflict), &returning)
                        .await;
                    let last = rows - 1;
                    assert_eq!(
                        invalid(refused),
                        format!("rows 1 and {last} of the batch have the same key")
                    );
                    assert_eq!(session.count(table, &[]).await, Ok(0));
                }
            }
        }
    }
    // In statements of their own, because other cells are there.
    let apart = batch(
        &["k", "a"],
        vec![vec![decimal("2.0"), None], vec![decimal("2.00"), number(1)]],
    );
    for conflict in [update(&["k"]), keep(&["k"])] {
        let refused = session
            .batch_insert("n", &apart, Some(&conflict), &columns(&["k"]))
            .await;
        assert_eq!(
            invalid(refused),
            "rows 0 and 1 of the batch have the same key"
        );
    }
    assert_eq!(session.count("n", &[]).await, Ok(0));
}

#[tokio::test]
async fn a_key_may_be_left_to_its_default() {
    let (_database, mut session) = on(
        "CREATE TABLE s (id serial PRIMARY KEY, a text); INSERT INTO s (a) VALUES ('one');
         CREATE TABLE d (id int8 DEFAULT 7 PRIMARY KEY, a text)",
    )
    .await;
    let rows = vec![
        vec![None, text("two")],
        vec![number(1), text("ONE")],
        vec![None, text("three")],
    ];
    let rows = batch(&["id", "a"], rows);
    let written = session
        .batch_insert("s", &rows, Some(&update(&[])), &Returning::AllColumns)
        .await;
    let written = written.expect("inserted");
    let now = vec![
        vec![number(2), text("two")],
        vec![number(1), text("ONE")],
        vec![number(3), text("three")],
    ];
    assert_eq!(values(&written.rows.expect("asked for")), expected(now));

    let twice = batch(&["a"], vec![vec![text("x")], vec![text("y")]]);
    for conflict in [update(&["id"]), keep(&[])] {
        let refused = session
            .batch_insert("d", &twice, Some(&conflict), &Returning::Nothing)
            .await;
        assert!(invalid(refused).contains("same key"));
    }
    assert_eq!(session.count("d", &[]).await, Ok(0));
}

#[tokio::test]
async fn any_number_of_rows_is_all_or_nothing() {
    const ROWS: u64 = 100_000;
    let (_database, mut session) =
        on("CREATE TABLE t (id int8 PRIMARY KEY, a int8 CHECK (a < 200000))").await;
    let rows = |last: i64| {
        let mut rows: Vec<_> = (0..100_000)
            .map(|row| vec![number(row), number(row)])
            .collect();
        rows[99_999][1] = number(last);
        batch(&["id", "a"], rows)
    };
    for conflict in [None, Some(update(&[])), Some(keep(&["id"]))] {
        let refused = session
            .batch_insert("t", &rows(200_000), conflict.as_ref(), &Returning::Nothing)
            .await;
        match refused {
            Err(Error::Database(error)) => assert_eq!(error.kind, ErrorKind::CheckViolation),
            other => unreachable!("{other:?}"),
        }
        assert_eq!(session.count("t", &[]).await, Ok(0));
    }
    let mut trips = Trips::since_now(&session);
    for (conflict, count, expected_trips) in [
        (None, ROWS, 11),
        (Some(update(&[])), ROWS, 12),
        (Some(keep(&[])), 0, 12),
    ] {
        let written = session
            .batch_insert("t", &rows(1), conflict.as_ref(), &Returning::Nothing)
            .await;
        assert_eq!(
            (written.expect("inserted").count, trips.more(&session)),
            (count, expected_trips)
        );
    }
    assert_eq!(session.count("t", &[]).await, Ok(ROWS));
}

#[tokio::test]
async fn a_value_that_does_not_fit_names_row_and_column() {
    let (_database, mut session) = on(
        "CREATE TABLE t (id int8 PRIMARY KEY, a int2, v varchar(3)); INSERT INTO t VALUES (1, 1, 'x')",
    )
    .await;
    for (row, column) in [
        (vec![text("x"), number(1), NULL], "id"),
        (vec![number(9), number(70_000), NULL], "a"),
        (vec![number(9), text("\0"), NULL], "a"),
        (vec![number(9), NULL, text("four")], "v"),
    ] {
        for conflict in [None, Some(update(&["id"])), Some(keep(&["id"]))] {
            for returning in [Returning::Nothing, Returning::AllColumns] {
                let rows = vec![
                    vec![number(2), number(1), NULL],
                    row.clone(),
                    vec![number(3), None, text("y")],
                ];
                let batch = batch(&["id", "a", "v"], rows);
                match session
                    .batch_insert("t", &batch, conflict.as_ref(), &returning)
                    .await
                {
                    Err(Error::Conversion(error)) => {
                        assert_eq!(
                            (error.column.as_str(), error.row),
                            (column, Some(1)),
                            "{error}"
                        );
                    }
                    other => unreachable!("{column}: {other:?}"),
                }
            }
        }
    }
    assert_eq!(session.count("t", &[]).await, Ok(1));
}

#[tokio::test]
async fn rows_over_a_limit_are_not_written() {
    let (database, _) = on("CREATE TABLE t (id int8 PRIMARY KEY, n int8, a text);
         INSERT INTO t SELECT n, n, repeat('x', 1000) FROM generate_series(1, 20) AS n")
    .await;
    let limits = Limits {
        result_rows: 30,
        result_bytes: 10_000,
        ..Limits::default()
    };
    let mut session = limited(&database.connect().await, limits);
    let rows = |from: i64, to: i64| {
        batch(
            &["id", "n"],
            (from..to).map(|row| vec![number(row), number(0)]).collect(),
        )
    };
    for (rows, conflict, limit) in [
        (rows(100, 131), None, "result-rows"),
        (rows(1, 32), Some(update(&[])), "result-rows"),
        (rows(1, 18), Some(update(&[])), "result-bytes"),
        (rows(1, 52), Some(keep(&[])), "result-rows"),
    ] {
        match session
            .batch_insert("t", &rows, conflict.as_ref(), &Returning::AllColumns)
            .await
        {
            Err(Error::Limit(reached)) => assert_eq!(reached.name, limit),
            other => unreachable!("{other:?}"),
        }
        let kept = table(&mut session, "SELECT count(*), min(n) FROM t").await;
        assert_eq!(kept, expected(vec![vec![number(20), number(1)]]), "{limit}");
    }
    // What is kept does not come back, and so does not count.
    let kept = session
        .batch_insert("t", &rows(1, 41), Some(&keep(&[])), &Returning::AllColumns)
        .await;
    assert_eq!(
        kept.expect("twenty were new").rows.map(|rows| rows.len()),
        Some(20)
    );
}

#[tokio::test]
async fn a_key_that_changed_is_learnt_again() {
    let (database, mut session) = on("CREATE TABLE t (a int8 PRIMARY KEY, b int8)").await;
    let rows = batch(&["a", "b"], vec![vec![number(1), number(2)]]);
    let insert = async |session: &mut host::database::Session| {
        session
            .batch_insert("t", &rows, Some(&update(&[])), &Returning::AllColumns)
            .await
    };
    assert_eq!(insert(&mut session).await.expect("inserted").count, 1);
    run(
        &database,
        "ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (b), ALTER a TYPE text",
    )
    .await;
    assert_eq!(insert(&mut session).await.expect("inserted").count, 1);
    session.execute("DROP TABLE t", &[]).await.expect("dropped");
    session
        .execute("CREATE TABLE t (a int8, b int8)", &[])
        .await
        .expect("made");
    assert!(invalid(insert(&mut session).await).contains("no primary key"));
}

#[tokio::test]
async fn a_guest_inserts_over_what_is_there_in_both_forms() {
    for packed in [false, true] {
        let (database, _) = on(TAGS).await;
        let rows = |name: &str| json!({ "columns": ["id", "name"], "rows": [[2, name], [1, ["missing"]]], "packed": packed });
        let answers = tell(
            &database,
            packed,
            &[
                json!({ "call": "batch-insert", "table": "tags", "batch": rows("a"), "conflict": {}, "returning": "all-columns" }),
                json!({ "call": "batch-insert", "table": "tags", "batch": rows("b"), "conflict": { "key": ["id"] }, "returning": { "columns": ["name", "id"] } }),
                json!({ "call": "batch-insert", "table": "tags", "batch": rows("c"), "conflict": { "keep": true }, "returning": "all-columns" }),
                json!({ "call": "batch-insert", "table": "tags", "batch": { "columns": ["id"], "rows": [[1], [1]], "packed": packed }, "conflict": {} }),
            ],
        )
        .await;
        let rows = |place: usize| &answers[place]["ok"]["rows"]["rows"];
        let (one, two) = (
            json!([["int64", 1], ["null"], ["int64", 1]]),
            json!([["int64", 2], ["text", "a"], ["int64", 1]]),
        );
        assert_eq!(*rows(0), json!([two, one]));
        assert_eq!(
            *rows(1),
            json!([[["text", "b"], ["int64", 2]], [["null"], ["int64", 1]]])
        );
        assert_eq!(
            (&answers[2]["ok"]["count"], rows(2)),
            (&json!(0), &json!([]))
        );
        assert_eq!(
            answers[3]["error"],
            json!({ "case": "invalid", "text": "rows 0 and 1 of the batch have the same key" })
        );
    }
}
