//! Transactions as a plugin in Rust writes them: operations, closures, savepoints and handles.
use serde_json::{Value, json};
use tests::{
    Bench, Finished, Lost, TestDatabase, answer, database, example, lose_races, number, request,
};
use tokio_postgres::Client;

/// Lets whoever changes a counter lose so many races.
async fn lose(client: &Client, lost: Lost, times: u32) {
    lose_races(client, "counters", "true", lost, times).await;
}

/// What the guest answers that has its transactions by the SDK.
async fn tell(guest: &Bench, told: Value) -> Value {
    let outcome = guest.run(request(told.to_string())).await;
    answer(&outcome.end)
}

/// The guest on a database with the counter `a` at 0.
async fn counter() -> (TestDatabase, Bench, Client) {
    let database = database().await;
    let guest = Bench::load(&example("transacts"), database.connect().await).await;
    assert_eq!(tell(&guest, json!("prepare")).await, json!({ "ok": true }));
    let client = database.client().await;
    (database, guest, client)
}

async fn count(client: &Client) -> i64 {
    number(client, "SELECT n FROM counters WHERE name = 'a'").await
}

fn by(by: i64) -> Value {
    json!({ "name": "a", "by": by })
}

#[tokio::test]
async fn an_operation_is_called_like_a_function() {
    let (_database, guest, client) = counter().await;
    let answer = tell(&guest, json!({ "increment": by(5) })).await;
    assert_eq!(answer, json!({ "ok": { "value": 5, "attempt": 1 } }));
    assert_eq!(count(&client).await, 5);
    assert_eq!(
        tell(&guest, json!("answer-nothing")).await,
        json!({ "ok": null })
    );
    assert_eq!(count(&client).await, 6);
}

#[tokio::test]
async fn an_operation_that_loses_a_race_is_performed_again() {
    for lost in Lost::BOTH {
        let (_database, guest, client) = counter().await;
        lose(&client, lost, 2).await;
        let answer = tell(&guest, json!({ "increment": by(5) })).await;
        assert_eq!(answer, json!({ "ok": { "value": 5, "attempt": 3 } }));
        assert_eq!(count(&client).await, 5);
    }
}

#[tokio::test]
async fn an_operation_hears_its_options() {
    for lost in Lost::BOTH {
        let (_database, guest, client) = counter().await;
        lose(&client, lost, 1).await;
        let answer = tell(&guest, json!({ "increment-at-most-once": by(5) })).await;
        assert_eq!(answer["error"], "AttemptsExhausted", "{answer}");
        assert!(
            answer["text"].to_string().contains("after 1 attempt"),
            "{answer}"
        );
        assert_eq!(count(&client).await, 0);
    }
}

#[tokio::test]
async fn an_operation_that_fails_keeps_nothing_and_says_why() {
    let (_database, guest, client) = counter().await;
    let refused = tell(&guest, json!({ "refuse": "not today" })).await;
    assert_eq!(refused, json!({ "error": "Rejected", "text": "not today" }));

    let own = tell(&guest, json!("fail-in-its-own-way")).await;
    let said = "the database: its own way: the database: there is no counter `nobody`";
    assert_eq!(own, json!({ "ok": said }));

    let unreadable = tell(&guest, json!("answer-no-number")).await;
    assert_eq!(unreadable["error"], "Rejected");
    assert!(
        unreadable["text"]
            .to_string()
            .contains("cannot be read back"),
        "{unreadable}"
    );

    let swallowed = tell(&guest, json!("swallow")).await;
    assert_eq!(swallowed["error"], "Database", "{swallowed}");
    assert!(
        swallowed["text"].to_string().contains("23505"),
        "{swallowed}"
    );
    assert_eq!(count(&client).await, 0);
}

