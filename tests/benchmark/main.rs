//! The one instrument for speed: what a guest pays for a statement, as a ratio against plain tokio-postgres.
//!
//! `cargo benchmark [ROUNDS]`. Both sides do the same work on the same server, in turn within each round, so that a machine
//! whose speed drifts slows both. The figures are medians over the rounds; the ratio is the median of the rounds' own ratios.
//! Round trips are those that the guard under the host's driver counted. Plain tokio-postgres runs prepared statements on one
//! connection, which is the fastest it can do.

use std::{collections::BTreeMap, env, time::Instant};

use anyhow::{Context as _, ensure};
use host::{
    database::{self, Database},
    runtime::{End, Interrupt, Limits, Plugin, Request, Runtime, Stdin},
    sandbox,
    tenancy::{Grants, TenantId},
};
use tokio_postgres::Client;

const TABLES: &str = "
    CREATE TABLE points (id int8 PRIMARY KEY, label text NOT NULL, weight int8 NOT NULL, share float8, done bool);
    INSERT INTO points SELECT i, 'point ' || i, i * 3, i / 7.0, i % 2 = 0 FROM generate_series(0, 9999) AS i;
    CREATE TABLE entries (number int8 NOT NULL, label text NOT NULL, share float8, done bool)";

/// One kind of work.
#[derive(Debug)]
struct Work {
    title: &'static str,
    kind: Kind,
    /// What the guest calls it.
    name: &'static str,
    /// How often a round does it, or of how many rows.
    count: i64,
    /// How many operations of the title a round has.
    operations: f64,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    PointSelect,
    Insert,
    BatchInsert,
}

const WORK: [Work; 3] = [
    Work {
        title: "point select",
        kind: Kind::PointSelect,
        name: "point-select",
        count: 1_000,
        operations: 1_000.0,
    },
    Work {
        title: "single insert",
        kind: Kind::Insert,
        name: "insert",
        count: 1_000,
        operations: 1_000.0,
    },
    Work {
        title: "batch insert of 10,000 rows",
        kind: Kind::BatchInsert,
        name: "batch-insert",
        count: 10_000,
        operations: 1.0,
    },
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let rounds = env::args().nth(1);
    let rounds = rounds.map_or(Ok(15), |rounds| {
        rounds.parse().context("the number of rounds")
    })?;
    let database = tests::database().await;
    let client = database.client().await;
    client.simple_query(TABLES).await?;
    let guest = Guest::load(database.connect().await).await?;

    report(&row("operation", "plain", "guest", "ratio", "round trips"));
    for work in &WORK {
        let mut figures = Figures::default();
        // The first round warms both sides up.
        for round in 0..=rounds {
            let (plain, expected) = timed(plain(&client, work)).await?;
            let (guest, (answer, trips)) = timed(guest.run(work)).await?;
            ensure!(
                answer == expected,
                "the guest answers {answer}, and {expected} is right"
            );
            if round > 0 {
                figures.add(plain, guest, trips);
            }
        }
        report(&figures.line(work));
    }
    guest.database.close().await;
    Ok(())
}

/// The component, and what it runs in.
#[derive(Debug)]
struct Guest {
    runtime: Runtime,
    plugin: Plugin,
    database: Database,
}

impl Guest {
    async fn load(database: Database) -> anyhow::Result<Self> {
        let runtime = Runtime::new(sandbox::Limits::default(), None)?;
        let component = std::fs::read(tests::example("benchmark"))?;
        let plugin = runtime
            .load("benchmark", component, &Grants::standard())
            .await?;
        Ok(Self {
            runtime,
            plugin,
            database,
        })
    }

    /// Does the work in a fresh instance; gives the answer and the round trips.
    async fn run(&self, work: &Work) -> anyhow::Result<(i64, u64)> {
        let request = Request {
            tenant: TenantId::local(),
            run_id: "benchmark".to_owned(),
            input: format!("{{\"{}\":{}}}", work.name, work.count),
            arguments: Vec::new(),
            settings: BTreeMap::new(),
            stdin: Stdin::Empty,
            stdout: Box::new(tokio::io::sink()),
            limits: Limits::default(),
            database_limits: database::Limits::default(),
            retry: database::RetryPolicy::default(),
            interrupt: Interrupt::never(),
        };
        let outcome = self
            .runtime
            .run(&self.plugin, &self.database, request)
            .await;
        let End::Finished {
            output: Some(output),
        } = &outcome.end
        else {
            anyhow::bail!("{}", outcome.end);
        };
        Ok((output.parse()?, outcome.report.database.round_trips))
    }
}

/// The same work by plain tokio-postgres.
async fn plain(client: &Client, work: &Work) -> anyhow::Result<i64> {
    match work.kind {
        Kind::PointSelect => {
            let statement = client.prepare("SELECT * FROM points WHERE id = $1").await?;
            let mut sum = 0;
            for id in 0..work.count {
                let row = client.query_one(&statement, &[&id]).await?;
                sum += row.get::<_, i64>("weight");
            }
            Ok(sum)
        }
        Kind::Insert => {
            let insert = "INSERT INTO entries (number, label, share, done) VALUES ($1, $2, $3, $4)";
            let statement = client.prepare(insert).await?;
            for number in 0..work.count {
                let label = format!("entry {number}");
                client
                    .execute(&statement, &[&number, &label, &0.5, &true])
                    .await?;
            }
            Ok(work.count)
        }
        Kind::BatchInsert => {
            let insert = "INSERT INTO entries (number, label, share, done)
                SELECT * FROM unnest($1::int8[], $2::text[], $3::float8[], $4::bool[])";
            let statement = client.prepare(insert).await?;
            let numbers: Vec<i64> = (0..work.count).collect();
            let label = |number| format!("entry {number}");
            let labels: Vec<String> = numbers.iter().map(label).collect();
            let (shares, done) = (vec![0.5; numbers.len()], vec![true; numbers.len()]);
            let inserted = client
                .execute(&statement, &[&numbers, &labels, &shares, &done])
                .await?;
            Ok(i64::try_from(inserted)?)
        }
    }
}

/// The value, and the seconds it took.
async fn timed<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<(f64, T)> {
    let started = Instant::now();
    let value = work.await?;
    Ok((started.elapsed().as_secs_f64(), value))
}

/// What was measured, round by round.
#[derive(Debug, Default)]
struct Figures {
    plain: Vec<f64>,
    guest: Vec<f64>,
    ratio: Vec<f64>,
    trips: u64,
}

impl Figures {
    fn add(&mut self, plain: f64, guest: f64, trips: u64) {
        self.plain.push(plain);
        self.guest.push(guest);
        self.ratio.push(guest / plain);
        self.trips = trips;
    }

    fn line(&self, work: &Work) -> String {
        let micros = |seconds: &[f64]| format!("{:.1} µs", median(seconds) / work.operations * 1e6);
        let trips = u32::try_from(self.trips).map_or(f64::NAN, f64::from) / work.operations;
        row(
            work.title,
            &micros(&self.plain),
            &micros(&self.guest),
            &format!("{:.2}", median(&self.ratio)),
            &format!("{trips:.3}"),
        )
    }
}

fn row(operation: &str, plain: &str, guest: &str, ratio: &str, trips: &str) -> String {
    format!("{operation:<30}{plain:>14}{guest:>14}{ratio:>8}{trips:>14}")
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[expect(clippy::print_stdout, reason = "the figures are this program's output")]
fn report(line: &str) {
    println!("{line}");
}
