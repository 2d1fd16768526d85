//! What else a transaction can hold: batches, cursors, SQL text, look-ups.

use host::database::{Batch, Conflict, ConflictAction, Error, Returning, SqlStatement, Value};
use tests::number;

use super::{found, insert, opened, prepared, rows, session, sqlstate, trips};

fn statement(text: &str) -> SqlStatement {
    SqlStatement {
        text: text.to_owned(),
        parameters: Vec::new(),
    }
}

#[tokio::test]
async fn a_cursor_reads_in_the_transaction_and_ends_with_it() {
    let (_database, _client, connected) = prepared().await;
    let mut session = session(&connected, 0);
    let transaction = session.begin(None).await.expect("begun");
    for id in 1..=3 {
        insert(&mut session, id).await.expect("inserted");
    }
    let mut before = session.statistics().round_trips;
    let all = "SELECT id FROM t ORDER BY id";
    let cursor = session.open_cursor(all, &[]).await.expect("open");
    assert_eq!(trips(&session, &mut before), 1);
    let part = session.fetch(cursor, 1).await.expect("a part");
    assert_eq!(part.as_ref().and_then(found), Some(1), "its own rows");
    insert(&mut session, 4).await.expect("beside it");
    let part = session
        .fetch(cursor, 10)
        .await
        .expect("a part")
        .expect("rows");
    assert_eq!(
        (found(&part), part.len()),
        (Some(2), 2),
        "as of its opening"
    );
    assert!(session.fetch(cursor, 1).await.expect("the end").is_none());
    let open = session.open_cursor(all, &[]).await.expect("open");

    let savepoint = session.begin(None).await.expect("set");
    let inner = session.open_cursor(all, &[]).await.expect("open");
    session.roll_back(savepoint).await.expect("undone");
    let over = session.fetch(inner, 1).await.expect_err("undone");
    assert!(over.to_string().contains("savepoint"), "{over}");

    session.commit(transaction).await.expect("committed");
    let over = session.fetch(open, 1).await.expect_err("over");
    assert!(
        matches!(&over, Error::Closed(why) if why.contains("transaction")),
        "{over:?}"
    );
}

#[tokio::test]
async fn a_cursor_that_fails_fails_the_transaction() {
    let (_database, client, connected) = prepared().await;
    let mut session = session(&connected, 0);
    let transaction = session.begin(None).await.expect("begun");
    insert(&mut session, 1).await.expect("inserted");
    let text = "SELECT 1 / (150 - n) FROM generate_series(1, 200) AS n";
    let cursor = session.open_cursor(text, &[]).await.expect("open");
    let mut outcome = Ok(None);
    while outcome.is_ok() {
        outcome = session.fetch(cursor, 50).await;
    }
    assert_eq!(sqlstate(&outcome.expect_err("a division by zero")), "22012");
    assert_eq!(
        sqlstate(&session.commit(transaction).await.expect_err("failed")),
        "22012"
    );
    assert_eq!(rows(&client).await, 0);
}

#[tokio::test]
async fn batches_are_part_of_the_transaction() {
    let (_database, client, connected) = prepared().await;
    let mut session = session(&connected, 0);
    let transaction = session.begin(None).await.expect("begun");
    insert(&mut session, 1).await.expect("inserted");
    let texts = ["INSERT INTO t VALUES (2, 0)", "SELECT count(*) FROM t"].map(statement);
    let mut before = session.statistics().round_trips;
    let results = session.batch(&texts).await.expect("done");
    assert_eq!(trips(&session, &mut before), 1);
    let counted = results[1].rows.as_ref().and_then(found);
    assert_eq!(counted, Some(2));

    let many = 25_000;
    let batch = |first: i64| Batch {
        columns: vec!["id".to_owned(), "n".to_owned()],
        rows: (first..first + many)
            .map(|id| vec![Some(Value::Int64(id)), Some(Value::Int64(0))])
            .collect(),
    };
    let written = session
        .batch_insert("t", &batch(10), None, &Returning::Nothing)
        .await
        .expect("inserted");
    assert_eq!(written.count, 25_000);
    let conflict = Conflict {
        key: vec!["id".to_owned()],
        action: ConflictAction::Keep,
    };
    let written = session
        .batch_insert("t", &batch(11), Some(&conflict), &Returning::Nothing)
        .await
        .expect("inserted");
    assert_eq!(written.count, 1);
    assert_eq!(rows(&client).await, 0, "nothing is there before the commit");
    session.commit(transaction).await.expect("committed");
    assert_eq!(rows(&client).await, 25_003);

    let transaction = session.begin(None).await.expect("begun");
    let savepoint = session.begin(None).await.expect("set");
    let texts = ["DELETE FROM t", "INSERT INTO t VALUES (1, 0), (1, 0)"].map(statement);
    let failed = session.batch(&texts);
    let failed = failed.await.expect_err("a key twice");
    let Error::Database(failed) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(failed.statement_index, Some(1));
    session.roll_back(savepoint).await.expect("undone");
    session.commit(transaction).await.expect("committed");
    assert_eq!(rows(&client).await, 25_003);
}

/// What has to be asked of the catalogue is asked on the only connection there is.
#[tokio::test]
async fn a_pool_of_one_is_enough() {
    let (database, client, _) = prepared().await;
    client
        .simple_query("CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TABLE moods (id int8 PRIMARY KEY, m mood, d numeric(4, 1))")
        .await
        .expect("made");
    let connected = opened(&database, "min_connections=1&max_connections=1").await;
    let mut session = session(&connected, 0);
    let transaction = session.begin(None).await.expect("begun");
    let batch = Batch {
        columns: ["id", "m", "d"].map(str::to_owned).to_vec(),
        rows: vec![vec![
            Some(Value::Int64(1)),
            Some(Value::Text("good".into())),
            Some(Value::Decimal("12.5".into())),
        ]],
    };
    let written = session
        .batch_insert("moods", &batch, None, &Returning::AllColumns)
        .await
        .expect("inserted");
    let rows = written.rows.expect("rows");
    assert_eq!(rows.columns()[1].type_name, "mood");
    session.commit(transaction).await.expect("committed");
    assert_eq!(number(&client, "SELECT count(*) FROM moods").await, 1);
    assert_eq!(connected.open_connections(), 1);
}

/// A text that slips through the check of its words is caught by what the server says of the transaction.
#[tokio::test]
async fn sql_text_does_not_end_the_transaction() {
    let (_database, client, connected) = prepared().await;
    let mut session = session(&connected, 0);
    for text in [
        "COMMIT",
        " ; /* a /* nested */ comment */ cOmMiT",
        "-- a line\nROLLBACK",
        "END",
        "ABORT",
        "SAVEPOINT s",
        "RELEASE s",
        "SET TRANSACTION READ WRITE",
        "set search_path = x",
        "RESET ALL",
        "BEGIN",
        "START TRANSACTION",
        "PREPARE TRANSACTION 'x'",
    ] {
        let transaction = session.begin(None).await.expect("begun");
        insert(&mut session, 1).await.expect("inserted");
        let refused = session.execute(text, &[]).await;
        assert!(
            matches!(refused, Err(Error::Denied(_) | Error::Invalid(_))),
            "{text}: {refused:?}"
        );
        session.roll_back(transaction).await.expect("rolled back");
        assert_eq!(rows(&client).await, 0, "{text}");
    }
}
