//! Ordinary programs with a `main` are plugins too.

use tests::{HostCommand, TestDatabase, database, example};

fn run(database: &TestDatabase) -> HostCommand {
    tests::run(&example("echo_program"), &database.url())
}

#[tokio::test]
async fn a_program_has_arguments_and_standard_input_and_output() {
    let database = database().await;
    let finished = run(&database)
        .arg("--")
        .arg("one")
        .arg("--two")
        .input("zoë\n")
        .run()
        .await;
    let output = finished.expect(0, &[]).json();
    assert_eq!(output["arguments"], serde_json::json!(["one", "--two"]));
    assert_eq!(output["input"], "zoë\n");
    assert_eq!(output["characters"], 4);
}

#[tokio::test]
async fn a_program_that_fails_is_1_and_its_words_are_in_the_log() {
    let database = database().await;
    let finished = run(&database).arg("--").arg("--fail").run().await;
    finished.expect(1, &["it was told to fail"]);
    assert_eq!(
        finished.json()["characters"],
        0,
        "what it printed before is its output"
    );
}

#[tokio::test]
async fn input_by_option_and_by_a_program_that_reads_it_is_a_usage_error() {
    let database = database().await;
    let finished = run(&database)
        .arg("--input")
        .arg("-")
        .input("{}")
        .run()
        .await;
    finished.expect(2, &["--input"]);
}