#[tokio::test]
async fn an_operation_that_is_not_listed_is_named_with_those_that_are() {
    let (_database, guest, _) = counter().await;
    let answer = tell(&guest, json!("not-listed")).await;
    assert_eq!(answer["error"], "Rejected", "{answer}");
    let text = answer["text"].to_string();
    assert!(
        text.contains("`not_listed`") && text.contains("increment, refuse"),
        "{text}"
    );
}

#[tokio::test]
async fn operations_are_made_of_operations_and_do_not_call_them() {
    let (_database, guest, client) = counter().await;
    let twice = tell(&guest, json!({ "increment-twice": by(5) })).await;
    assert_eq!(twice["ok"]["value"], 10, "{twice}");
    let called = tell(&guest, json!("call-another")).await;
    assert_eq!(called["error"], "Rejected", "{called}");
    assert!(called["text"].to_string().contains("denied"), "{called}");
    assert_eq!(count(&client).await, 10);
}

#[tokio::test]
async fn a_closure_is_run_again_after_a_lost_race() {
    for lost in Lost::BOTH {
        let (_database, guest, client) = counter().await;
        lose(&client, lost, 2).await;
        let answer = tell(&guest, json!({ "closure": { "retries": 3 } })).await;
        assert_eq!(
            answer,
            json!({ "ok": { "value": 1, "attempt": 3, "ran": 3 } })
        );
        assert_eq!(count(&client).await, 1);
    }
}

#[tokio::test]
async fn a_closure_gives_up_when_its_attempts_are_used_up() {
    for lost in Lost::BOTH {
        let (_database, guest, client) = counter().await;
        lose(&client, lost, 5).await;
        let answer = tell(&guest, json!({ "closure": { "retries": 1 } })).await;
        assert_eq!(answer["error"], "AttemptsExhausted", "{answer}");
        assert_eq!(number(&client, "SELECT last_value FROM races").await, 2);
        assert_eq!(count(&client).await, 0);
    }
}

#[tokio::test]
async fn a_closure_that_fails_is_rolled_back_and_not_run_again() {
    let (_database, guest, client) = counter().await;
    lose(&client, Lost::AtTheStatement, 0).await;
    let failed = tell(&guest, json!("closure-fails")).await;
    assert_eq!(
        failed,
        json!({ "error": "Message", "text": "no, after all" })
    );
    assert_eq!(
        number(&client, "SELECT last_value FROM races").await,
        1,
        "it ran once"
    );

    let swallowed = tell(&guest, json!("closure-swallows")).await;
    assert_eq!(swallowed["error"], "Database", "{swallowed}");
    assert!(
        swallowed["text"].to_string().contains("23505"),
        "{swallowed}"
    );
    assert_eq!(count(&client).await, 0);
}

#[tokio::test]
async fn a_savepoint_confines_what_fails_in_it() {
    let (_database, guest, client) = counter().await;
    let answer = tell(&guest, json!("closure-savepoint")).await;
    assert_eq!(
        answer,
        json!({ "ok": { "refused": true, "inner": 1_101, "value": 1_101 } })
    );
    assert_eq!(count(&client).await, 1_101);
    assert_eq!(
        tell(&guest, json!("closure-nested")).await,
        json!({ "ok": 1_202 })
    );
    assert_eq!(count(&client).await, 1_202);
}

#[tokio::test]
async fn a_read_only_closure_cannot_write() {
    let (_database, guest, client) = counter().await;
    let answer = tell(&guest, json!("read-only")).await;
    assert!(answer["text"].to_string().contains("25006"), "{answer}");
    assert_eq!(count(&client).await, 0);
}

#[tokio::test]
async fn rows_that_others_hold_can_be_left_out() {
    let (_database, guest, client) = counter().await;
    assert_eq!(tell(&guest, json!("locks")).await, json!({ "ok": 1 }));
    client
        .simple_query("BEGIN; SELECT FROM counters FOR UPDATE")
        .await
        .expect("locked");
    assert_eq!(tell(&guest, json!("locks")).await, json!({ "ok": 0 }));
}

