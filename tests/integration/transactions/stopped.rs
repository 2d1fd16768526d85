//! However an instance comes to its end, nothing of its transaction is kept and nothing is held; and what attempts at one have in common.

use std::time::Duration;

use host::{
    database::{self, TransactionOptions},
    runtime::{End, Limits, Request},
    sandbox,
};
use serde_json::{Value as Json, json};
use tests::{Bench, Lost, answer, example, lose_races, nothing_is_open, number, request};

use super::{
    guest::{insert, told},
    opened, policy, prepared, rows,
};

/// How the guest has its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Operation,
    WholeRun,
    Handle,
}

impl Form {
    const ALL: [Self; 3] = [Self::Operation, Self::WholeRun, Self::Handle];

    /// A run that does this in a transaction.
    fn asks(self, mut operations: Vec<Json>) -> Request {
        let operations = match self {
            Self::Operation => json!([{ "call": "run", "operations": operations }]),
            Self::WholeRun => Json::Array(operations),
            Self::Handle => {
                operations.insert(0, json!({ "call": "begin" }));
                Json::Array(operations)
            }
        };
        Request {
            transaction: (self == Self::WholeRun).then(TransactionOptions::default),
            ..request(operations.to_string())
        }
    }
}

/// What the run, or the caller of the operation, is told.
fn said(end: &End) -> String {
    match end {
        End::Finished { .. } => answer::<Vec<Json>>(end)[0]["error"].to_string(),
        other => other.to_string(),
    }
}

/// All on the one connection there is, which the next run gets.
#[tokio::test(flavor = "multi_thread")]
async fn however_an_instance_is_stopped_its_transaction_is_undone() {
    let (database, client, _) = prepared().await;
    let connected = opened(&database, "min_connections=1&max_connections=1").await;
    let limits = sandbox::Limits {
        memory_bytes: 32 << 20,
        cpu: Duration::from_millis(300),
        ..sandbox::Limits::default()
    };
    let bench = Bench::with_limits(&example("does_as_told"), connected, limits).await;
    for form in Form::ALL {
        for (last, why) in [
            (json!({ "call": "exit", "code": 0 }), "exited with code 0"),
            (json!({ "call": "exit", "code": 1 }), "exited with code 1"),
            (json!({ "call": "panic", "message": "oh" }), "unreachable"),
            (json!({ "call": "spin" }), "cpu"),
            (json!({ "call": "hoard" }), "memory-bytes"),
            (
                json!({ "call": "sleep", "milliseconds": 60_000 }),
                "`timeout`",
            ),
        ] {
            let sleeps = last["call"] == "sleep";
            let request = form.asks(vec![insert(1), last.clone()]);
            let request = Request {
                limits: Limits {
                    timeout: Duration::from_millis(if sleeps { 500 } else { 20_000 }),
                    ..request.limits
                },
                ..request
            };
            let outcome = bench.run(request).await;
            let said = said(&outcome.end);
            assert!(said.contains(why), "{form:?} {last}: {said}");
            nothing_is_open(&client).await;
            assert_eq!(rows(&client).await, 0, "{form:?} {last}");
        }
        let outcome = bench.run(form.asks(vec![json!({ "call": "info" })])).await;
        answer::<Vec<Json>>(&outcome.end);
    }
}

/// A transaction that is not used is over, also while its guest is busy with something else.
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_leaves_its_transaction_idle_is_told_so() {
    let (_database, client, connected) = prepared().await;
    let bench = told(connected).await;
    for form in Form::ALL {
        let pause = json!({ "call": "sleep", "milliseconds": 200 });
        let request = form.asks(vec![insert(1), pause, insert(2)]);
        let request = Request {
            database_limits: database::Limits {
                idle_in_transaction: Duration::from_millis(100),
                ..request.database_limits
            },
            ..request
        };
        let outcome = bench.run(request).await;
        let at = match form {
            Form::Operation => 0,
            Form::Handle => 3,
            Form::WholeRun => {
                let said = outcome.end.to_string();
                assert!(said.contains("`idle-in-transaction`"), "{said}");
                continue;
            }
        };
        let answers: Vec<Json> = answer(&outcome.end);
        let error = &answers[at]["error"];
        assert_eq!(error["case"], "timeout", "{answers:?}");
        assert!(error.to_string().contains("idling"), "{error}");
    }
    nothing_is_open(&client).await;
    assert_eq!(rows(&client).await, 0);
}

/// All attempts at a transaction begin in the same world, however long after each other.
#[tokio::test(flavor = "multi_thread")]
async fn attempts_draw_the_same_numbers_and_begin_at_the_same_instant() {
    for form in [Form::Operation, Form::WholeRun] {
        let (_database, client, connected) = prepared().await;
        let made = "CREATE SEQUENCE random_1; CREATE SEQUENCE random_2; CREATE SEQUENCE clock_1; CREATE SEQUENCE clock_2";
        client.simple_query(made).await.expect("made");
        lose_races(&client, "t", "NEW.id = 2", Lost::AtTheStatement, 1).await;
        let bench = told(connected).await;
        let pause = json!({ "call": "query", "text": "SELECT pg_sleep(0.4)::text" });
        let remember = json!({ "call": "remember" });
        let asked = Request {
            retry: policy(5),
            ..form.asks(vec![remember, pause, insert(2)])
        };
        let outcome = bench.run(asked).await;
        answer::<Vec<Json>>(&outcome.end);
        assert_eq!(outcome.report.database.retries, 1, "{form:?}");
        let value = async |name: &str| {
            let query = format!("SELECT last_value FROM {name}");
            number(&client, &query).await
        };
        let drawn = (value("random_1").await, value("random_2").await);
        assert_eq!(drawn.0, drawn.1, "{form:?}");
        let (first, second) = (value("clock_1").await, value("clock_2").await);
        assert!((second - first).abs() < 200, "{form:?}: {first} {second}");
    }
}
