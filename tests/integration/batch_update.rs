//! Many rows updated at once, each by its key.
use host::database::{Error, ErrorKind, Limits, Returning};
use serde_json::json;

use crate::writing::{
    Cell, NULL, Trips, batch, columns, decimal, expected, invalid, limited, names, number, on, run,
    table, tell, text, values,
};

const ITEMS: &str =
    "CREATE TABLE items (id int8 PRIMARY KEY, name text DEFAULT 'none', price numeric(8,2));
    INSERT INTO items SELECT n, 'item ' || n, n FROM generate_series(1, 5) AS n";

#[tokio::test]
async fn rows_are_updated_by_their_keys_and_those_that_nobody_has_are_named() {
    let (_database, mut session) = on(ITEMS).await;
    let rows = vec![
        vec![text("a"), number(9), decimal("1.005")],
        vec![text("b"), number(4), NULL],
        vec![None, number(2), decimal("2.50")],
        vec![text("c"), number(8), None],
        vec![None, number(1), None],
        vec![None, number(7), None],
        vec![NULL, number(3), decimal("7")],
    ];
    let rows = batch(&["name", "id", "price"], rows);
    let key = names(&["id"]);
    let updated = session
        .batch_update("items", &rows, &key, &Returning::AllColumns)
        .await;
    let updated = updated.expect("updated");
    assert_eq!((updated.count, updated.not_found), (4, vec![0, 3, 5]));
    let now = vec![
        vec![number(4), text("b"), NULL],
        vec![number(2), text("item 2"), decimal("2.50")],
        vec![number(1), text("item 1"), decimal("1.00")],
        vec![number(3), NULL, decimal("7.00")],
    ];
    assert_eq!(
        values(&updated.rows.expect("asked for")),
        expected(now.clone())
    );
    let updated = session
        .batch_update("items", &rows, &key, &Returning::Nothing)
        .await;
    let updated = updated.expect("updated");
    assert_eq!(
        (updated.count, updated.not_found, updated.rows.is_none()),
        (4, vec![0, 3, 5], true)
    );
    let mut now = now;
    now.sort_by_key(|row| format!("{:?}", row[0]));
    let all = table(
        &mut session,
        "SELECT * FROM items WHERE id <= 4 ORDER BY id",
    )
    .await;
    assert_eq!(all, expected(now));
    let nothing = session
        .batch_update("items", &batch(&["id"], vec![]), &key, &columns(&["name"]))
        .await;
    let nothing = nothing.expect("nothing to do");
    assert_eq!(nothing.rows.map(|rows| rows.columns().len()), Some(1));
}

#[tokio::test]
async fn one_statement_is_one_round_trip_once_the_types_are_known() {
    let (_database, mut session) = on(ITEMS).await;
    let rows = |price: &str| {
        batch(
            &["id", "price"],
            (1..6).map(|id| vec![number(id), decimal(price)]).collect(),
        )
    };
    let key = names(&["id"]);
    let mut trips = Trips::since_now(&session);
    for (returning, expected_trips) in [
        (Returning::Nothing, 2),
        (Returning::Nothing, 1),
        (columns(&["price"]), 2),
        (columns(&["price", "id"]), 1),
        // A name is not given, and could be of any size: it may only come back where it can be undone.
        (Returning::AllColumns, 2),
    ] {
        let before = session.statistics().rows_written;
        let updated = session
            .batch_update("items", &rows("2"), &key, &returning)
            .await;
        assert_eq!(updated.expect("updated").count, 5);
        assert_eq!(trips.more(&session), expected_trips, "{returning:?}");
        assert_eq!(session.statistics().rows_written - before, 5);
    }
}

