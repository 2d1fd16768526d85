//! `host explain`: a paragraph about all that there is, and about nothing else.

use std::collections::BTreeSet;

use serde_json::Value;
use tests::{database, example, host, workspace_file};
use wit_parser::{Resolve, TypeDefKind};

async fn topics() -> Vec<Value> {
    let finished = host(["explain", "--json"]).run().await;
    let topics = finished.expect(0, &[]).json();
    topics.as_array().expect("a list").clone()
}

fn names<'a>(topics: &'a [Value], kind: &str) -> BTreeSet<&'a str> {
    let of_kind = topics.iter().filter(|topic| topic["kind"] == kind);
    of_kind
        .map(|topic| topic["name"].as_str().expect("a name"))
        .collect()
}

/// The cases of a type of the contract.
fn cases(resolve: &Resolve, name: &str) -> BTreeSet<String> {
    let mut named = resolve.types.iter().map(|(_, kind)| kind).filter(|kind| {
        let owner = matches!(kind.kind, TypeDefKind::Variant(_) | TypeDefKind::Enum(_));
        owner && kind.name.as_deref() == Some(name)
    });
    let kind = &named.next().expect("it is in the contract").kind;
    let cases = if let TypeDefKind::Variant(variant) = kind {
        variant.cases.iter().map(|case| case.name.clone()).collect()
    } else if let TypeDefKind::Enum(cases) = kind {
        cases.cases.iter().map(|case| case.name.clone()).collect()
    } else {
        BTreeSet::new()
    };
    assert!(named.next().is_none(), "`{name}` is there twice");
    cases
}

#[tokio::test]
async fn every_error_of_the_contract_is_explained_and_no_other() {
    let mut resolve = Resolve::default();
    resolve
        .push_dir(workspace_file("wit"))
        .expect("the contract resolves");
    let topics = topics().await;
    for (kind, name) in [
        ("error", "error"),
        ("database-error", "database-error-kind"),
        ("timeout-step", "timeout-step"),
    ] {
        let explained: BTreeSet<_> = names(&topics, kind)
            .into_iter()
            .map(str::to_owned)
            .collect();
        assert_eq!(explained, cases(&resolve, name), "{kind}");
    }
}

#[tokio::test]
async fn every_limit_exit_code_and_reason_is_explained_and_no_other() {
    let topics = topics().await;
    let limits = host::config::Limits::default().list();
    let limits: BTreeSet<_> = limits.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names(&topics, "limit"), limits);
    let reasons: BTreeSet<_> = host::runtime::Reason::ALL
        .iter()
        .map(|reason| reason.name())
        .collect();
    assert_eq!(names(&topics, "reason"), reasons);

    // The help's table has a code and what it means in each line.
    let help = host(["run", "--help"]).run().await.stdout;
    let table = help.split("Exit codes").nth(1).expect("the table");
    let listed: BTreeSet<u64> = table
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect();
    let codes = topics
        .iter()
        .filter_map(|topic| topic["exit_code"].as_u64());
    assert_eq!(codes.collect::<BTreeSet<_>>(), listed);
    assert!(listed.contains(&0) && listed.contains(&143));
    for code in listed {
        let finished = host(["explain", &code.to_string()]).run().await;
        finished.expect(0, &[]);
        assert!(
            finished.stdout.starts_with(&code.to_string()),
            "{}",
            finished.stdout
        );
    }
}

#[tokio::test]
async fn a_name_is_explained_and_an_unknown_one_is_not() {
    let finished = host(["explain", "result-rows"]).run().await;
    finished.expect(0, &[]);
    assert!(
        finished.stdout.starts_with("result-rows (limit)\n"),
        "{}",
        finished.stdout
    );
    assert!(finished.stdout.contains("10000"), "{}", finished.stdout);
    assert!(
        finished
            .stdout
            .lines()
            .all(|line| line.chars().count() <= 100)
    );
    host(["explain", "result-row"])
        .run()
        .await
        .expect(2, &["did you mean `result-rows`?"]);
    host(["explain", "137"])
        .run()
        .await
        .expect(2, &["signal 9"]);
    let all = host(["explain"]).run().await;
    all.expect(0, &[]);
    for name in [
        "result-rows",
        "unique-violation",
        "deadline-database",
        "143 terminated",
    ] {
        assert!(
            all.stdout.contains(name),
            "{name} is not in\n{}",
            all.stdout
        );
    }
}

#[tokio::test]
async fn what_a_run_says_of_itself_can_be_explained() {
    let database = database().await;
    for (guest, limit, reason) in [
        ("never_returns", "timeout=300ms", "deadline-running"),
        ("never_returns", "cpu=200ms", "limit"),
        ("traps", "cpu=30s", "trap-unreachable"),
        ("recurses", "cpu=30s", "trap-stack-overflow"),
        ("returns_error", "cpu=30s", "plugin-error"),
        ("exits", "cpu=30s", "trap-unreachable"),
    ] {
        let finished = tests::run(&example(guest), &database.url())
            .arg("--summary")
            .arg("json")
            .arg("--limit")
            .arg(limit)
            .run()
            .await;
        let summary = finished.stderr.lines().last().expect("a summary");
        let summary: Value = serde_json::from_str(summary).expect("JSON");
        assert_eq!(summary["reason"], reason, "{guest}");
        for key in ["reason", "outcome"] {
            let name = summary[key].as_str().expect("a name");
            host(["explain", name]).run().await.expect(0, &[]);
        }
    }
    let stopped = tests::run(&example("never_returns"), &database.url())
        .arg("--cpu")
        .arg("200ms")
        .run()
        .await;
    stopped.expect(4, &["`host explain cpu`"]);
}
