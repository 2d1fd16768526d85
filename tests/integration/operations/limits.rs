//! What a call costs, and what it may cost.

use std::time::Duration;

use host::database::{
    Batch, Change, Error, LimitExceeded, Limits, Operator, Returning, Rows, Selection, Session,
    SessionOptions, Target, TimeoutStep, Value,
};
use tokio::time::Instant;

use super::{
    accounts, assign, condition, decimal, field, is, limited, matching, names, text, with_accounts,
};

#[tokio::test]
async fn every_single_statement_is_one_round_trip() {
    let (_database, mut session) = with_accounts().await;
    let selection = Selection::default();
    let target = matching(is("id", Value::Int64(1)));
    let changes = [assign("balance", Change::Add(Value::Int64(1)))];
    let mut before = session.statistics();
    let mut check = |name: &str, session: &Session, expected: u64| {
        let now = session.statistics();
        assert_eq!(now.round_trips - before.round_trips, expected, "{name}");
        before = now;
    };
    session
        .select("accounts", &selection)
        .await
        .expect("selected");
    check("select", &session, 1);
    session
        .select_one("accounts", &selection, false)
        .await
        .expect("selected");
    check("select-one", &session, 1);
    session.count("accounts", &[]).await.expect("counted");
    check("count", &session, 1);
    let fields = [field("owner", text("dan")), field("id", Value::Int64(50))];
    session
        .insert("accounts", &fields, &Returning::AllColumns)
        .await
        .expect("inserted");
    check("insert", &session, 1);
    session
        .update("accounts", &changes, &target, &Returning::Nothing)
        .await
        .expect("updated");
    check("update", &session, 1);
    session
        .delete("accounts", &target, &Returning::Nothing)
        .await
        .expect("deleted");
    check("delete", &session, 1);
    session
        .query("SELECT $1::int8", &[Value::Int64(1)])
        .await
        .expect("selected");
    check("query", &session, 1);
    session
        .execute("UPDATE accounts SET balance = $1", &[Value::Float64(0.5)])
        .await
        .expect("updated");
    check("execute", &session, 1);
    let batch = |id| Batch {
        columns: names(&["id", "owner", "balance"]),
        rows: vec![vec![
            Some(Value::Int64(id)),
            Some(Value::Text(id.to_string().into())),
            Some(Value::Null),
        ]],
    };
    for (id, name, expected) in [
        (
            60,
            "batch-insert that gives rows back by a key to be learnt",
            2,
        ),
        (62, "batch-insert into known columns", 1),
    ] {
        session
            .batch_insert("accounts", &batch(id), None, &Returning::AllColumns)
            .await
            .expect("inserted");
        check(name, &session, expected);
    }
    session
        .drop_table("accounts", false, false)
        .await
        .expect("dropped");
    check("drop-table", &session, 1);
    session
        .create_table("accounts", &accounts(), false)
        .await
        .expect("made");
    check("create-table", &session, 1);
    session
        .batch_insert("accounts", &batch(61), None, &Returning::Nothing)
        .await
        .expect("inserted");
    check("batch-insert into new columns", &session, 2);
}

#[tokio::test]
async fn results_have_limits_and_a_write_over_them_is_undone() {
    let database = tests::database().await;
    let connected = database.connect().await;
    let statement =
        "CREATE TABLE t AS SELECT n, repeat('x', 1000) AS fill FROM generate_series(1, 11) AS n";
    database
        .client()
        .await
        .simple_query(statement)
        .await
        .expect("rows");
    let rows = || Limits {
        result_rows: 10,
        ..Limits::default()
    };
    let over =
        |result: Result<Rows, Error>, name: &str| match result.expect_err("it is over the limit") {
            Error::Limit(limit) => assert_eq!(limit.name, name, "{limit}"),
            error => panic!("{error:?}"),
        };
    let mut session = limited(&connected, rows());
    over(
        session.select("t", &Selection::default()).await,
        "result-rows",
    );
    over(session.query("SELECT * FROM t", &[]).await, "result-rows");
    over(
        session.query("DELETE FROM t RETURNING n", &[]).await,
        "result-rows",
    );
    let deleted = session
        .delete("t", &Target::AllRows, &Returning::AllColumns)
        .await;
    over(
        deleted.map(|written| written.rows.expect("they were asked for")),
        "result-rows",
    );
    let changes = [assign("n", Change::Add(Value::Int64(1)))];
    let updated = session
        .update("t", &changes, &Target::AllRows, &Returning::AllColumns)
        .await;
    over(
        updated.map(|written| written.rows.expect("they were asked for")),
        "result-rows",
    );
    let batch = Batch {
        columns: names(&["n"]),
        rows: vec![vec![Some(Value::Int64(0))]; 11],
    };
    let inserted = session
        .batch_insert("t", &batch, None, &Returning::AllColumns)
        .await;
    over(
        inserted.map(|written| written.rows.expect("they were asked for")),
        "result-rows",
    );
    assert_eq!(
        session
            .count(
                "t",
                &[condition(
                    "n",
                    Operator::Between,
                    &[Value::Int64(1), Value::Int64(11)]
                )]
            )
            .await,
        Ok(11)
    );

    let mut session = limited(
        &connected,
        Limits {
            result_bytes: 5_000,
            ..Limits::default()
        },
    );
    over(
        session.select("t", &Selection::default()).await,
        "result-bytes",
    );
    let deleted = session
        .delete("t", &Target::AllRows, &Returning::AllColumns)
        .await;
    over(
        deleted.map(|written| written.rows.expect("they were asked for")),
        "result-bytes",
    );
    over(
        session.query("SELECT 1e100000::numeric", &[]).await,
        "result-bytes",
    );
    assert_eq!(session.count("t", &[]).await, Ok(11));
    assert_eq!(session.execute("SELECT * FROM t", &[]).await, Ok(11));
}

