//! The SQL of batches, in files. It is the same for both databases; what the host asks of their catalogues is not.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use super::{BatchStatements, Known};
use crate::database::{
    Batch, Conflict, ConflictAction, Error, Returning, ServerKind, Value,
    catalog::TypeInfo,
    statement::goldens::Golden,
    table_info::{ColumnInfo, TableInfo, look_up},
};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it is a cell, which could be left out"
)]
fn text(text: &'static str) -> Option<Value<'static>> {
    Some(Value::Text(text.into()))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it is a cell, which could be left out"
)]
fn number(number: i64) -> Option<Value<'static>> {
    Some(Value::Int64(number))
}

fn batch(columns: &[&str], rows: Vec<Vec<Option<Value<'static>>>>) -> Batch<'static> {
    Batch {
        columns: names(columns),
        rows,
    }
}

/// A table `t` of `id`, the primary key, which has a default, and `a` and `b`; or of what is known without asking for it.
fn known(with_table: bool) -> Known {
    let info = |cast: &str| {
        Arc::new(TypeInfo {
            cast: cast.to_owned(),
            ..TypeInfo::unknown(0)
        })
    };
    let column = |name: &str, exact_type: &str| ColumnInfo {
        name: name.to_owned(),
        exact_type: exact_type.to_owned(),
        oid: 25,
        modifier: -1,
        in_primary_key: name == "id",
        default: (name == "id").then(|| "nextval('t_id'::regclass)".to_owned()),
    };
    let table = TableInfo {
        columns: vec![
            column("id", "numeric(10,2)"),
            column("a", "bigint"),
            column("b", "character varying(3)"),
        ],
    };
    Known {
        types: HashMap::from([
            ("id".to_owned(), info("numeric")),
            ("a".to_owned(), info("int8")),
            ("b".to_owned(), info("varchar")),
        ]),
        table: with_table.then(|| Arc::new(table)),
    }
}

fn conflict(key: &[&str], action: ConflictAction) -> Conflict {
    Conflict {
        key: names(key),
        action,
    }
}

/// Adds the statements for all chunks.
fn add(golden: &mut Golden, name: &str, statements: &BatchStatements<'_>) {
    for chunk in statements.chunks(ServerKind::PostgreSql) {
        let name = format!("{name}, rows {:?}", chunk.rows);
        match statements.statement(&chunk) {
            Ok(made) => golden.add(&format!("{name} → {:?}", made.reply), Ok(made.statement)),
            Err(error) => golden.add(&name, Err(error)),
        }
    }
}

fn add_cells(golden: &mut Golden, name: &str, statements: &BatchStatements<'_>) {
    for chunk in statements.chunks(ServerKind::PostgreSql) {
        for statement in statements.cell_by_cell(&chunk) {
            golden.add(
                &format!("{name}, rows {:?}, cell by cell", chunk.rows),
                statement,
            );
        }
    }
}

fn mixed() -> Batch<'static> {
    batch(
        &["id", "a", "b"],
        vec![
            vec![number(1), number(5), text("it's \"x\"")],
            vec![number(2), number(6), None],
            vec![
                number(3),
                Some(Value::Null),
                Some(Value::Bytes(vec![0].into())),
            ],
            vec![None, None, text("y")],
            vec![None, None, None],
        ],
    )
}

#[test]
fn batch_inserts() {
    let mut golden = Golden::default();
    let batch = mixed();
    let some = Returning::Columns(names(&["b", "b"]));
    for (name, with_table, returning) in [
        ("nothing returned", false, &Returning::Nothing),
        ("all returned", true, &Returning::AllColumns),
        ("some returned", true, &some),
        (
            "all returned of a table without a key",
            false,
            &Returning::AllColumns,
        ),
    ] {
        let mut statements = BatchStatements::insert("t", &batch, None, returning).expect("good");
        if name == "nothing returned" {
            let (_, columns) = statements.target();
            writeln!(golden.0, "-- describe\n{}\n", statements.describe(&columns)).ok();
        }
        statements.learn(known(with_table), None).expect("good");
        add(&mut golden, name, &statements);
        if name == "nothing returned" {
            add_cells(&mut golden, name, &statements);
        }
    }
    golden.check("batch_inserts");
}

