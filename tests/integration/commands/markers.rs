//! The table of commit markers: who makes it, who may do what with it, and what keeps it small.

use host::database::{
    Database, Error, Field, Limits, Returning, Selection, Session, Statistics, TableDefinition,
    Target, TransactionOptions, Value,
};
use tests::{Finished, TestDatabase, database, session_options, wait_until};
use tokio_postgres::Client;

use super::check::{about, check, role, says};

const MARKERS: &str = "chitin_internal.commit_marker";

async fn prepare(database: &TestDatabase) -> Finished {
    check(&database.url()).arg("--prepare").run().await
}

async fn prepare_for(database: &TestDatabase, role: &str) -> Finished {
    let prepare = check(&database.url()).arg("--prepare");
    prepare.arg("--for").arg(role).run().await
}

async fn count(client: &Client) -> i64 {
    let count = format!("SELECT count(*) FROM {MARKERS}");
    client.query_one(&count, &[]).await.expect("counted").get(0)
}

async fn write(client: &Client, markers: u32, age: &str) {
    let write = format!(
        "INSERT INTO {MARKERS} SELECT gen_random_uuid(), 'committed', now() - interval '{age}' \
         FROM generate_series(1, {markers})"
    );
    client.simple_query(&write).await.expect("written");
}

async fn connect(database: &TestDatabase, role: &str) -> Database {
    let connected = Database::connect(database.options_as(role), Limits::default());
    connected.await.expect("it connects")
}

#[tokio::test]
async fn preparing_makes_the_table_once_and_clears_away_what_is_old() {
    let database = database().await;
    let first = prepare(&database).await.expect(0, &[]).json();
    says(&first, "prepare", "ok", &format!("made table {MARKERS}"));
    says(&first, "commit markers", "ok", "is there");

    let client = database.client().await;
    write(&client, 1, "2 days").await;
    write(&client, 1, "23 hours").await;
    let wrong = format!("INSERT INTO {MARKERS} VALUES (gen_random_uuid(), 'maybe')");
    client
        .simple_query(&wrong)
        .await
        .expect_err("no such state");
    let second = prepare(&database).await.expect(0, &[]).json();
    says(&second, "prepare", "ok", "nothing to do");
    assert_eq!(count(&client).await, 1, "the old one is gone, and only it");
}

#[tokio::test]
async fn hosts_that_prepare_at_once_all_succeed() {
    let database = database().await;
    let prepare = || prepare(&database);
    let finished = tokio::join!(prepare(), prepare(), prepare(), prepare());
    for finished in [finished.0, finished.1, finished.2, finished.3] {
        let answer = finished.expect(0, &[]).json();
        says(&answer, "commit markers", "ok", "is there");
    }
}

#[tokio::test]
async fn the_role_of_plugins_may_add_and_read_markers_and_nothing_else() {
    let database = database().await;
    let (role, url) = role(&database, "").await;
    let client = database.client().await;
    // What operators do so that new tables can be used at once must not hold for this one.
    let defaults = format!("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {role}");
    client.simple_query(&defaults).await.expect("granted");
    let answer = prepare_for(&database, &role).await.expect(0, &[]).json();
    says(&answer, "prepare", "ok", "made table");
    says(&answer, "commit markers", "ok", "is there");
    let answer = prepare_for(&database, &role).await.expect(0, &[]).json();
    says(&answer, "prepare", "ok", "nothing to do");
    let answer = check(&url).run().await.expect(0, &[]).json();
    says(&answer, "commit markers", "ok", "can be found out");

    client
        .simple_query(&format!("SET ROLE {role}"))
        .await
        .expect("it is there");
    write(&client, 1, "1 hour").await;
    write(&client, 1, "2 days").await;
    assert_eq!(count(&client).await, 2);
    for forbidden in [
        "UPDATE chitin_internal.commit_marker SET state = 'fenced'",
        "DELETE FROM chitin_internal.commit_marker",
        "TRUNCATE chitin_internal.commit_marker",
        "DROP TABLE chitin_internal.commit_marker",
        "ALTER TABLE chitin_internal.commit_marker ADD COLUMN a text",
        "CREATE TABLE chitin_internal.mine ()",
        "SELECT 1 FROM chitin_internal.commit_marker FOR UPDATE",
        "CREATE OR REPLACE FUNCTION chitin_internal.remove_old_markers() RETURNS int8 LANGUAGE sql AS 'SELECT 0::int8'",
    ] {
        let refused = client.simple_query(forbidden).await.expect_err(forbidden);
        assert_eq!(
            refused.code().map(tokio_postgres::error::SqlState::code),
            Some("42501"),
            "{forbidden}"
        );
    }
    // Cleaning is in the owner's name, and what the role puts in its way is not called.
    let trap = "CREATE FUNCTION pg_temp.now() RETURNS timestamptz LANGUAGE sql AS \
                $$ SELECT 'infinity'::timestamptz $$; SET search_path = pg_temp, public";
    client.simple_query(trap).await.expect("made");
    let clean = "SELECT chitin_internal.remove_old_markers()";
    let removed: i64 = client.query_one(clean, &[]).await.expect("cleaned").get(0);
    assert_eq!((removed, count(&client).await), (1, 1));
}

