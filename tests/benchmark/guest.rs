//! The guest's side.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context as _;
use host::{
    database::{self, Database, RetryPolicy},
    runtime::{End, Interrupt, Limits, Plugin, Request, Runtime, Stdin},
    sandbox,
    tenancy::{Grants, TenantId},
};

use crate::work::Work;

/// The component, and what it runs in.
#[derive(Debug)]
pub(crate) struct Guest {
    runtime: Runtime,
    plugin: Plugin,
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
    pub(crate) async fn load(database: Database) -> anyhow::Result<Self> {
        let runtime = Runtime::new(sandbox::Limits::default(), None)?;
        let component = std::fs::read(tests::example("benchmark"))?;
        let plugin = runtime.load("benchmark", component, &Grants::all()).await?;
        Ok(Self {
            runtime,
            plugin,
            database,
        })
    }

    /// Does the work in a fresh instance.
    pub(crate) async fn run(&self, work: &Work) -> anyhow::Result<Turn> {
        let request = Request {
            tenant: TenantId::local(),
            run_id: "benchmark".to_owned(),
            input: format!("{{\"{}\":{}}}", work.kind.name(), work.count),
            arguments: Vec::new(),
            settings: BTreeMap::new(),
            stdin: Stdin::Empty,
            stdout: Box::new(tokio::io::sink()),
            limits: Limits::default(),
            database_limits: database::Limits {
                // A transaction is a statement of several for the host: 100,000 rows take long on a slow machine.
                statement_timeout: Duration::from_mins(2),
                ..database::Limits::default()
            },
            retry: RetryPolicy::default(),
            transaction: None,
            read_committed: false,
            chaos: database::Chaos::default(),
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
            anyhow::bail!("{}: {}", work.title, outcome.end);
        };
        Ok(Turn {
            answer: output.parse().context("the guest answers a number")?,
            round_trips: outcome.report.database.round_trips,
            peak_memory_bytes: outcome.report.peak_memory_bytes,
        })
    }

    pub(crate) async fn close(self) {
        self.database.close().await;
    }
}
