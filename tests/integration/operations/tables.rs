//! Making and removing tables.

use host::database::{
    ColumnDefinition, DataType, DefaultValue, Error, ErrorKind, Operator, Returning,
    TableDefinition, Value,
};

use super::{
    accounts, column, condition, database_error, decimal, field, kind, names, session, text,
    values, with_accounts,
};

#[tokio::test]
async fn a_table_is_made_and_dropped_once() {
    let database = tests::database().await;
    let mut session = session(&database).await;
    assert_eq!(
        session.create_table("accounts", &accounts(), false).await,
        Ok(true)
    );
    assert_eq!(
        session.create_table("accounts", &accounts(), true).await,
        Ok(false)
    );
    assert_eq!(
        kind(session.create_table("accounts", &accounts(), false).await),
        ErrorKind::DuplicateObject
    );
    assert_eq!(session.drop_table("accounts", false, false).await, Ok(true));
    assert_eq!(session.drop_table("accounts", true, false).await, Ok(false));
    assert_eq!(
        session.drop_table("nowhere.accounts", true, false).await,
        Ok(false)
    );
    assert_eq!(
        kind(session.drop_table("accounts", false, false).await),
        ErrorKind::UndefinedTable
    );
}

#[tokio::test]
async fn every_type_and_default_makes_a_column() {
    let database = tests::database().await;
    let client = database.client().await;
    client
        .simple_query("CREATE TYPE mood AS ENUM ('happy')")
        .await
        .expect("a type");
    let mut session = session(&database).await;
    let types = [
        DataType::Boolean,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::Float32,
        DataType::Float64,
        DataType::Decimal,
        DataType::Numeric {
            precision: 10,
            scale: 2,
        },
        DataType::Text,
        DataType::Varchar(20),
        DataType::Bytes,
        DataType::Uuid,
        DataType::Date,
        DataType::Time,
        DataType::TimeTz,
        DataType::Timestamp,
        DataType::TimestampTz,
        DataType::Interval,
        DataType::Json,
        DataType::Inet,
        DataType::Bit(4),
        DataType::Named("mood".to_owned()),
    ];
    let mut columns: Vec<ColumnDefinition> = Vec::new();
    for (number, data_type) in types.into_iter().enumerate() {
        let one = column(&format!("c{number}"), data_type);
        columns.push(ColumnDefinition {
            name: format!("a{number}"),
            is_array: true,
            ..one.clone()
        });
        columns.push(one);
    }
    let default = |name: &str, data_type, value| ColumnDefinition {
        default: Some(value),
        ..column(name, data_type)
    };
    let tricky = "it's \\ \"quoted\"; DROP TABLE t; --";
    columns.push(default("id", DataType::Int64, DefaultValue::UniqueId));
    columns.push(default("u", DataType::Uuid, DefaultValue::RandomUuid));
    columns.push(default("d", DataType::Date, DefaultValue::CurrentTimestamp));
    columns.push(default(
        "s",
        DataType::TimestampTz,
        DefaultValue::CurrentTimestamp,
    ));
    columns.push(default(
        "t",
        DataType::Text,
        DefaultValue::Constant(text(tricky)),
    ));
    columns.push(default(
        "b",
        DataType::Bytes,
        DefaultValue::Constant(Value::Bytes(vec![0, 92].into())),
    ));
    let definition = TableDefinition {
        columns,
        ..TableDefinition::default()
    };
    assert_eq!(
        session.create_table("t", &definition, false).await,
        Ok(true)
    );
    let written = session
        .insert("t", &[], &Returning::Columns(names(&["t", "b", "id", "u"])))
        .await
        .expect("inserted");
    let rows = written.rows.expect("they were asked for");
    assert_eq!(
        values(&rows)[0][..3],
        [
            text(tricky),
            Value::Bytes(vec![0, 92].into()),
            Value::Int64(1)
        ]
    );
}

#[tokio::test]
async fn constraints_are_made_and_named_by_what_violates_them() {
    use host::database::{Check, ForeignKey, ReferentialAction};
    let (_database, mut session) = with_accounts().await;
    let definition = TableDefinition {
        columns: vec![
            column("account", DataType::Int64),
            column("amount", DataType::Int32),
        ],
        foreign_keys: vec![ForeignKey {
            name: Some("of_account".to_owned()),
            columns: names(&["account"]),
            referenced_table: "accounts".to_owned(),
            referenced_columns: vec![],
            on_delete: ReferentialAction::Cascade,
            on_update: ReferentialAction::NoAction,
        }],
        checks: vec![Check {
            name: Some("small".to_owned()),
            conditions: vec![condition(
                "amount",
                Operator::Between,
                &[Value::Int64(1), Value::Int64(9)],
            )],
        }],
        ..TableDefinition::default()
    };
    session
        .create_table("payments", &definition, false)
        .await
        .expect("a table");
    let mut pay = async |account, amount| {
        let fields = [
            field("account", Value::Int64(account)),
            field("amount", Value::Int64(amount)),
        ];
        session
            .insert("payments", &fields, &Returning::Nothing)
            .await
    };
    assert_eq!(pay(1, 9).await.expect("inserted").count, 1);
    let error = database_error(pay(7, 9).await);
    assert_eq!(
        (error.kind, error.constraint.as_deref()),
        (ErrorKind::ForeignKeyViolation, Some("of_account"))
    );
    let error = database_error(pay(1, 10).await);
    assert_eq!(
        (error.kind, error.constraint.as_deref()),
        (ErrorKind::CheckViolation, Some("small"))
    );
}

#[tokio::test]
async fn a_definition_that_contradicts_itself_is_invalid() {
    let database = tests::database().await;
    let mut session = session(&database).await;
    let constant = |data_type, value| {
        let default = Some(DefaultValue::Constant(value));
        let columns = vec![ColumnDefinition {
            default,
            ..column("a", data_type)
        }];
        TableDefinition {
            columns,
            ..TableDefinition::default()
        }
    };
    for definition in [
        constant(DataType::Int64, decimal("1.5")),
        constant(DataType::Int16, Value::Int64(40_000)),
        constant(DataType::Date, text("no day")),
        constant(DataType::Json, Value::Json("{".into())),
        constant(
            DataType::Numeric {
                precision: 2,
                scale: 0,
            },
            Value::Int64(1_000),
        ),
        constant(
            DataType::Numeric {
                precision: 2_000,
                scale: 0,
            },
            Value::Int64(1),
        ),
        constant(DataType::Varchar(0), Value::Null),
    ] {
        let result = session.create_table("t", &definition, false).await;
        assert!(
            matches!(result, Err(Error::Invalid(_))),
            "{definition:?}: {result:?}"
        );
    }
    let unknown = TableDefinition {
        columns: vec![column("a", DataType::Named("no_type".to_owned()))],
        ..TableDefinition::default()
    };
    assert_eq!(
        kind(session.create_table("t", &unknown, false).await),
        ErrorKind::UndefinedObject
    );
}
