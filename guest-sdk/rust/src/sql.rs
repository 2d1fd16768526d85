//! SQL text: [`query`] with parameters, several statements at once, and cursors.

use crate::bindings::chitin::db::{sql, types as contract};
use crate::row::{Column, Row, Rows};
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
    pub fn execute(self) -> Result<u64> {
        Ok(sql::execute(&self.text, &values(self.parameters)?)?)
    }

    /// Opens a cursor over its rows, to read more of them than one result may hold.
    pub fn cursor(self) -> Result<Cursor> {
        Ok(Cursor(sql::open_cursor(
            &self.text,
            &values(self.parameters)?,
        )?))
    }
}

/// Runs statements in this order and in one round trip, all or none.
///
/// Fails as the first statement that failed did; [`DatabaseError::statement_index`](crate::DatabaseError) says which.
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

/// Rows that are read a part at a time. Dropping it ends it.
#[derive(Debug)]
pub struct Cursor(sql::Cursor);

impl Cursor {
    /// The columns, known before the first row.
    pub fn columns(&self) -> Vec<Column> {
        self.0.columns()
    }

    /// The next rows, at least one and at most so many; none after the last.
    pub fn next(&mut self, max_rows: u32) -> Result<Option<Rows>> {
        self.0.next(max_rows)?.map(Rows::try_from).transpose()
    }
}
