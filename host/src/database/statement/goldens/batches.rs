//! Many rows at once.

use std::fmt::Write as _;

use super::{Golden, names, text};
use crate::database::{
    Batch, Returning, ServerKind, Value, identifier::Identifier, statement::BatchStatements,
};

#[test]
fn batches() {
    let mut golden = Golden::default();
    let rows = vec![
        vec![Some(Value::Int64(1)), Some(text("it's \"x\""))],
        vec![Some(Value::Int64(2)), None],
        vec![Some(Value::Null), Some(Value::Bytes(vec![0].into()))],
        vec![None, None],
        vec![None, None],
    ];
    let batch = Batch {
        columns: names(&["a", "b"]),
        rows,
    };
    let returning = Returning::AllColumns;
    let statements = BatchStatements::new("t", &batch, &returning).expect("a good batch");
    let (table, columns) = statements.target();
    writeln!(
        golden.0,
        "-- describe\n{}\n",
        BatchStatements::describe(&table, &columns)
    )
    .ok();
    for chunk in statements.chunks(ServerKind::PostgreSql) {
        let cast = |column: &Identifier| {
            if column.as_str() == "a" {
                "int8"
            } else {
                "text"
            }
        };
        golden.add(
            &format!("rows {:?}", chunk.rows),
            statements.insert(&chunk, cast),
        );
        for statement in statements.cell_by_cell(&chunk) {
            golden.add(&format!("rows {:?}, cell by cell", chunk.rows), statement);
        }
    }
    let refuse = |columns: &[&str], row: &[i64]| {
        let rows = vec![
            row.iter()
                .map(|&number| Some(Value::Int64(number)))
                .collect(),
        ];
        let batch = Batch {
            columns: names(columns),
            rows,
        };
        BatchStatements::new("t", &batch, &Returning::Nothing).expect_err("a bad batch")
    };
    golden.add("no columns", Err(refuse(&[], &[])));
    golden.add("a column twice", Err(refuse(&["a", "a"], &[1, 2])));
    golden.add("too few cells", Err(refuse(&["a", "b"], &[1])));
    golden.check("batches");
}

#[test]
fn a_batch_is_cut_by_rows_and_by_bytes() {
    let rows = (0..2_500)
        .map(|number| vec![Some(Value::Int64(number))])
        .collect();
    let large = (0..3)
        .map(|_| vec![Some(Value::Bytes(vec![0; 1 << 20].into()))])
        .collect();
    for (rows, cockroach, postgres) in [
        (rows, vec![1_000, 1_000, 500], vec![2_500]),
        (large, vec![1, 1, 1], vec![3]),
    ] {
        let batch = Batch {
            columns: names(&["a"]),
            rows,
        };
        let statements =
            BatchStatements::new("t", &batch, &Returning::Nothing).expect("a good batch");
        let lengths = |server| -> Vec<usize> {
            statements
                .chunks(server)
                .iter()
                .map(|chunk| chunk.rows.len())
                .collect()
        };
        assert_eq!(lengths(ServerKind::CockroachDb), cockroach);
        assert_eq!(lengths(ServerKind::PostgreSql), postgres);
    }
}
