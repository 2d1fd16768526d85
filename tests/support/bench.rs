use std::{collections::BTreeMap, path::Path};

use host::{
    database::{self, Chaos, Database, RetryPolicy, TransactionOptions},
    runtime::{End, Interrupt, Limits, Outcome, Plugin, Request, Runtime, Stdin},
    sandbox,
    tenancy::{Grants, TenantId},
};
use serde::de::DeserializeOwned;
use tokio::io::AsyncWrite;

/// A plugin that is run in this process, as often as a test likes.
#[derive(Debug)]
pub struct Bench {
    runtime: Runtime,
    plugin: Plugin,
    database: Database,
}

impl Bench {
    /// Loads a component, to be run on this database with every grant.
    pub async fn load(component: &Path, database: Database) -> Self {
        Self::with_limits(component, database, sandbox::Limits::default()).await
    }

    /// The same under these limits.
    pub async fn with_limits(
        component: &Path,
        database: Database,
        limits: sandbox::Limits,
    ) -> Self {
        let runtime = Runtime::new(limits, None).expect("the engine starts");
        let component = std::fs::read(component).expect("a component");
        let plugin = runtime.load("test", component, &Grants::all()).await;
        Self {
            runtime,
            plugin: plugin.expect("a plugin"),
            database,
        }
    }

    /// Runs it as asked for.
    pub async fn run(&self, request: Request) -> Outcome {
        self.runtime
            .run(&self.plugin, &self.database, request)
            .await
    }
}

/// A run with this input, under the default limits, whose output is of no interest.
pub fn request(input: impl Into<String>) -> Request {
    Request {
        tenant: TenantId::local(),
        run_id: crate::unique_name("run"),
        input: input.into(),
        arguments: Vec::new(),
        settings: BTreeMap::new(),
        stdin: Stdin::Empty,
        stdout: Box::new(tokio::io::sink()),
        limits: Limits::default(),
        database_limits: database::Limits::default(),
        retry: RetryPolicy::default(),
        transaction: None,
        read_committed: false,
        chaos: Chaos::default(),
        interrupt: Interrupt::never(),
    }
}

/// What a guest answered in JSON that came to its end.
#[track_caller]
pub fn answer<T: DeserializeOwned>(end: &End) -> T {
    let End::Finished {
        output: Some(output),
    } = end
    else {
        panic!("{end}");
    };
    serde_json::from_str(output).expect("it answers in JSON")
}

/// The same as one transaction, whose output goes here.
pub fn transaction(
    input: impl Into<String>,
    stdout: impl AsyncWrite + Send + Unpin + 'static,
) -> Request {
    Request {
        stdout: Box::new(stdout),
        transaction: Some(TransactionOptions::default()),
        ..request(input)
    }
}
