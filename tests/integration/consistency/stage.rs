//! Where guests play: the host in this process, and a guest that it loaded.

use std::{collections::BTreeMap, sync::Arc, time::{Duration, Instant}};

use host::{
    database::{self, Chaos, ConnectOptions, Database, PoolOptions, RetryPolicy, Statistics},
    runtime::{End, Interrupt, Limits, Outcome, Plugin, Request, Runtime, Stdin},
    sandbox,
    tenancy::{Grants, TenantId},
};
use serde_json::json;
use tests::TestDatabase;
use tokio::task::JoinSet;

use super::{
    plain::Isolation,
    told::{Play, Told, Work},
};

/// How many guests play at the same time. Each needs two slots, and as many as there are have room.
pub(super) const GUESTS: usize = 16;

/// A limit on time that a slow machine does not reach.
const PATIENCE: Duration = Duration::from_mins(2);

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

/// How guests go about their lists.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) form: Form,
    pub(super) isolation: Isolation,
    /// None for the default of the host.
    pub(super) max_retries: Option<u32>,
}

impl Manner {
    /// Operations that lose no race for good.
    pub(super) const PATIENT: Self = Self {
        form: Form::Operation,
        isolation: Isolation::Serializable,
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
                statement_timeout: PATIENCE,
                transaction_timeout: PATIENCE,
                idle_in_transaction: PATIENCE,
                statements: 1_000_000,
                ..database::Limits::default()
            },
            retry: RetryPolicy::default(),
            transaction: None,
            read_committed: true,
            chaos: Chaos::default(),
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
        let mut play = Play::default();
        for (told, statistics) in playing.join_all().await {
            play.told.extend(told);
            play.retries += statistics.retries;
            play.waited += statistics.waited;
        }
        play.elapsed = began.elapsed();
        play
    }

    async fn play_one<W: Work>(
        &self,
        manner: Manner,
        list: Vec<W>,
    ) -> (Vec<(W, Told<W::Answer>)>, Statistics) {
        let input = json!({
            "works": list,
            "by-handle": manner.form == Form::Handle,
            "read-committed": manner.isolation == Isolation::ReadCommitted,
        });
        let mut request = Self::request(input.to_string());
        if let Some(max_retries) = manner.max_retries {
            request.retry = request.retry.with_max_retries(max_retries);
        }
        let outcome = self.run(request).await;
        let End::Finished {
            output: Some(output),
        } = &outcome.end
        else {
            panic!("{}: {}", W::GUEST, outcome.end);
        };
        let told: Vec<Told<W::Answer>> = serde_json::from_str(output).expect("the guest tells it");
        assert_eq!(told.len(), list.len(), "every transaction is answered");
        let told = list.into_iter().zip(told).collect();
        (told, outcome.report.database)
    }
}
