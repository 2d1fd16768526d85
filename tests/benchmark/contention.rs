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
    guest: &Arc<Guest>,
    rounds: usize,
) -> anyhow::Result<String> {
    let client = database.client().await;
    let made =
        "CREATE TABLE counters (id int8 PRIMARY KEY, n int8); INSERT INTO counters VALUES (1, 0)";
    client.simple_query(made).await?;
    let mut plain_clients = Vec::new();
    for _ in 0..TASKS {
        plain_clients.push(Arc::new(database.client().await));
    }
    let mut plain = Side::default();
    let mut guests = [Side::default(), Side::default()];
    for round in 0..=rounds {
        let tally = Arc::new(Tally::default());
        let (seconds, ()) = timed(plainly(&plain_clients, &tally)).await?;
        check(&client).await?;
        let waited = Duration::from_micros(tally.waited_us.load(Ordering::Relaxed));
        let retries = tally.retries.load(Ordering::Relaxed);
        if round > 0 {
            plain.add(seconds, retries, waited);
        }
        for (side, marked) in guests.iter_mut().zip([false, true]) {
            let (seconds, (retries, waited)) = timed(by_guests(guest, marked)).await?;
            check(&client).await?;
            if round > 0 {
                side.add(seconds, retries, waited);
            }
        }
    }
    let [unmarked, marked] = &guests;
    Ok(format!(
        "\ncontended counter, {TASKS} x {CHANGES}, the same policy on both sides: guest/plain {:.2}, marked {:.2}\n{}\n{}\n{}",
        unmarked.ratio(&plain),
        marked.ratio(&plain),
        plain.line("plain", rounds),
        unmarked.line("guest", rounds),
        marked.line("guest, marked", rounds)
    ))
}

impl Side {
    fn add(&mut self, seconds: f64, retries: u64, waited: Duration) {
        self.seconds.push(seconds);
        self.retries += retries;
        self.waited += waited;
    }

    /// How long it took, for one of the other's: the median of the rounds.
    fn ratio(&self, other: &Self) -> f64 {
        let ratios = std::iter::zip(&self.seconds, &other.seconds);
        let ratios: Vec<f64> = ratios.map(|(own, other)| own / other).collect();
        median(&ratios)
    }

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
    // The next side finds no old versions of the row.
    let anew = "TRUNCATE counters; INSERT INTO counters VALUES (1, 0)";
    client.simple_query(anew).await?;
    Ok(())
}

async fn plainly(clients: &[Arc<Client>], tally: &Arc<Tally>) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    for client in clients {
        let (client, tally) = (Arc::clone(client), Arc::clone(tally));
        tasks.spawn(async move {
            // With parameters, as the guest's: one without is planned once for all.
            let update = "UPDATE counters SET n = n + $1 WHERE id = $2";
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
        let changed = match client.execute(update, &[&1_i64, &1_i64]).await {
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
async fn by_guests(guest: &Arc<Guest>, marked: bool) -> anyhow::Result<(u64, Duration)> {
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let guest = Arc::clone(guest);
        tasks.spawn(async move { guest.count(CHANGES.into(), RETRIES, marked).await });
    }
    let mut sum = (0, Duration::ZERO);
    for run in tasks.join_all().await {
        let statistics = run?;
        sum.0 += statistics.retries;
        sum.1 += statistics.waited;
    }
    Ok(sum)
}
