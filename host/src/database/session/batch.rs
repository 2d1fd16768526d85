use std::{collections::HashMap, sync::Arc};

use tokio_postgres::{Row, types::Oid};

use super::{Session, write::Written};
use crate::database::{
    catalog::TypeInfo,
    error::{Error, ErrorKind},
    identifier::Identifier,
    lease::{Answer, Author, Lease},
    request::{Batch, Conflict, Returning},
    statement::{self, BatchStatements, Chunk},
};

/// A batch on its way.
struct Insertion<'b> {
    statements: &'b BatchStatements<'b>,
    chunks: &'b [Chunk],
    returning: &'b Returning,
}

/// What the columns of a batch are, by their names.
type ColumnTypes = HashMap<String, Arc<TypeInfo>>;

impl Session {
    /// Inserts all rows or none, and gives them back in their order.
    ///
    /// One round trip, and one more before it when the types of the columns are not known yet. Rows that are too many for one
    /// statement, or of which not all have the same cells, take one for each such group and two for the transaction around them.
    pub async fn batch_insert(
        &mut self,
        table: &str,
        batch: &Batch<'_>,
        conflict: Option<&Conflict>,
        returning: &Returning,
    ) -> Result<Written, Error> {
        if conflict.is_some() {
            return Err(Error::not_implemented("`conflict` of `batch-insert`"));
        }
        let statements = BatchStatements::new(table, batch, returning)?;
        if batch.rows.is_empty() {
            return self.nothing_inserted(table, returning).await;
        }
        if *returning != Returning::Nothing {
            self.usage
                .result_rows(batch.rows.len() as u64, &self.limits)?;
        }
        let chunks = statements.chunks(self.database.server().kind);
        let insertion = Insertion {
            statements: &statements,
            chunks: &chunks,
            returning,
        };
        let (known, types) = self.column_types(&statements, false).await?;
        let answers = match self.insert_chunks(&insertion, &types).await {
            Err(error) if known && may_be_about_types(&error) => {
                // A column may have got another type since. Nothing of the batch was kept.
                let (_, current) = self.column_types(&statements, true).await?;
                if current == types {
                    return Err(error);
                }
                self.insert_chunks(&insertion, &current).await?
            }
            outcome => outcome?,
        };
        Ok(self.in_order(&insertion, answers).await)
    }

    async fn nothing_inserted(
        &mut self,
        table: &str,
        returning: &Returning,
    ) -> Result<Written, Error> {
        let columns = match returning {
            Returning::Nothing => {
                return Ok(Written {
                    count: 0,
                    rows: None,
                });
            }
            Returning::AllColumns => &[][..],
            Returning::Columns(columns) => columns,
        };
        let statement = statement::select_nothing(table, columns)?;
        let answer = self.read_only(&statement).await?;
        Ok(Written {
            count: 0,
            rows: Some(self.rows(answer).await),
        })
    }

    /// The types of the columns that the batch has cells for, and whether they were known before.
    async fn column_types(
        &mut self,
        statements: &BatchStatements<'_>,
        ask: bool,
    ) -> Result<(bool, ColumnTypes), Error> {
        let target = statements.target();
        let names: Vec<String> = target
            .1
            .iter()
            .map(|column| column.as_str().to_owned())
            .collect();
        if names.is_empty() {
            return Ok((false, ColumnTypes::new()));
        }
        let kept = self
            .database
            .catalog()
            .column_types(&target)
            .filter(|_| !ask);
        let known = kept.is_some();
        let oids: Arc<Vec<Oid>> = if let Some(kept) = kept {
            kept
        } else {
            let oids = self
                .describe(&BatchStatements::describe(&target.0, &target.1))
                .await?;
            self.database.catalog().keep_column_types(target, oids)
        };
        let infos = self.type_infos(&oids).await;
        Ok((known, names.into_iter().zip(infos).collect()))
    }

    async fn insert_chunks(
        &mut self,
        insertion: &Insertion<'_>,
        types: &ColumnTypes,
    ) -> Result<Vec<Answer>, Error> {
        let Insertion {
            statements,
            chunks,
            returning,
        } = insertion;
        let mut failed = chunks.first();
        let outcome = if let [chunk] = chunks
            && let statement = statements.insert(chunk, |column| cast(types, column))?
            && !self.may_return_too_much(&statement, returning)
        {
            self.write(&statement, Author::Host)
                .await
                .map(|answer| vec![answer])
        } else {
            match self.insert_all(insertion, types, &mut failed).await {
                Err(Error::Retry(_)) => self.insert_all(insertion, types, &mut failed).await,
                outcome => outcome,
            }
        };
        match (outcome, failed) {
            (Err(error), Some(chunk)) if is_unnamed(&error) => {
                Err(self.name_cell(statements, chunk, error).await)
            }
            (outcome, _) => outcome,
        }
    }

