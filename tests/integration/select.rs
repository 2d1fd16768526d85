//! `select` against a model: random conditions and orders over a table with NULLs, evaluated by the database and in Rust.

#![expect(
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "these are tests: what is not expected ends them"
)]

use std::cmp::Ordering as Order;

use host::database::{
    Condition, Error, Limits, LockStrength, LockWait, Nulls, Operator, Ordering, RowLock,
    Selection, ServerKind, Value,
};
use serde_json::{Value as Json, json};
use tests::{Random, TestDatabase};

use crate::{
    functions::tell,
    operations::{condition, limited, names, numbers, text},
};

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

/// A row of the table, as the model holds it.
#[derive(Debug, Clone)]
struct Row {
    id: i64,
    number: Option<i64>,
    word: Option<&'static str>,
    list: Option<Vec<i64>>,
    document: Option<&'static str>,
}

fn maybe<T>(random: &mut Random, value: impl FnOnce(&mut Random) -> T) -> Option<T> {
    (!random.once_in(4)).then(|| value(random))
}

fn number(random: &mut Random) -> i64 {
    i64::try_from(random.below(7)).expect("small") - 3
}

fn list(random: &mut Random) -> Vec<i64> {
    (0..random.below(4)).map(|_| number(random)).collect()
}

fn rows(random: &mut Random) -> Vec<Row> {
    let row = |id| Row {
        id,
        number: maybe(random, number),
        word: maybe(random, |random| *random.pick(&WORDS)),
        list: maybe(random, list),
        document: maybe(random, |random| *random.pick(&DOCUMENTS)),
    };
    (0..i64::try_from(ROWS).expect("small")).map(row).collect()
}

async fn fill(database: &TestDatabase, rows: &[Row]) {
    let client = database.client().await;
    let sql =
        "CREATE TABLE t (id int8 PRIMARY KEY, number int4, word text, list int4[], document jsonb)";
    client.simple_query(sql).await.expect("a table");
    let sql = "INSERT INTO t VALUES ($1, $2::int8, $3, $4::int8[], $5::text::jsonb)";
    for row in rows {
        let Row {
            id,
            number,
            word,
            list,
            document,
        } = row;
        client
            .execute(sql, &[id, number, word, list, document])
            .await
            .expect("a row");
    }
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
fn is_selected(row: &Row, conditions: &[Condition]) -> bool {
    let stands = |condition: &Condition| holds(row, condition) == Some(true);
    conditions.iter().all(|condition| {
        stands(condition)
            || condition.group.is_some()
                && conditions
                    .iter()
                    .any(|other| other.group == condition.group && stands(other))
    })
}

fn random_value(random: &mut Random, column: &str) -> Value<'static> {
    match column {
        "number" => Value::Int64(number(random)),
        "word" => text(random.pick::<&str>(&WORDS)),
        "list" => Value::Array(list(random).into_iter().map(Value::Int64).collect()),
        _ => Value::Json((*random.pick(&DOCUMENTS)).into()),
    }
}

