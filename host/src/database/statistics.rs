use std::{ops::AddAssign, time::Duration};

use super::wire::Counters;

/// What some use of the database came to, in attempts that were rolled back too.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Statistics {
    /// Statements sent, those that begin and end transactions included.
    pub statements: u64,
    /// Times that the host wrote after it had read: what the network's delay is paid for.
    pub round_trips: u64,
    /// Attempts after the first, of calls and of transactions.
    pub retries: u64,
    /// Transactions of several calls: a plugin's own, and the one that a whole run is.
    pub transactions: u64,
    /// Attempts at them, the first ones included.
    pub transaction_attempts: u64,
    /// Rows that came from the database.
    pub rows_read: u64,
    /// Rows inserted, updated or deleted.
    pub rows_written: u64,
    /// Bytes from the database.
    pub bytes_received: u64,
    /// Bytes to the database.
    pub bytes_sent: u64,
    /// Time spent waiting for answers.
    pub time: Duration,
    /// Time spent waiting before retries.
    pub waited: Duration,
}

impl Statistics {
    /// Adds what passed on a connection.
    pub(super) fn add_counters(&mut self, counters: Counters) {
        self.round_trips += counters.flights;
        self.bytes_received += counters.bytes_received;
        self.bytes_sent += counters.bytes_sent;
    }
}

impl AddAssign for Statistics {
    fn add_assign(&mut self, other: Self) {
        self.statements += other.statements;
        self.round_trips += other.round_trips;
        self.retries += other.retries;
        self.transactions += other.transactions;
        self.transaction_attempts += other.transaction_attempts;
        self.rows_read += other.rows_read;
        self.rows_written += other.rows_written;
        self.bytes_received += other.bytes_received;
        self.bytes_sent += other.bytes_sent;
        self.time += other.time;
        self.waited += other.waited;
    }
}
