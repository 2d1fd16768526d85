//! The guest's side.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use host::{
    database::{self, ConnectOptions, Database, RetryPolicy, Statistics},
    runtime::{End, Report, Request},
};
use tests::{Bench, TestDatabase};

use crate::work::Work;

/// The component, and what it runs in.
#[derive(Debug)]
pub(crate) struct Guest {
    bench: Bench,
    database: Database,
}

/// What a turn of the guest came to.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) answer: i64,
    pub(crate) round_trips: u64,
    pub(crate) peak_memory_bytes: u64,
}

impl Guest {
    /// Loads the component. Transactions of its database can leave marks.
    pub(crate) async fn load(database: &TestDatabase) -> anyhow::Result<Self> {
        let url = format!("{}&max_connections=16", database.url());
        let options = ConnectOptions::from_url(&url)?;
        let database = Database::connect(options, database::Limits::default()).await?;
        database.examiner().await?.prepare(None).await?;
        let bench = Bench::load(&tests::example("benchmark"), database.clone()).await;
        Ok(Self { bench, database })
    }

    /// Does the work in a fresh instance.
    pub(crate) async fn run(&self, work: &Work) -> anyhow::Result<Turn> {
        let input = match work.kind.statements() {
            None => format!("{{\"{}\":{}}}", work.kind.name(), work.count),
            Some(statements) => {
                format!("{{\"{}\":[{statements},{}]}}", work.kind.name(), work.count)
            }
        };
        let outcome = self.finish(input, RetryPolicy::default()).await?;
        Ok(Turn {
            answer: outcome.0.parse().context("the guest answers a number")?,
            round_trips: outcome.1.database.round_trips,
            peak_memory_bytes: outcome.1.peak_memory_bytes,
        })
    }

    /// Changes the row that others change too, so often, and leaves marks or not.
    pub(crate) async fn count(
        &self,
        changes: i64,
        retries: u32,
        marked: bool,
    ) -> anyhow::Result<Statistics> {
        let input = format!("{{\"counter\":[{changes},{marked}]}}");
        let policy = RetryPolicy::default().with_max_retries(retries);
        let (output, report) = self.finish(input, policy).await?;
        ensure!(output == changes.to_string(), "not every change was made");
        Ok(report.database)
    }

    async fn finish(&self, input: String, retry: RetryPolicy) -> anyhow::Result<(String, Report)> {
        let request = Request {
            database_limits: database::Limits {
                // A transaction is a statement of several for the host: 100,000 rows take long on a slow machine.
                statement_timeout: Duration::from_mins(2),
                ..database::Limits::default()
            },
            retry,
            ..tests::request(input)
        };
        let outcome = self.bench.run(request).await;
        if let End::Finished {
            output: Some(output),
        } = outcome.end
        {
            Ok((output, outcome.report))
        } else {
            anyhow::bail!("{}", outcome.end)
        }
    }

    pub(crate) async fn close(&self) {
        self.database.close().await;
    }
}
