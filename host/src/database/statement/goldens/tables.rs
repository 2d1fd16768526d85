//! Making and removing tables, on both databases.

use super::{BOTH, Golden, condition, names, refused_tables, text};
use crate::database::{
    Check, ColumnDefinition, DataType, DefaultValue, ForeignKey, Operator, ReferentialAction,
    TableDefinition, UniqueKey, Value,
    statement::{create_table, drop_table},
};

pub(super) fn column(name: &str, data_type: DataType) -> ColumnDefinition {
    ColumnDefinition {
        name: name.to_owned(),
        data_type,
        is_array: false,
        not_null: false,
        default: None,
    }
}

pub(super) fn defaulting(
    name: &str,
    data_type: DataType,
    default: DefaultValue,
) -> ColumnDefinition {
    ColumnDefinition {
        default: Some(default),
        ..column(name, data_type)
    }
}

pub(super) fn table(columns: Vec<ColumnDefinition>) -> TableDefinition {
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
        for (name, definition) in refused_tables::all() {
            golden.add(name, create_table(server, "t", &definition));
        }
        golden.add("drop", drop_table("t", false));
        golden.add("drop with what depends on it", drop_table("sales.t", true));
        golden.check(&format!("tables_{name}"));
    }
}