#[tokio::test]
async fn keys_are_equal_where_the_database_says_so() {
    let (_database, mut session) = on(
        "CREATE TABLE n (k numeric PRIMARY KEY, a int8); INSERT INTO n VALUES (1.0), (2.50);
         CREATE TABLE c (k char(4) PRIMARY KEY, a int8); INSERT INTO c VALUES ('1.0'), ('2.5');
         CREATE TABLE i (k int4 PRIMARY KEY, a int8); INSERT INTO i VALUES (1), (2);
         CREATE TABLE s (k text PRIMARY KEY, a int8); INSERT INTO s VALUES ('1'), ('2.5');
         CREATE TYPE mood AS ENUM ('1', '2'); CREATE TABLE e (k mood PRIMARY KEY, a int8); INSERT INTO e VALUES ('1'), ('2')",
    )
    .await;
    for (table, one, other, missing) in [
        ("n", number(1), text("2.5"), decimal("2.51")),
        ("c", text("1.0 "), decimal("2.5"), text("2.50")),
        ("i", text("1"), decimal("2"), text("3")),
        ("s", number(1), decimal("2.5"), decimal("2.50")),
    ] {
        let rows = batch(
            &["k", "a"],
            vec![
                vec![missing, number(0)],
                vec![other, number(2)],
                vec![one, number(1)],
            ],
        );
        let updated = session
            .batch_update(table, &rows, &names(&["k"]), &columns(&["a"]))
            .await;
        let updated = updated.expect("updated");
        assert_eq!((updated.count, updated.not_found), (2, vec![0]), "{table}");
        let back = expected(vec![vec![number(2)], vec![number(1)]]);
        assert_eq!(values(&updated.rows.expect("asked for")), back, "{table}");
    }
    let rows = batch(&["k", "a"], vec![vec![text("2"), number(2)]]);
    let updated = session
        .batch_update("e", &rows, &names(&["k"]), &Returning::Nothing)
        .await;
    assert_eq!(updated.expect("updated").count, 1);
}

#[tokio::test]
async fn a_key_twice_is_refused_and_both_places_are_named() {
    let (_database, mut session) = on(
        "CREATE TABLE n (k numeric PRIMARY KEY, a int8, b int8); INSERT INTO n SELECT n, 0, 0 FROM generate_series(1, 12000) AS n",
    )
    .await;
    let key = names(&["k"]);
    let same_text = batch(
        &["k", "a"],
        vec![vec![number(1), number(1)], vec![text("1"), None]],
    );
    let refused = session
        .batch_update("n", &same_text, &key, &Returning::Nothing)
        .await;
    assert_eq!(
        invalid(refused),
        "rows 0 and 1 of the batch have the same key"
    );
    for (rows, exists) in [(3, true), (3, false), (12_000, true), (12_000, false)] {
        let (one, other) = if exists {
            ("1.0", "1.00")
        } else {
            ("0.10", "0.1")
        };
        let mut keys: Vec<Cell> = (1..=rows).map(|row| decimal(row.to_string())).collect();
        keys[0] = decimal(one);
        keys[rows - 1] = decimal(other);
        let rows_of = |cells: &dyn Fn(usize) -> Vec<Cell>| {
            let row = |(place, key): (usize, &Cell)| [vec![key.clone()], cells(place)].concat();
            keys.iter().enumerate().map(row).collect()
        };
        let together = batch(&["k", "a"], rows_of(&|_| vec![number(1)]));
        let apart = batch(
            &["k", "a", "b"],
            rows_of(&|place| {
                if place == 0 {
                    vec![number(1), None]
                } else {
                    vec![None, number(1)]
                }
            }),
        );
        for batch in [together, apart] {
            for returning in [Returning::Nothing, columns(&["a"])] {
                let refused = session.batch_update("n", &batch, &key, &returning).await;
                let last = rows - 1;
                assert_eq!(
                    invalid(refused),
                    format!("rows 0 and {last} of the batch have the same key")
                );
            }
        }
    }
    let untouched = table(&mut session, "SELECT count(*) FROM n WHERE a = 0 AND b = 0").await;
    assert_eq!(untouched, expected(vec![vec![number(12_000)]]));
}

