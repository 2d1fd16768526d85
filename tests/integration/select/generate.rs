//! Rows, conditions and orders by chance.

use host::database::{Condition, Nulls, Operator, Ordering, Value};
use tests::Random;

use super::model::Row;
use crate::operations::{condition, text};

const ROWS: usize = 60;
const WORDS: [&str; 9] = ["", "a", "ab", "abc", "b", "bab", "a%b", "a_b", "a\\b"];
const PATTERNS: [&str; 11] = [
    "%", "a%", "%b", "_b", "a\\%b", "a\\_%", "a\\\\b", "A%", "%B%", "", "___",
];
const DOCUMENTS: [&str; 8] = [
    "{}",
    "{\"a\": 1}",
    "{\"a\": [1, 2], \"b\": null}",
    "[1, \"x\", {\"a\": 1}]",
    "[]",
    "1",
    "\"x\"",
    "null",
];

fn maybe<T>(random: &mut Random, value: impl FnOnce(&mut Random) -> T) -> Option<T> {
    (!random.once_in(4)).then(|| value(random))
}

fn number(random: &mut Random) -> i64 {
    i64::try_from(random.below(7)).expect("small") - 3
}

fn list(random: &mut Random) -> Vec<i64> {
    (0..random.below(4)).map(|_| number(random)).collect()
}

pub(super) fn rows(random: &mut Random) -> Vec<Row> {
    let row = |id| Row {
        id,
        number: maybe(random, number),
        word: maybe(random, |random| *random.pick(&WORDS)),
        list: maybe(random, list),
        document: maybe(random, |random| *random.pick(&DOCUMENTS)),
    };
    (0..i64::try_from(ROWS).expect("small")).map(row).collect()
}

fn random_value(random: &mut Random, column: &str) -> Value<'static> {
    match column {
        "number" => Value::Int64(number(random)),
        "word" => text(random.pick::<&str>(&WORDS)),
        "list" => Value::Array(list(random).into_iter().map(Value::Int64).collect()),
        _ => Value::Json((*random.pick(&DOCUMENTS)).into()),
    }
}

pub(super) fn random_condition(random: &mut Random) -> Condition {
    use Operator::{
        Between, Contains, Eq, Ge, Gt, ILike, InList, IsNotNull, IsNull, Le, Like, Lt, Ne,
        NotILike, NotInList, NotLike,
    };
    let column = *random.pick(&["number", "word", "list", "document"]);
    let mut operators = vec![IsNull, IsNotNull];
    if column != "document" {
        operators.extend([
            Eq, Ne, Lt, Le, Gt, Ge, Between, InList, NotInList, InList, NotInList,
        ]);
    }
    match column {
        "word" => operators.extend([Like, NotLike, ILike, NotILike]),
        "list" | "document" => operators.extend([Contains; 4]),
        _ => {}
    }
    let operator = *random.pick(&operators);
    let count = match operator {
        IsNull | IsNotNull => 0,
        Between => 2,
        InList | NotInList => random.below(4),
        _ => 1,
    };
    let is_null = matches!(operator, Eq | Ne) && random.once_in(5);
    let is_pattern = matches!(operator, Like | NotLike | ILike | NotILike);
    let value = |_| match (is_null, is_pattern) {
        (true, _) => Value::Null,
        (_, true) => text(random.pick::<&str>(&PATTERNS)),
        _ => random_value(random, column),
    };
    let values: Vec<_> = (0..count).map(value).collect();
    Condition {
        group: random
            .once_in(2)
            .then(|| u32::try_from(random.below(2)).expect("small")),
        ..condition(column, operator, &values)
    }
}

pub(super) fn random_order(random: &mut Random) -> Vec<Ordering> {
    let mut order: Vec<Ordering> = Vec::new();
    for _ in 0..random.below(3) {
        order.push(Ordering {
            column: (*random.pick(&["number", "word", "list"])).to_owned(),
            descending: random.once_in(2),
            nulls: *random.pick(&[None, Some(Nulls::First), Some(Nulls::Last)]),
        });
    }
    // The last step decides, so that there is one right answer.
    order.push(Ordering {
        column: "id".to_owned(),
        descending: random.once_in(2),
        nulls: None,
    });
    order
}
