//! Lost updates: many who read a counter and write one more.

use serde::Serialize;
use tests::TestDatabase;
use tokio_postgres::Client;

use super::{
    plain::{self, Isolation},
    stage::{Form, GUESTS, Manner, Stage},
    told::{Play, Refusal, Told, Work},
};

const TIMES: usize = 50;

/// Reads the counter and writes one more, which is what it finds out.
#[derive(Debug, Clone, Serialize)]
struct Count {
    counter: i64,
}

impl Work for Count {
    type Answer = i64;
    const GUEST: &'static str = "counter";

    async fn perform(&self, client: &Client) -> Result<i64, Refusal> {
        let read = "SELECT n FROM counters WHERE id = $1";
        let row = client.query_one(read, &[&self.counter]).await?;
        let next = row.get::<_, i64>(0) + 1;
        let write = "UPDATE counters SET n = $2 WHERE id = $1";
        client.execute(write, &[&self.counter, &next]).await?;
        Ok(next)
    }
}

/// Why the counter is wrong, if it is: those who were told that they counted must have found the numbers from 1 to the last.
fn check(told: &[Told<i64>], last: i64) -> Option<String> {
    let mut counted: Vec<_> = told.iter().filter_map(Told::ok).copied().collect();
    counted.sort_unstable();
    let unknown = told.iter().filter(|told| matches!(told, Told::Unknown(_)));
    let most = last.saturating_sub_unsigned(unknown.count() as u64);
    if counted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Some("two counted the same number".to_owned());
    }
    let is_complete =
        i64::try_from(counted.len()).is_ok_and(|count| (most..=last).contains(&count));
    let is_within = counted.last().is_none_or(|&highest| highest <= last);
    let ends = format!("{} counted, and the counter is at {last}", counted.len());
    (!is_complete || !is_within).then_some(ends)
}

async fn make(database: &TestDatabase) -> Client {
    let client = database.client().await;
    for statement in [
        "CREATE TABLE counters (id int8 PRIMARY KEY, n int8 NOT NULL)",
        "INSERT INTO counters VALUES (1, 0)",
    ] {
        client.execute(statement, &[]).await.expect("made");
    }
    client
}

fn lists() -> Vec<Vec<Count>> {
    vec![vec![Count { counter: 1 }; TIMES]; GUESTS]
}

/// Why the counter of a play is wrong, if it is.
async fn verdict(client: &Client, play: &Play<Count>) -> Option<String> {
    let row = client.query_one("SELECT n FROM counters", &[]).await;
    let told: Vec<_> = play.told.iter().map(|(_, told)| told.clone()).collect();
    check(&told, row.expect("one counter").get(0))
}

async fn guests(manner: Manner) -> Play<Count> {
    let database = super::database().await;
    let client = make(&database).await;
    let stage = Stage::new(Count::GUEST, &database).await;
    let play = stage.play(manner, &lists()).await;
    play.report(&format!("counter, {manner:?}"));
    assert_eq!(verdict(&client, &play).await, None);
    play
}

#[tokio::test(flavor = "multi_thread")]
async fn with_enough_retries_all_count() {
    let play = guests(Manner::PATIENT).await;
    assert_eq!(play.committed(), GUESTS * TIMES);
    assert!(play.retries > 0, "nobody was in anybody's way");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_handles_and_by_whole_runs_all_count_too() {
    for form in [Form::Handle, Form::WholeRun] {
        let manner = Manner {
            form,
            ..Manner::PATIENT
        };
        assert_eq!(guests(manner).await.committed(), GUESTS * TIMES);
    }
}

/// Who gives up says so, after as many attempts as it had, and has not counted.
#[tokio::test(flavor = "multi_thread")]
async fn who_gives_up_says_so_and_has_not_counted() {
    for (form, max_retries, attempts) in [
        (Form::Operation, None, 4),
        (Form::Operation, Some(0), 1),
        (Form::Handle, Some(0), 1),
        (Form::WholeRun, Some(0), 1),
    ] {
        let manner = Manner {
            form,
            max_retries,
            ..Manner::PATIENT
        };
        let play = guests(manner).await;
        let exhausted = play.count(|told| *told == Told::Exhausted(attempts));
        assert_eq!(play.committed() + exhausted, GUESTS * TIMES);
        assert!(max_retries.is_none() || exhausted > 0, "nobody gave up");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_sql_counts_all_at_serializable_and_loses_some_at_read_committed() {
    for isolation in [Isolation::Serializable, Isolation::ReadCommitted] {
        let database = super::database().await;
        let client = make(&database).await;
        let play = plain::play(&database, isolation, &lists()).await;
        play.report(&format!("counter, plain SQL at {isolation:?}"));
        let wrong = verdict(&client, &play).await;
        assert_eq!(
            wrong.is_some(),
            isolation == Isolation::ReadCommitted,
            "{wrong:?}"
        );
    }
}

#[test]
fn what_is_wrong_with_a_counter_is_found() {
    let (ok, gone, unknown) = (
        Told::Ok,
        Told::Exhausted(4),
        Told::Unknown("cut".to_owned()),
    );
    assert_eq!(check(&[ok(2), gone.clone(), ok(1)], 2), None);
    assert_eq!(check(&[ok(1), unknown.clone()], 1), None);
    assert_eq!(check(&[ok(2), unknown.clone()], 2), None);
    for (told, last) in [
        (vec![ok(1), ok(1)], 1),
        (vec![ok(1), ok(1)], 2),
        (vec![ok(1), ok(2)], 1),
        (vec![ok(1), gone], 2),
        (vec![ok(1), unknown], 3),
        (vec![ok(3)], 1),
    ] {
        assert!(check(&told, last).is_some(), "{told:?}, {last}");
    }
}
