//! What a selection selects, in Rust.

use std::cmp::Ordering as Order;

use host::database::{Condition, Nulls, Operator, Ordering, Selection, ServerKind, Value};
use serde_json::Value as Json;

/// A row of the table, as the model holds it.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) number: Option<i64>,
    pub(super) word: Option<&'static str>,
    pub(super) list: Option<Vec<i64>>,
    pub(super) document: Option<&'static str>,
}

/// What the database compares, as the model compares it: `None` is neither true nor false.
fn holds(row: &Row, condition: &Condition) -> Option<bool> {
    let values = condition.values.as_slice();
    match (condition.operator, condition.column.as_str()) {
        (Operator::InList, _) if values.is_empty() => Some(false),
        (Operator::NotInList, _) if values.is_empty() => Some(true),
        (Operator::IsNull, column) => Some(is_null(row, column)),
        (Operator::IsNotNull, column) => Some(!is_null(row, column)),
        (Operator::Eq, column) if values == [Value::Null] => Some(is_null(row, column)),
        (Operator::Ne, column) if values == [Value::Null] => Some(!is_null(row, column)),
        (Operator::Contains, "list") => Some(contains_all(row.list.as_deref()?, values)),
        (Operator::Contains, _) => Some(contains(
            &parsed(row.document?),
            &parsed(as_json(&values[0])),
            true,
        )),
        (Operator::Like, _) => Some(is_like(row.word?, as_text(&values[0]))),
        (Operator::NotLike, _) => Some(!is_like(row.word?, as_text(&values[0]))),
        (Operator::ILike, _) => Some(is_ilike(row.word?, as_text(&values[0]))),
        (Operator::NotILike, _) => Some(!is_ilike(row.word?, as_text(&values[0]))),
        (operator, column) => {
            let orders: Option<Vec<Order>> = values
                .iter()
                .map(|value| compare(row, column, value))
                .collect();
            Some(compares(operator, &orders?))
        }
    }
}

fn is_null(row: &Row, column: &str) -> bool {
    match column {
        "number" => row.number.is_none(),
        "word" => row.word.is_none(),
        "list" => row.list.is_none(),
        _ => row.document.is_none(),
    }
}

fn compares(operator: Operator, orders: &[Order]) -> bool {
    match operator {
        Operator::Eq => orders[0].is_eq(),
        Operator::Ne => orders[0].is_ne(),
        Operator::Lt => orders[0].is_lt(),
        Operator::Le => orders[0].is_le(),
        Operator::Gt => orders[0].is_gt(),
        Operator::Ge => orders[0].is_ge(),
        Operator::Between => orders[0].is_ge() && orders[1].is_le(),
        Operator::InList => orders.iter().any(|order| order.is_eq()),
        Operator::NotInList => orders.iter().all(|order| order.is_ne()),
        other => panic!("{other:?} compares nothing"),
    }
}

fn compare(row: &Row, column: &str, value: &Value<'_>) -> Option<Order> {
    match (column, value) {
        ("number", Value::Int64(value)) => Some(row.number?.cmp(value)),
        ("word", value) => Some(row.word?.cmp(as_text(value))),
        ("list", Value::Array(elements)) => {
            let elements: Vec<i64> = elements.iter().map(as_number).collect();
            Some(row.list.as_ref()?.cmp(&elements))
        }
        other => panic!("{other:?}"),
    }
}

