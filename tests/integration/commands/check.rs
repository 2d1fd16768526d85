//! `host check`: what is said about a database, and what `--prepare` makes in it.

use host::database::{Database, Error, Limits, Returning, Selection, TableDefinition, Target};
use serde_json::Value;
use tests::{Finished, HostCommand, TestDatabase, cluster, database, host};

const MARKERS: &str = "chitin_internal.commit_marker";

fn check(url: &str) -> HostCommand {
    host(["check", "--json", "--database-url"]).arg(url)
}

/// What is said about a subject: the verdict, and all texts.
#[track_caller]
fn about<'a>(answer: &'a Value, subject: &str) -> (&'a str, String) {
    let findings = answer["findings"].as_array().expect("a list").iter();
    let mut findings = findings.filter(|finding| finding["subject"] == subject);
    let finding = findings.next();
    assert!(finding.is_some(), "nothing about {subject} in {answer}");
    let finding = finding.unwrap_or(&Value::Null);
    let part = |key: &str| finding[key].as_str().unwrap_or_default();
    (
        part("verdict"),
        format!("{}; {}", part("text"), part("advice")),
    )
}

#[track_caller]
fn says(answer: &Value, subject: &str, verdict: &str, words: &str) {
    let (found, text) = about(answer, subject);
    assert_eq!((found, text.contains(words)), (verdict, true), "{text}");
}

/// A role that may log in and nothing else, and its URL.
async fn role(database: &TestDatabase, options: &str) -> (String, String) {
    let role = tests::unique_name("role");
    let client = database.client().await;
    let statement = format!("CREATE ROLE {role} LOGIN {options}");
    client.simple_query(&statement).await.expect("a role");
    let url = database.url();
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
    let url = format!("{scheme}://{role}@{rest}");
    (role, url)
}

#[tokio::test]
async fn a_database_is_looked_at_and_left_as_it_is() {
    let database = database().await;
    let finished = check(&database.url()).run().await;
    let answer = finished.expect(0, &[]).json();
    assert_eq!(answer["outcome"], "ok");
    assert_eq!(finished.stderr, "");
    says(&answer, "configuration", "ok", "from --database-url");
    says(&answer, "connection", "ok", database.name());
    says(&answer, "server", "ok", "PostgreSQL 1");
    says(&answer, "isolation", "ok", "serializable");
    says(&answer, "role", "warning", "is a superuser");
    says(&answer, "clock", "ok", "this machine's");
    says(&answer, "round trip", "ok", " ms");
    says(&answer, "connections", "ok", "the server takes");
    says(&answer, "commit markers", "warning", "host check --prepare");
    let made = "SELECT count(*) FROM pg_namespace WHERE nspname = 'chitin_internal'";
    let client = database.client().await;
    let made: i64 = client.query_one(made, &[]).await.expect("counted").get(0);
    assert_eq!(made, 0);
}

#[tokio::test]
async fn for_people_each_finding_is_a_line_without_colours_in_a_pipe() {
    let database = database().await;
    let finished = host(["check", "--database-url", &database.url()])
        .run()
        .await;
    finished.expect(0, &[]);
    assert!(!finished.stdout.contains('\u{1b}'), "{}", finished.stdout);
    for line in finished.stdout.lines() {
        let begins = ["ok      ", "warning ", "        "];
        assert!(begins.iter().any(|begin| line.starts_with(begin)), "{line}");
    }
}

#[tokio::test]
async fn preparing_makes_the_table_of_markers_once() {
    let database = database().await;
    let prepare = || check(&database.url()).arg("--prepare").run();
    let first = prepare().await.expect(0, &[]).json();
    says(&first, "prepare", "ok", &format!("made table {MARKERS}"));
    says(&first, "commit markers", "ok", "is there");

    let client = database.client().await;
    let keep = format!(
        "INSERT INTO {MARKERS} (id, state) VALUES ('00000000-0000-0000-0000-000000000001', $1) \
         ON CONFLICT (id) DO UPDATE SET state = commit_marker.state RETURNING state"
    );
    for written in ["committed", "fenced"] {
        let row = client.query_one(&keep, &[&written]).await.expect("written");
        assert_eq!(row.get::<_, &str>(0), "committed");
    }
    let old = format!(
        "INSERT INTO {MARKERS} VALUES (gen_random_uuid(), 'fenced', now() - interval '2 days')"
    );
    client.simple_query(&old).await.expect("written");
    let wrong = format!("INSERT INTO {MARKERS} VALUES (gen_random_uuid(), 'maybe')");
    client
        .simple_query(&wrong)
        .await
        .expect_err("no such state");

    let second = prepare().await.expect(0, &[]).json();
    says(&second, "prepare", "ok", "nothing to do");
    let count = format!("SELECT count(*) FROM {MARKERS}");
    let left: i64 = client.query_one(&count, &[]).await.expect("counted").get(0);
    assert_eq!(left, 1, "the old marker is removed and the new one kept");
}

#[tokio::test]
async fn hosts_that_prepare_at_once_all_succeed() {
    let database = database().await;
    let prepare = || check(&database.url()).arg("--prepare").run();
    let finished = tokio::join!(prepare(), prepare(), prepare(), prepare());
    for finished in [finished.0, finished.1, finished.2, finished.3] {
        let answer = finished.expect(0, &[]).json();
        says(&answer, "commit markers", "ok", "is there");
    }
}

