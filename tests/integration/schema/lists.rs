//! Lists of tables.

use host::database::{Error, LimitExceeded, Limits, TableEntry, TableKind};

use super::run;
use crate::operations::{limited, session};

const SCHEMAS: &str = "\
    CREATE SCHEMA sales; CREATE SCHEMA \"Odd.\"\"schema\"; CREATE SCHEMA empty; \
    CREATE TABLE zebra (a int8); CREATE TABLE \"Apple\" (a int8 PRIMARY KEY); CREATE TABLE apple (a int8 UNIQUE); \
    CREATE VIEW plain_view AS SELECT a FROM zebra; \
    CREATE MATERIALIZED VIEW stored_view AS SELECT a FROM zebra; \
    CREATE SEQUENCE numbers; CREATE INDEX by_a ON zebra (a); \
    CREATE TABLE sales.orders (a int8); CREATE TABLE \"Odd.\"\"schema\".\"odd.\"\"tablé\" (a int8)";

fn entry(schema: &str, name: &str, kind: TableKind) -> TableEntry {
    TableEntry {
        schema: schema.to_owned(),
        name: name.to_owned(),
        kind,
    }
}

#[tokio::test]
async fn tables_and_views_of_users_are_listed_in_order() {
    let database = tests::database().await;
    run(&database, SCHEMAS).await;
    let mut session = session(&database).await;
    let orders = [entry("sales", "orders", TableKind::Table)];
    let odd = [entry("Odd.\"schema", "odd.\"tablé", TableKind::Table)];
    let public = [
        entry("public", "Apple", TableKind::Table),
        entry("public", "apple", TableKind::Table),
        entry("public", "plain_view", TableKind::View),
        entry("public", "stored_view", TableKind::MaterializedView),
        entry("public", "zebra", TableKind::Table),
    ];
    let all = [&odd[..], &public, &orders].concat();
    for (schema, expected) in [
        (None, &all[..]),
        (Some("public"), &public),
        (Some("sales"), &orders),
        (Some("Odd.\"schema"), &odd),
        (Some("empty"), &[]),
        (Some("nowhere"), &[]),
        (Some("SALES"), &[]),
    ] {
        let before = session.statistics().round_trips;
        assert_eq!(
            session.tables(schema).await.as_deref(),
            Ok(expected),
            "{schema:?}"
        );
        assert_eq!(session.statistics().round_trips - before, 1);
    }
}

#[tokio::test]
async fn partitions_are_tables_and_temporary_tables_are_left_out() {
    let database = tests::database().await;
    let sql = "CREATE TABLE parts (a int8) PARTITION BY RANGE (a); \
        CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (9)";
    run(&database, sql).await;
    let mut session = session(&database).await;
    session
        .execute("CREATE TEMPORARY TABLE passing (a int8)", &[])
        .await
        .expect("made");
    let expected = ["part", "parts"].map(|name| entry("public", name, TableKind::Table));
    assert_eq!(session.tables(None).await.as_deref(), Ok(&expected[..]));
}

#[tokio::test]
async fn schemas_of_the_database_are_denied() {
    let database = tests::database().await;
    let mut session = session(&database).await;
    for schema in [
        "pg_catalog",
        "information_schema",
        "crdb_internal",
        "system",
        "PG_TOAST",
    ] {
        let denied = session.tables(Some(schema)).await;
        assert!(
            matches!(denied, Err(Error::Denied(_))),
            "{schema}: {denied:?}"
        );
    }
    let invalid = session.tables(Some("")).await;
    assert!(matches!(invalid, Err(Error::Invalid(_))), "{invalid:?}");
    assert_eq!(session.statistics().statements, 0);
}

#[tokio::test]
async fn a_role_sees_what_it_may_use() {
    let database = tests::database().await;
    let role = tests::unique_name("clerk");
    let sql = format!(
        "CREATE ROLE {role} LOGIN; CREATE SCHEMA closed; \
         CREATE TABLE open (a int8, b int8); CREATE TABLE shut (a int8); CREATE TABLE closed.off (a int8); \
         CREATE TABLE partly (a int8, b int8); \
         GRANT INSERT ON open TO {role}; GRANT SELECT (b) ON partly TO {role}; GRANT SELECT ON closed.off TO {role}"
    );
    run(&database, &sql).await;
    let options = database.options_as(&role);
    let connected = host::database::Database::connect(options, Limits::default()).await;
    let connected = connected.expect("it connects");
    let mut session = limited(&connected, Limits::default());
    let expected = ["open", "partly"].map(|name| entry("public", name, TableKind::Table));
    assert_eq!(session.tables(None).await.as_deref(), Ok(&expected[..]));
    let open = session.describe_table("open").await.expect("described");
    assert_eq!(open.columns.len(), 2);
    for table in ["shut", "closed.off", "nowhere"] {
        let kind = crate::operations::kind(session.describe_table(table).await);
        assert_eq!(kind, host::database::ErrorKind::UndefinedTable, "{table}");
    }
    connected.close().await;
    run(
        &database,
        &format!("DROP OWNED BY {role}; DROP ROLE {role}"),
    )
    .await;
}

#[tokio::test]
async fn a_list_and_a_description_are_bounded_as_any_result() {
    let database = tests::database().await;
    run(
        &database,
        "CREATE TABLE a (a int8); CREATE TABLE b (a int8, b int8, c int8)",
    )
    .await;
    let connected = database.connect().await;
    let with_rows = |result_rows| {
        let limits = Limits {
            result_rows,
            ..Limits::default()
        };
        limited(&connected, limits)
    };
    let exceeded = |used| {
        Error::Limit(LimitExceeded {
            name: "result-rows",
            used,
            maximum: used - 1,
        })
    };
    let mut session = with_rows(1);
    assert_eq!(session.tables(None).await, Err(exceeded(2)));
    assert_eq!(session.tables(Some("nowhere")).await, Ok(vec![]));
    let mut session = with_rows(3);
    assert_eq!(session.tables(None).await.expect("listed").len(), 2);
    // The table itself and its three columns.
    assert_eq!(session.describe_table("b").await, Err(exceeded(4)));
    assert!(session.describe_table("a").await.is_ok());
}
