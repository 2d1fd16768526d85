//! What was defined is what is described, for definitions of every shape.

use host::database::{
    Check, ColumnDefinition, ColumnDescription, DataType, DefaultValue, ForeignKey, Limits,
    Operator, ReferentialAction, ServerKind, TableDefinition, UniqueKey, Value,
};
use tests::Random;

use super::{describe, run};
use crate::operations::{condition, limited, names, text};

const NAMES: [&str; 8] = [
    "plain",
    "Upper",
    "with space",
    "dot.ted",
    "quo\"ted",
    "ünïcode",
    "select",
    "'; --",
];

fn data_type(random: &mut Random) -> DataType {
    let size = |random: &mut Random| u32::try_from(random.below(30) + 2).expect("small");
    let precision = size(random);
    let all = [
        DataType::Boolean,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::Float32,
        DataType::Float64,
        DataType::Decimal,
        DataType::Numeric {
            precision,
            scale: u32::try_from(random.below(3)).expect("small"),
        },
        DataType::Text,
        DataType::Varchar(size(random)),
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
        DataType::Bit(size(random)),
        DataType::Named("mood".to_owned()),
        DataType::Named("sales.\"odd.mood\"".to_owned()),
    ];
    random.pick(&all).clone()
}

/// As the database names it.
fn type_name(column: &ColumnDefinition) -> String {
    let name = match &column.data_type {
        DataType::Boolean => "bool".to_owned(),
        DataType::Int16 => "int2".to_owned(),
        DataType::Int32 => "int4".to_owned(),
        DataType::Int64 => "int8".to_owned(),
        DataType::Float32 => "float4".to_owned(),
        DataType::Float64 => "float8".to_owned(),
        DataType::Decimal => "numeric".to_owned(),
        DataType::Numeric { precision, scale } => format!("numeric({precision},{scale})"),
        DataType::Text => "text".to_owned(),
        DataType::Varchar(size) => format!("varchar({size})"),
        DataType::Bytes => "bytea".to_owned(),
        DataType::Uuid => "uuid".to_owned(),
        DataType::Date => "date".to_owned(),
        DataType::Time => "time".to_owned(),
        DataType::TimeTz => "timetz".to_owned(),
        DataType::Timestamp => "timestamp".to_owned(),
        DataType::TimestampTz => "timestamptz".to_owned(),
        DataType::Interval => "interval".to_owned(),
        DataType::Json => "jsonb".to_owned(),
        DataType::Vector(size) => format!("vector({size})"),
        DataType::Inet => "inet".to_owned(),
        DataType::Bit(size) => format!("bit({size})"),
        DataType::Named(name) => name.replace('"', ""),
    };
    let brackets = if column.is_array { "[]" } else { "" };
    format!("{name}{brackets}")
}

fn default(random: &mut Random, data_type: &DataType, is_array: bool) -> Option<DefaultValue> {
    if is_array {
        let empty = DefaultValue::Constant(Value::Array(vec![]));
        return random.once_in(2).then_some(empty);
    }
    let default = match data_type {
        DataType::Int64 if random.once_in(2) => DefaultValue::UniqueId,
        DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            DefaultValue::Constant(Value::Int64(7))
        }
        DataType::Text => DefaultValue::Constant(text("it's")),
        DataType::Uuid => DefaultValue::RandomUuid,
        DataType::Date | DataType::TimestampTz => DefaultValue::CurrentTimestamp,
        DataType::Json => DefaultValue::Constant(Value::Json("{}".into())),
        _ => return None,
    };
    random.once_in(2).then_some(default)
}

/// Columns that references can begin at, and others.
fn columns(random: &mut Random) -> Vec<ColumnDefinition> {
    let plain = |name: &str, data_type| ColumnDefinition {
        name: name.to_owned(),
        data_type,
        is_array: false,
        not_null: false,
        default: None,
    };
    let mut columns = vec![
        plain("number", DataType::Int64),
        plain("word", DataType::Text),
    ];
    let used = random.below(NAMES.len());
    for name in NAMES
        .iter()
        .cycle()
        .skip(used)
        .take(random.below(NAMES.len() + 1))
    {
        let data_type = data_type(random);
        let is_array = random.once_in(4);
        columns.push(ColumnDefinition {
            is_array,
            not_null: random.once_in(3),
            default: default(random, &data_type, is_array),
            ..plain(name, data_type)
        });
    }
    let places = columns.len();
    columns.swap(random.below(places), random.below(places));
    columns
}

fn action(random: &mut Random) -> ReferentialAction {
    *random.pick(&[
        ReferentialAction::NoAction,
        ReferentialAction::Cascade,
        ReferentialAction::SetNull,
        ReferentialAction::SetDefault,
    ])
}