#[tokio::test]
async fn a_role_that_may_not_prepare_is_told_what_it_lacks() {
    let database = database().await;
    let (role, url) = role(&database, "CONNECTION LIMIT 3").await;
    let refused = check(&url).arg("--prepare").run().await;
    let answer = refused.expect(2, &[]).json();
    says(&answer, "role", "ok", "is no superuser");
    says(&answer, "connections", "warning", "the role may have 3");
    says(&answer, "prepare", "failure", "permission denied");
    says(&answer, "prepare", "failure", "GRANT CREATE ON DATABASE");

    check(&database.url())
        .arg("--prepare")
        .run()
        .await
        .expect(0, &[]);
    let answer = check(&url).run().await.expect(0, &[]).json();
    says(&answer, "commit markers", "warning", "may not use table");
    let (_, text) = about(&answer, "commit markers");
    let grants = text.split_once("; ").expect("an advice").1.to_owned();
    assert!(grants.contains(&role), "{grants}");
    database
        .client()
        .await
        .simple_query(&grants)
        .await
        .expect("the advice is SQL");
    let answer = check(&url).run().await.expect(0, &[]).json();
    says(&answer, "commit markers", "ok", "is there");
}

#[tokio::test]
async fn the_hosts_own_schema_is_closed_to_plugins() {
    let database = database().await;
    check(&database.url())
        .arg("--prepare")
        .run()
        .await
        .expect(0, &[]);
    let connected = Database::connect(database.options(), Limits::default());
    let connected = connected.await.expect("it connects");
    let mut session = connected.session(tests::session_options(Limits::default()));
    let outcomes = [
        session
            .select(MARKERS, &Selection::default())
            .await
            .map(drop),
        session.count(MARKERS, &[]).await.map(drop),
        session.drop_table(MARKERS, true, true).await.map(drop),
        session
            .create_table("chitin_internal.mine", &TableDefinition::default(), false)
            .await
            .map(drop),
        session
            .delete(MARKERS, &Target::AllRows, &Returning::Nothing)
            .await
            .map(drop),
    ];
    for outcome in outcomes {
        assert!(
            matches!(&outcome, Err(Error::Denied(text)) if text.contains("belongs to the host")),
            "{outcome:?}"
        );
    }
    connected.close().await;
}

fn assert_no_secret(finished: &Finished) {
    let said = format!("{}{}", finished.stdout, finished.stderr);
    assert!(!said.contains("hunter2"), "a password was shown:\n{said}");
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_8_and_a_wrong_configuration_2() {
    let gone = check("postgresql://me:hunter2@127.0.0.1:1/x").run().await;
    let answer = gone.expect(8, &[]).json();
    assert_no_secret(&gone);
    says(&answer, "connection", "failure", "127.0.0.1:1");
    says(&answer, "configuration", "ok", "from");
    assert_eq!(answer["exit_code"], 8);

    for (url, words) in [
        ("mysql://me:hunter2@db/x", "`postgresql://`"),
        ("postgresql://me:hunter2@db/x?sslmode=maybe", "sslmode"),
        (
            "postgresql://db/x?sslrootcert=/no/such/file",
            "/no/such/file",
        ),
    ] {
        let wrong = check(url).run().await;
        assert_eq!(wrong.code, 2, "{}", wrong.stderr);
        assert_no_secret(&wrong);
        assert!(wrong.stdout.contains(words), "{}", wrong.stdout);
    }
    host(["check", "--config", "/no/such/file"])
        .run()
        .await
        .expect(2, &["cannot read the configuration `/no/such/file`"]);
}

#[tokio::test]
async fn how_the_connection_is_secured_is_told() {
    let database = database().await;
    let (role, _) = role(&database, "PASSWORD 'hunter2'").await;
    let cluster = cluster();
    let url = |parameters: &str| {
        format!(
            "postgresql://{role}:hunter2@localhost:{}/{}?{parameters}",
            cluster.port,
            database.name()
        )
    };
    let root = cluster.root_certificate.display();
    for (parameters, verdict, words) in [
        (
            "sslmode=require".to_owned(),
            "warning",
            "sslmode=verify-full",
        ),
        (
            format!("sslmode=verify-ca&sslrootcert={root}"),
            "warning",
            "name is not verified",
        ),
        (
            format!("sslmode=verify-full&sslrootcert={root}"),
            "ok",
            "name are verified",
        ),
    ] {
        let finished = check(&url(&parameters)).run().await;
        let answer = finished.expect(0, &[]).json();
        assert_no_secret(&finished);
        says(&answer, "tls", verdict, words);
    }
    let unknown = check(&url("sslmode=verify-full")).run().await;
    let answer = unknown.expect(8, &[]).json();
    says(&answer, "connection", "failure", "certificate");
    let (_, text) = about(&answer, "configuration");
    assert!(text.contains("from --database-url"), "{text}");
}

#[tokio::test]
async fn the_development_database_is_checked_too() {
    let finished = host(["check", "--json", "--ephemeral", "--prepare"])
        .run()
        .await;
    let answer = finished.expect(0, &[]).json();
    says(&answer, "connection", "ok", "the development database in");
    says(&answer, "role", "ok", "is a superuser");
    says(&answer, "commit markers", "ok", "is there");
}
