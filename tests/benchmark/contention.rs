//! One row that many change at once: how long all of it takes, and how many attempts each change needs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::ensure;
use host::database::RetryPolicy;
use tests::TestDatabase;
use tokio::{task::JoinSet, time::sleep};
use tokio_postgres::{Client, error::SqlState};

use crate::{
    figures::{count as number, median},
    guest::Guest,
    timed,
};

/// So many at once, and so many changes by each.
const TASKS: u32 = 16;
const CHANGES: u32 = 50;
/// Enough that no change is given up.
const RETRIES: u32 = 100;

/// What a side needed, in every round.
#[derive(Debug, Default)]
struct Side {
    seconds: Vec<f64>,
    retries: u64,
    waited: Duration,
}

/// Retries and waits of the plain side.
#[derive(Debug, Default)]
struct Tally {
    retries: AtomicU64,
    waited_us: AtomicU64,
}

/// Measures both sides in turn, and says what came of it.
pub(crate) async fn report(
    database: &TestDatabase,
    guest: &Guest,
    rounds: usize,
) -> anyhow::Result<String> {
    let client = database.client().await;
    let made = "CREATE TABLE counters AS SELECT 1::int8 AS id, 0::int8 AS n";
    client.simple_query(made).await?;
    let mut plain_clients = Vec::new();
    for _ in 0..TASKS {
        plain_clients.push(Arc::new(database.client().await));
    }
    let (mut plain, mut guests) = (Side::default(), Side::default());
    for round in 0..=rounds {
        let tally = Arc::new(Tally::default());
        let (seconds, ()) = timed(plainly(&plain_clients, &tally)).await?;
        check(&client).await?;
        let (guest_seconds, turns) = timed(by_guests(guest)).await?;
        check(&client).await?;
        if round > 0 {
            plain.seconds.push(seconds);
            plain.retries += tally.retries.load(Ordering::Relaxed);
            plain.waited += Duration::from_micros(tally.waited_us.load(Ordering::Relaxed));
            guests.seconds.push(guest_seconds);
            guests.retries += turns.0;
            guests.waited += turns.1;
        }
    }
    let ratios: Vec<f64> = std::iter::zip(&guests.seconds, &plain.seconds)
        .map(|(guest, plain)| guest / plain)
        .collect();
    Ok(format!(
        "\ncontended counter, {TASKS} x {CHANGES}, the same policy on both sides: guest/plain {:.2}\n{}\n{}",
        median(&ratios),
        plain.line("plain", rounds),
        guests.line("guest", rounds)
    ))
}

impl Side {
    fn line(&self, name: &str, rounds: usize) -> String {
        let changes = f64::from(TASKS * CHANGES);
        let rounds = number(rounds as u64);
        format!(
            "  {name}: {:.0} changes/s, {:.3} attempts for each, {:.0} ms of waits in a round",
            changes / median(&self.seconds),
            1.0 + number(self.retries) / (changes * rounds),
            self.waited.as_secs_f64() * 1e3 / rounds
        )
    }
}

/// Sees to it that every change was made, and begins anew.
async fn check(client: &Client) -> anyhow::Result<()> {
    let row = client.query_one("SELECT n FROM counters", &[]).await?;
    ensure!(
        row.get::<_, i64>(0) == i64::from(TASKS * CHANGES),
        "a change is lost"
    );
    client.execute("UPDATE counters SET n = 0", &[]).await?;
    Ok(())
}

async fn plainly(clients: &[Arc<Client>], tally: &Arc<Tally>) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    for client in clients {
        let (client, tally) = (Arc::clone(client), Arc::clone(tally));
        tasks.spawn(async move {
            let update = "UPDATE counters SET n = n + 1 WHERE id = 1";
            let update = client.prepare(update).await?;
            for _ in 0..CHANGES {
                change(&client, &update, &tally).await?;
            }
            anyhow::Ok(())
        });
    }
    tasks.join_all().await.into_iter().collect()
}

/// One change, as a careful application makes it.
async fn change(
    client: &Client,
    update: &tokio_postgres::Statement,
    tally: &Tally,
) -> anyhow::Result<()> {
    let policy = RetryPolicy::default();
    for retry in 1..=RETRIES {
        let begin = "BEGIN ISOLATION LEVEL SERIALIZABLE";
        client.simple_query(begin).await?;
        let changed = match client.execute(update, &[]).await {
            Ok(_) => client.simple_query("COMMIT").await.map(drop),
            Err(error) => Err(error),
        };
        match changed {
            Ok(()) => return Ok(()),
            Err(error) if error.code() == Some(&SqlState::T_R_SERIALIZATION_FAILURE) => {}
            Err(error) => return Err(error.into()),
        }
        client.simple_query("ROLLBACK").await?;
        let wait = policy.wait(retry, rand::random());
        tally.retries.fetch_add(1, Ordering::Relaxed);
        let waited = u64::try_from(wait.as_micros())?;
        tally.waited_us.fetch_add(waited, Ordering::Relaxed);
        sleep(wait).await;
    }
    anyhow::bail!("given up")
}

/// The retries and the waits of all guests.
async fn by_guests(guest: &Guest) -> anyhow::Result<(u64, Duration)> {
    let runs = (0..TASKS).map(|_| guest.count(CHANGES.into(), RETRIES));
    let mut sum = (0, Duration::ZERO);
    for run in futures_util::future::join_all(runs).await {
        let statistics = run?;
        sum.0 += statistics.retries;
        sum.1 += statistics.waited;
    }
    Ok(sum)
}
