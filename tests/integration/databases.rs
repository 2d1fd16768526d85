//! Databases are made on a real server, natively and by a guest.

use host::database::{Error, ErrorKind, Limits, Session};
use serde_json::json;
use tests::{TestDatabase, example, unique_name};

use crate::{
    functions::tell,
    operations::{kind, limited, session},
};

/// Runs SQL of the test's own, one statement after another: databases are not made or dropped in a transaction.
async fn administer(database: &TestDatabase, statements: &[String]) {
    let client = database.client().await;
    for statement in statements {
        client.simple_query(statement).await.expect(statement);
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn drop_database(database: &TestDatabase, name: &str) {
    administer(database, &[format!("DROP DATABASE {}", quoted(name))]).await;
}

#[tokio::test]
async fn a_database_is_made_once_in_one_round_trip() {
    let database = tests::database().await;
    let mut session = session(&database).await;
    let name = unique_name("Made of \"ünïcode\", a.b; --");
    let before = session.statistics().round_trips;
    assert_eq!(session.create_database(&name, false).await, Ok(true));
    assert_eq!(session.statistics().round_trips - before, 1);
    assert_eq!(session.create_database(&name, true).await, Ok(false));
    let there = session.create_database(&name, false).await;
    assert_eq!(kind(there), ErrorKind::DuplicateObject);
    let other_case = name.to_uppercase();
    assert_eq!(session.create_database(&other_case, true).await, Ok(true));

    let sql =
        "SELECT datname, pg_encoding_to_char(encoding) FROM pg_database WHERE datname = ANY ($1)";
    let client = database.client().await;
    let found = client.query(sql, &[&vec![&name, &other_case]]).await;
    for row in found.expect("databases") {
        assert_eq!(row.get::<_, &str>(1), "UTF8", "{}", row.get::<_, &str>(0));
    }
    // The plugin still works where it did.
    let rows = session.query("SELECT current_database()::text", &[]).await;
    let rows = rows.expect("selected");
    let expected = host::database::Value::Text(database.name().into());
    assert_eq!(rows.value(0, 0), Ok(expected));
    drop_database(&database, &name).await;
    drop_database(&database, &other_case).await;
}

#[tokio::test]
async fn names_of_no_database_are_refused_before_anything_is_sent() {
    let database = tests::database().await;
    let mut session = session(&database).await;
    for name in ["", "a\0b", &"x".repeat(64)] {
        let refused = session.create_database(name, true).await;
        assert!(
            matches!(refused, Err(Error::Invalid(_))),
            "{name:?}: {refused:?}"
        );
    }
    for name in ["system", "template0", "template1", "pg_x", "crdb_internal"] {
        let refused = session.create_database(name, true).await;
        assert!(
            matches!(refused, Err(Error::Denied(_))),
            "{name}: {refused:?}"
        );
    }
    assert_eq!(session.statistics().statements, 0);
}

#[tokio::test]
async fn of_two_who_make_one_database_one_made_it() {
    let database = tests::database().await;
    let connected = database.connect().await;
    let mut racers: Vec<Session> = (0..4)
        .map(|_| limited(&connected, Limits::default()))
        .collect();
    for if_not_exists in [true, false, true] {
        let name = unique_name("raced");
        let calls = racers
            .iter_mut()
            .map(|session| session.create_database(&name, if_not_exists));
        let mut made = 0;
        for outcome in futures_util::future::join_all(calls).await {
            match outcome {
                Ok(true) => made += 1,
                Ok(false) => assert!(if_not_exists),
                Err(Error::Database(error)) if !if_not_exists => {
                    assert_eq!(error.kind, ErrorKind::DuplicateObject, "{error:?}");
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(made, 1, "{name}");
        drop_database(&database, &name).await;
    }
}

#[tokio::test]
async fn a_role_that_may_not_make_databases_is_told_so() {
    let database = tests::database().await;
    let role = unique_name("maker");
    administer(&database, &[format!("CREATE ROLE {role} LOGIN")]).await;
    let options = database.options_as(&role);
    let connected = host::database::Database::connect(options, Limits::default()).await;
    let connected = connected.expect("it connects");
    let mut session = limited(&connected, Limits::default());
    let refused = session.create_database(&unique_name("never"), false).await;
    assert_eq!(kind(refused), ErrorKind::InsufficientPrivilege);
    connected.close().await;
    administer(&database, &[format!("DROP ROLE {role}")]).await;
}

#[tokio::test]
async fn a_guest_makes_databases_if_it_was_granted() {
    let database = tests::database().await;
    let name = unique_name("by_guest");
    let make = json!({ "call": "create-database", "name": name });
    let make_if = json!({ "call": "create-database", "name": name, "if-not-exists": true });
    let answers = tell(
        &database,
        &json!([make, make_if, make, { "call": "create-database", "name": "" }]),
    )
    .await;
    assert_eq!(answers[0], json!({ "ok": true }));
    assert_eq!(answers[1], json!({ "ok": false }));
    assert_eq!(
        answers[2]["error"]["kind"], "duplicate-object",
        "{}",
        answers[2]
    );
    assert_eq!(answers[3]["error"]["case"], "invalid", "{}", answers[3]);
    drop_database(&database, &name).await;

    let component = example("does_as_told");
    let finished = tests::host(["run".as_ref(), component.as_os_str()])
        .arg("--grant")
        .arg("sql,schema")
        .arg("--database-url")
        .arg(database.url())
        .run()
        .await;
    finished.expect(3, &["databases", "--grant databases"]);
}
