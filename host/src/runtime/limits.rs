use std::time::Duration;

use crate::bindings;

/// The limits of one run as a whole, and of what it may write beside the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a run takes by the clock on the wall, from the wait for a slot on. Default 300 s.
    pub timeout: Duration,
    /// Bytes of the output of a run. Default 4 MiB: more belongs into the database.
    pub output_bytes: u64,
    /// Bytes of standard input that are kept for the next attempt of a run that is one transaction. Default 4 MiB.
    pub stdin_bytes: u64,
    /// Bytes of a run's messages in the log; the rest is dropped. Default 1 MiB.
    pub log_bytes: u64,
    /// A run's messages in the log; the rest is dropped. Default 10,000.
    pub log_lines: u64,
    /// Values in one batch, which in the packed form can take no room at all. Default 1,000,000.
    pub batch_values: u64,
}

impl Limits {
    /// Those that the layer of the contract keeps.
    pub(super) fn of_bindings(&self) -> bindings::Limits {
        bindings::Limits {
            batch_values: self.batch_values,
            log_bytes: self.log_bytes,
            log_lines: self.log_lines,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let bindings = bindings::Limits::default();
        Self {
            timeout: Duration::from_mins(5),
            output_bytes: 4 << 20,
            stdin_bytes: 4 << 20,
            log_bytes: bindings.log_bytes,
            log_lines: bindings.log_lines,
            batch_values: bindings.batch_values,
        }
    }
}
