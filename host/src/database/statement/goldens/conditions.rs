//! Conditions, by a count of the rows that meet them.

use super::{Golden, condition, text};
use crate::database::{Condition, Operator, Value, statement::count};

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
