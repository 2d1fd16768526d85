//! PostgreSQL that looks like CockroachDB.

use tests::fault::{Action, Failure, Proxy, Trigger, Which};
use tokio_postgres::NoTls;

use super::{Behind, refused, simple};

#[tokio::test]
async fn disguised_the_server_refuses_what_cockroachdb_refuses() {
    let behind = Behind::disguised().await;
    let client = &behind.client;
    for (text, expected) in [
        ("COMMIT", refused("25P01")),
        ("ROLLBACK", refused("25P01")),
        ("BEGIN", Ok(0)),
        ("BEGIN", refused("25001")),
        ("SELECT 1", refused("25P02")),
        // Answered with the tag ROLLBACK, and no error.
        ("COMMIT", Ok(0)),
        ("COMMIT", refused("25P01")),
        ("SELECT pg_advisory_unlock_all()", refused("42883")),
        ("SET autocommit_before_ddl = off", Ok(0)),
        ("SET inject_retry_errors_enabled = 'true'", Ok(0)),
        ("SELECT 1", Ok(1)),
        ("BEGIN", Ok(0)),
        ("SELECT 1", refused("40001")),
        ("ROLLBACK", Ok(0)),
        ("SET inject_retry_errors_enabled = 'false'", Ok(0)),
        ("BEGIN", Ok(0)),
        ("SAVEPOINT s", Ok(0)),
        ("SELECT 1/0", refused("22012")),
        ("ROLLBACK TO SAVEPOINT s", Ok(0)),
        ("SELECT 1", Ok(1)),
        ("COMMIT", Ok(0)),
    ] {
        assert_eq!(simple(client, text).await, expected, "{text}");
    }
    let forged = Action::Fail(Failure::retry());
    let trigger = Trigger::Asked(Which::Beginning("SELECT * FROM t"));
    behind.proxy.once(trigger, forged);
    for (text, expected) in [
        ("BEGIN", Ok(0)),
        ("SAVEPOINT s", Ok(0)),
        ("SELECT * FROM t", refused("40001")),
        // No savepoint survives that.
        ("ROLLBACK TO SAVEPOINT s", refused("40001")),
        ("ROLLBACK", Ok(0)),
        ("SELECT * FROM t", Ok(3)),
    ] {
        assert_eq!(simple(client, text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn disguised_the_server_says_what_it_is_and_no_more_of_an_error_than_cockroachdb() {
    let test = tests::database().await;
    let proxy = Proxy::disguised(&test.url()).await;
    let url = proxy.url(test.name(), "");
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("let in");
    let version = connection.parameter("crdb_version").map(str::to_owned);
    assert!(version.is_some_and(|version| version.starts_with("CockroachDB")));
    assert_eq!(connection.parameter("in_hot_standby"), None);
    assert_eq!(connection.parameter("client_encoding"), Some("UTF8"));
    tokio::spawn(connection);
    let table = "CREATE TABLE t (id int8 PRIMARY KEY); INSERT INTO t VALUES (1)";
    client.simple_query(table).await.expect("made");
    let twice = client.execute("INSERT INTO t VALUES (1)", &[]).await;
    let error = twice.expect_err("twice");
    let error = error.as_db_error().expect("told by the server");
    assert_eq!(error.code().code(), "23505");
    assert_eq!((error.constraint(), error.table()), (Some("t_pkey"), None));
    let wrong = client.simple_query("SELECT nothing").await;
    let error = wrong.expect_err("there is no such column");
    assert_eq!(error.as_db_error().expect("told").position(), None);
}