#[tokio::test]
async fn a_role_that_may_not_prepare_is_told_who_may() {
    let database = database().await;
    let (role, url) = role(&database, "CONNECTION LIMIT 3").await;
    let refused = check(&url).arg("--prepare").run().await;
    let answer = refused.expect(2, &[]).json();
    says(&answer, "role", "ok", "is no superuser");
    says(&answer, "connections", "warning", "the role may have 3");
    says(&answer, "prepare", "failure", "permission denied");
    let advice = format!("`host check --prepare --for {role}`");
    says(&answer, "prepare", "failure", &advice);

    prepare(&database).await.expect(0, &[]);
    let answer = check(&url).run().await.expect(0, &[]).json();
    let (verdict, text) = about(&answer, "commit markers");
    assert_eq!(verdict, "warning");
    assert!(text.contains("USAGE and SELECT and INSERT"), "{text}");
    assert!(text.contains(&advice), "{text}");
    let answer = prepare_for(&database, &role).await.expect(0, &[]).json();
    says(&answer, "prepare", "ok", "may use table");
    let answer = check(&url).run().await.expect(0, &[]).json();
    says(&answer, "commit markers", "ok", "is there");

    let unknown = prepare_for(&database, "nobody's").await;
    let answer = unknown.expect(2, &[]).json();
    says(&answer, "prepare", "failure", "nobody's");
}

#[tokio::test]
async fn a_role_that_could_change_markers_is_told() {
    let database = database().await;
    let (role, url) = role(&database, "").await;
    let grant = format!("GRANT CREATE ON DATABASE {} TO {role}", database.name());
    let client = database.client().await;
    client.simple_query(&grant).await.expect("granted");
    let answer = check(&url).run().await.expect(0, &[]).json();
    says(&answer, "commit markers", "warning", "as another role");
    let answer = check(&url).arg("--prepare").run().await;
    let answer = answer.expect(0, &[]).json();
    says(&answer, "prepare", "ok", "made table");
    says(&answer, "commit markers", "warning", "could change it");
    // To name the owner changes nothing: what cleans has its rights from it.
    let named = prepare_for(&database, &role).await.expect(0, &[]).json();
    says(&named, "commit markers", "warning", "could change it");
    write(&client, 1, "2 days").await;
    let connected = connect(&database, &role).await;
    assert_eq!(connected.clean_markers().await, Ok(1));
    connected.close().await;
}

#[tokio::test]
async fn a_table_without_what_cleans_it_gets_it() {
    let database = database().await;
    let client = database.client().await;
    let earlier = "CREATE SCHEMA chitin_internal; CREATE TABLE chitin_internal.commit_marker (\
                   id uuid PRIMARY KEY, state text NOT NULL, made_at timestamptz NOT NULL DEFAULT now())";
    client.simple_query(earlier).await.expect("made");
    let answer = check(&database.url()).run().await.expect(0, &[]).json();
    says(&answer, "commit markers", "warning", "nothing removes old");
    let answer = prepare(&database).await.expect(0, &[]).json();
    says(&answer, "prepare", "ok", "made");
    says(&answer, "commit markers", "ok", "is there");
}

