//! Where guests play: the host in this process, and a guest that it loaded.

use std::{
    fmt::Debug,
    sync::Arc,
    time::{Duration, Instant},
};

use host::{
    database::{self, ConnectOptions, Database, PoolOptions, TransactionOptions},
    runtime::{End, Outcome, Request},
    sandbox,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use tests::{Bench, TestDatabase, example};
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
pub(super) struct Stage(Arc<Bench>);

/// In which form transactions are had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Form {
    /// Each is an operation, which the host runs in instances of its own.
    Operation,
    /// Each has a handle, and a loop in the guest.
    Handle,
    /// Each is a whole run.
    WholeRun,
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
        let database = database.expect("it connects");
        Self(Arc::new(
            Bench::with_limits(&example(guest), database, limits).await,
        ))
    }

    /// A run with limits that a slow machine does not reach.
    pub(super) fn request(input: String) -> Request {
        Request {
            database_limits: database::Limits {
                statement_timeout: PATIENCE,
                transaction_timeout: PATIENCE,
                idle_in_transaction: PATIENCE,
                statements: 1_000_000,
                ..database::Limits::default()
            },
            read_committed: true,
            ..tests::request(input)
        }
    }

    /// Runs the guest.
    pub(super) async fn run(&self, request: Request) -> Outcome {
        self.0.run(request).await
    }

    /// Has a guest do each list, all at the same time.
    pub(super) async fn play<W: Work>(&self, manner: Manner, lists: &[Vec<W>]) -> Play<W> {
        let began = Instant::now();
        let mut playing = JoinSet::new();
        for list in lists {
            let (stage, list) = (self.clone(), list.clone());
            playing.spawn(async move { stage.play_list(manner, list).await });
        }
        let mut play = Play::default();
        for played in playing.join_all().await {
            play.add(played);
        }
        play.elapsed = began.elapsed();
        play
    }

    /// Has one guest do a list, by one run or by a run for each.
    async fn play_list<W: Work>(&self, manner: Manner, list: Vec<W>) -> Play<W> {
        let mut play = Play::default();
        let at_once = match manner.form {
            Form::Operation | Form::Handle => list.len(),
            Form::WholeRun => 1,
        };
        for works in list.chunks(at_once.max(1)) {
            let outcome = self.run(manner.request(works)).await;
            let told = told(&outcome.end, works.len());
            play.told.extend(works.iter().cloned().zip(told));
            play.count_attempts(&outcome.report);
        }
        play
    }
}

impl Manner {
    fn request<W: Work>(self, works: &[W]) -> Request {
        let is_read_committed = self.isolation == Isolation::ReadCommitted;
        let input = json!({
            "works": works,
            "by": self.form,
            "read-committed": is_read_committed,
        });
        let mut request = Stage::request(input.to_string());
        if let Some(max_retries) = self.max_retries {
            request.retry = request.retry.with_max_retries(max_retries);
        }
        if self.form == Form::WholeRun {
            assert!(!is_read_committed, "no proof has a use for that");
            request.transaction = Some(TransactionOptions::default());
        }
        request
    }
}

/// What was told of so many transactions by a run that ended so.
fn told<Answer: Debug + DeserializeOwned>(end: &End, count: usize) -> Vec<Told<Answer>> {
    let became = match end {
        End::Finished {
            output: Some(output),
        } => {
            let told: Vec<_> = serde_json::from_str(output).expect("the guest tells it");
            assert_eq!(told.len(), count, "every transaction is answered");
            return told;
        }
        End::PluginError(message) => Told::Rejected(message.clone()),
        End::AttemptsExhausted { attempts, .. } => Told::Exhausted(*attempts),
        End::AmbiguousCommit(message) => Told::Unknown(message.clone()),
        End::Unavailable(message) => Told::Failed(message.clone()),
        End::Finished { .. }
        | End::ProgramFailed { .. }
        | End::Limit(_)
        | End::Deadline { .. }
        | End::Trap(_)
        | End::NotCommitted(_)
        | End::Interrupted
        | End::OutputFailed(_)
        | End::HostBug(_) => panic!("the guest ends otherwise: {end}"),
    };
    assert_eq!(count, 1, "{became:?} is of one");
    vec![became]
}