#[tokio::test]
async fn a_batch_without_a_proper_key_is_refused_before_anything_is_asked() {
    let (_database, mut session) = on(ITEMS).await;
    for (rows, key, words) in [
        (
            vec![vec![number(1), text("a")]],
            &[][..],
            "needs the columns of a key",
        ),
        (
            vec![vec![number(1), text("a")]],
            &["price"],
            "no column \"price\"",
        ),
        (
            vec![vec![number(1), text("a")], vec![None, text("b")]],
            &["id"],
            "row 1 of the batch lacks the cell in column \"id\"",
        ),
        (
            vec![vec![number(1), NULL]],
            &["id", "name"],
            "row 0 of the batch has NULL in column \"name\"",
        ),
        (
            vec![vec![number(1)]],
            &["id"],
            "row 0 of the batch has 1 cells for 2 columns",
        ),
    ] {
        let rows = batch(&["id", "name"], rows);
        let refused = invalid(
            session
                .batch_update("items", &rows, &names(key), &Returning::Nothing)
                .await,
        );
        assert!(refused.contains(words), "{refused}");
    }
    assert_eq!(session.statistics().statements, 0);
}

#[tokio::test]
async fn a_key_of_several_columns_or_of_several_rows_finds_them_all() {
    let (database, mut session) = on(
        "CREATE TABLE t (a int8, b text, c int8, PRIMARY KEY (a, b));
         INSERT INTO t SELECT a, b, 0 FROM generate_series(1, 10) AS a, (VALUES ('x'), ('y'), ('z')) AS v (b)",
    )
    .await;
    let rows = vec![
        vec![number(1), number(3), text("y")],
        vec![number(2), number(11), text("y")],
        vec![number(3), number(3), text("x")],
    ];
    let rows = batch(&["c", "a", "b"], rows);
    let updated = session
        .batch_update("t", &rows, &names(&["b", "a"]), &columns(&["c", "b"]))
        .await;
    let updated = updated.expect("updated");
    assert_eq!((updated.count, updated.not_found), (2, vec![1]));
    let back = vec![vec![number(1), text("y")], vec![number(3), text("x")]];
    assert_eq!(values(&updated.rows.expect("asked for")), expected(back));

    // A key that several rows have.
    let rows = batch(
        &["a", "c"],
        vec![
            vec![number(20), number(1)],
            vec![number(2), number(5)],
            vec![number(1), number(6)],
        ],
    );
    let key = names(&["a"]);
    let updated = session
        .batch_update("t", &rows, &key, &columns(&["a"]))
        .await
        .expect("updated");
    let numbers = [2, 2, 2, 1, 1, 1].map(|a| vec![number(a)]);
    assert_eq!((updated.count, updated.not_found), (6, vec![0]));
    assert_eq!(
        values(&updated.rows.expect("asked for")),
        expected(numbers.into())
    );
    let limits = Limits {
        result_rows: 5,
        ..Limits::default()
    };
    let mut few = limited(&database.connect().await, limits);
    let rows = batch(
        &["a", "c"],
        vec![vec![number(2), number(7)], vec![number(1), number(7)]],
    );
    match few.batch_update("t", &rows, &key, &columns(&["a"])).await {
        Err(Error::Limit(limit)) => assert_eq!(limit.name, "result-rows"),
        other => unreachable!("{other:?}"),
    }
    let sevens = "SELECT count(*) FROM t WHERE c = 7";
    assert_eq!(
        table(&mut session, sevens).await,
        expected(vec![vec![number(0)]])
    );
    let updated = few
        .batch_update("t", &rows, &key, &Returning::Nothing)
        .await
        .expect("nothing comes back");
    assert_eq!(updated.count, 6);
}

