//! The same through a guest and the real host.

use serde_json::{Value as Json, json};
use tests::{example, fault::Failure};

use super::{Action, Behind, COMMIT, Marks, Trigger, UPDATE, places};

/// The operations of a transfer, as a guest does them.
pub(super) fn operations() -> Json {
    let grow = |id: i64, number: i64| {
        json!({
            "call": "update", "table": "t",
            "assignments": [{"column": "n", "change": {"add": number}}],
            "target": {"matching": [{"column": "id", "operator": "eq", "values": [id]}]},
        })
    };
    json!([
        {"call": "stop-on-error"},
        grow(1, -1),
        {"call": "select", "table": "t"},
        grow(2, 1),
    ])
}

/// Runs the transfer through `transactions.run`, and gives its answer, or the case of the error.
async fn transfer(behind: &Behind) -> Result<Json, String> {
    let input = json!([{"call": "run", "operations": operations()}]).to_string();
    let url = behind.proxy.url(behind.test.name(), "min_connections=1");
    let finished = tests::run(&example("does_as_told"), &url)
        .arg("--input")
        .arg(input)
        .run()
        .await;
    let mut answers = finished.expect(0, &[]).json();
    let answer = answers[0].take();
    match answer.get("error") {
        Some(error) => Err(error["case"].as_str().unwrap_or_default().to_owned()),
        None => Ok(answer["ok"].clone()),
    }
}

#[tokio::test]
async fn a_guest_is_run_again_wherever_its_transaction_is_lost() {
    let behind = Behind::new(Marks::With).await;
    let mut done = behind.transfers().await;
    for (which, number) in places() {
        for action in [Action::Fail(Failure::retry()), Action::Reset] {
            behind.proxy.clear();
            behind
                .proxy
                .nth(number, Trigger::Asked(which), action.clone());
            let faults = behind.proxy.done();
            let outcome = transfer(&behind).await;
            assert!(
                outcome.is_ok(),
                "{which:?} {number} {action:?}: {outcome:?}"
            );
            assert_eq!(behind.proxy.done(), faults + 1, "{which:?} {number}");
            done += 1;
            assert_eq!(behind.transfers().await, done, "{which:?} {number}");
        }
    }
}

#[tokio::test]
async fn a_guest_reads_that_a_commit_is_ambiguous_only_if_it_is() {
    for (marks, trigger, expected) in [
        (Marks::With, Trigger::Reply(COMMIT), None),
        (
            Marks::Without,
            Trigger::Reply(COMMIT),
            Some("ambiguous-commit"),
        ),
        (
            Marks::Without,
            Trigger::Asked(COMMIT),
            Some("ambiguous-commit"),
        ),
    ] {
        let behind = Behind::new(marks).await;
        behind.proxy.once(trigger, Action::Reset);
        let outcome = transfer(&behind).await;
        assert_eq!(outcome.as_ref().err().map(String::as_str), expected);
        let is_kept = trigger != Trigger::Asked(COMMIT);
        assert_eq!(behind.transfers().await, 1 + i64::from(is_kept));
    }
}

#[tokio::test]
async fn a_guest_gives_up_when_the_host_does() {
    let behind = Behind::new(Marks::With).await;
    let fail = Action::Fail(Failure::retry());
    behind.proxy.always(Trigger::Asked(UPDATE), fail);
    assert_eq!(
        transfer(&behind).await,
        Err("attempts-exhausted".to_owned())
    );
    assert_eq!(behind.proxy.done(), 4, "an attempt and three retries");
    assert_eq!(behind.transfers().await, 1);
}