fn random_condition(random: &mut Random) -> Condition {
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

fn random_order(random: &mut Random) -> Vec<Ordering> {
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

fn expected(rows: &[Row], selection: &Selection, server: ServerKind) -> Vec<i64> {
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

#[tokio::test]
async fn what_is_selected_is_what_the_model_selects() {
    let mut random = Random::new(1);
    let rows = rows(&mut random);
    let database = tests::database().await;
    fill(&database, &rows).await;
    let connected = database.connect().await;
    let server = connected.server().kind;
    let mut session = limited(&connected, Limits::default());
    let mut found = 0;
    for turn in 0..1_500 {
        let filter: Vec<Condition> = (0..random.below(5))
            .map(|_| random_condition(&mut random))
            .collect();
        let selection = Selection {
            columns: names(&["id"]),
            filter,
            order_by: random_order(&mut random),
            limit: random.once_in(3).then(|| random.below(20) as u64),
            offset: random.once_in(3).then(|| random.below(20) as u64),
            lock: None,
        };
        let selected = session.select("t", &selection).await;
        let selected = selected.unwrap_or_else(|error| panic!("{turn}: {selection:?}: {error}"));
        let expected = expected(&rows, &selection, server);
        assert_eq!(numbers(&selected), expected, "{turn}: {selection:?}");
        found += expected.len();
        let all = rows
            .iter()
            .filter(|row| is_selected(row, &selection.filter))
            .count();
        assert_eq!(
            session.count("t", &selection.filter).await,
            Ok(all as u64),
            "{turn}"
        );
    }
    assert!(found > 5_000, "the conditions select something: {found}");
}

#[tokio::test]
async fn conditions_of_the_wrong_shape_are_refused_before_anything_is_sent() {
    use Operator::{
        Between, Contains, Eq, Ge, Gt, ILike, InList, IsNotNull, IsNull, Le, Like, Lt, Ne,
        NotILike, NotInList, NotLike,
    };
    let database = tests::database().await;
    let connected = database.connect().await;
    let mut session = limited(&connected, Limits::default());
    let one = || Value::Int64(1);
    let mut wrong = Vec::new();
    for operator in [
        Eq, Ne, Lt, Le, Gt, Ge, Contains, Like, NotLike, ILike, NotILike,
    ] {
        wrong.extend([
            condition("a", operator, &[]),
            condition("a", operator, &[one(), one()]),
        ]);
    }
    for operator in [IsNull, IsNotNull] {
        wrong.push(condition("a", operator, &[one()]));
    }
    for operator in [Lt, Le, Gt, Ge, Contains, Like, NotLike, ILike, NotILike] {
        wrong.push(condition("a", operator, &[Value::Null]));
    }
    for operator in [Like, NotLike, ILike, NotILike] {
        wrong.push(condition("a", operator, &[one()]));
    }
    for operator in [InList, NotInList] {
        wrong.push(condition("a", operator, &[one(), Value::Null]));
    }
    wrong.extend([
        condition("a", Between, &[one()]),
        condition("a", Between, &[one(), one(), one()]),
        condition("a", Between, &[Value::Null, one()]),
        condition("", IsNull, &[]),
        condition("a\0", IsNull, &[]),
    ]);
    for condition in wrong {
        let filter = vec![condition];
        let counted = session.count("t", &filter).await;
        assert!(
            matches!(counted, Err(Error::Invalid(_))),
            "{filter:?}: {counted:?}"
        );
    }
    for strength in [LockStrength::Exclusive, LockStrength::Shared] {
        for wait in [LockWait::Wait, LockWait::NoWait, LockWait::SkipLocked] {
            let selection = Selection {
                lock: Some(RowLock { strength, wait }),
                ..Selection::default()
            };
            let locked = session.select("t", &selection).await;
            assert!(matches!(locked, Err(Error::Invalid(_))), "{locked:?}");
        }
    }
    assert_eq!(session.statistics().statements, 0);
}

#[tokio::test]
async fn a_guest_selects_by_groups_in_an_order_of_its_own() {
    let database = tests::database().await;
    let sql = "CREATE TABLE t (id int8 PRIMARY KEY, n int8); INSERT INTO t VALUES (1, 5), (2, NULL), (3, 7), (4, 6)";
    database
        .client()
        .await
        .simple_query(sql)
        .await
        .expect("rows");
    let select =
        |selection: Json| json!({ "call": "select", "table": "t", "selection": selection });
    let order = |nulls: &str| json!([{ "column": "n", "descending": true, "nulls": nulls }]);
    let either = json!([
        { "column": "n", "operator": "is-null", "group": 1 },
        { "column": "n", "operator": "between", "values": [6, 9], "group": 1 },
        { "column": "id", "operator": "ne", "values": [4] },
    ]);
    let operations = json!([
        select(json!({ "columns": ["id"], "order-by": order("first") })),
        select(json!({ "columns": ["id"], "order-by": order("last"), "offset": 1, "limit": 2 })),
        select(json!({ "columns": ["id"], "filter": either, "order-by": [{ "column": "id" }] })),
        select(json!({ "filter": [{ "column": "n", "operator": "lt", "values": [] }] })),
        select(json!({ "lock": ["exclusive", "no-wait"] })),
    ]);
    let answers = tell(&database, &operations).await;
    for (answer, ids) in answers
        .iter()
        .zip([vec![2, 3, 4, 1], vec![4, 1], vec![2, 3]])
    {
        let rows: Vec<Json> = ids.into_iter().map(|id| json!([["int64", id]])).collect();
        assert_eq!(answer["ok"]["rows"], json!(rows), "{answer}");
    }
    for answer in &answers[3..] {
        assert_eq!(answer["error"]["case"], "invalid", "{answer}");
    }
}
