//! Definitions that cannot be, and those that meet what is there.

use host::database::{
    Check, ColumnDefinition, Condition, DataType, Error, ErrorKind, ForeignKey, Limits, Operator,
    ReferentialAction, Returning, ServerKind, TableDefinition, UniqueKey, Value,
};

use super::{constant, run};
use crate::operations::{
    accounts, column, condition, database_error, decimal, field, kind, limited, names, session,
    text,
};

fn of(columns: Vec<ColumnDefinition>) -> TableDefinition {
    TableDefinition {
        columns,
        ..TableDefinition::default()
    }
}

fn unique(name: &str) -> TableDefinition {
    TableDefinition {
        unique_keys: vec![UniqueKey {
            name: Some(name.to_owned()),
            columns: names(&["a"]),
        }],
        ..of(vec![column("a", DataType::Int64)])
    }
}

fn referring(table: &str, columns: &[&str]) -> TableDefinition {
    TableDefinition {
        foreign_keys: vec![ForeignKey {
            name: None,
            columns: names(&["a"]),
            referenced_table: table.to_owned(),
            referenced_columns: names(columns),
            on_delete: ReferentialAction::NoAction,
            on_update: ReferentialAction::NoAction,
        }],
        ..of(vec![column("a", DataType::Int64)])
    }
}

#[tokio::test]
async fn what_the_host_knows_to_be_wrong_is_never_sent() {
    let database = tests::database().await;
    let mut session = session(&database).await;
    let required = |definition: ColumnDefinition| ColumnDefinition {
        not_null: true,
        ..definition
    };
    let keyed = |key: &[&str]| TableDefinition {
        primary_key: names(key),
        ..of(vec![column("a", DataType::Int64)])
    };
    let checked = |condition: Condition| TableDefinition {
        checks: vec![Check {
            name: None,
            conditions: vec![condition],
        }],
        ..of(vec![column("a", DataType::Int64)])
    };
    for definition in [
        of(vec![]),
        of(vec![
            column("a", DataType::Text),
            column("a", DataType::Date),
        ]),
        of(vec![column("", DataType::Text)]),
        of(vec![column("a", DataType::Varchar(0))]),
        of(vec![column(
            "a",
            DataType::Numeric {
                precision: 2,
                scale: 3,
            },
        )]),
        of(vec![required(constant("a", DataType::Int64, Value::Null))]),
        of(vec![constant(
            "a",
            DataType::Numeric {
                precision: 3,
                scale: 1,
            },
            decimal("1.255e1"),
        )]),
        keyed(&["b"]),
        keyed(&["a", "a"]),
        unique("t"),
        referring("t", &["b"]),
        referring("t", &["a"]),
        checked(condition("b", Operator::IsNull, &[])),
        checked(condition("a", Operator::Like, &[text("x")])),
        checked(condition("a", Operator::Eq, &[])),
    ] {
        let refused = session.create_table("t", &definition, true).await;
        assert!(
            matches!(refused, Err(Error::Invalid(_))),
            "{definition:?}: {refused:?}"
        );
    }
    assert_eq!(session.statistics().statements, 0);
}