fn as_text<'v>(value: &'v Value<'_>) -> &'v str {
    match value {
        Value::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

fn as_json<'v>(value: &'v Value<'_>) -> &'v str {
    match value {
        Value::Json(text) => text,
        other => panic!("{other:?}"),
    }
}

fn as_number(value: &Value<'_>) -> i64 {
    match value {
        Value::Int64(number) => *number,
        other => panic!("{other:?}"),
    }
}

fn parsed(text: &str) -> Json {
    serde_json::from_str(text).expect("JSON")
}

fn contains_all(list: &[i64], values: &[Value<'_>]) -> bool {
    match values {
        [Value::Array(elements)] => elements
            .iter()
            .all(|element| list.contains(&as_number(element))),
        other => panic!("{other:?}"),
    }
}

/// The rule of `@>`. An array contains a scalar too, but only at the top.
fn contains(left: &Json, right: &Json, at_top: bool) -> bool {
    match (left, right) {
        (Json::Object(left), Json::Object(right)) => right.iter().all(|(key, right)| {
            left.get(key)
                .is_some_and(|left| contains(left, right, false))
        }),
        (Json::Array(left), Json::Array(right)) => right
            .iter()
            .all(|right| left.iter().any(|left| contains(left, right, false))),
        (Json::Array(left), scalar) if at_top && !scalar.is_object() => left.contains(scalar),
        (left, right) => left == right,
    }
}

fn is_like(text: &str, pattern: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('%') => {
            let mut ends = text.char_indices().map(|(end, _)| end).chain([text.len()]);
            ends.any(|end| is_like(text.get(end..).unwrap_or_default(), rest.as_str()))
        }
        Some(letter) => {
            let expected = if letter == '\\' {
                rest.next()
            } else {
                Some(letter)
            };
            let mut letters = text.chars();
            let is_any = letter == '_';
            letters
                .next()
                .is_some_and(|first| is_any || Some(first) == expected)
                && is_like(letters.as_str(), rest.as_str())
        }
    }
}

fn is_ilike(text: &str, pattern: &str) -> bool {
    is_like(&text.to_lowercase(), &pattern.to_lowercase())
}

/// Whether all conditions hold that stand alone, and one of each group.
pub(super) fn is_selected(row: &Row, conditions: &[Condition]) -> bool {
    let stands = |condition: &Condition| holds(row, condition) == Some(true);
    conditions.iter().all(|condition| {
        stands(condition)
            || condition.group.is_some()
                && conditions
                    .iter()
                    .any(|other| other.group == condition.group && stands(other))
    })
}

fn by_step(one: &Row, two: &Row, step: &Ordering, server: ServerKind) -> Order {
    fn place<T: Ord>(
        one: Option<&T>,
        two: Option<&T>,
        descending: bool,
        nulls_first: bool,
    ) -> Order {
        match (one, two) {
            (None, None) => Order::Equal,
            (None, _) if nulls_first => Order::Less,
            (None, _) => Order::Greater,
            (_, None) if nulls_first => Order::Greater,
            (_, None) => Order::Less,
            (one, two) if descending => two.cmp(&one),
            (one, two) => one.cmp(&two),
        }
    }
    let nulls_first = match step.nulls {
        Some(nulls) => nulls == Nulls::First,
        None => (server == ServerKind::CockroachDb) != step.descending,
    };
    let descending = step.descending;
    match step.column.as_str() {
        "number" => place(
            one.number.as_ref(),
            two.number.as_ref(),
            descending,
            nulls_first,
        ),
        "word" => place(
            one.word.as_ref(),
            two.word.as_ref(),
            descending,
            nulls_first,
        ),
        "list" => place(
            one.list.as_ref(),
            two.list.as_ref(),
            descending,
            nulls_first,
        ),
        _ => place(Some(&one.id), Some(&two.id), descending, nulls_first),
    }
}

pub(super) fn expected(rows: &[Row], selection: &Selection, server: ServerKind) -> Vec<i64> {
    let mut selected: Vec<&Row> = rows
        .iter()
        .filter(|row| is_selected(row, &selection.filter))
        .collect();
    selected.sort_by(|one, two| {
        let steps = selection.order_by.iter();
        steps.fold(Order::Equal, |order, step| {
            order.then_with(|| by_step(one, two, step, server))
        })
    });
    let start = usize::try_from(selection.offset.unwrap_or(0)).expect("small");
    let count = selection
        .limit
        .map_or(usize::MAX, |limit| usize::try_from(limit).expect("small"));
    let ids = selected.into_iter().map(|row| row.id);
    ids.skip(start).take(count).collect()
}
