//! SQL text: [`query`] with parameters, several statements at once, and cursors.

use crate::bindings::chitin::db::{sql, types as contract};
use crate::row::{Column, Row, RowIter, Rows};
use crate::value::Value;
use crate::wire::values;
use crate::{Error, Result};

/// One SQL statement. Its parameters are `$1`, `$2` and so on in the text, bound in this order.
///
/// ```no_run
/// let row = chitin::query("SELECT count(*) AS n FROM users WHERE age >= $1").bind(18).one()?;
/// let adults: i64 = row.get("n")?;
/// # Ok::<(), chitin::Error>(())
/// ```
pub fn query(text: impl Into<String>) -> Query {
    Query {
        text: text.into(),
        parameters: Vec::new(),
    }
}

/// A statement that has not run yet. See [`query`].
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a query does nothing until it is run"]
pub struct Query {
    text: String,
    parameters: Vec<Value>,
}

impl Query {
    /// The value of the next parameter.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.parameters.push(value.into());
        self
    }

    /// Runs it and gives its rows: of a `SELECT`, or of a write with `RETURNING`.
    pub fn rows(self) -> Result<Rows> {
        Rows::try_from(sql::query(&self.text, &values(self.parameters)?)?)
    }

    /// Runs it and gives its only row. Fails with [`Error::NotOneRow`] if there are none or several.
    pub fn one(self) -> Result<Row> {
        self.rows()?.exactly_one()
    }

    /// Runs it and gives its only row, or none. Fails with [`Error::NotOneRow`] if there are several.
    pub fn optional(self) -> Result<Option<Row>> {
        self.rows()?.at_most_one()
    }

    /// Runs it and gives the number of rows that it inserted, updated, deleted or read.
    ///
    /// ```no_run
    /// # use chitin::query;
    /// let changed = query("UPDATE items SET price = price * $1 WHERE kind = $2").bind(2).bind("book").execute()?;
    /// # Ok::<(), chitin::Error>(())
    /// ```
    pub fn execute(self) -> Result<u64> {
        Ok(sql::execute(&self.text, &values(self.parameters)?)?)
    }

    /// Opens a cursor over its rows, to read more of them than one result may hold. See [`Cursor`].
    pub fn cursor(self) -> Result<Cursor> {
        Ok(Cursor {
            handle: sql::open_cursor(&self.text, &values(self.parameters)?)?,
            part: PART,
        })
    }
}

/// Runs statements in this order and in one round trip, all or none.
///
/// ```no_run
/// use chitin::query;
///
/// let outcomes = chitin::sql::batch([
///     query("UPDATE accounts SET balance = balance - $1 WHERE id = $2").bind(10).bind(1),
///     query("UPDATE accounts SET balance = balance + $1 WHERE id = $2").bind(10).bind(2),
/// ])?;
/// assert!(outcomes.iter().all(|outcome| outcome.count == 1));
/// # Ok::<(), chitin::Error>(())
/// ```
///
/// Fails as the first statement that failed did; [`DatabaseError::statement_index`](crate::DatabaseError) says which. If rows
/// of any number come back beside a write, the commit waits for them, and is a second round trip.
pub fn batch(queries: impl IntoIterator<Item = Query>) -> Result<Vec<Outcome>> {
    let statements = queries
        .into_iter()
        .map(|query| {
            Ok(sql::Statement {
                text: query.text,
                parameters: values(query.parameters)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    sql::batch(&statements)?
        .into_iter()
        .map(Outcome::new)
        .collect()
}

/// What one statement did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Rows inserted, updated, deleted or read.
    pub count: u64,
    /// Its rows, if it gives any.
    pub rows: Option<Rows>,
}

impl Outcome {
    pub(crate) fn new(result: contract::StatementResult) -> Result<Self> {
        Ok(Self {
            count: result.count,
            rows: result.rows.map(Rows::try_from).transpose()?,
        })
    }

    /// The rows of a write that was asked to return them.
    pub(crate) fn into_rows(self) -> Result<Rows> {
        self.rows
            .ok_or_else(|| Error::message("the host returned no rows where they were asked for"))
    }
}

/// How many rows a cursor asks for at a time, unless it is told otherwise.
const PART: u32 = 1_000;

/// Rows that are read a part at a time. Dropping it ends it, and frees the connection that it uses.
///
/// Most often it is read row by row. Only a part of the rows is in memory at any time:
///
/// ```no_run
/// let mut sum = 0;
/// for row in chitin::query("SELECT amount FROM payments").cursor()? {
///     sum += row?.get::<i64>("amount")?;
/// }
/// # Ok::<(), chitin::Error>(())
/// ```
#[derive(Debug)]
pub struct Cursor {
    handle: sql::Cursor,
    part: u32,
}

impl Cursor {
    /// The columns, known before the first row.
    pub fn columns(&self) -> Vec<Column> {
        self.handle.columns()
    }

    /// The next rows, at least one and at most so many; none after the last.
    pub fn next(&mut self, max_rows: u32) -> Result<Option<Rows>> {
        self.handle.next(max_rows)?.map(Rows::try_from).transpose()
    }

    /// How many rows to ask for at a time when it is read row by row: 1,000 if it is not said.
    #[must_use]
    pub fn in_parts_of(mut self, rows: u32) -> Self {
        self.part = rows;
        self
    }
}

/// Reads row by row. After the last row, and after an error, it is closed.
impl IntoIterator for Cursor {
    type Item = Result<Row>;
    type IntoIter = CursorRows;

    fn into_iter(self) -> CursorRows {
        CursorRows {
            cursor: Some(self),
            part: None,
        }
    }
}

/// The rows of a [`Cursor`], one by one.
#[derive(Debug)]
#[must_use = "rows are read only when they are asked for"]
pub struct CursorRows {
    /// Gone when there is nothing more to read.
    cursor: Option<Cursor>,
    part: Option<RowIter>,
}

impl Iterator for CursorRows {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Result<Row>> {
        loop {
            if let Some(row) = self.part.as_mut().and_then(Iterator::next) {
                return Some(Ok(row));
            }
            let cursor = self.cursor.as_mut()?;
            match cursor.next(cursor.part) {
                Ok(Some(rows)) => self.part = Some(rows.into_iter()),
                Ok(None) => self.cursor = None,
                Err(error) => {
                    self.cursor = None;
                    return Some(Err(error));
                }
            }
        }
    }
}

impl std::iter::FusedIterator for CursorRows {}
