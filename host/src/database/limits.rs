use std::{fmt, time::Duration};

/// The limits of one guest's use of the database in one run, and of the pool it draws from.
///
/// Those that a guest can reach are named in `error.limit` as here, with hyphens: `result_rows` is `result-rows`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long one statement may run before it is cancelled on the server. Default 30 s.
    pub statement_timeout: Duration,
    /// Rows of one result. Default 10,000: more is a matter for a cursor.
    pub result_rows: u64,
    /// Bytes of one result, as they come from the server. Default 4 MiB.
    pub result_bytes: u64,
    /// Bytes of one message from the server, checked before anything of it is buffered. Default 16 MiB.
    pub frame_bytes: u64,
    /// Statements that one connection keeps prepared. Default 100: each costs the server some 20 KiB. Zero for none.
    pub prepared_statements: u64,
    /// Bytes of a SQL text from a guest. Default 64 KiB: a statement that needs more should take parameters.
    pub sql_text_bytes: u64,
    /// Statements of one run. Default 10,000.
    pub statements: u64,
    /// Cursors open at once in one run. Default 8: outside a transaction each holds a connection.
    pub open_cursors: u64,
    /// Savepoints open at once in one transaction. Default 16: each begins inside the one before.
    pub open_savepoints: u64,
    /// How long one attempt at a transaction may be open. Default 10 s: it holds a connection, and locks on what it wrote.
    pub transaction_timeout: Duration,
    /// How long a transaction may be open with nothing asked of it. Default 2 s: whoever waits for its locks waits for nothing.
    pub idle_in_transaction: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            statement_timeout: Duration::from_secs(30),
            result_rows: 10_000,
            result_bytes: 4 << 20,
            frame_bytes: 16 << 20,
            prepared_statements: 100,
            sql_text_bytes: 64 << 10,
            statements: 10_000,
            open_cursors: 8,
            open_savepoints: 16,
            transaction_timeout: Duration::from_secs(10),
            idle_in_transaction: Duration::from_secs(2),
        }
    }
}

/// A limit that was reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LimitExceeded {
    /// The name as in the configuration, such as `result-rows`.
    pub name: &'static str,
    /// How much was needed, as far as it was measured.
    pub used: u64,
    /// How much there is.
    pub maximum: u64,
}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            used,
            maximum,
        } = self;
        write!(
            formatter,
            "limit `{name}` reached: {used} needed, {maximum} allowed"
        )
    }
}
