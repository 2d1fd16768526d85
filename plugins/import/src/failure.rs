//! Why a load ended early.

use std::fmt;

/// Why the load ended early. As text it says where, and how many rows are in the table all the same.
#[derive(Debug)]
pub(crate) struct Failure {
    line: Option<u64>,
    message: String,
    /// In the table all the same.
    rows: u64,
}

impl Failure {
    /// Something about the input as a whole.
    pub(crate) fn input(message: impl fmt::Display) -> Self {
        Self {
            line: None,
            message: message.to_string(),
            rows: 0,
        }
    }

    /// Something on this line of it.
    pub(crate) fn at(line: u64, message: impl fmt::Display) -> Self {
        Self {
            line: Some(line),
            ..Self::input(message)
        }
    }

    /// The same, when so many rows were written before.
    pub(crate) fn after(self, rows: u64) -> Self {
        Self { rows, ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.message)?;
        match self.rows {
            0 => f.write_str("; no rows were written"),
            rows => write!(f, "; the {rows} rows before are in the table"),
        }
    }
}
