//! Every call of a session by itself.

use host::database::{
    Assignment, Batch, Change, ColumnDefinition, Condition, Conflict, ConflictAction, DataType,
    Field, Operator, Returning, Selection, SqlStatement, TableDefinition, Target, Value,
};

use super::{Case, Sweep};

const ROWS: &str = "SELECT count(*) FROM t";
const SUM: &str = "SELECT sum(n)::int8 FROM t";

fn field(column: &str, value: i64) -> Field {
    Field {
        column: column.to_owned(),
        value: Value::Int64(value),
    }
}

fn grow() -> Vec<Assignment> {
    vec![Assignment {
        column: "n".to_owned(),
        change: Change::Add(Value::Int64(1)),
    }]
}

fn above(id: i64) -> Target {
    Target::Matching(vec![Condition {
        column: "id".to_owned(),
        operator: Operator::Gt,
        values: vec![Value::Int64(id)],
        group: None,
    }])
}

fn batch(ids: &[i64], n: i64) -> Batch<'static> {
    let row = |id: &i64| vec![Some(Value::Int64(*id)), Some(Value::Int64(n))];
    Batch {
        columns: vec!["id".to_owned(), "n".to_owned()],
        rows: ids.iter().map(row).collect(),
    }
}

fn statement(text: &str) -> SqlStatement {
    SqlStatement {
        text: text.to_owned(),
        parameters: Vec::new(),
    }
}

const READS: &[Case] = &[
    Case {
        name: "select",
        operation: |session, _| {
            Box::pin(async {
                let rows = session.select("t", &Selection::default()).await;
                assert_eq!(rows.expect("read").len(), 3);
            })
        },
        effect: ROWS,
        from_to: (3, 3),
    },
    Case {
        name: "select one",
        operation: |session, _| {
            Box::pin(async {
                let selection = Selection::default();
                let rows = session.select_one("t", &selection, false).await;
                assert_eq!(rows.expect("read").len(), 1);
            })
        },
        effect: ROWS,
        from_to: (3, 3),
    },
    Case {
        name: "count",
        operation: |session, _| {
            Box::pin(async { assert_eq!(session.count("t", &[]).await, Ok(3)) })
        },
        effect: ROWS,
        from_to: (3, 3),
    },
    Case {
        name: "query",
        operation: |session, _| {
            Box::pin(async {
                let rows = session.query("SELECT id FROM t", &[]).await;
                assert_eq!(rows.expect("read").len(), 3);
            })
        },
        effect: ROWS,
        from_to: (3, 3),
    },
    Case {
        name: "a cursor",
        operation: |session, _| {
            Box::pin(async {
                let cursor = session
                    .open_cursor("SELECT id FROM t ORDER BY id", &[])
                    .await;
                let cursor = cursor.expect("opened");
                for _ in 0..2 {
                    let part = session.fetch(cursor, 1).await.expect("a part");
                    assert_eq!(part.expect("a row").len(), 1);
                }
                session.close_cursor(cursor).await;
            })
        },
        effect: ROWS,
        from_to: (3, 3),
    },
    Case {
        name: "tables",
        operation: |session, _| {
            Box::pin(async {
                session.tables(None).await.expect("listed");
                session.describe_table("t").await.expect("described");
            })
        },
        effect: ROWS,
        from_to: (3, 3),
    },
];

const WRITES: &[Case] = &[
    Case {
        name: "insert",
        operation: |session, _| {
            Box::pin(async {
                let row = [field("id", 4)];
                let written = session.insert("t", &row, &Returning::AllColumns).await;
                assert_eq!(written.expect("written").count, 1);
            })
        },
        effect: ROWS,
        from_to: (3, 4),
    },
    Case {
        name: "upsert",
        operation: |session, _| {
            Box::pin(async {
                let conflict = Conflict {
                    key: Vec::new(),
                    action: ConflictAction::Update,
                };
                let row = [field("id", 1), field("n", 5)];
                let all = Returning::Nothing;
                let written = session.upsert("t", &row, &conflict, &all).await;
                written.expect("written");
            })
        },
        effect: SUM,
        from_to: (0, 5),
    },
    Case {
        name: "update",
        operation: |session, _| {
            Box::pin(async {
                let nothing = Returning::Nothing;
                let written = session.update("t", &grow(), &above(0), &nothing).await;
                assert_eq!(written.expect("written").count, 3);
            })
        },
        effect: SUM,
        from_to: (0, 3),
    },
    Case {
        name: "update with rows back, in a transaction of its own",
        operation: |session, _| {
            Box::pin(async {
                let all = Returning::AllColumns;
                let written = session.update("t", &grow(), &above(1), &all).await;
                assert_eq!(written.expect("written").count, 2);
            })
        },
        effect: SUM,
        from_to: (0, 2),
    },
    Case {
        name: "delete",
        operation: |session, _| {
            Box::pin(async {
                let written = session.delete("t", &above(1), &Returning::Nothing).await;
                assert_eq!(written.expect("written").count, 2);
            })
        },
        effect: ROWS,
        from_to: (3, 1),
    },
    Case {
        name: "execute",
        operation: |session, _| {
            Box::pin(async {
                let text = "UPDATE t SET n = n + 1";
                assert_eq!(session.execute(text, &[]).await, Ok(3));
            })
        },
        effect: SUM,
        from_to: (0, 3),
    },
];