#[test]
fn batch_upserts() {
    let mut golden = Golden::default();
    let batch = mixed();
    let some = Returning::Columns(names(&["b"]));
    for (name, key, action, returning) in [
        (
            "update",
            &["id"][..],
            ConflictAction::Update,
            &Returning::Nothing,
        ),
        (
            "keep by the primary key",
            &[],
            ConflictAction::Keep,
            &Returning::Nothing,
        ),
        (
            "update, all returned",
            &["id"],
            ConflictAction::Update,
            &Returning::AllColumns,
        ),
        (
            "keep, some returned",
            &["a", "id"],
            ConflictAction::Keep,
            &some,
        ),
    ] {
        let conflict = conflict(key, action);
        let mut statements =
            BatchStatements::insert("t", &batch, Some(&conflict), returning).expect("good");
        statements
            .learn(known(true), Some(&conflict))
            .expect("good");
        add(&mut golden, name, &statements);
    }
    let conflict = conflict(&["id"], ConflictAction::Update);
    let mut statements =
        BatchStatements::insert("t", &batch, Some(&conflict), &Returning::Nothing).expect("good");
    statements
        .learn(known(true), Some(&conflict))
        .expect("good");
    add_cells(&mut golden, "update", &statements);
    golden.add("compare", statements.compare(&[0, 1, 2]));
    golden.check("batch_upserts");
}

#[test]
fn batch_updates() {
    let mut golden = Golden::default();
    let batch = batch(
        &["a", "id", "b"],
        vec![
            vec![number(5), number(1), text("x")],
            vec![Some(Value::Null), number(2), text("y")],
            vec![None, number(3), text("z")],
            vec![None, number(4), None],
        ],
    );
    let some = Returning::Columns(names(&["b", "id"]));
    for (name, key, returning) in [
        ("nothing returned", &["id"][..], &Returning::Nothing),
        ("all returned", &["id"], &Returning::AllColumns),
        ("some returned, a key of two columns", &["id", "b"], &some),
    ] {
        let key = names(key);
        // A row that lacks a part of the longer key is refused.
        let mut rows = batch.clone();
        rows.rows.truncate(if key.len() == 2 { 3 } else { 4 });
        let mut statements = BatchStatements::update("s.t", &rows, &key, returning).expect("good");
        let (_, columns) = statements.target();
        writeln!(
            golden.0,
            "-- {name}, describe\n{}\n",
            statements.describe(&columns)
        )
        .ok();
        statements.learn(known(false), None).expect("good");
        add(&mut golden, name, &statements);
        add_cells(&mut golden, name, &statements);
        golden.add(&format!("{name}, compare"), statements.compare(&[0, 2]));
    }
    golden.check("batch_updates");
}

