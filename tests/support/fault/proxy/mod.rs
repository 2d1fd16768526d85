//! A proxy before a real server that spoils what passes, message by message and in both directions.
//!
//! It understands the protocol and waits for nothing: what a client sends without awaiting an answer arrives so, and a fault in one direction
//! does not stop the other. What is spoilt is said by rules, each a [`Trigger`] and an [`Action`], and by chance, which repeats itself with
//! its seed. An error that is forged leaves the server in the state that it tells of.
//!
//! ```text
//! let proxy = Proxy::start(&test.url()).await;
//! proxy.once(Trigger::Reply(Which::Commit), Action::Reset);
//! let client = connect(&proxy.url(test.name(), "")).await;
//! ```

mod cockroach;
mod edit;
mod gate;
mod line;
mod message;
mod plan;
mod rule;
mod schedule;
mod serve;
mod statement;
mod tracker;
mod writer;

use std::sync::{Arc, Mutex};

use tokio::task::JoinHandle;

pub use gate::Gate;
pub use rule::{Action, Failure, Side, Trigger};
pub use schedule::Chaos;
pub use statement::{Statement, Which};

use line::lock;
use rule::Rule;
use schedule::Schedule;
use serve::Server;

/// A proxy before a real server. It ends, and all that goes through it, when it is dropped; if that is because the test failed, it says
/// what passed last, and the seed of its chances.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    schedule: Arc<Mutex<Schedule>>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy before the server of this URL, through which everything passes as it is.
    pub async fn start(url: &str) -> Self {
        Self::serve(url, false).await
    }

    /// The same, and the server looks like CockroachDB: its start-up, the fields of its errors, and what it refuses that PostgreSQL does not.
    pub async fn disguised(url: &str) -> Self {
        Self::serve(url, true).await
    }

    async fn serve(url: &str, is_disguised: bool) -> Self {
        let schedule = Arc::default();
        let server = Server::new(url, is_disguised, Arc::clone(&schedule)).await;
        Self {
            port: server.port(),
            schedule,
            serving: tokio::spawn(server.serve()),
        }
    }

    /// How to reach a database of that server through the proxy, as the superuser.
    pub fn url(&self, database: &str, parameters: &str) -> String {
        let port = self.port;
        format!("postgresql://root@127.0.0.1:{port}/{database}?sslmode=disable&{parameters}")
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Does this when the trigger is met for the first time from now on.
    pub fn once(&self, trigger: Trigger, action: Action) {
        self.nth(0, trigger, action);
    }

    /// Does this when the trigger is met for the n-th time from now on, counted from 0 over all connections.
    pub fn nth(&self, number: usize, trigger: Trigger, action: Action) {
        self.add(number, trigger, action, false);
    }

    /// Does this whenever the trigger is met from now on.
    pub fn always(&self, trigger: Trigger, action: Action) {
        self.add(0, trigger, action, true);
    }

    fn add(&self, number: usize, trigger: Trigger, action: Action, always: bool) {
        let skip = match trigger {
            Trigger::Byte(_, bytes) => bytes,
            Trigger::Start
            | Trigger::Named(_)
            | Trigger::Asked(_)
            | Trigger::Reply(_)
            | Trigger::ReplyByte(..)
            | Trigger::Done(_)
            | Trigger::Ready(_)
            | Trigger::Message(_) => number,
        };
        lock(&self.schedule).rules.push(Rule {
            trigger,
            action,
            skip,
            always,
        });
    }

    /// Leaves to chance what no rule says anything about, from now on.
    pub fn by_chance(&self, chaos: Chaos) {
        lock(&self.schedule).begin(chaos);
    }

    /// Lets everything pass from now on.
    pub fn clear(&self) {
        let mut schedule = lock(&self.schedule);
        schedule.rules.clear();
        schedule.chaos = None;
    }

    /// How often anything else than passing was done.
    pub fn done(&self) -> usize {
        lock(&self.schedule).done
    }

    /// The statements that were asked for so far, in their order.
    pub fn statements(&self) -> Vec<Statement> {
        lock(&self.schedule).statements.iter().cloned().collect()
    }

    /// What passed so far: the number of the connection, `>` to the server or `<` from it, the kind of the message, and its text.
    pub fn journal(&self) -> Vec<String> {
        lock(&self.schedule).journal.iter().cloned().collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
        if std::thread::panicking() {
            lock(&self.schedule).tell();
        }
    }
}
