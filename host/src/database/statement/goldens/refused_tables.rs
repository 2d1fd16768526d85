//! Definitions that contradict themselves.

use super::{
    condition, names,
    tables::{column, defaulting, table},
    text,
};
use crate::database::{
    Check, ColumnDefinition, DataType, DefaultValue, ForeignKey, Operator, ReferentialAction,
    TableDefinition, UniqueKey, Value,
};

/// All of them, with what is wrong.
pub(super) fn all() -> Vec<(&'static str, TableDefinition)> {
    [columns_and_defaults(), sizes(), constraints()].concat()
}

#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn columns_and_defaults() -> Vec<(&'static str, TableDefinition)> {
    let constant = |data_type, value| {
        table(vec![defaulting(
            "a",
            data_type,
            DefaultValue::Constant(value),
        )])
    };
    let keyed = |columns: &[&str]| TableDefinition {
        primary_key: names(columns),
        ..table(vec![column("a", DataType::Text)])
    };
    vec![
        ("no columns", table(vec![])),
        (
            "a column twice",
            table(vec![
                column("a", DataType::Text),
                column("a", DataType::Text),
            ]),
        ),
        ("a key on no column", keyed(&["b"])),
        ("a key on a column twice", keyed(&["a", "a"])),
        (
            "bytes for text",
            constant(DataType::Text, Value::Bytes(vec![0].into())),
        ),
        (
            "a text too long",
            constant(DataType::Varchar(3), text("four")),
        ),
        (
            "a decimal too exact",
            constant(
                DataType::Numeric {
                    precision: 9,
                    scale: 2,
                },
                Value::Decimal("1.505".into()),
            ),
        ),
        ("too few bits", constant(DataType::Bit(4), text("101"))),
        (
            "an array for one",
            constant(DataType::Int64, Value::Array(vec![Value::Int64(1)])),
        ),
        (
            "a timestamp for a date",
            constant(DataType::Date, Value::Timestamp(0)),
        ),
        (
            "the time for a number",
            table(vec![defaulting(
                "a",
                DataType::Int64,
                DefaultValue::CurrentTimestamp,
            )]),
        ),
        (
            "a unique id for a text",
            table(vec![defaulting(
                "a",
                DataType::Text,
                DefaultValue::UniqueId,
            )]),
        ),
        (
            "a random UUID for a text",
            table(vec![defaulting(
                "a",
                DataType::Text,
                DefaultValue::RandomUuid,
            )]),
        ),
        (
            "a type without a name",
            table(vec![column("a", DataType::Named(String::new()))]),
        ),
        (
            "a check on no column",
            TableDefinition {
                checks: vec![Check {
                    name: None,
                    conditions: vec![condition("b", Operator::IsNull, &[])],
                }],
                ..table(vec![column("a", DataType::Text)])
            },
        ),
    ]
}

/// Refusals of sizes, and of constants by their size.
fn sizes() -> Vec<(&'static str, TableDefinition)> {
    let numeric = |precision, scale| DataType::Numeric { precision, scale };
    let of = |data_type| table(vec![column("a", data_type)]);
    let listed = |value| {
        table(vec![ColumnDefinition {
            is_array: true,
            ..defaulting("a", DataType::Varchar(3), DefaultValue::Constant(value))
        }])
    };
    let required = ColumnDefinition {
        not_null: true,
        ..defaulting("a", DataType::Text, DefaultValue::Constant(Value::Null))
    };
    let exponent = DefaultValue::Constant(Value::Decimal("15.05e-1".into()));
    vec![
        ("no characters", of(DataType::Varchar(0))),
        ("no bits", of(DataType::Bit(0))),
        ("no dimensions", of(DataType::Vector(0))),
        ("no digits", of(numeric(0, 0))),
        ("more decimals than digits", of(numeric(2, 3))),
        (
            "a decimal too exact in another notation",
            table(vec![defaulting("a", numeric(9, 2), exponent)]),
        ),
        (
            "an element too long",
            listed(Value::Array(vec![text("one"), text("four")])),
        ),
        ("elements in a text", listed(text("{four}"))),
        ("NULL for a required column", table(vec![required])),
    ]
}

/// Refusals of keys, references and checks.
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn constraints() -> Vec<(&'static str, TableDefinition)> {
    let columns = || {
        vec![
            ColumnDefinition {
                not_null: true,
                ..column("a", DataType::Int64)
            },
            column("b", DataType::Text),
        ]
    };
    let unique = |name: Option<&str>, columns: &[&str]| UniqueKey {
        name: name.map(ToOwned::to_owned),
        columns: names(columns),
    };
    let refers =
        |columns_of: &[&str], table_name: &str, referenced: &[&str], action| TableDefinition {
            foreign_keys: vec![ForeignKey {
                name: Some("f".to_owned()),
                columns: names(columns_of),
                referenced_table: table_name.to_owned(),
                referenced_columns: names(referenced),
                on_delete: action,
                on_update: ReferentialAction::NoAction,
            }],
            ..table(columns())
        };
    let checked = |condition| TableDefinition {
        checks: vec![Check {
            name: None,
            conditions: vec![condition],
        }],
        ..table(columns())
    };
    let no_action = ReferentialAction::NoAction;
    let keyed = |unique_keys| TableDefinition {
        unique_keys,
        ..table(columns())
    };
    vec![
        ("a key of no columns", keyed(vec![unique(None, &[])])),
        (
            "two constraints of one name",
            keyed(vec![unique(Some("u"), &["a"]), unique(Some("u"), &["b"])]),
        ),
        (
            "a key with the name of the table",
            keyed(vec![unique(Some("t"), &["a"])]),
        ),
        (
            "a reference from no column",
            refers(&["z"], "o", &[], no_action),
        ),
        (
            "a reference to too many columns",
            refers(&["a"], "o", &["x", "y"], no_action),
        ),
        (
            "a reference to a column twice",
            refers(&["a", "b"], "o", &["x", "x"], no_action),
        ),
        (
            "a reference to a system table",
            refers(&["a"], "pg_class", &[], no_action),
        ),
        (
            "a reference to no column of its own",
            refers(&["b"], "t", &["z"], no_action),
        ),
        (
            "a reference to no key of its own",
            refers(&["b"], "t", &["b"], no_action),
        ),
        (
            "a reference to no primary key of its own",
            refers(&["b"], "t", &[], no_action),
        ),
        (
            "NULL for what is never NULL",
            refers(&["a"], "o", &[], ReferentialAction::SetNull),
        ),
        (
            "a default for what has none",
            refers(&["a"], "o", &[], ReferentialAction::SetDefault),
        ),
        (
            "a check of nothing",
            TableDefinition {
                checks: vec![Check {
                    name: None,
                    conditions: vec![],
                }],
                ..table(columns())
            },
        ),
        (
            "a pattern for a number",
            checked(condition("a", Operator::Like, &[text("x%")])),
        ),
        (
            "what a text contains",
            checked(condition("b", Operator::Contains, &[text("x")])),
        ),
        (
            "bytes for a text in a check",
            checked(condition(
                "b",
                Operator::Eq,
                &[Value::Bytes(vec![0].into())],
            )),
        ),
        (
            "too few values in a check",
            checked(condition("a", Operator::Between, &[Value::Int64(1)])),
        ),
    ]
}
