use host::database::Value;
use proptest::prelude::*;

use super::{Kind, kind};
use crate::operations::text;

/// Lists within lists.
fn nested_json(depth: usize) -> Value<'static> {
    Value::Json(format!("{}{}", "[".repeat(depth), "]".repeat(depth)).into())
}

/// A number of so many digits.
fn long_json(digits: usize) -> Value<'static> {
    Value::Json("7".repeat(digits).into())
}

pub(super) fn texts() -> Vec<Kind> {
    let strings = || "[^\0]{0,40}".prop_map(|string| Value::Text(string.into()));
    let awkward = || {
        [
            "",
            "NULL",
            "\"",
            "'",
            "\\",
            "{}",
            ",",
            "\\x00",
            "\u{feff}é😀",
            " \t\r\n",
        ]
        .map(text)
    };
    let json = |text: &'static str| Value::Json(text.into());
    let uuid = |number: u128| {
        let mut digits = format!("{number:032x}");
        for place in [20, 16, 12, 8] {
            digits.insert(place, '-');
        }
        Value::Uuid(digits.into())
    };
    vec![
        kind("text", "text", awkward(), strings()),
        kind("varchar", "varchar", awkward(), strings()),
        kind("varchar(200)", "varchar", awkward(), strings()),
        kind(
            "char(5)",
            "bpchar",
            ["abcde", "é😀   "].map(text),
            "[a-z]{5}".prop_map(|string| Value::Text(string.into())),
        ),
        kind(
            "name",
            "name",
            ["", "a.b"].map(text),
            "[a-z]{0,63}".prop_map(|string| Value::Text(string.into())),
        ),
        kind(
            "\"char\"",
            "char",
            ["a"].map(text),
            "[a-z]".prop_map(|string| Value::Text(string.into())),
        ),
        kind(
            "bytea",
            "bytea",
            [vec![], (0..=255).collect()].map(|bytes: Vec<u8>| Value::Bytes(bytes.into())),
            any::<Vec<u8>>().prop_map(|bytes| Value::Bytes(bytes.into())),
        ),
        kind(
            "uuid",
            "uuid",
            [0, u128::MAX].map(uuid),
            any::<u128>().prop_map(uuid),
        ),
        kind(
            "json",
            "json",
            [
                "null",
                "[]",
                "{}",
                "{\"a\":  1.50, \"a\": \"\\u00e9\\\\\"}",
                "123456789012345678901234567890.10",
                "1e400",
                "[]",
                "\"\\u0000\"",
            ]
            .map(json)
            .into_iter()
            .chain([nested_json(500), long_json(10_000)]),
            (any::<i64>(), "[^\0\"\\\\[:cntrl:]]{0,9}").prop_map(|(number, key)| {
                Value::Json(format!("[{number},  {{\"{key}\":null}}]").into())
            }),
        ),
        kind(
            "jsonb",
            "jsonb",
            [
                "null",
                "[]",
                "{}",
                "{\"a\": 1.50, \"b\": \"é\\\\\"}",
                "123456789012345678901234567890.10",
            ]
            .map(json)
            .into_iter()
            .chain([nested_json(500), long_json(10_000)]),
            (any::<i64>(), "[^\0\"\\\\[:cntrl:]]{0,9}").prop_map(|(number, key)| {
                Value::Json(format!("[{number}, {{\"{key}\": null}}]").into())
            }),
        ),
    ]
}