#[test]
fn bad_batches() {
    let mut golden = Golden::default();
    let mut refuse = |name: &str, columns: &[&str], rows, key: Option<&[&str]>| {
        let batch = batch(columns, rows);
        let returning = Returning::Nothing;
        let outcome = match key {
            None => BatchStatements::insert("t", &batch, None, &returning),
            Some(key) => BatchStatements::update("t", &batch, &names(key), &returning),
        };
        let outcome = outcome.and_then(|mut statements| statements.learn(known(false), None));
        golden.add(name, Err(outcome.expect_err("a bad batch")));
    };
    let row = || vec![number(1), number(2)];
    refuse("no columns", &[], vec![vec![]], None);
    refuse("a column twice", &["a", "a"], vec![row()], None);
    refuse("too few cells", &["a", "b"], vec![vec![number(1)]], None);
    refuse("no key", &["a", "b"], vec![row()], Some(&[]));
    refuse(
        "a key twice in the key",
        &["a", "b"],
        vec![row()],
        Some(&["a", "a"]),
    );
    refuse(
        "no column for the key",
        &["a", "b"],
        vec![row()],
        Some(&["c"]),
    );
    refuse(
        "no cell for the key",
        &["a", "b"],
        vec![row(), vec![None, number(1)]],
        Some(&["a"]),
    );
    refuse(
        "NULL for the key",
        &["a", "b"],
        vec![vec![Some(Value::Null), None]],
        Some(&["a"]),
    );
    let others = vec![row(), vec![number(3), None], vec![text("1"), None]];
    refuse("a key given twice", &["a", "b"], others, Some(&["a"]));

    let batch = batch(&["a"], vec![vec![number(1)]]);
    let implicit = conflict(&[], ConflictAction::Update);
    let mut statements =
        BatchStatements::insert("t", &batch, Some(&implicit), &Returning::Nothing).expect("good");
    let mut without_key = known(false);
    without_key.table = Some(Arc::default());
    let refused = statements.learn(without_key, Some(&implicit));
    golden.add("no primary key", Err(refused.expect_err("no key")));
    golden.check("bad_batches");
}

#[test]
fn table_info() {
    let mut golden = Golden::default();
    for server in [ServerKind::CockroachDb, ServerKind::PostgreSql] {
        writeln!(golden.0, "-- {server:?}\n{}\n", look_up(server)).ok();
    }
    golden.check("table_info");
}

#[test]
fn null_is_no_key_twice_and_a_default_is_no_key_yet() -> Result<(), Error> {
    let rows = vec![
        vec![Some(Value::Null)],
        vec![Some(Value::Null)],
        vec![None],
        vec![None],
    ];
    let batch = batch(&["id"], rows);
    let conflict = conflict(&["id"], ConflictAction::Keep);
    let returning = Returning::Nothing;
    let mut statements = BatchStatements::insert("t", &batch, Some(&conflict), &returning)?;
    statements.learn(known(true), Some(&conflict))
}

#[test]
fn a_batch_is_cut_by_rows_and_by_bytes() {
    let rows = (0..2_500).map(|row| vec![number(row)]).collect();
    let large = (0..3)
        .map(|_| vec![Some(Value::Bytes(vec![0; 1 << 20].into()))])
        .collect();
    for (rows, cockroach, postgres) in [
        (rows, vec![1_000, 1_000, 500], vec![2_500]),
        (large, vec![1, 1, 1], vec![3]),
    ] {
        let batch = batch(&["a"], rows);
        let statements =
            BatchStatements::insert("t", &batch, None, &Returning::Nothing).expect("a good batch");
        let lengths = |server| -> Vec<usize> {
            let chunks = statements.chunks(server);
            chunks.iter().map(|chunk| chunk.rows.len()).collect()
        };
        assert_eq!(lengths(ServerKind::CockroachDb), cockroach);
        assert_eq!(lengths(ServerKind::PostgreSql), postgres);
    }
}

#[test]
fn any_two_rows_are_compared_however_large_their_keys_are() {
    let key = |row: u8| Some(Value::Bytes(vec![row; 1 << 19].into()));
    let batch = batch(&["id"], (0..9).map(|row| vec![key(row)]).collect());
    let key = names(&["id"]);
    let statements =
        BatchStatements::update("t", &batch, &key, &Returning::Nothing).expect("a good batch");
    let lists = statements.rows_to_compare(ServerKind::CockroachDb);
    assert!(lists.len() > 1 && lists.iter().all(|list| list.len() <= 2));
    for one in 0..9 {
        for other in 0..one {
            let together = |list: &Vec<usize>| list.contains(&one) && list.contains(&other);
            assert!(lists.iter().any(together), "{other} and {one}");
        }
    }
    let few = statements.rows_to_compare(ServerKind::PostgreSql);
    assert!(few.len() < lists.len());
}
