//! Many rows in few statements, all or none.

mod insert;
mod reply;
mod update;

use std::{collections::HashMap, sync::Arc};

use tokio_postgres::types::Oid;

use self::reply::Done;
use super::Session;
use crate::database::{
    error::{Error, ErrorKind},
    lease::{Answer, Author, Lease},
    request::{Conflict, Returning},
    statement::{self, BatchStatements, Chunk, Known, Reply, same_key},
};

pub use self::update::BatchUpdated;

/// A chunk, and how it went.
type Answered<'c> = (&'c Chunk, Reply, Answer);

impl Session {
    /// Runs a batch: one statement if it is one chunk, else a transaction. Learns what the statements depend on, and once more if they
    /// fail because it has changed since.
    async fn run_batch(
        &mut self,
        statements: &mut BatchStatements<'_>,
        conflict: Option<&Conflict>,
        returning: &Returning,
    ) -> Result<Done, Error> {
        let outcome = self.learn_and_run(statements, conflict, returning).await;
        self.doomed_if_refused(outcome).await
    }

    async fn learn_and_run(
        &mut self,
        statements: &mut BatchStatements<'_>,
        conflict: Option<&Conflict>,
        returning: &Returning,
    ) -> Result<Done, Error> {
        let chunks = statements.chunks(self.database.server().kind);
        let (known, kept) = self.known(statements, false).await?;
        statements.learn(known.clone(), conflict)?;
        let outcome = self.run_chunks(statements, &chunks, returning).await;
        let answers = match outcome {
            Err(error) if kept && self.is_in_transaction() => {
                // The next attempt is to ask anew.
                if may_be_outdated(&error) {
                    self.database.forget_tables();
                }
                return Err(error);
            }
            Err(error) if kept && may_be_outdated(&error) => {
                // Nothing of the batch was kept.
                let (current, _) = self.known(statements, true).await?;
                if current == known {
                    return Err(error);
                }
                statements.learn(current, conflict)?;
                self.run_chunks(statements, &chunks, returning).await?
            }
            outcome => outcome?,
        };
        self.done(statements, answers).await
    }

    /// What the statements depend on, and whether it was known before.
    async fn known(
        &mut self,
        statements: &BatchStatements<'_>,
        ask: bool,
    ) -> Result<(Known, bool), Error> {
        let target = statements.target();
        let mut kept = false;
        let mut known = Known::default();
        if statements.needs_table() {
            let (table, was_kept) = self.table_info(&target.0, ask).await?;
            known.table = Some(table);
            kept |= was_kept;
        }
        if target.1.is_empty() {
            return Ok((known, kept));
        }
        let oids = self.database.catalog().column_types(&target);
        let oids: Arc<Vec<Oid>> = if let Some(oids) = oids.filter(|_| !ask) {
            kept = true;
            oids
        } else {
            let oids = self.describe(&statements.describe(&target.1)).await?;
            let catalog = self.database.catalog();
            catalog.keep_column_types(target.clone(), oids)
        };
        let infos = self.type_infos(&oids).await;
        let names = target.1.iter().map(|column| column.as_str().to_owned());
        known.types = names.zip(infos).collect::<HashMap<_, _>>();
        Ok((known, kept))
    }

