//! The rules of transactions, as a guest meets them.

use std::time::Duration;

use host::{
    database::{Chaos, RetryPolicy, TransactionOptions},
    runtime::{End, Interrupt, Outcome, Request},
    sandbox,
};
use serde_json::{Value as Json, json};
use tests::{
    Bench, Lost, answer, example, lose_races, nothing_is_open, number, request, transaction,
};
use tokio_postgres::Client;

use super::{Database, TestDatabase, opened, policy, prepared, rows};

pub(super) async fn told(database: Database) -> Bench {
    Bench::load(&example("does_as_told"), database).await
}

pub(super) fn insert(id: i64) -> Json {
    json!({ "call": "insert", "table": "t", "fields": [["id", id], ["n", 0]] })
}

/// Lets whoever writes the row 2 lose so many races.
async fn lose(client: &Client, lost: Lost, times: u32) {
    lose_races(client, "t", "NEW.id = 2", lost, times).await;
}

fn asked(operations: &Json) -> Request {
    Request {
        retry: policy(5),
        ..request(operations.to_string())
    }
}

async fn tell(bench: &Bench, operations: Json) -> (Vec<Json>, Outcome) {
    let outcome = bench.run(asked(&operations)).await;
    (answer(&outcome.end), outcome)
}

fn operation(operations: &Json) -> Json {
    json!([{ "call": "run", "operations": operations }])
}

#[tokio::test]
async fn an_operation_is_one_transaction() {
    let (_database, client, connected) = prepared().await;
    let bench = told(connected).await;
    let (answers, outcome) = tell(
        &bench,
        operation(&json!([insert(1), insert(2), { "call": "count", "table": "t" }])),
    )
    .await;
    assert_eq!(answers[0]["ok"][2]["ok"], 2, "{answers:?}");
    assert_eq!(rows(&client).await, 2);
    // Three statements and the COMMIT; and once, whether there is a table of markers.
    assert_eq!(outcome.report.database.round_trips, 3 + 1 + 1);
}

#[tokio::test]
async fn an_operation_that_fails_in_any_way_keeps_nothing() {
    let (_database, client, connected) = prepared().await;
    let bench = told(connected).await;
    tell(&bench, json!([insert(1)])).await;
    for (end, case) in [
        (
            json!([insert(2), { "call": "fail", "message": "no" }]),
            "rejected",
        ),
        (
            json!([insert(2), { "call": "panic", "message": "no" }]),
            "trapped",
        ),
        // It goes on after the failure, and says that all is well.
        (json!([insert(2), insert(1)]), "database"),
        (json!([insert(2), insert(1), insert(3)]), "database"),
        (
            json!([insert(2), { "call": "begin" }, { "call": "leave-open" }]),
            "invalid",
        ),
        (
            json!([insert(2), { "call": "query", "text": "SELECT * FROM none" }]),
            "database",
        ),
    ] {
        let (answers, _) = tell(&bench, operation(&end)).await;
        assert_eq!(answers[0]["error"]["case"], case, "{end}: {}", answers[0]);
        nothing_is_open(&client).await;
        assert_eq!(rows(&client).await, 1, "{end}");
    }
    let undone =
        json!([insert(2), { "call": "begin" }, insert(1), { "call": "rollback" }, insert(3)]);
    let (answers, _) = tell(&bench, operation(&undone)).await;
    assert!(answers[0]["ok"].is_array(), "{}", answers[0]);
    assert_eq!(rows(&client).await, 3);
}

#[tokio::test]
async fn a_conflict_is_met_with_another_attempt_whatever_the_guest_says() {
    for lost in Lost::BOTH {
        for end in [
            json!({ "call": "info" }),
            json!({ "call": "fail", "message": "no" }),
            json!({ "call": "panic", "message": "no" }),
            insert(4),
        ] {
            let (_database, client, connected) = prepared().await;
            lose(&client, lost, 2).await;
            let bench = told(connected).await;
            let operations = json!([insert(1), insert(2), insert(3), end]);
            let outcome = bench.run(asked(&operation(&operations))).await;
            let (case, kept) = match end["call"].as_str() {
                Some("fail") => (json!("rejected"), 0),
                Some("panic") => (json!("trapped"), 0),
                Some("insert") => (Json::Null, 4),
                _ => (Json::Null, 3),
            };
            // What fails by itself never comes to its COMMIT, nor to the conflict there.
            let retries = if lost == Lost::AtTheStatement || kept > 0 {
                2
            } else {
                0
            };
            assert_eq!(outcome.report.database.retries, retries, "{lost:?} {end}");
            let answers: Vec<Json> = answer(&outcome.end);
            let found = (answers[0]["error"]["case"].clone(), rows(&client).await);
            assert_eq!(found, (case, kept), "{lost:?} {end}");
        }
    }
}

