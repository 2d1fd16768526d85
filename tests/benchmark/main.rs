//! The one instrument for speed: what a guest pays for its work, as a ratio against plain tokio-postgres.
//!
//! `cargo benchmark [ROUNDS] [WORD]`; with a word, only the works whose titles hold it. Both sides do the same work on the same
//! server, in turn within each round, so that a machine whose speed drifts slows both. The figures are medians over the rounds; the
//! ratio is the median of the rounds' own ratios. Round trips are those that the guard under the host's driver counted. Plain
//! tokio-postgres runs prepared statements on one connection, which is the fastest it can do.

mod contention;
mod figures;
mod guest;
mod plain;
mod work;

use std::{
    env,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};

use figures::{Figures, heading};
use guest::Guest;
use plain::Plain;
use work::{TABLES, WORKS, Work};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // As in a server: next to the connections, on a thread of the runtime's own.
    let mut arguments = env::args().skip(1);
    let rounds = arguments.next();
    let rounds = rounds.map_or(Ok(15), |rounds| {
        rounds.parse().context("the number of rounds")
    })?;
    let word = arguments.next().unwrap_or_default();
    tokio::spawn(measure_all(rounds, word)).await?
}

async fn measure_all(rounds: usize, word: String) -> anyhow::Result<()> {
    let database = tests::database().await;
    let client = database.client().await;
    client.simple_query(TABLES).await?;
    let plain = Plain::new(client);
    let guest = Arc::new(Guest::load(&database).await?);

    report(&heading());
    for work in WORKS.iter().filter(|work| work.title.contains(&word)) {
        report(&measure(work, rounds, &plain, &guest).await?.line(work));
    }
    if "contended counter".contains(&word) {
        report(&contention::report(&database, &guest, rounds).await?);
    }
    guest.close().await;
    Ok(())
}

async fn measure(
    work: &Work,
    rounds: usize,
    plain: &Plain,
    guest: &Guest,
) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    // What takes long varies less. The first round warms both sides up.
    let rounds = (rounds / work.weight).max(1);
    for round in 0..=rounds {
        plain.prepare(work).await?;
        let cpu = cpu_seconds();
        let (seconds_plain, expected) = timed(plain.run(work)).await?;
        let cpu_plain = cpu_seconds() - cpu;
        plain.prepare(work).await?;
        let cpu = cpu_seconds();
        let (seconds_guest, outcome) = timed(guest.run(work)).await?;
        let cpu_guest = cpu_seconds() - cpu;
        ensure!(
            outcome.answer == expected,
            "{}: the guest answers {}, and {expected} is right",
            work.title,
            outcome.answer,
        );
        if round > 0 {
            figures.add(
                (seconds_plain, cpu_plain),
                (seconds_guest, cpu_guest),
                &outcome,
            );
        }
    }
    Ok(figures)
}

/// The processor time of this process, which holds both sides and no server.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap_or(0),
        time.tv_nsec.try_into().unwrap_or(0),
    )
    .as_secs_f64()
}

/// The value, and the seconds it took.
async fn timed<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<(f64, T)> {
    let started = Instant::now();
    let value = work.await?;
    Ok((started.elapsed().as_secs_f64(), value))
}

#[expect(clippy::print_stdout, reason = "the figures are this program's output")]
fn report(line: &str) {
    println!("{line}");
}
