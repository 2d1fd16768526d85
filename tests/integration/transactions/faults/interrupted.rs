//! A run that is to end while a COMMIT of its is under way: that is waited for, and what became of it is told.

use std::time::Duration;

use host::runtime::{End, Interrupt, Outcome, Request};
use serde_json::{Value as Json, json};
use tests::{Bench, example, fault::Gate, nothing_is_open, number, request, transaction};
use tokio::{sync::oneshot, time::timeout};

use super::{Action, Behind, COMMIT, Marks, Trigger, guest};

/// The forms of a transaction, and whether the COMMIT is the last of the run.
fn forms() -> [(&'static str, Request, bool); 3] {
    let transfer = guest::operations();
    let run = json!([{ "call": "run", "operations": transfer }, { "call": "count", "table": "t" }]);
    let mut handle = vec![json!({ "call": "begin" })];
    // All but the first, by which it would stop at an error.
    let statements = transfer.as_array().into_iter().flatten().skip(1);
    handle.extend(statements.cloned());
    handle.push(json!({ "call": "commit" }));
    handle.push(json!({ "call": "count", "table": "t" }));
    [
        ("an operation", request(run.to_string()), false),
        ("a handle", request(Json::from(handle).to_string()), false),
        (
            "the whole run",
            transaction(transfer.to_string(), tokio::io::sink()),
            true,
        ),
    ]
}

/// Runs it, and interrupts it while the answer to its COMMIT is held back; then something happens to that answer.
async fn interrupted(behind: &Behind, asked: Request, then: Option<Action>) -> Outcome {
    let bench = Bench::load(&example("does_as_told"), behind.database.clone()).await;
    let gate = Gate::new();
    behind
        .proxy
        .once(Trigger::Reply(COMMIT), Action::Hold(gate.clone()));
    if let Some(then) = then {
        behind.proxy.once(Trigger::Ready(COMMIT), then);
    }
    let (interrupt, wanted) = oneshot::channel::<()>();
    let asked = Request {
        interrupt: Interrupt::when(async move {
            wanted.await.ok();
        }),
        ..asked
    };
    let mut run = Box::pin(bench.run(asked));
    tokio::select! {
        early = &mut run => panic!("it never came to its COMMIT: {}", early.end),
        () = gate.reached() => {}
    }
    interrupt.send(()).expect("it is waited for");
    let early = timeout(Duration::from_millis(100), &mut run).await;
    assert!(early.is_err(), "it did not wait for its COMMIT");
    gate.open();
    run.await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_is_under_way_is_waited_for() {
    for (form, asked, is_whole) in forms() {
        let behind = Behind::new(Marks::Without).await;
        let outcome = interrupted(&behind, asked, None).await;
        // Of the others, what comes after may be quicker than the interrupt.
        let is_finished = matches!(outcome.end, End::Finished { .. });
        let is_interrupted = matches!(outcome.end, End::Interrupted) && !is_whole;
        assert!(is_finished || is_interrupted, "{form}: {}", outcome.end);
        assert_eq!(behind.transfers().await, 2, "{form}");
        nothing_is_open(&behind.witness).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_then_is_told_to_be_ambiguous() {
    for (form, asked, _) in forms() {
        let behind = Behind::new(Marks::Without).await;
        let outcome = interrupted(&behind, asked, Some(Action::Reset)).await;
        assert!(
            matches!(outcome.end, End::AmbiguousCommit(_)),
            "{form}: {}",
            outcome.end
        );
        let done = number(&behind.witness, "SELECT n FROM t WHERE id = 2").await;
        assert_eq!(done, 2, "{form}");
    }
}
