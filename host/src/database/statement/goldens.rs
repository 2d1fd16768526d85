//! The SQL of every request, in files. Where a function does not ask which database it writes for, both get the same.

use std::fmt::Write as _;

use super::{
    Statement, count, create_table, delete, drop_table, insert, select, select_nothing, update,
    upsert,
};
use crate::database::{
    Assignment, Change, Check, ColumnDefinition, Condition, ConflictAction, DataType, DefaultValue,
    Error, Field, ForeignKey, Interval, LockStrength, LockWait, Nulls, Operator, Ordering,
    ReferentialAction, Returning, RowLock, Selection, ServerKind, TableDefinition, Target,
    UniqueKey, Value,
    identifier::{Identifier, QualifiedName},
};

/// Statements and refusals, as they are kept.
#[derive(Default)]
pub(super) struct Golden(pub(super) String);

impl Golden {
    pub(super) fn add(&mut self, name: &str, statement: Result<Statement<'_>, Error>) {
        writeln!(self.0, "-- {name}").ok();
        match statement {
            Err(error) => {
                writeln!(self.0, "{error}\n").ok();
            }
            Ok(Statement {
                sql,
                parameters,
                places,
            }) => {
                writeln!(self.0, "{sql}").ok();
                for (number, parameter) in parameters.iter().enumerate() {
                    let place = places.get(number).map(|place| {
                        let row = place
                            .row
                            .map(|row| format!(" row {row}"))
                            .unwrap_or_default();
                        format!(" for {}{row}", place.column)
                    });
                    writeln!(
                        self.0,
                        "   ${} {}{}: {}",
                        number + 1,
                        parameter.data_type.name(),
                        place.unwrap_or_default(),
                        parameter.text.as_deref().unwrap_or("NULL")
                    )
                    .ok();
                }
                self.0.push('\n');
            }
        }
    }

