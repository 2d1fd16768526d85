//! Reading rows.

use host::database::{
    Condition, Error, ErrorKind, LockStrength, LockWait, Operator, Ordering, RowLock, Selection,
    Value,
};

use super::{condition, is, kind, names, numbers, session, text, values, with_accounts};

#[tokio::test]
async fn rows_are_selected_by_conditions_in_order() {
    let (_database, mut session) = with_accounts().await;
    let ordering = |column: &str, descending| Ordering {
        column: column.to_owned(),
        descending,
        nulls: None,
    };
    let selection = Selection {
        columns: names(&["id", "owner", "id"]),
        filter: vec![condition("balance", Operator::Ge, &[Value::Int64(0)])],
        order_by: vec![ordering("balance", true)],
        ..Selection::default()
    };
    let rows = session
        .select("accounts", &selection)
        .await
        .expect("selected");
    assert_eq!(
        values(&rows),
        [
            [Value::Int64(1), text("ann"), Value::Int64(1)],
            [Value::Int64(2), text("bob"), Value::Int64(2)]
        ]
    );
    let by_id = Selection {
        columns: names(&["id"]),
        order_by: vec![ordering("id", false)],
        ..Selection::default()
    };
    let page = Selection {
        limit: Some(1),
        offset: Some(1),
        ..by_id.clone()
    };
    assert_eq!(
        numbers(&session.select("accounts", &page).await.expect("selected")),
        [2]
    );
    let none = Selection {
        limit: Some(0),
        ..by_id
    };
    let rows = session.select("accounts", &none).await.expect("selected");
    assert_eq!((rows.len(), rows.columns().len()), (0, 1));
}

#[tokio::test]
async fn every_operator_finds_what_it_says() {
    use Operator::{
        Between, Contains, Eq, Ge, Gt, ILike, InList, IsNotNull, IsNull, Le, Like, Lt, Ne,
        NotILike, NotInList, NotLike,
    };
    let database = tests::database().await;
    let statement = "CREATE TABLE t (id int8, n int4, word text, doc jsonb, list int4[]); \
        INSERT INTO t VALUES (1, 10, 'Ab%c', '{\"a\": [1, 2]}', '{1,2,3}'), (2, 20, 'abc', '{\"b\": 1}', '{}'), (3, NULL, NULL, NULL, NULL)";
    database
        .client()
        .await
        .simple_query(statement)
        .await
        .expect("rows");
    let mut session = session(&database).await;
    let int = Value::Int64;
    let ints = |numbers: &[i64]| Value::Array(numbers.iter().copied().map(int).collect());
    for (found, conditions) in [
        (vec![1], vec![condition("n", Eq, &[int(10)])]),
        (vec![2], vec![condition("n", Ne, &[int(10)])]),
        (vec![3], vec![condition("n", Eq, &[Value::Null])]),
        (vec![1, 2], vec![condition("n", Ne, &[Value::Null])]),
        (vec![3], vec![condition("n", IsNull, &[])]),
        (vec![1, 2], vec![condition("n", IsNotNull, &[])]),
        (vec![1], vec![condition("n", Lt, &[int(20)])]),
        (vec![1, 2], vec![condition("n", Le, &[int(20)])]),
        (vec![2], vec![condition("n", Gt, &[int(10)])]),
        (vec![1, 2], vec![condition("n", Ge, &[int(10)])]),
        (
            vec![1, 2],
            vec![condition("n", Between, &[int(10), int(20)])],
        ),
        (vec![], vec![condition("n", Between, &[int(20), int(10)])]),
        (vec![2], vec![condition("n", InList, &[int(20), int(30)])]),
        (vec![], vec![condition("n", InList, &[])]),
        (vec![1], vec![condition("n", NotInList, &[int(20)])]),
        (vec![1, 2, 3], vec![condition("n", NotInList, &[])]),
        (
            vec![1],
            vec![condition(
                "word",
                InList,
                &[text("Ab%c"), text("\"'\\{},NULL")],
            )],
        ),
        (
            vec![1],
            vec![condition("list", InList, &[ints(&[1, 2, 3]), ints(&[9])])],
        ),
        (vec![2], vec![condition("word", Like, &[text("a%")])]),
        (vec![1], vec![condition("word", Like, &[text("%\\%_")])]),
        (vec![1], vec![condition("word", NotLike, &[text("a%")])]),
        (vec![1, 2], vec![condition("word", ILike, &[text("a%")])]),
        (vec![2], vec![condition("word", NotILike, &[text("%\\%%")])]),
        (
            vec![1],
            vec![condition(
                "doc",
                Contains,
                &[Value::Json("{\"a\": [2]}".into())],
            )],
        ),
        (vec![1], vec![condition("list", Contains, &[ints(&[3, 1])])]),
        (vec![], vec![is("n", int(10)), is("word", text("abc"))]),
        (
            vec![1, 2],
            vec![
                Condition {
                    group: Some(1),
                    ..is("n", int(10))
                },
                Condition {
                    group: Some(1),
                    ..is("word", text("abc"))
                },
            ],
        ),
    ] {
        let order_by = vec![Ordering {
            column: "id".to_owned(),
            descending: false,
            nulls: None,
        }];
        let selection = Selection {
            columns: names(&["id"]),
            filter: conditions.clone(),
            order_by,
            ..Selection::default()
        };
        let rows = session
            .select("t", &selection)
            .await
            .unwrap_or_else(|error| panic!("{conditions:?}: {error}"));
        assert_eq!(numbers(&rows), found, "{conditions:?}");
        assert_eq!(
            session.count("t", &conditions).await,
            Ok(found.len() as u64)
        );
    }
}

#[tokio::test]
async fn one_row_is_the_first_and_the_only_one_if_asked() {
    let (_database, mut session) = with_accounts().await;
    let selection = |filter| Selection {
        columns: names(&["id"]),
        filter,
        order_by: vec![Ordering {
            column: "id".to_owned(),
            descending: true,
            nulls: None,
        }],
        ..Selection::default()
    };
    let all = selection(vec![]);
    assert_eq!(
        numbers(
            &session
                .select_one("accounts", &all, false)
                .await
                .expect("selected")
        ),
        [3]
    );
    assert_eq!(
        kind(session.select_one("accounts", &all, true).await),
        ErrorKind::CardinalityViolation
    );
    let bob = selection(vec![is("owner", text("bob"))]);
    assert_eq!(
        numbers(
            &session
                .select_one("accounts", &bob, true)
                .await
                .expect("selected")
        ),
        [2]
    );
    let nobody = selection(vec![is("owner", text("nobody"))]);
    let rows = session
        .select_one("accounts", &nobody, true)
        .await
        .expect("selected");
    assert_eq!((rows.len(), rows.columns().len()), (0, 1));
}

#[tokio::test]
async fn a_lock_needs_a_transaction() {
    let (_database, mut session) = with_accounts().await;
    let lock = Some(RowLock {
        strength: LockStrength::Exclusive,
        wait: LockWait::Wait,
    });
    let selection = Selection {
        lock,
        ..Selection::default()
    };
    assert!(matches!(
        session.select("accounts", &selection).await,
        Err(Error::Invalid(_))
    ));
}
