//! SQL text of a guest.

use host::{
    database::{Error, ErrorKind, LimitExceeded, Limits, Value},
    tenancy::Grants,
};

use super::{database_error, granted, kind, limited, numbers, text, values, with_accounts};

#[tokio::test]
async fn sql_text_is_one_statement_with_as_many_parameters_as_it_names() {
    let (_database, mut session) = with_accounts().await;
    let rows = session
        .query("SELECT 1 AS a, 'x'::text AS a, NULL::date AS b", &[])
        .await
        .expect("selected");
    assert_eq!(values(&rows), [[Value::Int64(1), text("x"), Value::Null]]);
    let rows = session
        .query("UPDATE accounts SET seen = now()", &[])
        .await
        .expect("updated");
    assert_eq!((rows.len(), rows.columns().len()), (0, 0));
    let rows = session
        .query(
            "UPDATE accounts SET seen = NULL WHERE id < $1 RETURNING id",
            &[Value::Int64(2)],
        )
        .await;
    assert_eq!(numbers(&rows.expect("updated")), [1]);
    assert_eq!(session.execute("SELECT * FROM accounts", &[]).await, Ok(3));
    assert_eq!(
        session
            .execute(
                "DELETE FROM accounts WHERE id = $1 RETURNING *",
                &[Value::Int64(1)]
            )
            .await,
        Ok(1)
    );
    for (sql, parameters) in [
        ("SELECT 1; SELECT 2", &[][..]),
        ("", &[]),
        ("SELECT $1::int8", &[]),
        ("SELECT $1::int8", &[Value::Int64(1), Value::Int64(2)]),
    ] {
        let result = session.query(sql, parameters).await;
        assert!(
            matches!(result, Err(Error::Invalid(_))),
            "{sql}: {result:?}"
        );
    }
    let long = format!("SELECT 1 -- {}", "x".repeat(64 << 10));
    let result = session.query(&long, &[]).await;
    let expected = LimitExceeded {
        name: "sql-text-bytes",
        used: long.len() as u64,
        maximum: 64 << 10,
    };
    assert_eq!(result.expect_err("it is too long"), Error::Limit(expected));
}

#[tokio::test]
async fn errors_of_sql_text_say_where_and_what_to_do() {
    let (_database, mut session) = with_accounts().await;
    let error = database_error(session.query("SELECT wrong FROM accounts", &[]).await);
    assert_eq!(
        (error.kind, error.position),
        (ErrorKind::UndefinedColumn, Some(8))
    );
    let error = database_error(session.query("SELEKT", &[]).await);
    assert_eq!(
        (error.kind, error.sqlstate.as_str()),
        (ErrorKind::SyntaxError, "42601")
    );
    assert_eq!(
        kind(session.query("SELECT * FROM nowhere", &[]).await),
        ErrorKind::UndefinedTable
    );
    assert_eq!(
        kind(session.query("SELECT 1 / 0", &[]).await),
        ErrorKind::DataException
    );
    for sql in ["SELECT jsonb_build_object('a', $1)", "SELECT $1 + $2"] {
        let parameters = [text("1"), text("2")];
        let error = database_error(
            session
                .query(sql, &parameters[..sql.matches('$').count()])
                .await,
        );
        let hint = error.hint.expect("there is a hint");
        assert!(hint.contains("$1::type"), "{hint}");
    }
    let error = session
        .query("SELECT * FROM accounts WHERE id = $1", &[text("x")])
        .await
        .expect_err("no number");
    assert!(
        matches!(error, Error::Conversion(ref error) if error.column == "$1" && error.type_name == "bigint"),
        "{error:?}"
    );
}

#[tokio::test]
async fn grants_bind_sql_text() {
    let database = tests::database().await;
    let connected = database.connect().await;
    let mut session = granted(
        &connected,
        Limits::default(),
        "sql".parse().expect("a grant"),
    );
    for sql in [
        "CREATE TABLE t (a int8)",
        "/* x */ drop table t",
        "SELECT 1 AS a INTO t",
    ] {
        let error = session
            .execute(sql, &[])
            .await
            .expect_err("it is not granted");
        assert!(
            matches!(error, Error::Denied(ref text) if text.contains("`schema`")),
            "{error:?}"
        );
    }
    for sql in [
        "BEGIN",
        "SET statement_timeout = 0",
        "COPY t TO STDOUT",
        "DO $$ BEGIN END $$",
    ] {
        let result = session.execute(sql, &[]).await;
        assert!(matches!(result, Err(Error::Denied(_))), "{sql}: {result:?}");
    }
    assert_eq!(session.statistics().statements, 0);
    let mut session = granted(&connected, Limits::default(), Grants::all());
    assert_eq!(session.execute("CREATE TABLE t (a int8)", &[]).await, Ok(0));
}

#[tokio::test]
async fn nothing_of_one_sessions_sql_text_is_left_to_the_next() {
    let database = tests::database().await;
    let connected = database.connect().await;
    let mut one = limited(&connected, Limits::default());
    let set = "SELECT set_config('search_path', 'nowhere', false), set_config('x.y', 'left', false), pg_advisory_lock(1)";
    one.query(set, &[]).await.expect("set");
    one.execute("CREATE TEMPORARY TABLE left_behind (a int8)", &[])
        .await
        .expect("made");
    one.close().await;
    for _ in 0..8 {
        let mut next = limited(&connected, Limits::default());
        let sql = "SELECT current_setting('search_path'), coalesce(current_setting('x.y', true), ''), \
                   (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), \
                   to_regclass('left_behind')::text";
        let rows = next.query(sql, &[]).await.expect("selected");
        assert_eq!(
            values(&rows)[0][1..],
            [text(""), Value::Int64(0), Value::Null]
        );
        assert_ne!(values(&rows)[0][0], text("nowhere"));
    }
}