const BATCHES: &[Case] = &[
    Case {
        name: "batch insert",
        operation: |session, _| {
            Box::pin(async {
                let rows = batch(&[4, 5, 6], 0);
                let written = session.batch_insert("t", &rows, None, &Returning::AllColumns);
                assert_eq!(written.await.expect("written").count, 3);
            })
        },
        effect: ROWS,
        from_to: (3, 6),
    },
    Case {
        name: "batch update",
        operation: |session, _| {
            Box::pin(async {
                let (rows, key) = (batch(&[1, 2, 3], 2), ["id".to_owned()]);
                let written = session.batch_update("t", &rows, &key, &Returning::Nothing);
                written.await.expect("written");
            })
        },
        effect: SUM,
        from_to: (0, 6),
    },
    Case {
        name: "a batch of SQL",
        operation: |session, _| {
            Box::pin(async {
                let statements = [
                    statement("INSERT INTO t (id) VALUES (4)"),
                    statement("INSERT INTO t (id) VALUES (5)"),
                ];
                let written = session.batch(&statements).await;
                assert_eq!(written.expect("written").len(), 2);
            })
        },
        effect: ROWS,
        from_to: (3, 5),
    },
    Case {
        name: "a batch of SQL whose rows are seen before its commit",
        operation: |session, _| {
            Box::pin(async {
                let statements = [
                    statement("INSERT INTO t (id) VALUES (4)"),
                    statement("UPDATE t SET n = n + 1 RETURNING *"),
                ];
                let written = session.batch(&statements).await;
                assert_eq!(written.expect("written").len(), 2);
            })
        },
        effect: SUM,
        from_to: (0, 4),
    },
];

const DEFINITIONS: &[Case] = &[
    Case {
        name: "create table",
        operation: |session, _| {
            Box::pin(async {
                let definition = TableDefinition {
                    columns: vec![ColumnDefinition {
                        name: "id".to_owned(),
                        data_type: DataType::Int64,
                        is_array: false,
                        not_null: true,
                        default: None,
                    }],
                    ..TableDefinition::default()
                };
                let made = session.create_table("made", &definition, false).await;
                assert_eq!(made, Ok(true));
            })
        },
        effect: "SELECT count(*) FROM pg_class WHERE relname = 'made'",
        from_to: (0, 1),
    },
    Case {
        name: "drop table",
        operation: |session, _| {
            Box::pin(async { assert_eq!(session.drop_table("t", false, false).await, Ok(true)) })
        },
        effect: "SELECT count(*) FROM pg_class WHERE relname = 't'",
        from_to: (1, 0),
    },
    Case {
        name: "create database",
        operation: |session, name| {
            Box::pin(async { assert_eq!(session.create_database(name, false).await, Ok(true)) })
        },
        effect: "SELECT count(*) FROM pg_database WHERE datname = '$name'",
        from_to: (0, 1),
    },
];

#[tokio::test]
async fn a_read_can_be_dropped_at_any_moment() {
    let sweep = Sweep::new().await;
    for case in READS {
        sweep.over(case).await;
    }
}

#[tokio::test]
async fn a_write_that_is_dropped_happened_once_or_not_at_all() {
    let sweep = Sweep::new().await;
    for case in WRITES {
        sweep.over(case).await;
    }
}

#[tokio::test]
async fn a_batch_that_is_dropped_happened_as_a_whole_or_not_at_all() {
    let sweep = Sweep::new().await;
    for case in BATCHES {
        sweep.over(case).await;
    }
}

#[tokio::test]
async fn a_definition_that_is_dropped_was_done_or_not() {
    let sweep = Sweep::new().await;
    for case in DEFINITIONS {
        sweep.over(case).await;
    }
    sweep.prepare().await;
}
