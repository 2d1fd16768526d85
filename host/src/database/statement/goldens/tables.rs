//! Making and removing tables, on both databases.

use super::{BOTH, Golden, condition, names, text};
use crate::database::{
    Check, ColumnDefinition, DataType, DefaultValue, ForeignKey, Operator, ReferentialAction,
    TableDefinition, UniqueKey, Value,
    statement::{create_table, drop_table},
};

fn column(name: &str, data_type: DataType) -> ColumnDefinition {
    ColumnDefinition {
        name: name.to_owned(),
        data_type,
        is_array: false,
        not_null: false,
        default: None,
    }
}

fn defaulting(name: &str, data_type: DataType, default: DefaultValue) -> ColumnDefinition {
    ColumnDefinition {
        default: Some(default),
        ..column(name, data_type)
    }
}

fn table(columns: Vec<ColumnDefinition>) -> TableDefinition {
    TableDefinition {
        columns,
        ..TableDefinition::default()
    }
}

fn every_type() -> TableDefinition {
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
        DataType::Vector(3),
        DataType::Inet,
        DataType::Bit(4),
        DataType::Named("sales.status; DROP".to_owned()),
    ];
    table(
        types
            .into_iter()
            .enumerate()
            .map(|(number, data_type)| column(&format!("c{number}"), data_type))
            .collect(),
    )
}

fn every_default() -> TableDefinition {
    let constant =
        |name, data_type, value| defaulting(name, data_type, DefaultValue::Constant(value));
    table(vec![
        defaulting("id", DataType::Int64, DefaultValue::UniqueId),
        defaulting("u", DataType::Uuid, DefaultValue::RandomUuid),
        defaulting("d", DataType::Date, DefaultValue::CurrentTimestamp),
        defaulting("s", DataType::TimestampTz, DefaultValue::CurrentTimestamp),
        constant(
            "t",
            DataType::Text,
            text("it's \\ 'quoted'; DROP TABLE t; --"),
        ),
        constant(
            "n",
            DataType::Numeric {
                precision: 5,
                scale: 2,
            },
            Value::Decimal("1.50".into()),
        ),
        constant("b", DataType::Bytes, Value::Bytes(vec![0].into())),
        constant("z", DataType::Json, Value::Null),
        ColumnDefinition {
            is_array: true,
            ..constant(
                "a",
                DataType::Int32,
                Value::Array(vec![Value::Int64(1), Value::Null]),
            )
        },
    ])
}

fn every_constraint() -> TableDefinition {
    let key = |name: Option<&str>, columns: &[&str]| UniqueKey {
        name: name.map(ToOwned::to_owned),
        columns: names(columns),
    };
    let foreign_key = ForeignKey {
        name: Some("owner".to_owned()),
        columns: names(&["c"]),
        referenced_table: "sales.owners".to_owned(),
        referenced_columns: names(&["id"]),
        on_delete: ReferentialAction::Cascade,
        on_update: ReferentialAction::SetNull,
    };
    let plain = ForeignKey {
        name: None,
        referenced_columns: vec![],
        on_delete: ReferentialAction::NoAction,
        on_update: ReferentialAction::SetDefault,
        ..foreign_key.clone()
    };
    let check = Check {
        name: Some("range".to_owned()),
        conditions: vec![
            condition("a", Operator::Between, &[Value::Int64(1), Value::Int64(9)]),
            condition("b", Operator::InList, &[text("x"), text("it's")]),
        ],
    };
    let named = Check {
        name: None,
        conditions: vec![condition("b", Operator::Ne, &[text("\\")])],
    };
    TableDefinition {
        columns: vec![
            ColumnDefinition {
                not_null: true,
                ..column("a", DataType::Int64)
            },
            column("b", DataType::Text),
            column("c", DataType::Int64),
        ],
        primary_key: names(&["a", "b"]),
        unique_keys: vec![key(None, &["b"]), key(Some("pair"), &["b", "a"])],
        foreign_keys: vec![foreign_key, plain],
        checks: vec![check, named],
    }
}

/// A tree, and a composite reference to a unique key beside it, in another order.
fn self_references() -> TableDefinition {
    let key = |columns: &[&str], referenced: &[&str]| ForeignKey {
        name: None,
        columns: names(columns),
        referenced_table: "t".to_owned(),
        referenced_columns: names(referenced),
        on_delete: ReferentialAction::SetDefault,
        on_update: ReferentialAction::Cascade,
    };
    TableDefinition {
        primary_key: names(&["id"]),
        unique_keys: vec![UniqueKey {
            name: None,
            columns: names(&["a", "b"]),
        }],
        foreign_keys: vec![key(&["parent"], &[]), key(&["c", "d"], &["b", "a"])],
        ..table(vec![
            defaulting("id", DataType::Int64, DefaultValue::UniqueId),
            column("parent", DataType::Int64),
            column("a", DataType::Text),
            column("b", DataType::Int16),
            column("c", DataType::Int16),
            column("d", DataType::Text),
        ])
    }
}

/// Refusals of keys, references and checks.
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn refused_constraints() -> Vec<(&'static str, TableDefinition)> {
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

/// Refusals of sizes, and of constants by their size.
fn refused_sizes() -> Vec<(&'static str, TableDefinition)> {
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

#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn refused_tables() -> Vec<(&'static str, TableDefinition)> {
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

#[test]
fn tables() {
    for (server, name) in BOTH {
        let mut golden = Golden::default();
        golden.add("every type", create_table(server, "t", &every_type()));
        golden.add("every default", create_table(server, "t", &every_default()));
        golden.add(
            "every constraint",
            create_table(server, "sales.t", &every_constraint()),
        );
        golden.add(
            "self-references",
            create_table(server, "t", &self_references()),
        );
        let refused = [refused_tables(), refused_sizes(), refused_constraints()];
        for (name, definition) in refused.concat() {
            golden.add(name, create_table(server, "t", &definition));
        }
        golden.add("drop", drop_table("t", false));
        golden.add("drop with what depends on it", drop_table("sales.t", true));
        golden.check(&format!("tables_{name}"));
    }
}