#[tokio::test]
async fn when_all_attempts_are_lost_the_caller_is_told() {
    let (_database, client, connected) = prepared().await;
    lose(&client, Lost::AtTheCommit, 100).await;
    let bench = told(connected).await;
    let options = json!({ "max-retries": 2 });
    let run = json!([{ "call": "run", "operations": [insert(2)], "options": options }, insert(1)]);
    let (answers, outcome) = tell(&bench, run).await;
    assert_eq!(answers[0]["error"]["case"], "attempts-exhausted");
    assert_eq!(answers[1]["ok"]["count"], 1, "the caller goes on");
    assert_eq!(outcome.report.retries[0].count, 3);
    assert_eq!(rows(&client).await, 1);
}

#[tokio::test]
async fn no_transaction_is_run_inside_another() {
    let (_database, client, connected) = prepared().await;
    let bench = told(connected).await;
    let inner = json!({ "call": "run", "operations": [insert(1)] });
    let (answers, _) = tell(&bench, json!([{ "call": "begin" }, inner])).await;
    assert_eq!(answers[1]["error"]["case"], "denied");
    let (answers, _) = tell(&bench, operation(&json!([inner]))).await;
    assert_eq!(answers[0]["ok"][0]["error"]["case"], "denied");
    let whole = transaction(json!([inner]).to_string(), tokio::io::sink());
    let outcome = bench.run(whole).await;
    assert_eq!(answer::<Json>(&outcome.end)[0]["error"]["case"], "denied");
    let create = json!({ "call": "create-table", "table": "made", "definition": { "columns": [{ "name": "id", "data-type": "int64" }] } });
    let (answers, _) = tell(&bench, operation(&json!([create]))).await;
    assert_eq!(answers[0]["ok"][0]["error"]["case"], "denied");
    assert_eq!(rows(&client).await, 0);
}

#[tokio::test]
async fn a_transaction_that_is_left_open_is_not_committed() {
    let (_database, client, connected) = prepared().await;
    let bench = told(connected).await;
    let left = json!([{ "call": "begin" }, insert(1), { "call": "leave-open" }]);
    let outcome = bench.run(asked(&left)).await;
    assert!(
        matches!(&outcome.end, End::NotCommitted(why) if why.contains("left open")),
        "{}",
        outcome.end
    );
    nothing_is_open(&client).await;
    // Spent, and never dropped: that holds nothing.
    let spent =
        json!([{ "call": "begin" }, insert(1), { "call": "commit" }, { "call": "leave-open" }]);
    let (answers, _) = tell(&bench, spent).await;
    assert_eq!(answers[2], json!({ "ok": null }));
    assert_eq!(rows(&client).await, 1);
}

#[tokio::test]
async fn a_guest_restarts_its_own_transaction() {
    let (_database, client, connected) = prepared().await;
    lose(&client, Lost::AtTheStatement, 1).await;
    let bench = told(connected).await;
    let steps = json!([
        { "call": "begin" }, insert(1), insert(2), { "call": "commit" }, { "call": "restart", "transaction": 0 },
        { "call": "attempt", "transaction": 0 }, insert(1), insert(2), { "call": "commit", "transaction": 0 },
    ]);
    let (answers, _) = tell(&bench, steps).await;
    assert_eq!(answers[2]["error"]["case"], "retry", "{answers:?}");
    assert_eq!(answers[3]["error"]["case"], "retry", "{answers:?}");
    assert_eq!(
        (&answers[5]["ok"], &answers[8]),
        (&json!(2), &json!({ "ok": null }))
    );
    assert_eq!(rows(&client).await, 2);
}

