//! Transactions from the command line: how a run ends, what it says of what was done again, and how it is made to fail.

use std::fs;

use serde_json::{Value, json};
use tests::{
    Finished, HostCommand, Lost, TestDatabase, database, example,
    fault::{Action, Proxy, Trigger, Which},
    host, lose_races, run, wait_until,
};
use tokio_postgres::Client;

use super::{check::check, folder, write};

/// A table whose rows cannot be committed before so many attempts were made: as if others had won the race.
async fn contested(database: &TestDatabase, losses: u32) -> Client {
    let client = database.client().await;
    let table = "CREATE TABLE accounts (id int8 PRIMARY KEY, owner text)";
    client.simple_query(table).await.expect("made");
    lose_races(&client, "accounts", "true", Lost::AtTheCommit, losses).await;
    client
}

async fn rows(client: &Client) -> i64 {
    tests::number(client, "SELECT count(*) FROM accounts").await
}

fn insert(id: i64) -> Value {
    json!({ "call": "insert", "table": "accounts", "fields": [["id", id]] })
}

fn query(text: &str) -> Value {
    json!({ "call": "query", "text": text })
}

/// Runs these operations, and tells how it went in JSON.
fn perform(url: &str, operations: &[Value]) -> HostCommand {
    run(&example("does_as_told"), url)
        .arg("--input")
        .arg(json!(operations).to_string())
}

/// The same as one transaction.
fn transaction(url: &str, operations: &[Value]) -> HostCommand {
    perform(url, operations).arg("--transaction")
}

/// The closing summary for programs, which is the last line.
#[track_caller]
fn summary(finished: &Finished) -> Value {
    let line = finished.stderr.lines().last().unwrap_or_default();
    serde_json::from_str(line).expect("the last line is the summary")
}

#[tokio::test]
async fn a_run_that_lost_the_race_is_done_again_and_tells_so() {
    let database = database().await;
    let client = contested(&database, 2).await;
    let command = transaction(&database.url(), &[insert(1)]);
    let finished = command.arg("--summary").arg("json").run().await;
    let answers = finished.expect(0, &[]).json();
    assert!(
        answers[0]["ok"].is_object() || answers[0]["ok"].is_number(),
        "{answers}"
    );
    assert_eq!(rows(&client).await, 1);
    let told = summary(&finished);
    for (key, value) in [
        ("outcome", json!("ok")),
        ("attempts", json!(3)),
        ("retries", json!(2)),
        ("transactions", json!(1)),
        ("transaction_attempts", json!(3)),
        (
            "conflicts",
            json!([{ "sqlstate": "40001", "table": "accounts", "count": 2 }]),
        ),
    ] {
        assert_eq!(told[key], value, "{key} in {told}");
    }
    assert!(told["waited_seconds"].is_f64(), "{told}");
}

#[tokio::test]
async fn for_people_reasons_are_told_only_if_there_are_any() {
    let database = database().await;
    let client = contested(&database, 1).await;
    let lost = transaction(&database.url(), &[insert(1)]).run().await;
    lost.expect(
        0,
        &[
            "outcome    ok after 2 attempts\n",
            "retries    1, after waiting ",
            "reasons    1 for a lost race (40001) on accounts\n",
        ],
    );
    let won = transaction(&database.url(), &[insert(2)]).run().await;
    won.expect(0, &["outcome    ok after 1 attempt\n"]);
    for word in ["retries", "reasons", "attempts  "] {
        assert!(!won.stderr.contains(word), "{word}: {}", won.stderr);
    }
    assert_eq!(rows(&client).await, 2);
}

#[tokio::test]
async fn attempts_at_operations_are_counted_apart_from_those_of_the_run() {
    let database = database().await;
    let client = contested(&database, 1).await;
    let operation = json!({ "call": "run", "operations": [insert(1)] });
    let finished = perform(&database.url(), &[operation]).run().await;
    finished.expect(
        0,
        &[
            "outcome    ok\n",
            "attempts   2 attempts at 1 transaction\n",
            "retries    1, ",
        ],
    );
    assert_eq!(rows(&client).await, 1);
}

