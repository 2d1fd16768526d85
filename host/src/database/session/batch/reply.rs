//! What the statements of a batch answered, put together.

use tokio_postgres::Row;

use super::{Answered, Session};
use crate::database::{
    error::Error,
    lease::Answer,
    rows::Rows,
    statement::{BatchStatements, Chunk, Reply, same_key},
    statistics::Statistics,
    wire::RawColumn,
};

/// What a batch came to.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Rows written.
    pub(super) count: u64,
    columns: Vec<RawColumn>,
    /// Rows of the table with their places in the batch, in no order.
    rows: Vec<(usize, Row)>,
    /// Places whose key no row has, ascending.
    pub(super) not_found: Vec<usize>,
}

impl Done {
    /// The rows in the order of the batch.
    pub(super) async fn rows(mut self, session: &mut Session) -> Rows {
        self.rows.sort_by_key(|(place, _)| *place);
        let rows = self.rows.into_iter().map(|(_, row)| row).collect();
        session.described(self.columns, rows).await
    }
}

impl Session {
    /// Puts together what the chunks came to.
    pub(super) async fn done(
        &mut self,
        statements: &BatchStatements<'_>,
        answers: Vec<Answered<'_>>,
    ) -> Result<Done, Error> {
        let mut done = Done::default();
        for (chunk, reply, answer) in answers {
            let before = done.count;
            let wrote_by_itself = answer.tag.verb != "SELECT";
            match reply {
                Reply::Rows => take_rows(&mut done, chunk, answer),
                Reply::PlacedRows => {
                    if answer.rows.is_empty() {
                        self.compare(statements, &statements.comparable(chunk))
                            .await?;
                    }
                    take_placed_rows(&mut done, chunk, answer)?;
                }
                Reply::Report => take_report(&mut done, chunk, &answer)?,
            }
            // Writes within a SELECT do not show in its tag.
            if !wrote_by_itself && statements.writes(chunk) {
                self.borrower.account.add(Statistics {
                    rows_written: done.count - before,
                    ..Statistics::default()
                });
            }
        }
        done.not_found.sort_unstable();
        Ok(done)
    }
}

/// Refuses a chunk that says of itself that a key is there twice.
pub(super) fn check(chunk: &Chunk, reply: Reply, answer: &Answer) -> Result<(), Error> {
    let Some(report) = answer.rows.first().filter(|_| reply == Reply::Report) else {
        return Ok(());
    };
    let is_there: Option<i64> = get(report, 1)?;
    if is_there.is_none() {
        return Ok(());
    }
    Err(same_key(
        place(&chunk.rows, report, 1)?,
        place(&chunk.rows, report, 2)?,
    ))
}

fn take_rows(done: &mut Done, chunk: &Chunk, answer: Answer) {
    done.count += answer.tag.count.unwrap_or(0);
    // Where rows can be missing nobody knows which these are: their order has to do.
    let places = chunk.rows.iter().copied();
    done.rows.extend(places.zip(answer.rows));
    done.columns = answer.columns;
}

fn take_placed_rows(done: &mut Done, chunk: &Chunk, answer: Answer) -> Result<(), Error> {
    let Answer {
        mut columns, rows, ..
    } = answer;
    columns.pop();
    let last = columns.len();
    let mut is_missing = vec![true; chunk.rows.len()];
    done.count += rows.len() as u64;
    for row in rows {
        let number: Option<i64> = get(&row, last)?;
        // A row whose key a trigger has changed is not found again: it comes last.
        let number = number.and_then(|number| usize::try_from(number - 1).ok());
        let place = number.and_then(|number| chunk.rows.get(number).copied());
        if let Some(is_missing) = number.and_then(|number| is_missing.get_mut(number)) {
            *is_missing = false;
        }
        done.rows.push((place.unwrap_or(usize::MAX), row));
    }
    let missing = chunk.rows.iter().zip(is_missing);
    let missing = missing.filter(|(_, is_missing)| *is_missing);
    done.not_found.extend(missing.map(|(&place, _)| place));
    done.columns = columns;
    Ok(())
}

fn take_report(done: &mut Done, chunk: &Chunk, answer: &Answer) -> Result<(), Error> {
    check(chunk, Reply::Report, answer)?;
    let report = answer.rows.first().ok_or_else(unreadable)?;
    let count: i64 = get(report, 0)?;
    done.count += count.unsigned_abs();
    if report.len() > 3 {
        let missing: Option<Vec<i64>> = get(report, 3)?;
        for number in missing.unwrap_or_default() {
            done.not_found.push(nth(&chunk.rows, number)?);
        }
    }
    Ok(())
}

/// The row of the batch whose number among `rows`, from 1, is in this column.
pub(super) fn place(rows: &[usize], row: &Row, column: usize) -> Result<usize, Error> {
    nth(rows, get(row, column)?)
}

fn nth(rows: &[usize], number: i64) -> Result<usize, Error> {
    let number = usize::try_from(number - 1).ok();
    let row = number.and_then(|number| rows.get(number));
    row.copied().ok_or_else(unreadable)
}

fn get<'r, T: tokio_postgres::types::FromSql<'r>>(row: &'r Row, column: usize) -> Result<T, Error> {
    row.try_get(column).map_err(|_| unreadable())
}

fn unreadable() -> Error {
    Error::Other("protocol: the answer to a batch is not what was asked for".to_owned())
}