#[tokio::test]
async fn a_whole_run_is_one_transaction() {
    for (lost, operations, committed) in [
        (Lost::AtTheCommit, json!([insert(1), insert(2)]), 2),
        (
            Lost::AtTheStatement,
            json!([insert(1), insert(2), insert(3)]),
            3,
        ),
    ] {
        let (_database, client, connected) = prepared().await;
        lose(&client, lost, 2).await;
        let bench = told(connected).await;
        let whole = Request {
            retry: policy(5),
            ..transaction(operations.to_string(), tokio::io::sink())
        };
        let outcome = bench.run(whole).await;
        assert_eq!(
            answer::<Vec<Json>>(&outcome.end).len(),
            operations.as_array().map_or(0, Vec::len)
        );
        assert_eq!(outcome.report.attempts, 3);
        assert_eq!(rows(&client).await, committed);

        let failed = json!([insert(9), insert(1)]).to_string();
        let outcome = bench.run(transaction(failed, tokio::io::sink())).await;
        assert!(
            matches!(&outcome.end, End::NotCommitted(why) if why.contains("23505")),
            "{}",
            outcome.end
        );
        let failed = json!([insert(9), { "call": "fail", "message": "no" }]).to_string();
        let outcome = bench.run(transaction(failed, tokio::io::sink())).await;
        assert!(
            matches!(&outcome.end, End::PluginError(_)),
            "{}",
            outcome.end
        );
        assert_eq!(rows(&client).await, committed);
    }
}

/// A program prints its arguments; what it printed in attempts that were lost is not seen.
#[tokio::test]
async fn the_output_of_lost_attempts_is_not_seen() {
    let (_database, _client, connected) = prepared().await;
    let bench = Bench::load(&example("echo_program"), connected).await;
    let (ours, mut theirs) = tokio::io::duplex(64 << 10);
    let whole = Request {
        arguments: vec!["word".to_owned()],
        retry: policy(20),
        chaos: Chaos::new(0.7).expect("a share"),
        ..transaction("", ours)
    };
    let mut attempts = 0;
    let outcome = bench.run(whole).await;
    attempts += outcome.report.attempts;
    assert!(
        matches!(outcome.end, End::Finished { .. }),
        "{}",
        outcome.end
    );
    let mut printed = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut theirs, &mut printed)
        .await
        .expect("printed");
    assert_eq!(
        printed.matches("word").count(),
        1,
        "{printed} in {attempts} attempts"
    );
}

/// A run is admitted only with the slots it can need, and holds no connection while it waits for one: nobody waits for ever.
#[tokio::test(flavor = "multi_thread")]
async fn more_runs_than_slots_and_connections_all_end() {
    let (database, client, _) = prepared().await;
    let connected = opened(&database, "min_connections=1&max_connections=1").await;
    let limits = sandbox::Limits {
        slots: 4,
        ..sandbox::Limits::default()
    };
    let bench = Bench::with_limits(&example("does_as_told"), connected, limits).await;
    let runs = (0..8).map(|run| {
        let operations = json!([insert(10 * run), insert(10 * run + 1)]);
        let work = json!([
            { "call": "count", "table": "t" },
            { "call": "run", "operations": operations },
            { "call": "count", "table": "t" },
        ]);
        let request = Request {
            retry: policy(50),
            ..request(work.to_string())
        };
        bench.run(request)
    });
    for outcome in futures_util::future::join_all(runs).await {
        let answers: Vec<Json> = answer(&outcome.end);
        assert!(
            answers.iter().all(|answer| answer["error"].is_null()),
            "{answers:?}"
        );
    }
    assert_eq!(rows(&client).await, 16);
}

/// Nothing is held during the wait before another attempt, and whoever wants the run to end does not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_wait_is_cut_short_by_an_interrupt() {
    let (_database, client, connected) = prepared().await;
    lose(&client, Lost::AtTheStatement, 1_000).await;
    let bench = told(connected).await;
    let minute = Duration::from_mins(1);
    let (interrupt, interrupted) = tokio::sync::oneshot::channel::<()>();
    let whole = Request {
        retry: RetryPolicy::new(1_000, minute, minute).expect("sane"),
        interrupt: Interrupt::when(async move {
            interrupted.await.ok();
        }),
        ..transaction(json!([insert(2)]).to_string(), tokio::io::sink())
    };
    let ending = async {
        tests::wait_until("the first attempt to fail", async || {
            number(&client, "SELECT is_called::int4::int8 FROM races").await == 1
        })
        .await;
        nothing_is_open(&client).await;
        interrupt.send(()).expect("it is waited for");
    };
    let (outcome, ()) = tokio::join!(bench.run(whole), ending);
    assert!(matches!(outcome.end, End::Interrupted), "{}", outcome.end);
    assert_eq!(rows(&client).await, 0);
}

