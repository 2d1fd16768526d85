//! `select` against a model: random conditions and orders over a table with NULLs, evaluated by the database and in Rust.

#![expect(
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "these are tests: what is not expected ends them"
)]

mod generate;
mod model;

use generate::{random_condition, random_order, rows};
use host::database::{
    Condition, Error, Limits, LockStrength, LockWait, Operator, RowLock, Selection, Value,
};
use model::{Row, expected, is_selected};
use serde_json::{Value as Json, json};
use tests::{Random, TestDatabase};

use crate::{
    functions::tell,
    operations::{condition, limited, names, numbers},
};

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