    async fn run_chunks<'c>(
        &mut self,
        statements: &BatchStatements<'_>,
        chunks: &'c [Chunk],
        returning: &Returning,
    ) -> Result<Vec<Answered<'c>>, Error> {
        statements.check_losses()?;
        let mut failed = chunks.first();
        let rows_fit = |chunk: &Chunk| {
            chunk.rows.len() as u64 <= self.limits.result_rows || *returning == Returning::Nothing
        };
        let outcome = if let [chunk] = chunks
            && rows_fit(chunk)
            && statements.is_bounded(chunk)
            && let insert = statements.statement(chunk)?
            && !self.may_return_too_much(&insert.statement, returning)
        {
            let answer = self.write(&insert.statement, Author::Host).await;
            answer.map(|answer| vec![(chunk, insert.reply, answer)])
        } else {
            if chunks.len() > 1 {
                self.compare_keys(statements).await?;
            }
            self.run_as_one(statements, chunks, &mut failed).await
        };
        match (outcome, failed) {
            (Err(error), Some(chunk)) if is_unnamed(&error) => {
                Err(self.name_cell(statements, chunk, error).await)
            }
            (outcome, _) => outcome,
        }
    }

    /// Runs all chunks in one transaction; tells which of them failed.
    async fn run_as_one<'c>(
        &mut self,
        statements: &BatchStatements<'_>,
        chunks: &'c [Chunk],
        failed: &mut Option<&'c Chunk>,
    ) -> Result<Vec<Answered<'c>>, Error> {
        let mut attempts = self.attempts("batch");
        loop {
            let outcome = self.run_attempt(statements, chunks, failed).await;
            if let Some(outcome) = self.conclude(&mut attempts, outcome).await {
                return outcome;
            }
        }
    }

    async fn run_attempt<'c>(
        &mut self,
        statements: &BatchStatements<'_>,
        chunks: &'c [Chunk],
        failed: &mut Option<&'c Chunk>,
    ) -> Result<Vec<Answered<'c>>, Error> {
        if self.is_in_transaction() {
            let outcome = self.run_each(None, statements, chunks, failed).await;
            if let Err(error) = &outcome {
                self.doom(error).await;
            }
            return outcome;
        }
        let mut lease = self.begin_own().await?;
        let outcome = self
            .run_each(Some(&mut lease), statements, chunks, failed)
            .await;
        self.end(lease, outcome).await
    }

    async fn run_each<'c>(
        &mut self,
        mut own: Option<&mut Lease>,
        statements: &BatchStatements<'_>,
        chunks: &'c [Chunk],
        failed: &mut Option<&'c Chunk>,
    ) -> Result<Vec<Answered<'c>>, Error> {
        let mut answers = Vec::with_capacity(chunks.len());
        let (mut rows, mut bytes) = (0, 0);
        for chunk in chunks {
            *failed = Some(chunk);
            let made = statements.statement(chunk)?;
            let answer = self
                .run_inside(own.as_deref_mut(), &made.statement, Author::Host)
                .await?;
            // What is given back is bounded as a whole, before more of it is held.
            if made.reply != Reply::Report {
                rows += answer.rows.len() as u64;
                bytes += answer.bytes();
                self.charge(|usage, limits| usage.result_rows(rows, limits))?;
                self.charge(|usage, limits| usage.result_bytes(bytes, limits))?;
            }
            reply::check(chunk, made.reply, &answer)?;
            answers.push((chunk, made.reply, answer));
        }
        Ok(answers)
    }

    /// Refuses a batch of several statements that gives a key twice, since no one of them would notice.
    async fn compare_keys(&mut self, statements: &BatchStatements<'_>) -> Result<(), Error> {
        for rows in statements.rows_to_compare(self.database.server().kind) {
            match self.compare(statements, &rows).await {
                // The statement with this value will say where it is.
                Err(error) if is_unnamed(&error) => return Ok(()),
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// Refuses rows of which two have the same key.
    async fn compare(
        &mut self,
        statements: &BatchStatements<'_>,
        rows: &[usize],
    ) -> Result<(), Error> {
        if rows.len() < 2 {
            return Ok(());
        }
        let answer = self.read_only(&statements.compare(rows)?).await?;
        match answer.rows.first() {
            None => Ok(()),
            Some(found) => Err(same_key(
                reply::place(rows, found, 0)?,
                reply::place(rows, found, 1)?,
            )),
        }
    }

    /// Finds the cell that an error of a whole chunk is about: by the sizes of the columns, or by running it once more with every cell
    /// a parameter, in a transaction that is rolled back. The error itself, if that does not tell.
    async fn name_cell(
        &mut self,
        statements: &BatchStatements<'_>,
        chunk: &Chunk,
        error: Error,
    ) -> Error {
        let cells = statements.cells_of(chunk).collect();
        let error = self
            .name_cell_by_size(statements.table(), cells, error)
            .await;
        if !is_unnamed(&error) {
            return error;
        }
        // The rows of an open transaction would be in the way.
        if self.is_in_transaction() {
            return error;
        }
        let Ok(mut lease) = self.begin_own().await else {
            return error;
        };
        let mut found = None;
        for statement in statements.cell_by_cell(chunk) {
            let outcome = match statement {
                Ok(statement) => self
                    .run_inside(Some(&mut lease), &statement, Author::Host)
                    .await
                    .err(),
                Err(error) => Some(error),
            };
            if outcome.is_some() {
                found = outcome;
                break;
            }
        }
        lease.roll_back().await;
        found
            .filter(|found| matches!(found, Error::Conversion(_)))
            .unwrap_or(error)
    }

    /// The columns of a result that has no rows, because nothing was to be written.
    async fn no_rows(
        &mut self,
        table: &str,
        returning: &Returning,
    ) -> Result<Option<crate::database::Rows>, Error> {
        let columns = match returning {
            Returning::Nothing => return Ok(None),
            Returning::AllColumns => &[][..],
            Returning::Columns(columns) => columns,
        };
        let statement = statement::select_nothing(table, columns)?;
        let answer = self.read_only(&statement).await?;
        Ok(Some(self.rows(answer).await))
    }
}

/// Whether the error is about a value, and does not say which.
fn is_unnamed(error: &Error) -> bool {
    let Error::Database(error) = error else {
        return false;
    };
    error.kind == ErrorKind::DataException
        || matches!(error.sqlstate.as_str(), "42804" | "42846" | "42883")
}

/// Whether the error could come from a table that is not what it is thought to be.
fn may_be_outdated(error: &Error) -> bool {
    let is_about_definitions = |kind| {
        matches!(
            kind,
            ErrorKind::UndefinedObject | ErrorKind::UndefinedColumn | ErrorKind::SyntaxError
        )
    };
    matches!(error, Error::Conversion(_))
        || is_unnamed(error)
        || matches!(error, Error::Database(error) if is_about_definitions(error.kind))
}