#[tokio::test]
async fn what_only_the_database_knows_to_be_wrong_is_invalid_too() {
    let database = tests::database().await;
    run(
        &database,
        "CREATE TABLE o (id int8 PRIMARY KEY, other int8, word text UNIQUE)",
    )
    .await;
    let mut session = session(&database).await;
    let many = |number| column(&format!("c{number}"), DataType::Int64);
    for definition in [
        referring("o", &["other"]),
        referring("o", &["word"]),
        of((0..1_700).map(many).collect()),
    ] {
        let refused = session.create_table("t", &definition, false).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
    let missing = session
        .create_table("t", &referring("nowhere", &[]), false)
        .await;
    assert_eq!(kind(missing), ErrorKind::UndefinedTable);
    let missing = session.create_table("nowhere.t", &unique("u"), true).await;
    assert_eq!(kind(missing), ErrorKind::UndefinedTable);
    let missing = session
        .create_table("t", &referring("o", &["nothing"]), false)
        .await;
    assert_eq!(kind(missing), ErrorKind::UndefinedColumn);
    assert_eq!(session.tables(None).await.expect("listed").len(), 1);
}

#[tokio::test]
async fn a_database_without_vectors_says_so() {
    let database = tests::database().await;
    let connected = database.connect().await;
    let mut session = limited(&connected, Limits::default());
    let definition = of(vec![column("a", DataType::Vector(3))]);
    let made = session.create_table("t", &definition, false).await;
    if connected.server().kind == ServerKind::PostgreSql {
        let error = database_error(made);
        assert_eq!(
            (error.kind, error.sqlstate.as_str()),
            (ErrorKind::NotSupported, "0A000")
        );
        assert!(error.message.contains("vector"), "{}", error.message);
    } else {
        assert_eq!(made, Ok(true));
    }
    let unknown = of(vec![column("a", DataType::Named("vectors".to_owned()))]);
    let unknown = session.create_table("u", &unknown, false).await;
    assert_eq!(kind(unknown), ErrorKind::UndefinedObject);
}

#[tokio::test]
async fn an_index_that_is_there_is_not_taken_for_the_table() {
    let database = tests::database().await;
    let connected = database.connect().await;
    let mut session = limited(&connected, Limits::default());
    assert_eq!(
        session.create_table("data", &unique("taken"), true).await,
        Ok(true)
    );
    assert_eq!(
        session.create_table("data", &unique("other"), true).await,
        Ok(false)
    );
    // The names of indexes are those of a schema in one database, and of a table in the other.
    let again = session.create_table("a", &unique("taken"), true).await;
    if connected.server().kind == ServerKind::PostgreSql {
        assert_eq!(kind(again), ErrorKind::DuplicateObject);
        assert_eq!(session.tables(None).await.expect("listed").len(), 1);
    } else {
        assert_eq!(again, Ok(true));
    }
}

#[tokio::test]
async fn of_many_who_make_one_table_one_made_it() {
    let database = tests::database().await;
    let connected = database.connect().await;
    let mut racers: Vec<_> = (0..4)
        .map(|_| limited(&connected, Limits::default()))
        .collect();
    for round in 0..8 {
        let name = format!("raced {round}");
        let definition = accounts();
        let definition = TableDefinition {
            unique_keys: vec![],
            ..definition
        };
        let calls = racers
            .iter_mut()
            .map(|session| session.create_table(&name, &definition, true));
        let outcomes = futures_util::future::join_all(calls).await;
        let made = outcomes
            .iter()
            .filter(|outcome| **outcome == Ok(true))
            .count();
        let found = outcomes
            .iter()
            .filter(|outcome| **outcome == Ok(false))
            .count();
        assert_eq!((made, found), (1, 3), "{outcomes:?}");
    }
}

#[tokio::test]
async fn every_operator_checks_rows() {
    use Operator::{
        Between, Contains, Eq, Ge, Gt, ILike, InList, IsNotNull, IsNull, Le, Like, Lt, Ne,
        NotILike, NotInList, NotLike,
    };
    let database = tests::database().await;
    let mut session = session(&database).await;
    let int = Value::Int64;
    let list = |numbers: &[i64]| Value::Array(numbers.iter().copied().map(int).collect());
    let document = |text: &'static str| Value::Json(text.into());
    let number = |operator, values: &[i64], good, bad| {
        let values: Vec<_> = values.iter().copied().map(int).collect();
        (condition("n", operator, &values), Some(int(good)), int(bad))
    };
    let word = |operator, pattern, good, bad| {
        (
            condition("w", operator, &[text(pattern)]),
            Some(text(good)),
            text(bad),
        )
    };
    let cases = [
        number(Eq, &[5], 5, 6),
        number(Ne, &[5], 6, 5),
        number(Lt, &[5], 4, 5),
        number(Le, &[5], 5, 6),
        number(Gt, &[5], 6, 5),
        number(Ge, &[5], 5, 4),
        number(Between, &[-1, 5], 5, 6),
        number(InList, &[1, 5], 5, 6),
        number(NotInList, &[1, 5], 6, 5),
        word(Like, "it's\\_%", "it's_x", "it'sax"),
        word(NotLike, "a%", "b", "ab"),
        word(ILike, "A%", "ab", "b"),
        word(NotILike, "A%", "b", "ab"),
        word(Eq, "\\'; DROP TABLE t", "\\'; DROP TABLE t", "x"),
        (condition("n", IsNull, &[]), Some(Value::Null), int(1)),
        (condition("n", IsNotNull, &[]), Some(int(1)), Value::Null),
        (
            condition("n", Eq, &[Value::Null]),
            Some(Value::Null),
            int(1),
        ),
        (condition("n", InList, &[]), None, int(1)),
        (
            condition("l", Contains, &[list(&[2])]),
            Some(list(&[1, 2])),
            list(&[1]),
        ),
        (
            condition("l", InList, &[list(&[1]), list(&[])]),
            Some(list(&[])),
            list(&[2]),
        ),
        (
            condition("d", Contains, &[document("{\"a\": 1}")]),
            Some(document("{\"a\": 1, \"b\": 2}")),
            document("{}"),
        ),
        (
            condition("b", Eq, &[Value::Bytes(vec![0, 92].into())]),
            Some(Value::Bytes(vec![0, 92].into())),
            Value::Bytes(vec![0].into()),
        ),
    ];
    for (place, (condition, good, bad)) in cases.into_iter().enumerate() {
        let table = format!("t{place}");
        let name = condition.column.clone();
        let array = ColumnDefinition {
            is_array: true,
            ..column("l", DataType::Int32)
        };
        let definition = TableDefinition {
            checks: vec![Check {
                name: Some("holds".to_owned()),
                conditions: vec![condition],
            }],
            ..of(vec![
                column("n", DataType::Int32),
                column("w", DataType::Text),
                column("d", DataType::Json),
                column("b", DataType::Bytes),
                array,
            ])
        };
        let shown = format!("{:?}", definition.checks);
        assert_eq!(
            session.create_table(&table, &definition, false).await,
            Ok(true),
            "{shown}"
        );
        if let Some(good) = good {
            let inserted = session
                .insert(&table, &[field(&name, good)], &Returning::Nothing)
                .await;
            assert!(inserted.is_ok(), "{shown}: {inserted:?}");
        }
        let refused = session
            .insert(&table, &[field(&name, bad)], &Returning::Nothing)
            .await;
        let error = database_error(refused);
        assert_eq!(
            (error.kind, error.constraint.as_deref()),
            (ErrorKind::CheckViolation, Some("holds")),
            "{shown}"
        );
    }
}