#[tokio::test]
async fn old_markers_are_removed_in_parts_and_new_ones_kept() {
    let database = database().await;
    let (role, _) = role(&database, "").await;
    prepare_for(&database, &role).await.expect(0, &[]);
    let client = database.client().await;
    write(&client, 2_500, "25 hours").await;
    write(&client, 100, "23 hours").await;
    let connected = connect(&database, &role).await;
    let removed = tokio::join!(connected.clean_markers(), connected.clean_markers());
    let removed = (removed.0.expect("cleaned"), removed.1.expect("cleaned"));
    assert_eq!(removed.0 + removed.1, 2_500, "{removed:?}");
    assert_eq!(count(&client).await, 100);
    connected.close().await;
}

/// Inserts a row in a transaction that the host runs, and so leaves a marker.
async fn commit(session: &mut Session, id: i64) -> Result<(), Error> {
    let mut repeated = session.repeated(&TransactionOptions::default()).await?;
    let field = Field {
        column: "id".to_owned(),
        value: Value::Int64(id),
    };
    loop {
        let mut attempt = repeated.begin().await?;
        let inserted = attempt.insert("t", std::slice::from_ref(&field), &Returning::Nothing);
        let is_done = inserted.await.is_ok();
        let ended = repeated.end(attempt, is_done).await;
        if let Some(outcome) = repeated.conclude(ended).await {
            return outcome;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_markers_are_left_old_ones_are_removed_in_time() {
    let database = database().await;
    let (role, _) = role(&database, "").await;
    prepare_for(&database, &role).await.expect(0, &[]);
    let client = database.client().await;
    let make = format!("CREATE TABLE t (id int8 PRIMARY KEY); GRANT INSERT ON t TO {role}");
    client.simple_query(&make).await.expect("made");
    write(&client, 10, "25 hours").await;
    let connected = connect(&database, &role).await;
    let mut session = connected.session(session_options(Limits::default()));
    for id in 0..1_000 {
        commit(&mut session, id).await.expect("committed");
    }
    wait_until("the old markers are gone", async || {
        count(&client).await == 1_000
    })
    .await;
    connected.close().await;
}

/// Two transactions that do not depend on each other but through what a third one read of both would lose if that were serializable.
#[tokio::test]
async fn no_transaction_loses_to_cleaning() {
    let database = database().await;
    prepare(&database).await.expect(0, &[]);
    let (writer, other) = (database.client().await, database.client().await);
    let begin = "BEGIN ISOLATION LEVEL SERIALIZABLE";
    for statement in ["CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)", begin] {
        writer.simple_query(statement).await.expect(statement);
    }
    writer.simple_query("SELECT * FROM t").await.expect("read");
    for statement in [begin, "UPDATE t SET a = 2", "COMMIT"] {
        other.simple_query(statement).await.expect(statement);
    }
    let connected = database.connect().await;
    assert_eq!(connected.clean_markers().await, Ok(0));
    write(&writer, 1, "0 hours").await;
    writer
        .simple_query("COMMIT")
        .await
        .expect("it has not lost");
    connected.close().await;
}

#[tokio::test]
async fn the_hosts_own_table_is_closed_to_plugins() {
    let database = database().await;
    prepare(&database).await.expect(0, &[]);
    let connected = database.connect().await;
    let mut session = connected.session(session_options(Limits::default()));
    let search = "SELECT set_config('search_path', 'chitin_internal', false)";
    session.execute(search, &[]).await.expect("it may");
    let before = session.statistics();
    for table in [MARKERS, "commit_marker"] {
        let (all, nothing) = (Target::AllRows, Returning::Nothing);
        let outcomes = [
            session.select(table, &Selection::default()).await.map(drop),
            session.count(table, &[]).await.map(drop),
            session.drop_table(table, true, true).await.map(drop),
            session
                .create_table(table, &TableDefinition::default(), false)
                .await
                .map(drop),
            session.delete(table, &all, &nothing).await.map(drop),
            session
                .execute(&format!("DELETE FROM {table}"), &[])
                .await
                .map(drop),
            session
                .execute(&format!("DROP TABLE {table}"), &[])
                .await
                .map(drop),
        ];
        for outcome in outcomes {
            assert!(
                matches!(&outcome, Err(Error::Denied(text)) if text.contains("to the host")),
                "{table}: {outcome:?}"
            );
        }
    }
    let none = Statistics::default().statements;
    assert_eq!(session.statistics().statements - before.statements, none);
    connected.close().await;
}