fn definition(random: &mut Random) -> TableDefinition {
    let columns = columns(random);
    // JSON and arrays are no keys everywhere; the other columns are.
    let of_keys: Vec<&str> = columns
        .iter()
        .filter(|column| {
            !column.is_array
                && matches!(
                    column.data_type,
                    DataType::Text | DataType::Uuid | DataType::Int64
                )
        })
        .filter(|column| !matches!(column.name.as_str(), "number" | "word"))
        .map(|column| column.name.as_str())
        .collect();
    let primary_key = names(&of_keys[..random.below(of_keys.len() + 1)]);
    let unique = |name: Option<&str>, columns: &[&str]| UniqueKey {
        name: name.map(ToOwned::to_owned),
        columns: names(columns),
    };
    let mut unique_keys = Vec::new();
    if random.once_in(2) {
        unique_keys.push(unique(Some("a \"named\" key"), &["word", "number"]));
    }
    if random.once_in(2) {
        unique_keys.push(unique(None, &["number"]));
    }
    let mut foreign_keys = Vec::new();
    let mut refer =
        |random: &mut Random, name: Option<&str>, columns: &[&str], referenced: &[&str]| {
            foreign_keys.push(ForeignKey {
                name: name.map(ToOwned::to_owned),
                columns: names(columns),
                referenced_table: "sales.\"my.parent\"".to_owned(),
                referenced_columns: names(referenced),
                on_delete: action(random),
                on_update: action(random),
            });
        };
    if random.once_in(2) {
        refer(
            random,
            Some("to parent"),
            &["number", "word"],
            &["k1", "k2"],
        );
    }
    if random.once_in(2) {
        refer(random, None, &["number"], &["u"]);
    }
    let small = Check {
        name: random.once_in(2).then(|| "small".to_owned()),
        conditions: vec![condition("number", Operator::Lt, &[Value::Int64(9)])],
    };
    TableDefinition {
        primary_key,
        unique_keys,
        foreign_keys,
        checks: if random.once_in(2) {
            vec![small]
        } else {
            vec![]
        },
        columns,
    }
}

/// What the description of a column has to say, but for the words of its default.
fn expected(
    definition: &TableDefinition,
    column: &ColumnDefinition,
) -> (String, String, bool, bool) {
    let is_required = column.not_null
        || definition.primary_key.contains(&column.name)
        || column.default == Some(DefaultValue::UniqueId);
    (
        column.name.clone(),
        type_name(column),
        is_required,
        column.default.is_some(),
    )
}

fn seen(column: &ColumnDescription) -> (String, String, bool, bool) {
    let ColumnDescription {
        name,
        type_name,
        not_null,
        default_text,
    } = column;
    (
        name.clone(),
        type_name.clone(),
        *not_null,
        default_text.is_some(),
    )
}

fn unique_columns(keys: &[UniqueKey]) -> Vec<Vec<String>> {
    let mut keys: Vec<_> = keys.iter().map(|key| key.columns.clone()).collect();
    keys.sort();
    keys
}

fn references(keys: &[ForeignKey]) -> Vec<String> {
    let mut keys: Vec<_> = keys
        .iter()
        .map(|key| {
            format!(
                "{:?}",
                ForeignKey {
                    name: None,
                    ..key.clone()
                }
            )
        })
        .collect();
    keys.sort();
    keys
}

#[tokio::test]
async fn what_was_defined_is_described() {
    let database = tests::database().await;
    let sql = "CREATE SCHEMA sales; CREATE TYPE mood AS ENUM ('happy'); CREATE TYPE sales.\"odd.mood\" AS ENUM ('sad'); \
        CREATE TABLE sales.\"my.parent\" (k1 int8, k2 text, u int8 UNIQUE, PRIMARY KEY (k1, k2))";
    run(&database, sql).await;
    let connected = database.connect().await;
    let mut session = limited(&connected, Limits::default());
    let mut random = Random::new(7);
    for turn in 0..150 {
        let definition = definition(&mut random);
        let table = if turn % 3 == 0 {
            "sales.\"the.table\""
        } else {
            "t"
        };
        let made = session.create_table(table, &definition, false).await;
        assert_eq!(made, Ok(true), "{turn}: {definition:?}");
        let described = describe(&mut session, table).await;
        let wanted: Vec<_> = definition
            .columns
            .iter()
            .map(|column| expected(&definition, column))
            .collect();
        let columns: Vec<_> = described.columns.iter().map(seen).collect();
        assert_eq!(columns, wanted, "{turn}");
        assert_eq!(described.primary_key, definition.primary_key, "{turn}");
        assert_eq!(
            unique_columns(&described.unique_keys),
            unique_columns(&definition.unique_keys),
            "{turn}"
        );
        assert_eq!(
            references(&described.foreign_keys),
            references(&definition.foreign_keys),
            "{turn}"
        );
        for name in definition
            .unique_keys
            .iter()
            .filter_map(|key| key.name.as_ref())
        {
            assert!(
                described
                    .unique_keys
                    .iter()
                    .any(|key| key.name.as_ref() == Some(name)),
                "{turn}"
            );
        }
        for name in definition
            .foreign_keys
            .iter()
            .filter_map(|key| key.name.as_ref())
        {
            assert!(
                described
                    .foreign_keys
                    .iter()
                    .any(|key| key.name.as_ref() == Some(name)),
                "{turn}"
            );
        }
        let unique_ids = definition.columns.iter().zip(&described.columns);
        for (column, described) in unique_ids {
            if column.default == Some(DefaultValue::UniqueId) {
                let words = match connected.server().kind {
                    ServerKind::CockroachDb => "unique_rowid()",
                    ServerKind::PostgreSql => "GENERATED BY DEFAULT AS IDENTITY",
                };
                assert_eq!(described.default_text.as_deref(), Some(words));
            }
        }
        assert_eq!(
            session.drop_table(table, false, false).await,
            Ok(true),
            "{turn}"
        );
    }
}
