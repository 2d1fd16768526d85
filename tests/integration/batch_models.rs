//! Batches of random rows, beside a map that does the same.

#![expect(clippy::too_many_lines, reason = "the models are long")]

use std::collections::{BTreeMap, BTreeSet};

use host::database::{Conflict, ConflictAction, Error, ErrorKind, Returning, Value};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngSeed, TestRunner},
};

use crate::writing::{
    Cell, NULL, batch, expected, invalid, names, number, on, table, text, values,
};

/// A key and two cells, which may be left out; the first may be NULL too.
type Row = (i64, Option<Option<i64>>, Option<String>);

/// The same rows in every run.
fn runner() -> TestRunner {
    TestRunner::new(Config {
        rng_seed: RngSeed::Fixed(7),
        ..Config::default()
    })
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (
        0_i64..30,
        prop::option::of(prop::option::of(0_i64..9)),
        prop::option::of("[a-c]{0,2}"),
    );
    prop::collection::vec(row, 1..25)
}

fn cells(rows: &[Row]) -> Vec<Vec<Cell>> {
    let cells = rows.iter().map(|(key, a, b)| {
        vec![
            number(*key),
            a.map(|a| a.map_or(Value::Null, Value::Int64)),
            b.clone().and_then(text),
        ]
    });
    cells.collect()
}

#[tokio::test]
async fn random_inserts_do_what_a_map_does() {
    let (_database, mut session) =
        on("CREATE TABLE t (k int8 PRIMARY KEY, a int8 DEFAULT -1, b text)").await;
    let mut runner = runner();
    let batches = (rows(), 0..3);
    let mut model: BTreeMap<i64, (Option<i64>, Option<String>)> = BTreeMap::new();
    for _ in 0..120 {
        let (mut rows, action) = batches.new_tree(&mut runner).expect("rows").current();
        let mut seen = BTreeSet::new();
        rows.retain(|row| seen.insert(row.0));
        let conflict = match action {
            0 => None,
            1 => Some(ConflictAction::Update),
            _ => Some(ConflictAction::Keep),
        };
        let mut next = model.clone();
        let mut back = Vec::new();
        for (key, a, b) in &rows {
            let there = model.get(key).cloned();
            let a = a.unwrap_or_else(|| match (&there, conflict) {
                (Some(there), Some(ConflictAction::Update)) => there.0,
                _ => Some(-1),
            });
            let b = b
                .clone()
                .or_else(|| there.clone().and_then(|there| there.1));
            if there.is_some() && conflict == Some(ConflictAction::Keep) {
                continue;
            }
            back.push(vec![
                number(*key),
                a.map(Value::Int64).or(NULL),
                b.clone().map_or(NULL, text),
            ]);
            next.insert(*key, (a, b));
        }
        let batch = batch(&["k", "a", "b"], cells(&rows));
        let conflict = conflict.map(|action| Conflict {
            key: vec![],
            action,
        });
        let fails = conflict.is_none() && rows.iter().any(|row| model.contains_key(&row.0));
        match session
            .batch_insert("t", &batch, conflict.as_ref(), &Returning::AllColumns)
            .await
        {
            Ok(written) => {
                assert!(!fails, "{rows:?} over {model:?}");
                assert_eq!(written.count, back.len() as u64);
                assert_eq!(values(&written.rows.expect("asked for")), expected(back));
                model = next;
            }
            Err(Error::Database(error)) => {
                assert!(fails && error.kind == ErrorKind::UniqueViolation, "{error}");
            }
            other => unreachable!("{other:?}"),
        }
        let kept = model.iter().map(|(key, (a, b))| {
            vec![
                number(*key),
                a.map(Value::Int64).or(NULL),
                b.clone().map_or(NULL, text),
            ]
        });
        let kept = expected(kept.collect());
        assert_eq!(
            table(&mut session, "SELECT * FROM t ORDER BY k").await,
            kept
        );
        if model.len() > 20 {
            session
                .execute("DELETE FROM t WHERE k % 2 = 0", &[])
                .await
                .expect("deleted");
            model.retain(|key, _| key % 2 != 0);
        }
    }
}

#[tokio::test]
async fn random_updates_do_what_a_map_does() {
    let (_database, mut session) = on(
        "CREATE TABLE t (k int8 PRIMARY KEY, a int8, b text); INSERT INTO t SELECT n, n, 'x' FROM generate_series(0, 19) AS n",
    )
    .await;
    let mut model: BTreeMap<i64, [Cell; 2]> =
        (0..20).map(|key| (key, [number(key), text("x")])).collect();
    let mut runner = runner();
    let batches = (rows(), any::<bool>());
    for _ in 0..120 {
        let (rows, asks_back) = batches.new_tree(&mut runner).expect("rows").current();
        let twice = rows
            .iter()
            .enumerate()
            .any(|(place, row)| rows[..place].iter().any(|other| other.0 == row.0));
        let cells = cells(&rows);
        let returning = if asks_back {
            Returning::AllColumns
        } else {
            Returning::Nothing
        };
        let outcome = session
            .batch_update(
                "t",
                &batch(&["k", "a", "b"], cells.clone()),
                &names(&["k"]),
                &returning,
            )
            .await;
        if twice {
            assert!(invalid(outcome).contains("same key"));
            continue;
        }
        let (mut not_found, mut back) = (Vec::new(), Vec::new());
        for (place, row) in (0..).zip(&cells) {
            let Some(there) = model.get_mut(&rows[place as usize].0) else {
                not_found.push(place);
                continue;
            };
            for (cell, given) in there.iter_mut().zip(&row[1..]) {
                if given.is_some() {
                    cell.clone_from(given);
                }
            }
            back.push([vec![row[0].clone()], there.to_vec()].concat());
        }
        let updated = outcome.expect("updated");
        assert_eq!(
            (updated.count, updated.not_found),
            (back.len() as u64, not_found)
        );
        if let Some(rows) = updated.rows {
            assert_eq!(values(&rows), expected(back));
        }
        let all = model
            .iter()
            .map(|(key, cells)| [vec![number(*key)], cells.to_vec()].concat());
        let all = expected(all.collect());
        assert_eq!(table(&mut session, "SELECT * FROM t ORDER BY k").await, all);
    }
}