    pub(super) fn check(&self, name: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, self.0));
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn text(text: &'static str) -> Value<'static> {
    Value::Text(text.into())
}

fn condition(column: &str, operator: Operator, values: &[Value<'static>]) -> Condition {
    Condition {
        column: column.to_owned(),
        operator,
        values: values.to_vec(),
        group: None,
    }
}

fn matching(condition: Condition) -> Target {
    Target::Matching(vec![condition])
}

#[expect(clippy::too_many_lines, reason = "a list of cases")]
#[test]
fn conditions() {
    use Operator::{
        Between, Contains, Eq, Ge, Gt, ILike, InList, IsNotNull, IsNull, Le, Like, Lt, Ne,
        NotILike, NotInList, NotLike,
    };
    let mut golden = Golden::default();
    let mut add = |name: &str, conditions: &[Condition]| golden.add(name, count("t", conditions));
    add("none", &[]);
    for (name, operator) in [
        ("eq", Eq),
        ("ne", Ne),
        ("lt", Lt),
        ("le", Le),
        ("gt", Gt),
        ("ge", Ge),
        ("contains", Contains),
    ] {
        add(name, &[condition("a", operator, &[Value::Int64(1)])]);
    }
    for (name, operator) in [
        ("like", Like),
        ("not-like", NotLike),
        ("ilike", ILike),
        ("not-ilike", NotILike),
    ] {
        add(name, &[condition("a", operator, &[text("x%")])]);
    }
    add("eq null", &[condition("a", Eq, &[Value::Null])]);
    add("ne null", &[condition("a", Ne, &[Value::Null])]);
    add("is-null", &[condition("a", IsNull, &[])]);
    add("is-not-null", &[condition("a", IsNotNull, &[])]);
    add(
        "between",
        &[condition("a", Between, &[Value::Int64(1), Value::Int64(2)])],
    );
    add(
        "in-list",
        &[condition(
            "a",
            InList,
            &[text("x"), text("\"y\\,z\""), text("NULL")],
        )],
    );
    add("in-list without values", &[condition("a", InList, &[])]);
    add(
        "in-list of arrays",
        &[condition(
            "a",
            InList,
            &[Value::Array(vec![Value::Int64(1)]), Value::Array(vec![])],
        )],
    );
    add(
        "not-in-list",
        &[condition(
            "a",
            NotInList,
            &[Value::Int64(1), Value::Int64(2)],
        )],
    );
    add(
        "not-in-list without values",
        &[condition("a", NotInList, &[])],
    );
    add(
        "bytes",
        &[condition("a", Eq, &[Value::Bytes(vec![0, 255].into())])],
    );
    add(
        "in-list of bytes",
        &[condition("a", InList, &[Value::Bytes(vec![0, 255].into())])],
    );

    let one = |column, group| Condition {
        group,
        ..condition(column, Eq, &[Value::Int64(1)])
    };
    add("all", &[one("a", None), one("b", None)]);
    add(
        "alternatives",
        &[
            one("a", Some(7)),
            one("b", None),
            one("c", Some(7)),
            one("d", Some(8)),
            one("e", Some(8)),
        ],
    );
    add("a group of one", &[one("a", Some(1)), one("b", None)]);

    add(
        "null among others",
        &[condition("a", InList, &[Value::Int64(1), Value::Null])],
    );
    add("lt null", &[condition("a", Lt, &[Value::Null])]);
    add(
        "too many values",
        &[condition("a", Eq, &[Value::Int64(1), Value::Int64(2)])],
    );
    add(
        "too few values",
        &[condition("a", Between, &[Value::Int64(1)])],
    );
    add(
        "is-null with a value",
        &[condition("a", IsNull, &[Value::Int64(1)])],
    );
    add(
        "a pattern that is no text",
        &[condition("a", Like, &[Value::Int64(1)])],
    );
    add("a column without a name", &[condition("", IsNull, &[])]);
    add("text with a NUL", &[condition("a", Eq, &[text("\0")])]);
    golden.check("conditions");
}

#[expect(clippy::too_many_lines, reason = "a list of cases")]
#[test]
fn reads() {
    let mut golden = Golden::default();
    let all = Selection::default();
    let ordering = |column: &str, descending, nulls| Ordering {
        column: column.to_owned(),
        descending,
        nulls,
    };
    golden.add("select: everything", select("t", &all, 10_001));
    golden.add(
        "select: a schema and odd names",
        select(r#"sales."odd.""name""#, &all, 10_001),
    );
    let full = Selection {
        columns: names(&["a", "b\"c", "a"]),
        filter: vec![condition("a", Operator::Gt, &[Value::Int64(1)])],
        order_by: vec![
            ordering("a", false, None),
            ordering("b", true, Some(Nulls::Last)),
            ordering("c", false, Some(Nulls::First)),
        ],
        limit: Some(10),
        offset: Some(u64::MAX),
        lock: None,
    };
    golden.add("select: everything said", select("t", &full, 10_001));
    golden.add(
        "select: limit 0",
        select(
            "t",
            &Selection {
                limit: Some(0),
                ..all.clone()
            },
            10_001,
        ),
    );
    golden.add(
        "select: a limit above the host's",
        select(
            "t",
            &Selection {
                limit: Some(20_000),
                ..all.clone()
            },
            10_001,
        ),
    );
    for (strength, strength_name) in [
        (LockStrength::Exclusive, "exclusive"),
        (LockStrength::Shared, "shared"),
    ] {
        for (wait, wait_name) in [
            (LockWait::Wait, "wait"),
            (LockWait::NoWait, "no-wait"),
            (LockWait::SkipLocked, "skip-locked"),
        ] {
            let lock = Some(RowLock { strength, wait });
            let name = format!("select: lock {strength_name} {wait_name}");
            golden.add(
                &name,
                select(
                    "t",
                    &Selection {
                        lock,
                        ..all.clone()
                    },
                    10_001,
                ),
            );
        }
    }
    golden.add("columns without rows", select_nothing("t", &names(&["a"])));
    golden.add("count: everything", count("t", &[]));
    golden.add("a system table", count("pg_catalog.pg_authid", &[]));
    golden.add("no table", count("", &[]));
    golden.check("reads");
}

#[expect(clippy::too_many_lines, reason = "a list of cases")]
#[test]
fn writes() {
    let mut golden = Golden::default();
    let field = |column: &str, value| Field {
        column: column.to_owned(),
        value,
    };
    let fields = [
        field("a", Value::Int64(1)),
        field("b", Value::Null),
        field("c", Value::Bytes(vec![1].into())),
    ];
    golden.add(
        "insert: fields",
        insert("t", &fields, &Returning::AllColumns),
    );
    golden.add(
        "insert: nothing returned",
        insert("t", &fields[..1], &Returning::Nothing),
    );
    golden.add(
        "insert: columns returned",
        insert("t", &fields[..1], &Returning::Columns(names(&["b", "a"]))),
    );
    golden.add(
        "insert: no fields",
        insert("t", &[], &Returning::AllColumns),
    );
    golden.add(
        "insert: a column twice",
        insert(
            "t",
            &[fields[0].clone(), fields[0].clone()],
            &Returning::Nothing,
        ),
    );
    golden.add(
        "insert: no columns to return",
        insert("t", &[], &Returning::Columns(vec![])),
    );

    let assign = |column: &str, change| Assignment {
        column: column.to_owned(),
        change,
    };
    let target = matching(condition("id", Operator::Eq, &[Value::Int64(1)]));
    let day = Value::Interval(Interval {
        months: 0,
        days: 1,
        microseconds: 0,
    });
    let changes = [
        assign("a", Change::Set(text("x"))),
        assign("b", Change::Add(Value::Int64(5))),
        assign("c", Change::Add(day)),
        assign("d", Change::Reset),
        assign("e", Change::Set(Value::Null)),
    ];
    golden.add(
        "update: every change",
        update("t", &changes, &target, &Returning::Columns(names(&["a"]))),
    );
    golden.add(
        "update: all rows",
        update("t", &changes[..1], &Target::AllRows, &Returning::Nothing),
    );
    golden.add(
        "update: no conditions",
        update(
            "t",
            &changes[..1],
            &Target::Matching(vec![]),
            &Returning::Nothing,
        ),
    );
    golden.add(
        "update: no changes",
        update("t", &[], &target, &Returning::Nothing),
    );
    golden.add(
        "update: nothing added",
        update(
            "t",
            &[assign("a", Change::Add(Value::Null))],
            &target,
            &Returning::Nothing,
        ),
    );
    golden.add(
        "update: a column twice",
        update(
            "t",
            &[changes[0].clone(), changes[0].clone()],
            &target,
            &Returning::Nothing,
        ),
    );

    golden.add(
        "delete: matching",
        delete("t", &target, &Returning::AllColumns),
    );
    golden.add(
        "delete: all rows",
        delete("t", &Target::AllRows, &Returning::Nothing),
    );
    golden.add(
        "delete: no conditions",
        delete("t", &Target::Matching(vec![]), &Returning::Nothing),
    );
    golden.check("writes");
}

#[test]
fn upserts() {
    let mut golden = Golden::default();
    let table = QualifiedName::table("s.t").expect("a name");
    let fields = |columns: &[&str]| -> Vec<Field> {
        let fields = columns.iter().map(|column| Field {
            column: (*column).to_owned(),
            value: Value::Int64(1),
        });
        fields.collect()
    };
    let key = |columns: &[&str]| -> Vec<Identifier> {
        let key = columns.iter().map(|column| Identifier::column(column));
        key.collect::<Result<_, _>>().expect("names")
    };
    for (name, columns, key, returning) in [
        (
            "a key",
            &["id", "a", "b"][..],
            key(&["id"]),
            Returning::AllColumns,
        ),
        (
            "a key of two columns",
            &["a", "id", "b"],
            key(&["id", "a"]),
            Returning::Nothing,
        ),
        (
            "nothing but the key",
            &["id"],
            key(&["id"]),
            Returning::Columns(names(&["a"])),
        ),
        ("no fields", &[], key(&["id"]), Returning::AllColumns),
    ] {
        let fields = fields(columns);
        for action in [ConflictAction::Update, ConflictAction::Keep] {
            let statement = upsert(&table, &fields, &key, action, &returning);
            golden.add(&format!("{name}: {action:?}"), statement);
        }
    }
    golden.check("upserts");
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
        columns: names(&["a"]),
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
        ],
        primary_key: names(&["a", "b"]),
        unique_keys: vec![key(None, &["b"]), key(Some("pair"), &["b", "a"])],
        foreign_keys: vec![foreign_key, plain],
        checks: vec![check, named],
    }
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
    for (server, file) in [
        (ServerKind::CockroachDb, "tables_cockroachdb"),
        (ServerKind::PostgreSql, "tables_postgresql"),
    ] {
        let mut golden = Golden::default();
        golden.add("every type", create_table(server, "t", &every_type()));
        golden.add("every default", create_table(server, "t", &every_default()));
        golden.add(
            "every constraint",
            create_table(server, "sales.t", &every_constraint()),
        );
        for (name, definition) in refused_tables() {
            golden.add(name, create_table(server, "t", &definition));
        }
        golden.add("drop", drop_table("t", false));
        golden.add("drop with what depends on it", drop_table("sales.t", true));
        golden.check(file);
    }
}