/// What attempts can tell of the world they are in.
async fn worlds(database: &TestDatabase, client: &Client) -> Vec<Json> {
    let bench = told(database.connect().await).await;
    lose(client, Lost::AtTheStatement, 0).await;
    let look = json!([{ "call": "clock" }, { "call": "random" }, { "call": "info" }]);
    let run = json!({ "call": "run", "operations": look });
    let (answers, _) = tell(&bench, json!([run, run, look[1], look[2]])).await;
    answers
}

#[tokio::test]
async fn transactions_of_one_run_see_different_randomness() {
    let (database, client, _) = prepared().await;
    let answers = worlds(&database, &client).await;
    let random = [
        &answers[0]["ok"][1]["ok"],
        &answers[1]["ok"][1]["ok"],
        &answers[2]["ok"],
    ];
    for kind in ["random", "insecure", "seed"] {
        let drawn: std::collections::BTreeSet<_> = random
            .iter()
            .map(|random| random[kind].to_string())
            .collect();
        assert_eq!(drawn.len(), 3, "{kind}: {drawn:?}");
    }
    let runs = [&answers[0]["ok"][2]["ok"], &answers[3]["ok"]].map(|info| &info["run-id"]);
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn options_reach_the_database() {
    let (_database, client, connected) = prepared().await;
    let bench = told(connected).await;
    let run =
        |options: Json| json!({ "call": "run", "operations": [insert(1)], "options": options });
    let (answers, _) = tell(
        &bench,
        json!([
            run(json!({ "read-only": true })),
            run(json!({ "isolation": "read-committed" })),
            run(json!({ "snapshot": "follower-read", "read-only": true })),
            { "call": "begin", "options": { "snapshot": { "at": 1 } } },
        ]),
    )
    .await;
    assert_eq!(answers[0]["error"]["case"], "database");
    assert_eq!(answers[1]["error"]["case"], "denied");
    assert_eq!(answers[2]["error"]["case"], "invalid");
    assert_eq!(answers[3]["error"]["case"], "invalid");
    assert_eq!(number(&client, "SELECT count(*) FROM t").await, 0);
    let options = TransactionOptions {
        read_only: true,
        ..TransactionOptions::default()
    };
    let whole = Request {
        transaction: Some(options),
        ..request(json!([insert(1)]).to_string())
    };
    let outcome = bench.run(whole).await;
    assert!(
        matches!(&outcome.end, End::NotCommitted(why) if why.contains("25006")),
        "{}",
        outcome.end
    );
}

/// Each transaction begins when it does, and all attempts at it at the same instant.
#[tokio::test]
async fn the_clock_of_a_transaction_begins_with_it() {
    let (_database, client, connected) = prepared().await;
    lose(&client, Lost::AtTheStatement, 1).await;
    let bench = told(connected).await;
    let look = json!({ "call": "run", "operations": [{ "call": "clock" }, insert(2)] });
    let again = json!({ "call": "run", "operations": [{ "call": "clock" }, insert(3)] });
    let pause = json!({ "call": "query", "text": "SELECT pg_sleep(0.2)::text" });
    let told = json!([{ "call": "clock" }, pause, look, pause, again]);
    let (answers, outcome) = tell(&bench, told).await;
    assert_eq!(outcome.report.database.retries, 1);
    let microseconds = |answer: &Json| answer["ok"]["wall"].as_u64().expect("a clock");
    let caller = microseconds(&answers[0]);
    let first = microseconds(&answers[2]["ok"][0]);
    let second = microseconds(&answers[4]["ok"][0]);
    let least = 150_000;
    assert!(first - caller > least, "{first} {caller}");
    assert!(second - first > least, "{second} {first}");
}
