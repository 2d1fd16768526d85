//! Lists that many append to and read: their histories have no circle.

mod check;
#[cfg(test)]
mod check_tests;
mod graph;

use futures_util::future::join_all;
use serde::Serialize;
use tests::{Random, TestDatabase, fault::Proxy};
use tokio_postgres::Client;

pub(super) use self::check::Step;
use self::check::{Lists, Outcome, Transaction, check};
use super::{
    plain::{self, Isolation},
    spoil,
    stage::{Form, GUESTS, Manner, Stage},
    told::{Play, Refusal, Told, Work},
};

const KEYS: usize = 10;
const TRANSACTIONS: usize = 25;
const FORMS: [Form; 3] = [Form::Operation, Form::Handle, Form::WholeRun];

/// Does the steps, and finds out the same steps with what was read.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Appends {
    pub(super) steps: Vec<Step>,
}

impl Work for Appends {
    type Answer = Vec<Step>;
    const GUEST: &'static str = "appends";

    async fn perform(&self, client: &Client) -> Result<Vec<Step>, Refusal> {
        let mut done = self.steps.clone();
        for step in &mut done {
            match step {
                Step::Append { key, value } => {
                    let append = "UPDATE lists SET items = array_append(items, $2) WHERE key = $1";
                    client.execute(append, &[key, value]).await?;
                }
                Step::Read { key, list } => {
                    let read = "SELECT items FROM lists WHERE key = $1";
                    *list = Some(client.query_one(read, &[key]).await?.get(0));
                }
            }
        }
        Ok(done)
    }
}

/// Makes so many empty lists.
pub(super) async fn make(database: &TestDatabase, lists: usize) -> Client {
    let client = database.client().await;
    let make = "CREATE TABLE lists (key int8 PRIMARY KEY, items int8[] NOT NULL)";
    client.execute(make, &[]).await.expect("made");
    for key in 0..i64::try_from(lists).expect("few") {
        let empty = "INSERT INTO lists VALUES ($1, '{}')";
        client.execute(empty, &[&key]).await.expect("made");
    }
    client
}

/// Lists of transactions of up to four steps.
fn lists(seed: u64) -> Vec<Vec<Appends>> {
    let (mut random, mut value) = (Random::new(seed), 0);
    let mut transaction = || {
        let step = |_| {
            value += 1;
            let key = i64::try_from(random.below(KEYS)).expect("few");
            if random.once_in(2) {
                Step::Append { key, value }
            } else {
                Step::Read { key, list: None }
            }
        };
        Appends {
            steps: (0..4).map(step).collect(),
        }
    };
    let mut list = |_| (0..TRANSACTIONS).map(|_| transaction()).collect();
    (0..GUESTS).map(&mut list).collect()
}

/// The anomalies of a play, as text.
async fn anomalies(client: &Client, plays: &[Play<Appends>]) -> Vec<String> {
    let told = plays.iter().flat_map(|play| &play.told);
    let history: Vec<_> = told.map(|(work, told)| transaction(work, told)).collect();
    let rows = client.query("SELECT key, items FROM lists", &[]).await;
    let rows = rows.expect("read");
    let last: Lists = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let anomalies = check(&history, &last);
    anomalies.iter().map(ToString::to_string).collect()
}

fn transaction(work: &Appends, told: &Told<Vec<Step>>) -> Transaction {
    let (outcome, steps) = match told {
        Told::Ok(done) => (Outcome::Ok, done),
        Told::Rejected(_) | Told::Exhausted(_) | Told::Failed(_) => (Outcome::Fail, &work.steps),
        Told::Unknown(_) => (Outcome::Info, &work.steps),
    };
    Transaction {
        outcome,
        steps: steps.clone(),
    }
}

/// Plays a third of the lists in each form.
async fn play(stage: &Stage, lists: &[Vec<Appends>]) -> Vec<Play<Appends>> {
    let third = lists.len().div_ceil(3);
    let plays = lists.chunks(third).zip(FORMS).map(|(lists, form)| {
        let manner = Manner {
            form,
            ..Manner::PATIENT
        };
        async move {
            let play = stage.play(manner, lists).await;
            play.report(&format!("list-append, {form:?}"));
            play
        }
    });
    join_all(plays).await
}

#[tokio::test(flavor = "multi_thread")]
async fn histories_of_guests_have_no_anomaly() {
    for seed in 1..=2 {
        let database = super::database().await;
        let client = make(&database, KEYS).await;
        let stage = Stage::new(Appends::GUEST, &database).await;
        let plays = play(&stage, &lists(seed)).await;
        assert_eq!(anomalies(&client, &plays).await, [""; 0], "seed {seed}");
        for play in plays {
            assert_eq!(play.committed(), play.told.len(), "seed {seed}");
            assert!(play.retries > 0, "nobody was in anybody's way");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_have_they_with_connections_cut_at_random_points() {
    let read = Appends {
        steps: vec![Step::Read { key: 0, list: None }],
    };
    for (seed, has_markers) in [(1, false), (2, true)] {
        let database = super::database().await;
        let client = make(&database, KEYS).await;
        if has_markers {
            super::prepare(&database).await;
        }
        let proxy = Proxy::start(&database.url()).await;
        let stage = Stage::at(Appends::GUEST, &proxy.url(database.name(), "")).await;
        // The host looks for markers once.
        stage.play(Manner::PATIENT, &[vec![read.clone()]]).await;
        spoil(&proxy, seed);
        let plays = play(&stage, &lists(seed)).await;
        assert_eq!(anomalies(&client, &plays).await, [""; 0], "seed {seed}");
        assert!(proxy.done() > 0, "seed {seed}: nothing was cut");
        for (play, form) in plays.iter().zip(FORMS) {
            // For a handle nobody asked for markers.
            let is_settled = has_markers && form != Form::Handle;
            assert!(
                !is_settled || play.unknown().is_empty(),
                "seed {seed}: {:?}",
                play.unknown()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_sql_has_no_anomaly_at_serializable() {
    let database = super::database().await;
    let client = make(&database, KEYS).await;
    let play = plain::play(&database, Isolation::Serializable, &lists(1)).await;
    play.report("list-append, plain SQL at Serializable");
    assert_eq!(anomalies(&client, &[play]).await, [""; 0]);
}

/// It is a matter of luck when, so it is tried until it is so.
#[tokio::test(flavor = "multi_thread")]
async fn plain_sql_has_anomalies_at_read_committed() {
    for seed in 1..=50 {
        let database = super::database().await;
        let client = make(&database, KEYS).await;
        let play = plain::play(&database, Isolation::ReadCommitted, &lists(seed)).await;
        let anomalies = anomalies(&client, &[play]).await;
        // The level forbids these, and PostgreSQL keeps to it.
        let forbidden = ["G0:", "G1", "Garbage", "Duplicate", "IncompatibleOrder"];
        let broken = |anomaly: &&String| forbidden.iter().any(|kind| anomaly.starts_with(kind));
        assert_eq!(anomalies.iter().find(broken), None, "seed {seed}");
        if anomalies
            .iter()
            .any(|anomaly| anomaly.starts_with("GSingle"))
        {
            return;
        }
    }
    panic!("the checker found nothing in 50 histories without isolation");
}
