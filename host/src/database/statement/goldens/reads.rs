//! Reading rows.

use super::{Golden, condition, names};
use crate::database::{
    LockStrength, LockWait, Nulls, Operator, Ordering, RowLock, Selection, Value,
    statement::{count, select, select_nothing},
};

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
