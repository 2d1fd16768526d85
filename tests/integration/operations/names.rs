//! Names, which are never SQL.

use host::database::{
    Batch, Change, DataType, Error, ErrorKind, Ordering, Returning, Selection, TableDefinition,
    Target, Value,
};

use super::{assign, field, is, kind, matching, numbers, session};

#[tokio::test]
async fn a_table_that_is_not_there_and_a_bad_name_are_told_apart() {
    let database = tests::database().await;
    let mut session = session(&database).await;
    let all = Selection::default();
    assert_eq!(
        kind(session.select("nowhere", &all).await),
        ErrorKind::UndefinedTable
    );
    assert!(matches!(
        session.select("", &all).await,
        Err(Error::Invalid(_))
    ));
    assert!(matches!(
        session.select("pg_catalog.pg_class", &all).await,
        Err(Error::Denied(_))
    ));
    assert!(matches!(
        session.count("information_schema.tables", &[]).await,
        Err(Error::Denied(_))
    ));
    assert!(matches!(
        session.drop_table("pg_class", true, true).await,
        Err(Error::Denied(_))
    ));
}

#[tokio::test]
async fn nothing_in_a_name_is_ever_sql() {
    let database = tests::database().await;
    let client = database.client().await;
    client
        .simple_query("CREATE TABLE victim (a int8); INSERT INTO victim VALUES (1)")
        .await
        .expect("a victim");
    let mut session = session(&database).await;
    for name in [
        "t; DROP TABLE victim; --",
        "t\" ; DROP TABLE victim; --",
        "t'; DROP TABLE victim; --",
        "victim\" WHERE \"a\" = 1 OR \"1\"=\"1",
        "t/*",
        "*/ t",
        "t\\",
        "$1",
        "$$",
        "E'x'",
        "select",
        "üñí",
        "a b\tc\nd",
        "\u{202e}evil",
        "t--",
        "'",
        "\"",
        "%s",
        "{}",
        "(a)",
        "a.b",
    ] {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let column = if name.len() < 60 { name } else { "a" };
        let definition = TableDefinition {
            columns: vec![super::column(column, DataType::Int64)],
            ..TableDefinition::default()
        };
        assert_eq!(
            session.create_table(&quoted, &definition, false).await,
            Ok(true),
            "{name}"
        );
        let row = [field(column, Value::Int64(5))];
        assert_eq!(
            session
                .insert(&quoted, &row, &Returning::AllColumns)
                .await
                .expect(name)
                .count,
            1
        );
        let target = matching(is(column, Value::Int64(5)));
        let change = [assign(column, Change::Add(Value::Int64(1)))];
        assert_eq!(
            session
                .update(&quoted, &change, &target, &Returning::Nothing)
                .await
                .expect(name)
                .count,
            1
        );
        let batch = Batch {
            columns: vec![column.to_owned()],
            rows: vec![vec![Some(Value::Int64(7))]; 2],
        };
        session
            .batch_insert(&quoted, &batch, None, &Returning::AllColumns)
            .await
            .expect(name);
        let order_by = vec![Ordering {
            column: column.to_owned(),
            descending: true,
            nulls: None,
        }];
        let selection = Selection {
            columns: vec![column.to_owned()],
            order_by,
            ..Selection::default()
        };
        let rows = session.select(&quoted, &selection).await.expect(name);
        assert_eq!(
            (numbers(&rows), rows.columns()[0].name.as_str()),
            (vec![7, 7, 6], column)
        );
        assert_eq!(
            session
                .delete(&quoted, &Target::AllRows, &Returning::Nothing)
                .await
                .expect(name)
                .count,
            3
        );
        assert_eq!(
            session.drop_table(&quoted, false, false).await,
            Ok(true),
            "{name}"
        );
        // The same texts as they are name no table, or nothing at all.
        if let Ok(count) = session.count(name, &[]).await {
            panic!("{name} counted {count}");
        }
        let found = session
            .count("victim", &[is("a", Value::Text(name.into()))])
            .await;
        assert!(
            matches!(found, Err(Error::Conversion(_))),
            "{name}: {found:?}"
        );
    }
    assert_eq!(session.count("victim", &[]).await, Ok(1));
}
