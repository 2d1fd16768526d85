//! Where guests play: the host in this process, and a guest that it loaded.

use std::{collections::BTreeMap, sync::Arc, time::{Duration, Instant}};

use host::{
    database::{self, ConnectOptions, Database, PoolOptions, RetryPolicy},
    runtime::{End, Interrupt, Limits, Outcome, Plugin, Request, Runtime, Stdin},
    sandbox,
    tenancy::{Grants, TenantId},
};
use serde_json::json;
use tests::TestDatabase;
use tokio::task::JoinSet;

use super::told::{Play, Told, Work};

/// How many guests play at the same time. Each needs two slots, and as many as there are have room.
pub(super) const GUESTS: usize = 16;

/// A guest, and the database that it works in.
#[derive(Debug, Clone)]
pub(super) struct Stage(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    runtime: Runtime,
    plugin: Plugin,
    database: Database,
}

/// Which form of a transaction a guest uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// An operation that the host runs in instances of its own.
    Operation,
    /// A handle, and a loop in the guest.
    Handle,
}

/// How a guest goes about its list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) form: Form,
    /// None for what is the default of the host.
    pub(super) max_retries: Option<u32>,
}

impl Manner {
    /// Operations that lose no race for good.
    pub(super) const PATIENT: Self = Self {
        form: Form::Operation,
        max_retries: Some(40),
    };
}

impl Stage {
    /// Loads a guest that works in the database of a test.
    pub(super) async fn new(guest: &str, test: &TestDatabase) -> Self {
        Self::on(guest, test.options()).await
    }

    /// Loads a guest that works in the database with this URL.
    pub(super) async fn at(guest: &str, url: &str) -> Self {
        Self::on(guest, ConnectOptions::from_url(url).expect("a good URL")).await
    }

    async fn on(guest: &str, options: ConnectOptions) -> Self {
        // Nobody waits for a connection: what is tried is the database, not the pool.
        let options = options.with_pool(&PoolOptions {
            max_connections: 2 * GUESTS,
            ..PoolOptions::default()
        });
        let database = Database::connect(options, database::Limits::default()).await;
        let limits = sandbox::Limits {
            // Several plays of this process share its time.
            cpu: Duration::from_mins(5),
            slots: u32::try_from(4 * GUESTS).expect("few"),
            ..sandbox::Limits::default()
        };
        let runtime = Runtime::new(limits, None).expect("the engine starts");
        let component = std::fs::read(tests::example(guest)).expect("it was built");
        let plugin = runtime.load(guest, component, &Grants::all()).await;
        Self(Arc::new(Inner {
            plugin: plugin.expect("it can be loaded"),
            runtime,
            database: database.expect("it connects"),
        }))
    }

    /// A run with limits that a slow machine does not reach.
    pub(super) fn request(input: String) -> Request {
        Request {
            tenant: TenantId::local(),
            run_id: tests::unique_name("consistency"),
            input,
            arguments: Vec::new(),
            settings: BTreeMap::new(),
            stdin: Stdin::Empty,
            stdout: Box::new(tokio::io::sink()),
            limits: Limits::default(),
            database_limits: database::Limits {
                statement_timeout: Duration::from_mins(2),
                statements: 1_000_000,
                ..database::Limits::default()
            },
            retry: RetryPolicy::default(),
            interrupt: Interrupt::never(),
        }
    }

    /// Runs the guest.
    pub(super) async fn run(&self, request: Request) -> Outcome {
        let Inner {
            runtime,
            plugin,
            database,
        } = &*self.0;
        runtime.run(plugin, database, request).await
    }

    /// Has a guest do each list, all at the same time.
    pub(super) async fn play<W: Work>(&self, manner: Manner, lists: &[Vec<W>]) -> Play<W> {
        let began = Instant::now();
        let mut playing = JoinSet::new();
        for list in lists {
            let (stage, list) = (self.clone(), list.clone());
            playing.spawn(async move { stage.play_one(manner, list).await });
        }
        let played = playing.join_all().await;
        let retries = played.iter().map(|(_, retries)| retries).sum();
        Play {
            told: played.into_iter().flat_map(|(told, _)| told).collect(),
            retries,
            elapsed: began.elapsed(),
        }
    }

    async fn play_one<W: Work>(
        &self,
        manner: Manner,
        list: Vec<W>,
    ) -> (Vec<(W, Told<W::Answer>)>, u64) {
        let input = json!({
            "works": list,
            "max-retries": manner.max_retries,
            "handle": manner.form == Form::Handle,
        });
        let outcome = self.run(Self::request(input.to_string())).await;
        let End::Finished {
            output: Some(output),
        } = &outcome.end
        else {
            panic!("{}: {}", W::GUEST, outcome.end);
        };
        let told: Vec<Told<W::Answer>> = serde_json::from_str(output).expect("the guest tells it");
        assert_eq!(told.len(), list.len(), "every transaction is answered");
        let retries = outcome.report.database.retries;
        (list.into_iter().zip(told).collect(), retries)
    }
}