    /// Inserts all chunks in one transaction; tells which of them failed.
    async fn insert_all<'c>(
        &mut self,
        insertion: &Insertion<'c>,
        types: &ColumnTypes,
        failed: &mut Option<&'c Chunk>,
    ) -> Result<Vec<Answer>, Error> {
        let mut lease = self.begin().await?;
        let outcome = self.insert_each(&mut lease, insertion, types, failed).await;
        self.end(lease, outcome).await
    }

    async fn insert_each<'c>(
        &mut self,
        lease: &mut Lease,
        insertion: &Insertion<'c>,
        types: &ColumnTypes,
        failed: &mut Option<&'c Chunk>,
    ) -> Result<Vec<Answer>, Error> {
        let mut answers = Vec::with_capacity(insertion.chunks.len());
        for chunk in insertion.chunks {
            *failed = Some(chunk);
            let statement = insertion
                .statements
                .insert(chunk, |column| cast(types, column))?;
            answers.push(self.run_inside(lease, &statement, Author::Host).await?);
        }
        self.check_size(&answers)?;
        Ok(answers)
    }

    /// Finds the cell that an error of a whole chunk is about, by inserting it once more with every cell a parameter, in a
    /// transaction that is rolled back. The error itself, if that does not tell.
    async fn name_cell(
        &mut self,
        statements: &BatchStatements<'_>,
        chunk: &Chunk,
        error: Error,
    ) -> Error {
        let Ok(mut lease) = self.begin().await else {
            return error;
        };
        let mut found = None;
        for statement in statements.cell_by_cell(chunk) {
            let outcome = match statement {
                Ok(statement) => self
                    .run_inside(&mut lease, &statement, Author::Host)
                    .await
                    .err(),
                Err(error) => Some(error),
            };
            if outcome.is_some() {
                found = outcome;
                break;
            }
        }
        self.abandon(lease).await;
        found
            .filter(|found| matches!(found, Error::Conversion(_)))
            .unwrap_or(error)
    }

    /// Puts the rows of all chunks together, in the order of the batch.
    async fn in_order(&mut self, insertion: &Insertion<'_>, answers: Vec<Answer>) -> Written {
        let Insertion {
            chunks, returning, ..
        } = insertion;
        let count = answers.iter().filter_map(|answer| answer.tag.count).sum();
        if **returning == Returning::Nothing {
            return Written { count, rows: None };
        }
        let columns = answers
            .first()
            .map(|answer| answer.columns.clone())
            .unwrap_or_default();
        // A trigger can leave rows out; then nobody knows which these were, and the order of the statements has to do.
        let is_complete = chunks
            .iter()
            .zip(&answers)
            .all(|(chunk, answer)| chunk.rows.len() == answer.rows.len());
        let mut rows: Vec<(usize, Row)> = Vec::new();
        for (chunk, answer) in chunks.iter().zip(answers) {
            rows.extend(chunk.rows.iter().copied().zip(answer.rows));
        }
        if is_complete {
            rows.sort_by_key(|(place, _)| *place);
        }
        let rows = rows.into_iter().map(|(_, row)| row).collect();
        Written {
            count,
            rows: Some(self.described(columns, rows).await),
        }
    }
}

fn cast<'t>(types: &'t ColumnTypes, column: &Identifier) -> &'t str {
    types.get(column.as_str()).map_or("text", |info| &info.cast)
}

/// Whether the error is about a value, and does not say which.
fn is_unnamed(error: &Error) -> bool {
    let Error::Database(error) = error else {
        return false;
    };
    error.kind == ErrorKind::DataException
        || matches!(error.sqlstate.as_str(), "42804" | "42846" | "42883")
}

/// Whether the error could come from a column that is not of the type that it is thought to be.
fn may_be_about_types(error: &Error) -> bool {
    let is_about_definitions =
        |kind| matches!(kind, ErrorKind::UndefinedObject | ErrorKind::SyntaxError);
    matches!(error, Error::Conversion(_))
        || is_unnamed(error)
        || matches!(error, Error::Database(error) if is_about_definitions(error.kind))
}
