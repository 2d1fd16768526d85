//! Writing single rows and all that match.

use super::{Golden, condition, matching, names, text};
use crate::database::{
    Assignment, Change, ConflictAction, Field, Interval, Operator, Returning, Target, Value,
    identifier::{Identifier, QualifiedName},
    statement::{delete, insert, update, upsert},
};

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
