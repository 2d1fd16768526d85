use std::{collections::BTreeMap, fmt};

use tokio::io::AsyncWrite;

use crate::{database, sandbox::Stdin, tenancy::TenantId};

use super::{Interrupt, Limits};

/// One run of a plugin: for whom, with what, how far it may go.
pub struct Request {
    /// Whose data it works on.
    pub tenant: TenantId,
    /// Unique for this run.
    pub run_id: String,
    /// The input of the export `run`. A program does not see it.
    pub input: String,
    /// The arguments of a program, without its name.
    pub arguments: Vec<String>,
    /// What the operator set for this plugin.
    pub settings: BTreeMap<String, String>,
    /// What it reads from standard input.
    pub stdin: Stdin,
    /// Where the standard output of a program goes. What any other plugin prints goes to the log, for its output is what `run`
    /// returns.
    pub stdout: Box<dyn AsyncWrite + Send + Unpin>,
    /// The limits of the run as a whole.
    pub limits: Limits,
    /// The limits of its use of the database.
    pub database_limits: database::Limits,
    /// How often, and after what wait, work that lost a race is done again.
    pub retry: database::RetryPolicy,
    /// Runs it as one transaction, which the host does again in a fresh instance when it loses a race. Without it, each call of the plugin
    /// is a transaction of its own, unless the plugin says otherwise.
    pub transaction: Option<database::TransactionOptions>,
    /// Whether transactions may be READ COMMITTED if they ask for it.
    pub read_committed: bool,
    /// The share of the attempts at transactions that fail on purpose.
    pub chaos: database::Chaos,
    /// When to end it before its time.
    pub interrupt: Interrupt,
}

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Request")
            .field("tenant", &self.tenant)
            .field("run_id", &self.run_id)
            .field("arguments", &self.arguments)
            .field("stdin", &self.stdin)
            .field("limits", &self.limits)
            .field("database_limits", &self.database_limits)
            .field("retry", &self.retry)
            .field("transaction", &self.transaction)
            .field("read_committed", &self.read_committed)
            .field("chaos", &self.chaos)
            .finish_non_exhaustive()
    }
}
