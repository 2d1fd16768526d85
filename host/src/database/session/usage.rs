use crate::database::{
    error::Error,
    limits::{LimitExceeded, Limits},
};

/// A limit and what was used of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitState {
    /// As in the configuration, such as `statements`.
    pub name: &'static str,
    /// Used so far; of a limit on one call, the most that a call needed.
    pub used: u64,
    /// How much there is.
    pub maximum: u64,
}

/// What was used of the limits.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::database) struct Usage {
    statements: u64,
    result_rows: u64,
    result_bytes: u64,
    sql_text_bytes: u64,
    open_cursors: u64,
    open_savepoints: u64,
}

impl Usage {
    /// Counts a statement about to be sent.
    pub(in crate::database) fn statement(&mut self, limits: &Limits) -> Result<(), Error> {
        check("statements", self.statements + 1, limits.statements)?;
        self.statements += 1;
        Ok(())
    }

    /// Counts a SQL text from the guest.
    pub(in crate::database) fn sql_text(
        &mut self,
        text: &str,
        limits: &Limits,
    ) -> Result<(), Error> {
        let bytes = text.len() as u64;
        self.sql_text_bytes = self.sql_text_bytes.max(bytes);
        check("sql-text-bytes", bytes, limits.sql_text_bytes)
    }

    /// Counts the rows of a result.
    pub(in crate::database) fn result_rows(
        &mut self,
        rows: u64,
        limits: &Limits,
    ) -> Result<(), Error> {
        self.result_rows = self.result_rows.max(rows);
        check("result-rows", rows, limits.result_rows)
    }

    /// Counts the bytes of a result.
    pub(in crate::database) fn result_bytes(
        &mut self,
        bytes: u64,
        limits: &Limits,
    ) -> Result<(), Error> {
        self.result_bytes = self.result_bytes.max(bytes);
        check("result-bytes", bytes, limits.result_bytes)
    }

    /// Counts a cursor about to be opened beside so many others.
    pub(in crate::database) fn open_cursors(
        &mut self,
        others: usize,
        limits: &Limits,
    ) -> Result<(), Error> {
        let cursors = others as u64 + 1;
        check("open-cursors", cursors, limits.open_cursors)?;
        self.open_cursors = self.open_cursors.max(cursors);
        Ok(())
    }

    /// Counts a savepoint about to be set beside so many others.
    pub(in crate::database) fn open_savepoints(
        &mut self,
        others: usize,
        limits: &Limits,
    ) -> Result<(), Error> {
        let savepoints = others as u64 + 1;
        check("open-savepoints", savepoints, limits.open_savepoints)?;
        self.open_savepoints = self.open_savepoints.max(savepoints);
        Ok(())
    }

    /// Every limit that a guest can reach, with what was used of it.
    pub(in crate::database) fn states(&self, limits: &Limits) -> Vec<LimitState> {
        let state = |name, used, maximum| LimitState {
            name,
            used,
            maximum,
        };
        vec![
            state("statements", self.statements, limits.statements),
            state("result-rows", self.result_rows, limits.result_rows),
            state("result-bytes", self.result_bytes, limits.result_bytes),
            state("sql-text-bytes", self.sql_text_bytes, limits.sql_text_bytes),
            state("open-cursors", self.open_cursors, limits.open_cursors),
            state(
                "open-savepoints",
                self.open_savepoints,
                limits.open_savepoints,
            ),
        ]
    }
}

fn check(name: &'static str, used: u64, maximum: u64) -> Result<(), Error> {
    if used > maximum {
        Err(Error::Limit(LimitExceeded {
            name,
            used,
            maximum,
        }))
    } else {
        Ok(())
    }
}
