use std::{collections::HashMap, sync::Arc};

use tokio_postgres::types::Oid;

use super::{Session, write::Written};
use crate::database::{
    catalog::TypeInfo,
    error::{Error, ErrorKind},
    lease::{Answer, Author, Lease},
    request::{Batch, Conflict, Returning},
    rows::Rows,
    statement::{self, BatchStatements, Chunk},
};

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
        batch: &Batch,
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
            self.usage.result_rows(batch.rows.len() as u64, &self.limits)?;
        }
        let chunks = statements.chunks(self.database.server().kind);
        let (known, types) = self.column_types(&statements, false).await?;
        let answers = match self.insert_chunks(&statements, &chunks, &types, returning).await {
            Err(error) if known && may_be_about_types(&error) => {
                // A column may have got another type since. Nothing of the batch was kept.
                let (_, current) = self.column_types(&statements, true).await?;
                if current == types {
                    return Err(error);
                }
                self.insert_chunks(&statements, &chunks, &current, returning).await?
            }
            outcome => outcome?,
        };
        self.in_order(&chunks, answers, returning).await
    }

    async fn nothing_inserted(&mut self, table: &str, returning: &Returning) -> Result<Written, Error> {
        let columns = match returning {
            Returning::Nothing => return Ok(Written { count: 0, rows: None }),
            Returning::AllColumns => &[][..],
            Returning::Columns(columns) => columns,
        };
        let statement = statement::select_nothing(table, columns)?;
        let answer = self.read_repeatedly(&statement).await?;
        Ok(Written { count: 0, rows: Some(self.rows(answer).await?) })
    }

    /// The types of the columns that the batch has cells for, and whether they were known before.
    async fn column_types(&mut self, statements: &BatchStatements<'_>, ask: bool) -> Result<(bool, ColumnTypes), Error> {
        let target = statements.target();
        let names: Vec<String> = target.1.iter().map(|column| column.as_str().to_owned()).collect();
        if names.is_empty() {
            return Ok((false, ColumnTypes::new()));
        }
        let kept = self.database.catalog().column_types(&target).filter(|_| !ask);
        let known = kept.is_some();
        let oids: Arc<Vec<Oid>> = if let Some(kept) = kept {
            kept
        } else {
            let oids = self.describe(&BatchStatements::describe(&target.0, &target.1)).await?;
            self.database.catalog().keep_column_types(target, oids)
        };
        let infos = self.type_infos(&oids).await;
        Ok((known, names.into_iter().zip(infos).collect()))
    }

    async fn insert_chunks(
        &mut self,
        statements: &BatchStatements<'_>,
        chunks: &[Chunk],
        types: &ColumnTypes,
        returning: &Returning,
    ) -> Result<Vec<Answer>, Error> {
        statements.refuse_bytes_in(|column| types.get(column.as_str()).filter(|info| info.is_text()).map(|info| &*info.name))?;
        if let [chunk] = chunks {
            let statement = statements.insert(chunk, |column| cast(types, column.as_str()))?;
            if !self.may_return_too_much(&statement, returning) {
                let outcome = self.write(&statement, Author::Host).await;
                return match outcome {
                    Err(error) if is_unnamed(&error) => Err(self.name_cell(statements, chunk, error).await),
                    outcome => Ok(vec![outcome?]),
                };
            }
        }
        let mut lease = self.begin().await?;
        let outcome = self.insert_all(&mut lease, statements, chunks, types).await;
        match self.end(lease, outcome).await {
            Err((error, Some(chunk))) if is_unnamed(&error) => Err(self.name_cell(statements, chunk, error).await),
            Err((error, _)) => Err(error),
            Ok(answers) => Ok(answers),
        }
    }
}
