use std::borrow::Cow;

use host::database::{Other, Value};
use proptest::prelude::*;

use super::{Kind, kind};

/// Types without a case of their own whose notation the host knows: what it reads can be written again.
pub(super) fn others() -> Vec<Kind> {
    let other = |text: &'static str| {
        Value::Other(Other {
            type_name: "".into(),
            text: Some(text.into()),
            bytes: Cow::Borrowed(&[]),
        })
    };
    vec![
        kind(
            "macaddr",
            "macaddr",
            ["08:00:2b:01:02:03"].map(other),
            Just(other("ff:ff:ff:ff:ff:ff")),
        ),
        kind(
            "macaddr8",
            "macaddr8",
            ["08:00:2b:01:02:03:04:05"].map(other),
            Just(other("00:00:00:00:00:00:00:00")),
        ),
        kind(
            "pg_lsn",
            "pg_lsn",
            ["0/0", "FFFFFFFF/FFFFFFFF"].map(other),
            Just(other("16/B374D848")),
        ),
        kind(
            "xid8",
            "xid8",
            ["0", "18446744073709551615"].map(other),
            Just(other("7")),
        ),
        kind(
            "refcursor",
            "refcursor",
            ["", "a b"].map(other),
            Just(other("c")),
        ),
        kind(
            "regtype",
            "regtype",
            ["20", "1007"].map(other),
            Just(other("25")),
        ),
        kind(
            "xml",
            "xml",
            ["<a>é</a>", ""].map(other),
            Just(other("<b/>")),
        ),
        kind(
            "jsonpath",
            "jsonpath",
            ["$.\"a\""].map(other),
            Just(other("$")),
        ),
        kind(
            "inet",
            "inet",
            ["10.0.0.1", "10.0.0.0/8", "::1", "fe80::/10"].map(other),
            Just(other("127.0.0.1")),
        ),
        kind(
            "cidr",
            "cidr",
            ["10.0.0.1/32", "10.0.0.0/8"].map(other),
            Just(other("127.0.0.1/32")),
        ),
        kind(
            "bit(10)",
            "bit",
            ["1010000001"].map(other),
            Just(other("0000000001")),
        ),
        kind(
            "varbit",
            "varbit",
            ["", "1"].map(other),
            Just(other("10101010")),
        ),
        kind(
            "mood",
            "mood",
            ["happy", "it's \"complicated\""].map(other),
            Just(other("happy")),
        ),
        kind(
            "odd.\"Mood\"",
            "odd.Mood",
            ["x"].map(other),
            Just(other("x")),
        ),
    ]
}
