//! `host check`: what is said about a database, and what `--prepare` makes in it.

use serde_json::Value;
use tests::{Finished, HostCommand, TestDatabase, cluster, database, host};

pub(super) fn check(url: &str) -> HostCommand {
    host(["check", "--json", "--database-url"]).arg(url)
}

/// What is said about a subject: the verdict, and all texts.
#[track_caller]
pub(super) fn about<'a>(answer: &'a Value, subject: &str) -> (&'a str, String) {
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
pub(super) fn says(answer: &Value, subject: &str, verdict: &str, words: &str) {
    let (found, text) = about(answer, subject);
    assert_eq!((found, text.contains(words)), (verdict, true), "{text}");
}

/// A role that may log in and nothing else, and its URL.
pub(super) async fn role(database: &TestDatabase, options: &str) -> (String, String) {
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
    let finished = host(["check", "--json", "--ephemeral"]).run().await;
    let answer = finished.expect(0, &[]).json();
    says(&answer, "connection", "ok", "the development database in");
    says(&answer, "role", "ok", "is a superuser");
    says(&answer, "commit markers", "ok", "is there");
}