#[tokio::test]
async fn a_value_that_does_not_fit_names_row_and_column() {
    let (_database, mut session) = on(
        "CREATE TABLE t (id int8 PRIMARY KEY, a int2, v varchar(3)); INSERT INTO t SELECT n, 1, 'x' FROM generate_series(1, 3) AS n",
    )
    .await;
    for (row, column) in [
        (vec![text("two"), number(1), text("y")], "id"),
        (vec![number(2), number(70_000), text("y")], "a"),
        (vec![number(2), text("\0"), text("y")], "a"),
        (vec![number(2), number(1), text("four")], "v"),
    ] {
        for others in [number(1), None] {
            for returning in [Returning::Nothing, Returning::AllColumns] {
                let rows = vec![
                    vec![number(1), others.clone(), text("y")],
                    row.clone(),
                    vec![number(3), number(2), text("y")],
                ];
                let batch = batch(&["id", "a", "v"], rows);
                match session
                    .batch_update("t", &batch, &names(&["id"]), &returning)
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
    let kept = table(&mut session, "SELECT count(*) FROM t WHERE v = 'x'").await;
    assert_eq!(kept, expected(vec![vec![number(3)]]));
}

#[tokio::test]
async fn any_number_of_rows_is_all_or_nothing() {
    const ROWS: i64 = 100_000;
    let (_database, mut session) = on(
        "CREATE TABLE t (id int8 PRIMARY KEY, a int8 CHECK (a < 200000)); INSERT INTO t SELECT n, 0 FROM generate_series(0, 99999) AS n",
    )
    .await;
    let rows = |last: i64| {
        let mut rows: Vec<_> = (0..ROWS).map(|row| vec![number(row), number(1)]).collect();
        rows[99_999][1] = number(last);
        batch(&["id", "a"], rows)
    };
    let key = names(&["id"]);
    match session
        .batch_update("t", &rows(200_000), &key, &Returning::Nothing)
        .await
    {
        Err(Error::Database(error)) => assert_eq!(error.kind, ErrorKind::CheckViolation),
        other => unreachable!("{other:?}"),
    }
    let sum = "SELECT sum(a) FROM t";
    assert_eq!(
        table(&mut session, sum).await,
        expected(vec![vec![decimal("0")]])
    );
    let mut trips = Trips::since_now(&session);
    let updated = session
        .batch_update("t", &rows(1), &key, &Returning::Nothing)
        .await
        .expect("updated");
    // Ten statements, the COMMIT, and one to compare keys.
    assert_eq!(
        (updated.count, updated.not_found.len(), trips.more(&session)),
        (100_000, 0, 12)
    );
    assert_eq!(
        table(&mut session, sum).await,
        expected(vec![vec![decimal("100000")]])
    );
}

#[tokio::test]
async fn no_name_of_a_table_or_column_is_in_the_way() {
    let (_database, mut session) = on(
        "CREATE TABLE input (o int8 PRIMARY KEY, c0 int8, input int8, target text, written int8); INSERT INTO input VALUES (1), (2)",
    )
    .await;
    for name in ["twice", "written", "target", "cells", "missing", "excluded"] {
        let copy = format!("CREATE TABLE {name} (LIKE input INCLUDING ALL)");
        session.execute(&copy, &[]).await.expect("made");
        session
            .execute(&format!("INSERT INTO {name} SELECT * FROM input"), &[])
            .await
            .expect("copied");
    }
    for name in [
        "input", "twice", "written", "target", "cells", "missing", "excluded",
    ] {
        for returning in [
            Returning::Nothing,
            Returning::AllColumns,
            columns(&["c0", "o"]),
        ] {
            let rows = vec![
                vec![number(2), number(5), number(6), text("t"), number(7)],
                vec![number(3), NULL, NULL, NULL, NULL],
            ];
            let rows = batch(&["o", "c0", "input", "target", "written"], rows);
            let updated = session
                .batch_update(name, &rows, &names(&["o"]), &returning)
                .await;
            let updated = updated.unwrap_or_else(|error| unreachable!("{name}: {error}"));
            assert_eq!((updated.count, updated.not_found), (1, vec![1]), "{name}");
            let conflict = crate::writing::update(&[]);
            let written = session
                .batch_insert(name, &rows, Some(&conflict), &returning)
                .await;
            assert_eq!(
                written
                    .unwrap_or_else(|error| unreachable!("{name}: {error}"))
                    .count,
                2
            );
            session
                .execute(&format!("DELETE FROM {name} WHERE o = 3"), &[])
                .await
                .expect("deleted");
        }
    }
}

#[tokio::test]
async fn rows_are_found_by_a_number_that_the_database_gives() {
    let (database, mut session) = on(
        "CREATE TABLE t (id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int8); INSERT INTO t (a) VALUES (0), (0)",
    )
    .await;
    let rows = |value| {
        batch(
            &["id", "a"],
            vec![vec![number(2), value], vec![number(1), None]],
        )
    };
    for returning in [Returning::Nothing, Returning::AllColumns] {
        let updated = session
            .batch_update("t", &rows(number(5)), &names(&["id"]), &returning)
            .await;
        assert_eq!(updated.expect("updated").count, 2);
    }
    run(&database, "ALTER TABLE t ALTER a TYPE text").await;
    let updated = session
        .batch_update(
            "t",
            &rows(text("five")),
            &names(&["id"]),
            &Returning::Nothing,
        )
        .await;
    assert_eq!(updated.expect("the type was learnt again").count, 2);
    for (table, kind) in [
        ("none", ErrorKind::UndefinedTable),
        ("t", ErrorKind::UndefinedColumn),
    ] {
        let rows = batch(&["id", "none"], vec![vec![number(1), number(1)]]);
        match session
            .batch_update(table, &rows, &names(&["id"]), &Returning::Nothing)
            .await
        {
            Err(Error::Database(error)) => assert_eq!(error.kind, kind),
            other => unreachable!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_guest_updates_many_rows_in_both_forms() {
    for packed in [false, true] {
        let (database, _) = on(ITEMS).await;
        let rows = |rows: serde_json::Value| json!({ "columns": ["id", "name", "price"], "rows": rows, "packed": packed });
        let some = json!([
            [3, "c", ["missing"]],
            [9, "x", ["missing"]],
            [1, ["missing"], ["decimal", "0.5"]]
        ]);
        let answers = tell(
            &database,
            packed,
            &[
                json!({ "call": "batch-update", "table": "items", "batch": rows(some.clone()), "key": ["id"], "returning": "all-columns" }),
                json!({ "call": "batch-update", "table": "items", "batch": rows(some), "key": ["id"] }),
                json!({ "call": "batch-update", "table": "items", "batch": rows(json!([[1, "a", 1], [1, "b", 2]])), "key": ["id"] }),
                json!({ "call": "batch-update", "table": "items", "batch": rows(json!([[1, "a", 1], [2, "b", "much"]])), "key": ["id"] }),
            ],
        )
        .await;
        let updated = &answers[0]["ok"];
        assert_eq!(
            (&updated["count"], &updated["not-found"]),
            (&json!(2), &json!([1]))
        );
        let back = json!([
            [["int64", 3], ["text", "c"], ["decimal", "3.00"]],
            [["int64", 1], ["text", "item 1"], ["decimal", "0.50"]]
        ]);
        assert_eq!(updated["rows"]["rows"], back);
        assert_eq!(
            answers[1]["ok"],
            json!({ "count": 2, "not-found": [1], "rows": null })
        );
        assert_eq!(
            answers[2]["error"]["text"],
            "rows 0 and 1 of the batch have the same key"
        );
        let error = &answers[3]["error"];
        assert_eq!(
            (&error["case"], &error["column"], &error["row"]),
            (&json!("conversion"), &json!("price"), &json!(1))
        );
    }
}