#[tokio::test]
async fn a_plugin_may_ask_for_read_committed_where_it_is_allowed() {
    let database = database().await;
    let loose = json!({ "call": "begin", "options": { "isolation": "read-committed" } });
    let refused = perform(&database.url(), std::slice::from_ref(&loose));
    let answers = refused.run().await.expect(0, &[]).json();
    assert_eq!(answers[0]["error"]["case"], "denied", "{answers}");
    let allowed = perform(&database.url(), &[loose, json!({ "call": "rollback" })]);
    let allowed = allowed.arg("--allow-read-committed").run().await;
    let answers = allowed.expect(0, &[]).json();
    assert_eq!(answers[0]["ok"], 0, "{answers}");
}

#[tokio::test]
async fn a_run_that_loses_every_race_is_6_and_leaves_nothing() {
    let database = database().await;
    let client = contested(&database, 100).await;
    let command = transaction(&database.url(), &[insert(1)]).arg("--max-retries=1");
    let finished = command.arg("--summary=json").run().await;
    finished.expect(6, &["after 2 attempts", "--max-retries"]);
    assert_eq!(
        finished.stdout, "",
        "what failed attempts print is not seen"
    );
    let told = summary(&finished);
    assert_eq!(told["reason"], "attempts-exhausted");
    assert_eq!(told["conflicts"][0]["count"], 2);
    assert_eq!(
        (&told["attempts"], &told["retries"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(rows(&client).await, 0);
}

#[tokio::test]
async fn a_run_that_goes_on_after_a_failure_is_9_and_leaves_nothing() {
    let database = database().await;
    let client = contested(&database, 0).await;
    let operations = [insert(1), insert(1)];
    let finished = transaction(&database.url(), &operations).run().await;
    finished.expect(9, &["not committed", "outcome    not-committed"]);
    assert_eq!(finished.stdout, "");
    assert_eq!(rows(&client).await, 0);
    // Each call for itself, one is kept.
    let finished = perform(&database.url(), &operations).run().await;
    assert_eq!(
        finished.expect(0, &[]).json()[1]["error"]["case"],
        "database"
    );
    assert_eq!(rows(&client).await, 1);
}

/// Cuts the connection after the first COMMIT, whose answer is lost.
async fn cutting(database: &TestDatabase) -> Proxy {
    let proxy = Proxy::start(&database.url()).await;
    proxy.once(Trigger::Reply(Which::Commit), Action::Reset);
    proxy
}

#[tokio::test]
async fn a_commit_without_an_answer_is_7_unless_markers_tell() {
    let database = database().await;
    let client = contested(&database, 0).await;
    let proxy = cutting(&database).await;
    let url = proxy.url(database.name(), "min_connections=1");
    let finished = transaction(&url, &[insert(1)]).run().await;
    finished.expect(7, &["not known", "host check --prepare"]);
    assert_eq!(finished.stdout, "");
    wait_until("the commit is done", async || rows(&client).await == 1).await;

    let prepared = check(&database.url()).arg("--prepare").run().await;
    prepared.expect(0, &[]);
    let proxy = cutting(&database).await;
    let url = proxy.url(database.name(), "min_connections=1");
    let finished = transaction(&url, &[insert(2)]).run().await;
    finished.expect(0, &["ok after 1 attempt"]);
    assert_eq!(rows(&client).await, 2);
}

#[tokio::test]
async fn every_statement_is_traced_with_its_attempt_if_it_is_asked_for() {
    let database = database().await;
    let client = contested(&database, 1).await;
    let operations = [
        insert(1),
        query("SELECT 'a\n\u{1b}[2J\u{9b}', id FROM accounts"),
    ];
    let traced = transaction(&database.url(), &operations).arg("--trace");
    let traced = traced.run().await;
    traced.expect(0, &[]);
    let lines: Vec<_> = traced.stderr.lines().collect();
    let has = |words: &[&str]| {
        let holds = |line: &&str| words.iter().all(|word| line.contains(word));
        lines.iter().any(holds)
    };
    for attempt in ["transaction 1, attempt 1: ", "transaction 1, attempt 2: "] {
        assert!(
            has(&[attempt, " ms, ", "INSERT INTO \"accounts\""]),
            "{lines:#?}"
        );
        assert!(
            has(&[
                attempt,
                ", 1 row, 1 round trip: SELECT 'a\\n\\u{1b}[2J\\u{9b}'"
            ]),
            "{lines:#?}"
        );
    }
    assert!(
        has(&["attempt 1: ", "failed (40001), ", "COMMIT"]),
        "{lines:#?}"
    );
    assert!(has(&["attempt 2: ", "COMMIT"]), "{lines:#?}");
    assert!(
        has(&["done again", "attempt=1", "sqlstate=\"40001\""]),
        "{lines:#?}"
    );
    assert!(!has(&["counter"]), "{lines:#?}");
    let steers = |c: char| c.is_control() && c != '\n';
    assert!(!traced.stderr.contains(steers), "{:?}", traced.stderr);

    let silent = transaction(&database.url(), &[insert(2)]);
    let silent = silent.env("RUST_LOG", "trace").run().await;
    silent.expect(0, &[]);
    assert!(!silent.stderr.contains("INSERT"), "{}", silent.stderr);
    assert_eq!(rows(&client).await, 2);
}

#[tokio::test]
async fn statements_under_a_handle_are_traced_with_its_attempts() {
    let database = database().await;
    let client = contested(&database, 1).await;
    let operations = [
        json!({ "call": "begin" }),
        insert(1),
        json!({ "call": "commit" }),
        json!({ "call": "restart", "transaction": 0 }),
        insert(1),
        json!({ "call": "commit", "transaction": 0 }),
        insert(2),
    ];
    let traced = perform(&database.url(), &operations).arg("--trace");
    let traced = traced.run().await;
    traced.expect(0, &[]);
    let lines = traced.stderr.lines();
    let traced: Vec<_> = lines.filter(|line| line.contains("INSERT")).collect();
    let has = |words: &str| traced.iter().filter(|line| line.contains(words)).count();
    for place in [
        "transaction 1, attempt 1: ",
        "transaction 1, attempt 2: ",
        "no transaction: ",
    ] {
        assert_eq!(has(place), 1, "{traced:#?}");
    }
    assert_eq!(rows(&client).await, 2);
}

#[tokio::test]
async fn for_programs_the_trace_is_json() {
    let database = database().await;
    contested(&database, 1).await;
    let command = transaction(&database.url(), &[insert(1)]).arg("--trace");
    let command = command.arg("--log-format=json").arg("--summary=json");
    let finished = command.run().await;
    finished.expect(0, &[]);
    let records = finished.stderr.lines().map(|line| {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"))
    });
    let records: Vec<_> = records.collect();
    let statements = records
        .iter()
        .filter(|record| record["target"] == "chitin::trace");
    let inserted = statements.filter(|record| {
        let sql = record["sql"].as_str().unwrap_or_default();
        sql.contains("INSERT INTO \"accounts\"")
    });
    let attempts: Vec<_> = inserted.map(|record| record["attempt"].clone()).collect();
    assert_eq!(attempts, [1, 2], "{records:#?}");
    let retry = records
        .iter()
        .find(|record| record["target"] == "host::database::retry");
    let retry = retry.expect("it is told that it is done again");
    assert_eq!(retry["sqlstate"], "40001");
    assert!(retry["wait_us"].is_u64(), "{retry}");
    let text = retry.to_string();
    assert!(!text.contains("counter"), "{text}");
}

#[tokio::test]
async fn chaos_makes_attempts_fail_and_nothing_is_lost_or_doubled() {
    let database = database().await;
    let client = contested(&database, 0).await;
    let command = transaction(&database.url(), &[insert(1)]).arg("--chaos=1");
    let all = command.arg("--quiet").run().await;
    all.expect(6, &["warning: --chaos 1: ", "after 4 attempts"]);
    assert!(!all.stderr.contains("outcome"), "{}", all.stderr);
    assert_eq!(rows(&client).await, 0);

    // Of 8 runs one has at least one failed attempt, as good as always; and of 100 attempts one goes well.
    let mut retries = 0;
    for id in 0..8 {
        let command = transaction(&database.url(), &[insert(id)]).arg("--chaos=0.5");
        let command = command.arg("--max-retries=100");
        // A summary that is asked for is no noise.
        let command = command.arg("--quiet").arg("--summary=json");
        let finished = command.run().await;
        retries += summary(finished.expect(0, &[]))["retries"]
            .as_u64()
            .expect("a number");
    }
    assert!(retries > 0);
    assert_eq!(rows(&client).await, 8);
    let wrong = perform(&database.url(), &[]).arg("--chaos=20%").run().await;
    wrong.expect(2, &["--chaos: `20%` is no share", "0.2"]);
}

#[tokio::test]
async fn what_a_program_prints_is_seen_when_it_is_committed() {
    let database = database().await;
    let echo = || run(&example("echo_program"), &database.url()).arg("--transaction");
    let finished = echo().arg("--chaos=0.7").arg("--max-retries=100");
    let finished = finished.input("hello").run().await;
    assert_eq!(finished.expect(0, &[]).json()["input"], "hello");
    let lost = echo().arg("--chaos=1").input("hello").run().await;
    lost.expect(6, &[]);
    assert_eq!(lost.stdout, "");
    let long = echo()
        .arg("--limit=stdin-bytes=1KiB")
        .input("x".repeat(2_000));
    let long = long.run().await;
    long.expect(4, &["limit `stdin-bytes`"]);
    assert_eq!(long.stdout, "");
}

#[tokio::test]
async fn the_configuration_says_which_plugins_are_transactions_and_how() {
    let database = database().await;
    let client = contested(&database, 1).await;
    let folder = folder();
    fs::copy(example("does_as_told"), folder.path().join("told.wasm")).expect("copied");
    let isolation = query("SELECT current_setting('transaction_isolation') AS level");
    let operations = |operations: &[Value]| json!(operations).to_string();
    let configured = |allowed: bool, plugin: &str| {
        let text = format!(
            "version = 1\n[database]\nurl = \"{}\"\nallow-read-committed = {allowed}\n[plugins.told]\npath = \"told.wasm\"\n\
             grants = [\"reads\", \"writes\", \"sql\", \"schema\", \"databases\", \"transactions\", \"session\", \"logging\"]\n{plugin}\n",
            database.url()
        );
        let path = write(folder.path(), "host.toml", text);
        host(["run", "told", "--config"]).arg(path)
    };
    let insert = operations(&[insert(1)]);
    let once = configured(false, "transaction = true\nmax-retries = 0");
    let once = once.arg("--input").arg(&insert).run().await;
    once.expect(6, &["after 1 attempt"]);
    let often = configured(false, "transaction = true").arg("--input");
    often.arg(&insert).run().await.expect(0, &[]);
    assert_eq!(rows(&client).await, 1);

    let read_only = configured(false, "transaction = { read-only = true }");
    let read_only = read_only.arg("--input").arg(&insert).run().await;
    read_only.expect(9, &["read-only"]);

    let loose = "transaction = { isolation = \"read-committed\" }";
    let isolation = operations(&[isolation]);
    let refused = configured(false, loose).arg("--input").arg(&isolation);
    let refused = refused.run().await;
    refused.expect(
        2,
        &["allow-read-committed = true", "--allow-read-committed"],
    );
    for (allowed, flag) in [(true, "--quiet"), (false, "--allow-read-committed")] {
        let command = configured(allowed, loose).arg(flag).arg("--input");
        let finished = command.arg(&isolation).run().await;
        let answer = finished.expect(0, &[]).json().to_string();
        assert!(answer.contains("read committed"), "{answer}");
    }
    let strict = configured(true, "transaction = true").arg("--input");
    let strict = strict.arg(&isolation).run().await;
    let answer = strict.expect(0, &[]).json().to_string();
    assert!(answer.contains("serializable"), "{answer}");
    let past = configured(false, "transaction = { follower-read = true }").arg("--input");
    let past = past.arg(&isolation).run().await;
    past.expect(2, &["PostgreSQL cannot read the past"]);
}

#[tokio::test]
async fn the_development_database_can_settle_commits_by_itself() {
    let create = json!({
        "call": "create-table", "table": "accounts",
        "definition": { "columns": [{ "name": "id", "data-type": "int64" }], "primary-key": ["id"] },
    });
    let folder = folder();
    let run = |operations: &[Value]| {
        let command = host(["run".as_ref(), example("does_as_told").as_os_str()]);
        let command = command
            .arg("--dev-database-dir")
            .arg(folder.path().join("d"));
        command.arg("--input").arg(json!(operations).to_string())
    };
    run(&[create]).run().await.expect(0, &[]);
    let written = run(&[insert(1)]).arg("--transaction").arg("--trace");
    let written = written.run().await;
    written.expect(0, &["attempt 1: ", "chitin_internal.commit_marker"]);
}