#[tokio::test]
async fn a_handle_is_restarted_rolled_back_or_dropped() {
    for lost in Lost::BOTH {
        let (_database, guest, client) = counter().await;
        for told in ["handle-rolled-back", "handle-dropped"] {
            assert_eq!(
                tell(&guest, json!(told)).await,
                json!({ "ok": 0 }),
                "{told}"
            );
        }
        lose(&client, lost, 2).await;
        let answer = tell(&guest, json!("handle")).await;
        assert_eq!(
            answer,
            json!({ "ok": { "value": 1, "attempts": [1, 2, 3] } })
        );
        assert_eq!(count(&client).await, 1);
    }
}

#[tokio::test]
async fn a_run_and_its_operations_never_draw_the_same_uuid() {
    for lost in Lost::BOTH {
        let database = database().await;
        let client = database.client().await;
        let table = "CREATE TABLE uuids (id uuid PRIMARY KEY, maker text NOT NULL)";
        client.simple_query(table).await.expect("made");
        lose_races(&client, "uuids", "NEW.maker = 'first operation'", lost, 2).await;
        let guest = Bench::load(&example("inserts_uuids"), database.connect().await).await;
        assert_eq!(tell(&guest, Value::Null).await, 300);
        let version_4 = "SELECT count(*) FROM uuids WHERE id::text ~ '^.{14}4.{4}[89ab]'";
        assert_eq!(number(&client, version_4).await, 300);
    }
}

/// What the guest saw, in this place, in each attempt.
fn saw(finished: &Finished, place: &str) -> Vec<Value> {
    let lines = finished.stderr.lines();
    lines
        .filter_map(|line| {
            line.split_once("saw {")
                .map(|(_, rest)| format!("{{{rest}"))
        })
        .map(|line| {
            let mut values = serde_json::Deserializer::from_str(&line).into_iter::<Value>();
            values.next().expect("a value").expect("JSON")
        })
        .filter(|saw| saw["place"] == place)
        .collect()
}

#[tokio::test]
async fn attempts_see_the_same_world_and_operations_different_ones() {
    let database = database().await;
    let client = database.client().await;
    let slow_table = "CREATE TABLE looks (place text NOT NULL);
         CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN NEW; END $$;
         CREATE TRIGGER before_all BEFORE INSERT ON looks FOR EACH ROW EXECUTE FUNCTION nap()";
    client.simple_query(slow_table).await.expect("made");
    let rows = "NEW.place = 'first operation'";
    lose_races(&client, "looks", rows, Lost::AtTheStatement, 2).await;
    let finished = tests::run(&example("looks_around"), &database.url())
        .run()
        .await;
    finished.expect(0, &[]);

    let first = saw(&finished, "first operation");
    let attempts: Vec<_> = first.iter().map(|saw| &saw["attempt"]).collect();
    assert_eq!(attempts, [1, 2, 3], "{}", finished.stderr);
    for later in &first[1..] {
        for what in ["random", "insecure", "hash", "run_id"] {
            assert_eq!(later[what], first[0][what], "{what}");
        }
        // A second passed on the clock of the host, and none of it on theirs.
        for (clock, second) in [("wall", 1_000_000), ("monotonic", 1_000_000_000)] {
            let time = |saw: &Value| saw[clock].as_u64().expect("a time");
            let begun = time(&first[0]);
            assert!(
                time(later) < begun + second,
                "{clock}: {later} after {begun}"
            );
        }
    }
    let (run, second) = (saw(&finished, "run"), saw(&finished, "second operation"));
    for what in ["random", "insecure", "hash"] {
        assert_ne!(first[0][what], run[0][what], "{what}");
        assert_ne!(first[0][what], second[0][what], "{what}");
        assert_ne!(run[0][what], second[0][what], "{what}");
    }
    assert_eq!(first[0]["run_id"], run[0]["run_id"]);
}