#[tokio::test]
async fn a_run_has_so_many_statements_and_so_much_time() {
    let (database, session) = with_accounts().await;
    session.close().await;
    let connected = database.connect().await;
    let mut session = limited(
        &connected,
        Limits {
            statements: 2,
            ..Limits::default()
        },
    );
    for _ in 0..2 {
        session.count("accounts", &[]).await.expect("counted");
    }
    let expected = LimitExceeded {
        name: "statements",
        used: 3,
        maximum: 2,
    };
    assert_eq!(
        session.count("accounts", &[]).await,
        Err(Error::Limit(expected))
    );
    let used = session
        .limits()
        .into_iter()
        .find(|limit| limit.name == "statements")
        .expect("it is there");
    assert_eq!((used.used, used.maximum), (2, 2));

    let mut session = limited(&connected, Limits::default());
    session.set_statement_timeout(Duration::from_millis(200));
    let begun = Instant::now();
    let result = session.execute("SELECT pg_sleep(20)", &[]).await;
    assert_eq!(result, Err(Error::Timeout(TimeoutStep::Executing)));
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(session.count("accounts", &[]).await, Ok(3));

    let deadline = Instant::now() + Duration::from_millis(200);
    let mut session = connected.session(SessionOptions {
        deadline,
        ..tests::session_options(Limits::default())
    });
    let result = session.execute("SELECT pg_sleep(20)", &[]).await;
    assert_eq!(result, Err(Error::Timeout(TimeoutStep::Running)));
    assert_eq!(
        session.count("accounts", &[]).await,
        Err(Error::Timeout(TimeoutStep::Running))
    );
}

#[tokio::test]
async fn decimals_of_all_statements_of_a_batch_are_bounded_together() {
    let database = tests::database().await;
    let statement = "CREATE TABLE t (id int8 PRIMARY KEY, n numeric, label text)";
    database
        .client()
        .await
        .simple_query(statement)
        .await
        .expect("a table");
    let limits = Limits {
        result_bytes: 50_000,
        ..Limits::default()
    };
    let mut session = limited(&database.connect().await, limits);
    // A few bytes each on their way, and 15,001 as text. Rows with a label go in a statement of their own.
    let row = |id: i64, label: Option<Value<'static>>| {
        vec![Some(Value::Int64(id)), Some(decimal("1e15000")), label]
    };
    let label = || Some(text("x"));
    let batch = |rows| Batch {
        columns: names(&["id", "n", "label"]),
        rows,
    };
    let few = batch(vec![row(1, None), row(2, None), row(3, label())]);
    let many = batch(vec![
        row(4, None),
        row(5, None),
        row(6, label()),
        row(7, label()),
    ]);
    let written = session
        .batch_insert("t", &few, None, &Returning::AllColumns)
        .await;
    assert_eq!(written.expect("below the limit").count, 3);
    match session
        .batch_insert("t", &many, None, &Returning::AllColumns)
        .await
    {
        Err(Error::Limit(limit)) => assert_eq!(limit.name, "result-bytes"),
        other => panic!("{other:?}"),
    }
    assert_eq!(session.count("t", &[]).await, Ok(3));
}

/// What is too large only when it is written out is seen too late: the write was committed.
#[tokio::test]
async fn a_write_whose_decimals_are_too_large_is_told_to_be_kept() {
    let (database, _) = with_accounts().await;
    let limits = Limits {
        result_bytes: 50_000,
        ..Limits::default()
    };
    let mut session = limited(&database.connect().await, limits);
    let insert = "INSERT INTO accounts (id, owner) VALUES ($1, $1::text) RETURNING 1e30000::numeric, 1e30000::numeric";
    match session.query(insert, &[Value::Int64(70)]).await {
        Err(Error::AmbiguousCommit(why)) => assert!(why.contains("result-bytes"), "{why}"),
        other => panic!("{other:?}"),
    }
    let kept = session
        .count("accounts", &[is("id", Value::Int64(70))])
        .await;
    assert_eq!(kept, Ok(1));

    let transaction = session.begin(None).await.expect("begun");
    match session.query(insert, &[Value::Int64(71)]).await {
        Err(Error::Limit(limit)) => assert_eq!(limit.name, "result-bytes"),
        other => panic!("{other:?}"),
    }
    let ended = session.commit(transaction).await;
    assert!(matches!(ended, Err(Error::Limit(_))), "{ended:?}");
    let kept = session
        .count("accounts", &[is("id", Value::Int64(71))])
        .await;
    assert_eq!(kept, Ok(0));
}
