//! Every database function against a real server, with no guest in sight.

#![expect(
    clippy::panic,
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "these are tests: what is not expected ends them, and lists of cases are long"
)]

use std::time::Duration;

use host::{
    database::{
        Assignment, Batch, Change, ColumnDefinition, Condition, DataType, Database, DatabaseError,
        DefaultValue, Error, ErrorKind, Field, Interval, LimitExceeded, Limits, LockStrength,
        LockWait, Operator, Ordering, Returning, RowLock, Rows, Selection, Session, SessionOptions,
        TableDefinition, Target, TimeoutStep, UniqueKey, Value,
    },
    tenancy::Grants,
};
use tests::TestDatabase;
use tokio::time::Instant;

pub(crate) fn text(text: &'static str) -> Value<'static> {
    Value::Text(text.into())
}

pub(crate) fn decimal(text: &'static str) -> Value<'static> {
    Value::Decimal(text.into())
}

/// A session that may do everything, on a pool of its own.
pub(crate) async fn session(database: &TestDatabase) -> Session {
    limited(&database.connect().await, Limits::default())
}

fn limited(database: &Database, limits: Limits) -> Session {
    granted(database, limits, Grants::all())
}

fn granted(database: &Database, limits: Limits, grants: Grants) -> Session {
    let deadline = Instant::now() + Duration::from_mins(1);
    database.session(SessionOptions {
        grants,
        limits,
        deadline,
    })
}

fn field(column: &str, value: Value<'static>) -> Field {
    Field {
        column: column.to_owned(),
        value,
    }
}

fn condition(column: &str, operator: Operator, values: &[Value<'static>]) -> Condition {
    Condition {
        column: column.to_owned(),
        operator,
        values: values.to_vec(),
        group: None,
    }
}

fn is(column: &str, value: Value<'static>) -> Condition {
    condition(column, Operator::Eq, &[value])
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn assign(column: &str, change: Change) -> Assignment {
    Assignment {
        column: column.to_owned(),
        change,
    }
}

fn column(name: &str, data_type: DataType) -> ColumnDefinition {
    ColumnDefinition {
        name: name.to_owned(),
        data_type,
        is_array: false,
        not_null: false,
        default: None,
    }
}

fn matching(condition: Condition) -> Target {
    Target::Matching(vec![condition])
}

fn values(rows: &Rows) -> Vec<Vec<Value<'_>>> {
    let row = |row| {
        (0..rows.columns().len())
            .map(|column| rows.value(row, column).expect("sound"))
            .collect()
    };
    (0..rows.len()).map(row).collect()
}

fn numbers(rows: &Rows) -> Vec<i64> {
    let number = |row: &Vec<Value<'_>>| match row[0] {
        Value::Int64(number) => number,
        ref other => panic!("{other:?}"),
    };
    values(rows).iter().map(number).collect()
}

fn database_error(result: Result<impl std::fmt::Debug, Error>) -> DatabaseError {
    match result.expect_err("the database refuses it") {
        Error::Database(error) => *error,
        error => panic!("{error:?}"),
    }
}

fn kind(result: Result<impl std::fmt::Debug, Error>) -> ErrorKind {
    database_error(result).kind
}

fn accounts() -> TableDefinition {
    TableDefinition {
        columns: vec![
            ColumnDefinition {
                default: Some(DefaultValue::UniqueId),
                ..column("id", DataType::Int64)
            },
            ColumnDefinition {
                not_null: true,
                ..column("owner", DataType::Text)
            },
            ColumnDefinition {
                default: Some(DefaultValue::Constant(decimal("0.00"))),
                ..column(
                    "balance",
                    DataType::Numeric {
                        precision: 12,
                        scale: 2,
                    },
                )
            },
            column("seen", DataType::TimestampTz),
        ],
        primary_key: names(&["id"]),
        unique_keys: vec![UniqueKey {
            name: Some("one_owner".to_owned()),
            columns: names(&["owner"]),
        }],
        ..TableDefinition::default()
    }
}

/// A session on a database with the accounts of ann, bob and cy.
async fn with_accounts() -> (TestDatabase, Session) {
    let database = tests::database().await;
    let mut session = session(&database).await;
    session
        .create_table("accounts", &accounts(), false)
        .await
        .expect("a table");
    let row = |id, owner, balance| {
        vec![
            Some(Value::Int64(id)),
            Some(text(owner)),
            Some(decimal(balance)),
        ]
    };
    let batch = Batch {
        columns: names(&["id", "owner", "balance"]),
        rows: vec![
            row(1, "ann", "10.50"),
            row(2, "bob", "0.00"),
            row(3, "cy", "-3.25"),
        ],
    };
    session
        .batch_insert("accounts", &batch, None, &Returning::Nothing)
        .await
        .expect("inserted");
    (database, session)
}

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
async fn rows_are_selected_by_conditions_in_order() {
    let (_database, mut session) = with_accounts().await;
    let ordering = |column: &str, descending| Ordering {
        column: column.to_owned(),
        descending,
        nulls: None,
    };
    let selection = Selection {
        columns: names(&["id", "owner", "id"]),
        filter: vec![condition("balance", Operator::Ge, &[Value::Int64(0)])],
        order_by: vec![ordering("balance", true)],
        ..Selection::default()
    };
    let rows = session
        .select("accounts", &selection)
        .await
        .expect("selected");
    assert_eq!(
        values(&rows),
        [
            [Value::Int64(1), text("ann"), Value::Int64(1)],
            [Value::Int64(2), text("bob"), Value::Int64(2)]
        ]
    );
    let by_id = Selection {
        columns: names(&["id"]),
        order_by: vec![ordering("id", false)],
        ..Selection::default()
    };
    let page = Selection {
        limit: Some(1),
        offset: Some(1),
        ..by_id.clone()
    };
    assert_eq!(
        numbers(&session.select("accounts", &page).await.expect("selected")),
        [2]
    );
    let none = Selection {
        limit: Some(0),
        ..by_id
    };
    let rows = session.select("accounts", &none).await.expect("selected");
    assert_eq!((rows.len(), rows.columns().len()), (0, 1));
}

#[tokio::test]
async fn every_operator_finds_what_it_says() {
    use Operator::{
        Between, Contains, Eq, Ge, Gt, ILike, InList, IsNotNull, IsNull, Le, Like, Lt, Ne,
        NotILike, NotInList, NotLike,
    };
    let database = tests::database().await;
    let statement = "CREATE TABLE t (id int8, n int4, word text, doc jsonb, list int4[]); \
        INSERT INTO t VALUES (1, 10, 'Ab%c', '{\"a\": [1, 2]}', '{1,2,3}'), (2, 20, 'abc', '{\"b\": 1}', '{}'), (3, NULL, NULL, NULL, NULL)";
    database
        .client()
        .await
        .simple_query(statement)
        .await
        .expect("rows");
    let mut session = session(&database).await;
    let int = Value::Int64;
    let ints = |numbers: &[i64]| Value::Array(numbers.iter().copied().map(int).collect());
    for (found, conditions) in [
        (vec![1], vec![condition("n", Eq, &[int(10)])]),
        (vec![2], vec![condition("n", Ne, &[int(10)])]),
        (vec![3], vec![condition("n", Eq, &[Value::Null])]),
        (vec![1, 2], vec![condition("n", Ne, &[Value::Null])]),
        (vec![3], vec![condition("n", IsNull, &[])]),
        (vec![1, 2], vec![condition("n", IsNotNull, &[])]),
        (vec![1], vec![condition("n", Lt, &[int(20)])]),
        (vec![1, 2], vec![condition("n", Le, &[int(20)])]),
        (vec![2], vec![condition("n", Gt, &[int(10)])]),
        (vec![1, 2], vec![condition("n", Ge, &[int(10)])]),
        (
            vec![1, 2],
            vec![condition("n", Between, &[int(10), int(20)])],
        ),
        (vec![], vec![condition("n", Between, &[int(20), int(10)])]),
        (vec![2], vec![condition("n", InList, &[int(20), int(30)])]),
        (vec![], vec![condition("n", InList, &[])]),
        (vec![1], vec![condition("n", NotInList, &[int(20)])]),
        (vec![1, 2, 3], vec![condition("n", NotInList, &[])]),
        (
            vec![1],
            vec![condition(
                "word",
                InList,
                &[text("Ab%c"), text("\"'\\{},NULL")],
            )],
        ),
        (
            vec![1],
            vec![condition("list", InList, &[ints(&[1, 2, 3]), ints(&[9])])],
        ),
        (vec![2], vec![condition("word", Like, &[text("a%")])]),
        (vec![1], vec![condition("word", Like, &[text("%\\%_")])]),
        (vec![1], vec![condition("word", NotLike, &[text("a%")])]),
        (vec![1, 2], vec![condition("word", ILike, &[text("a%")])]),
        (vec![2], vec![condition("word", NotILike, &[text("%\\%%")])]),
        (
            vec![1],
            vec![condition(
                "doc",
                Contains,
                &[Value::Json("{\"a\": [2]}".into())],
            )],
        ),
        (vec![1], vec![condition("list", Contains, &[ints(&[3, 1])])]),
        (vec![], vec![is("n", int(10)), is("word", text("abc"))]),
        (
            vec![1, 2],
            vec![
                Condition {
                    group: Some(1),
                    ..is("n", int(10))
                },
                Condition {
                    group: Some(1),
                    ..is("word", text("abc"))
                },
            ],
        ),
    ] {
        let order_by = vec![Ordering {
            column: "id".to_owned(),
            descending: false,
            nulls: None,
        }];
        let selection = Selection {
            columns: names(&["id"]),
            filter: conditions.clone(),
            order_by,
            ..Selection::default()
        };
        let rows = session
            .select("t", &selection)
            .await
            .unwrap_or_else(|error| panic!("{conditions:?}: {error}"));
        assert_eq!(numbers(&rows), found, "{conditions:?}");
        assert_eq!(
            session.count("t", &conditions).await,
            Ok(found.len() as u64)
        );
    }
}

#[tokio::test]
async fn one_row_is_the_first_and_the_only_one_if_asked() {
    let (_database, mut session) = with_accounts().await;
    let selection = |filter| Selection {
        columns: names(&["id"]),
        filter,
        order_by: vec![Ordering {
            column: "id".to_owned(),
            descending: true,
            nulls: None,
        }],
        ..Selection::default()
    };
    let all = selection(vec![]);
    assert_eq!(
        numbers(
            &session
                .select_one("accounts", &all, false)
                .await
                .expect("selected")
        ),
        [3]
    );
    assert_eq!(
        kind(session.select_one("accounts", &all, true).await),
        ErrorKind::CardinalityViolation
    );
    let bob = selection(vec![is("owner", text("bob"))]);
    assert_eq!(
        numbers(
            &session
                .select_one("accounts", &bob, true)
                .await
                .expect("selected")
        ),
        [2]
    );
    let nobody = selection(vec![is("owner", text("nobody"))]);
    let rows = session
        .select_one("accounts", &nobody, true)
        .await
        .expect("selected");
    assert_eq!((rows.len(), rows.columns().len()), (0, 1));
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

#[tokio::test]
async fn a_batch_keeps_its_order_and_fills_in_defaults() {
    let (_database, mut session) = with_accounts().await;
    let row = |number: i64| {
        let balance = (number % 3 != 0).then_some(Value::Int64(number));
        let seen = (number % 2 != 0).then_some(Value::TimestampTz(number));
        let owner = Value::Text(format!("owner {number}").into());
        vec![
            Some(Value::Int64(1_000 - number)),
            Some(owner),
            balance,
            seen,
        ]
    };
    let columns = names(&["id", "owner", "balance", "seen"]);
    let batch = Batch {
        columns,
        rows: (0..900).map(row).collect(),
    };
    let returning = Returning::Columns(names(&["owner", "balance", "seen"]));
    let written = session
        .batch_insert("accounts", &batch, None, &returning)
        .await
        .expect("inserted");
    let rows = written.rows.expect("they were asked for");
    assert_eq!((written.count, rows.len()), (900, 900));
    for (number, row) in (0..).zip(values(&rows)) {
        let balance = if number % 3 == 0 {
            "0.00".to_owned()
        } else {
            format!("{number}.00")
        };
        let seen = if number % 2 == 0 {
            Value::Null
        } else {
            Value::TimestampTz(number)
        };
        let owner = Value::Text(format!("owner {number}").into());
        assert_eq!(row, [owner, Value::Decimal(balance.into()), seen]);
    }
}

#[tokio::test]
async fn a_batch_of_nothing_but_defaults_and_one_of_nothing_work() {
    let database = tests::database().await;
    database
        .client()
        .await
        .simple_query("CREATE TABLE t (a int8 DEFAULT 7, b text)")
        .await
        .expect("a table");
    let mut session = session(&database).await;
    let batch = Batch {
        columns: names(&["a", "b"]),
        rows: vec![vec![None, None]; 3],
    };
    let written = session
        .batch_insert("t", &batch, None, &Returning::AllColumns)
        .await
        .expect("inserted");
    assert_eq!(
        values(&written.rows.expect("they were asked for")),
        vec![[Value::Int64(7), Value::Null]; 3]
    );
    let nothing = Batch {
        columns: names(&["a"]),
        rows: vec![],
    };
    let written = session
        .batch_insert("t", &nothing, None, &Returning::AllColumns)
        .await
        .expect("inserted");
    let rows = written.rows.expect("they were asked for");
    assert_eq!((written.count, rows.len(), rows.columns().len()), (0, 0, 2));
}

#[tokio::test]
async fn a_batch_is_all_or_nothing_at_any_size() {
    let (_database, mut session) = with_accounts().await;
    let row = |number: i64| {
        let owner = if number == 24_999 {
            "ann".to_owned()
        } else {
            format!("owner {number}")
        };
        vec![
            Some(Value::Int64(1_000 + number)),
            Some(Value::Text(owner.into())),
        ]
    };
    let columns = names(&["id", "owner"]);
    let mut batch = Batch {
        columns,
        rows: (0..25_000).map(row).collect(),
    };
    let error = database_error(
        session
            .batch_insert("accounts", &batch, None, &Returning::Nothing)
            .await,
    );
    assert_eq!(
        (error.kind, error.constraint.as_deref()),
        (ErrorKind::UniqueViolation, Some("one_owner"))
    );
    assert_eq!(session.count("accounts", &[]).await, Ok(3));
    batch.rows.pop();
    let written = session
        .batch_insert("accounts", &batch, None, &Returning::Nothing)
        .await
        .expect("inserted");
    assert_eq!(
        (written.count, session.count("accounts", &[]).await),
        (24_999, Ok(25_002))
    );
}

#[tokio::test]
async fn a_batch_follows_a_column_that_changed_its_type() {
    let database = tests::database().await;
    let client = database.client().await;
    client
        .simple_query("CREATE TABLE t (a int8)")
        .await
        .expect("a table");
    let mut session = session(&database).await;
    let batch = |value| Batch {
        columns: names(&["a"]),
        rows: vec![vec![Some(value)]],
    };
    session
        .batch_insert("t", &batch(Value::Int64(1)), None, &Returning::Nothing)
        .await
        .expect("inserted");
    client
        .simple_query("ALTER TABLE t ALTER a TYPE text")
        .await
        .expect("changed");
    session
        .batch_insert("t", &batch(text("one")), None, &Returning::Nothing)
        .await
        .expect("inserted");
    assert_eq!(session.count("t", &[]).await, Ok(2));
}

#[tokio::test]
async fn every_single_statement_is_one_round_trip() {
    let (_database, mut session) = with_accounts().await;
    let selection = Selection::default();
    let target = matching(is("id", Value::Int64(1)));
    let changes = [assign("balance", Change::Add(Value::Int64(1)))];
    let mut before = session.statistics();
    let mut check = |name: &str, session: &Session, expected: u64| {
        let now = session.statistics();
        assert_eq!(now.round_trips - before.round_trips, expected, "{name}");
        before = now;
    };
    session
        .select("accounts", &selection)
        .await
        .expect("selected");
    check("select", &session, 1);
    session
        .select_one("accounts", &selection, false)
        .await
        .expect("selected");
    check("select-one", &session, 1);
    session.count("accounts", &[]).await.expect("counted");
    check("count", &session, 1);
    let fields = [field("owner", text("dan")), field("id", Value::Int64(50))];
    session
        .insert("accounts", &fields, &Returning::AllColumns)
        .await
        .expect("inserted");
    check("insert", &session, 1);
    session
        .update("accounts", &changes, &target, &Returning::Nothing)
        .await
        .expect("updated");
    check("update", &session, 1);
    session
        .delete("accounts", &target, &Returning::Nothing)
        .await
        .expect("deleted");
    check("delete", &session, 1);
    session
        .query("SELECT $1::int8", &[Value::Int64(1)])
        .await
        .expect("selected");
    check("query", &session, 1);
    session
        .execute("UPDATE accounts SET balance = $1", &[Value::Float64(0.5)])
        .await
        .expect("updated");
    check("execute", &session, 1);
    let batch = |id| Batch {
        columns: names(&["id", "owner", "balance"]),
        rows: vec![vec![
            Some(Value::Int64(id)),
            Some(Value::Text(id.to_string().into())),
            Some(Value::Null),
        ]],
    };
    session
        .batch_insert("accounts", &batch(60), None, &Returning::AllColumns)
        .await
        .expect("inserted");
    check("batch-insert into known columns", &session, 1);
    session
        .drop_table("accounts", false, false)
        .await
        .expect("dropped");
    check("drop-table", &session, 1);
    session
        .create_table("accounts", &accounts(), false)
        .await
        .expect("made");
    check("create-table", &session, 1);
    session
        .batch_insert("accounts", &batch(61), None, &Returning::Nothing)
        .await
        .expect("inserted");
    check("batch-insert into new columns", &session, 2);
}

#[tokio::test]
async fn sql_text_is_one_statement_with_as_many_parameters_as_it_names() {
    let (_database, mut session) = with_accounts().await;
    let rows = session
        .query("SELECT 1 AS a, 'x'::text AS a, NULL::date AS b", &[])
        .await
        .expect("selected");
    assert_eq!(values(&rows), [[Value::Int64(1), text("x"), Value::Null]]);
    let rows = session
        .query("UPDATE accounts SET seen = now()", &[])
        .await
        .expect("updated");
    assert_eq!((rows.len(), rows.columns().len()), (0, 0));
    let rows = session
        .query(
            "UPDATE accounts SET seen = NULL WHERE id < $1 RETURNING id",
            &[Value::Int64(2)],
        )
        .await;
    assert_eq!(numbers(&rows.expect("updated")), [1]);
    assert_eq!(session.execute("SELECT * FROM accounts", &[]).await, Ok(3));
    assert_eq!(
        session
            .execute(
                "DELETE FROM accounts WHERE id = $1 RETURNING *",
                &[Value::Int64(1)]
            )
            .await,
        Ok(1)
    );
    for (sql, parameters) in [
        ("SELECT 1; SELECT 2", &[][..]),
        ("", &[]),
        ("SELECT $1::int8", &[]),
        ("SELECT $1::int8", &[Value::Int64(1), Value::Int64(2)]),
    ] {
        let result = session.query(sql, parameters).await;
        assert!(
            matches!(result, Err(Error::Invalid(_))),
            "{sql}: {result:?}"
        );
    }
    let long = format!("SELECT 1 -- {}", "x".repeat(64 << 10));
    let result = session.query(&long, &[]).await;
    let expected = LimitExceeded {
        name: "sql-text-bytes",
        used: long.len() as u64,
        maximum: 64 << 10,
    };
    assert_eq!(result.expect_err("it is too long"), Error::Limit(expected));
}

#[tokio::test]
async fn errors_of_sql_text_say_where_and_what_to_do() {
    let (_database, mut session) = with_accounts().await;
    let error = database_error(session.query("SELECT wrong FROM accounts", &[]).await);
    assert_eq!(
        (error.kind, error.position),
        (ErrorKind::UndefinedColumn, Some(8))
    );
    let error = database_error(session.query("SELEKT", &[]).await);
    assert_eq!(
        (error.kind, error.sqlstate.as_str()),
        (ErrorKind::SyntaxError, "42601")
    );
    assert_eq!(
        kind(session.query("SELECT * FROM nowhere", &[]).await),
        ErrorKind::UndefinedTable
    );
    assert_eq!(
        kind(session.query("SELECT 1 / 0", &[]).await),
        ErrorKind::DataException
    );
    for sql in ["SELECT jsonb_build_object('a', $1)", "SELECT $1 + $2"] {
        let parameters = [text("1"), text("2")];
        let error = database_error(
            session
                .query(sql, &parameters[..sql.matches('$').count()])
                .await,
        );
        let hint = error.hint.expect("there is a hint");
        assert!(hint.contains("$1::type"), "{hint}");
    }
    let error = session
        .query("SELECT * FROM accounts WHERE id = $1", &[text("x")])
        .await
        .expect_err("no number");
    assert!(
        matches!(error, Error::Conversion(ref error) if error.column == "$1" && error.type_name == "bigint"),
        "{error:?}"
    );
}

#[tokio::test]
async fn grants_bind_sql_text() {
    let database = tests::database().await;
    let connected = database.connect().await;
    let mut session = granted(
        &connected,
        Limits::default(),
        "sql".parse().expect("a grant"),
    );
    for sql in [
        "CREATE TABLE t (a int8)",
        "/* x */ drop table t",
        "SELECT 1 AS a INTO t",
    ] {
        let error = session
            .execute(sql, &[])
            .await
            .expect_err("it is not granted");
        assert!(
            matches!(error, Error::Denied(ref text) if text.contains("`schema`")),
            "{error:?}"
        );
    }
    for sql in [
        "BEGIN",
        "SET statement_timeout = 0",
        "COPY t TO STDOUT",
        "DO $$ BEGIN END $$",
    ] {
        let result = session.execute(sql, &[]).await;
        assert!(matches!(result, Err(Error::Denied(_))), "{sql}: {result:?}");
    }
    assert_eq!(session.statistics().statements, 0);
    let mut session = granted(&connected, Limits::default(), Grants::all());
    assert_eq!(session.execute("CREATE TABLE t (a int8)", &[]).await, Ok(0));
}

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
            columns: vec![self::column(column, DataType::Int64)],
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

#[tokio::test]
async fn results_have_limits_and_a_write_over_them_is_undone() {
    let database = tests::database().await;
    let connected = database.connect().await;
    let statement =
        "CREATE TABLE t AS SELECT n, repeat('x', 1000) AS fill FROM generate_series(1, 11) AS n";
    database
        .client()
        .await
        .simple_query(statement)
        .await
        .expect("rows");
    let rows = || Limits {
        result_rows: 10,
        ..Limits::default()
    };
    let over =
        |result: Result<Rows, Error>, name: &str| match result.expect_err("it is over the limit") {
            Error::Limit(limit) => assert_eq!(limit.name, name, "{limit}"),
            error => panic!("{error:?}"),
        };
    let mut session = limited(&connected, rows());
    over(
        session.select("t", &Selection::default()).await,
        "result-rows",
    );
    over(session.query("SELECT * FROM t", &[]).await, "result-rows");
    over(
        session.query("DELETE FROM t RETURNING n", &[]).await,
        "result-rows",
    );
    let deleted = session
        .delete("t", &Target::AllRows, &Returning::AllColumns)
        .await;
    over(
        deleted.map(|written| written.rows.expect("they were asked for")),
        "result-rows",
    );
    let changes = [assign("n", Change::Add(Value::Int64(1)))];
    let updated = session
        .update("t", &changes, &Target::AllRows, &Returning::AllColumns)
        .await;
    over(
        updated.map(|written| written.rows.expect("they were asked for")),
        "result-rows",
    );
    let batch = Batch {
        columns: names(&["n"]),
        rows: vec![vec![Some(Value::Int64(0))]; 11],
    };
    let inserted = session
        .batch_insert("t", &batch, None, &Returning::AllColumns)
        .await;
    over(
        inserted.map(|written| written.rows.expect("they were asked for")),
        "result-rows",
    );
    assert_eq!(
        session
            .count(
                "t",
                &[condition(
                    "n",
                    Operator::Between,
                    &[Value::Int64(1), Value::Int64(11)]
                )]
            )
            .await,
        Ok(11)
    );

    let mut session = limited(
        &connected,
        Limits {
            result_bytes: 5_000,
            ..Limits::default()
        },
    );
    over(
        session.select("t", &Selection::default()).await,
        "result-bytes",
    );
    let deleted = session
        .delete("t", &Target::AllRows, &Returning::AllColumns)
        .await;
    over(
        deleted.map(|written| written.rows.expect("they were asked for")),
        "result-bytes",
    );
    over(
        session.query("SELECT 1e100000::numeric", &[]).await,
        "result-bytes",
    );
    assert_eq!(session.count("t", &[]).await, Ok(11));
    assert_eq!(session.execute("SELECT * FROM t", &[]).await, Ok(11));
}

#[tokio::test]
async fn a_run_has_so_many_statements_and_so_much_time() {
    let (database, session) = with_accounts().await;
    session.close().await;
    let connected = database.connect().await;
    let mut session = limited(
        &connected,
        Limits {
            statements: 2,
            ..Limits::default()
        },
    );
    for _ in 0..2 {
        session.count("accounts", &[]).await.expect("counted");
    }
    let expected = LimitExceeded {
        name: "statements",
        used: 3,
        maximum: 2,
    };
    assert_eq!(
        session.count("accounts", &[]).await,
        Err(Error::Limit(expected))
    );
    let used = session
        .limits()
        .into_iter()
        .find(|limit| limit.name == "statements")
        .expect("it is there");
    assert_eq!((used.used, used.maximum), (2, 2));

    let mut session = limited(&connected, Limits::default());
    session.set_statement_timeout(Duration::from_millis(200));
    let begun = Instant::now();
    let result = session.execute("SELECT pg_sleep(20)", &[]).await;
    assert_eq!(result, Err(Error::Timeout(TimeoutStep::Executing)));
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(session.count("accounts", &[]).await, Ok(3));

    let deadline = Instant::now() + Duration::from_millis(200);
    let mut session = connected.session(SessionOptions {
        grants: Grants::all(),
        limits: Limits::default(),
        deadline,
    });
    let result = session.execute("SELECT pg_sleep(20)", &[]).await;
    assert_eq!(result, Err(Error::Timeout(TimeoutStep::Running)));
    assert_eq!(
        session.count("accounts", &[]).await,
        Err(Error::Timeout(TimeoutStep::Running))
    );
}

#[tokio::test]
async fn a_lock_needs_a_transaction() {
    let (_database, mut session) = with_accounts().await;
    let lock = Some(RowLock {
        strength: LockStrength::Exclusive,
        wait: LockWait::Wait,
    });
    let selection = Selection {
        lock,
        ..Selection::default()
    };
    assert!(matches!(
        session.select("accounts", &selection).await,
        Err(Error::Invalid(_))
    ));
}

#[tokio::test]
async fn nothing_of_one_sessions_sql_text_is_left_to_the_next() {
    let database = tests::database().await;
    let connected = database.connect().await;
    let mut one = limited(&connected, Limits::default());
    let set = "SELECT set_config('search_path', 'nowhere', false), set_config('x.y', 'left', false), pg_advisory_lock(1)";
    one.query(set, &[]).await.expect("set");
    one.execute("CREATE TEMPORARY TABLE left_behind (a int8)", &[])
        .await
        .expect("made");
    one.close().await;
    for _ in 0..8 {
        let mut next = limited(&connected, Limits::default());
        let sql = "SELECT current_setting('search_path'), coalesce(current_setting('x.y', true), ''), \
                   (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), \
                   to_regclass('left_behind')::text";
        let rows = next.query(sql, &[]).await.expect("selected");
        assert_eq!(
            values(&rows)[0][1..],
            [text(""), Value::Int64(0), Value::Null]
        );
        assert_ne!(values(&rows)[0][0], text("nowhere"));
    }
}
