//! What to read of a table.

use crate::Result;
use crate::bindings::chitin::db::reads;
use crate::condition::{Condition, Ordering, filter};
use crate::row::{Row, Rows};

/// Rows that are to be read: which, of which columns, in which order, and how many.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "nothing is read before `select` or `select_one`"]
pub struct Select {
    table: String,
    columns: Vec<String>,
    conditions: Vec<Condition>,
    order: Vec<Ordering>,
    limit: Option<u64>,
    offset: Option<u64>,
}

impl Select {
    pub(super) fn new(table: String, conditions: Vec<Condition>) -> Self {
        Self {
            table,
            columns: Vec::new(),
            conditions,
            order: Vec::new(),
            limit: None,
            offset: None,
        }
    }

    /// Only rows for which this holds too.
    pub fn filter(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Only these columns, in this order.
    pub fn columns<Name: Into<String>>(mut self, columns: impl IntoIterator<Item = Name>) -> Self {
        self.columns.extend(columns.into_iter().map(Into::into));
        self
    }

    /// In this order; rows that are equal in it by the order given next.
    pub fn order_by(mut self, ordering: Ordering) -> Self {
        self.order.push(ordering);
        self
    }

    /// At most so many rows; 0 is 0 rows.
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Without so many rows at the beginning. Slow when large: continue by a condition on the last key instead.
    pub fn offset(mut self, rows: u64) -> Self {
        self.offset = Some(rows);
        self
    }

    /// Reads the rows.
    pub fn select(self) -> Result<Rows> {
        let (table, selection) = self.into_contract()?;
        Rows::try_from(reads::select(&table, &selection)?)
    }

    /// Reads the first row, or none. Without an order it is not said which row comes first.
    pub fn select_one(self) -> Result<Option<Row>> {
        self.one(false)
    }

    /// Reads the only row, or none. A second one is a [`DatabaseErrorKind`](crate::DatabaseErrorKind) of
    /// `CardinalityViolation`.
    pub fn select_unique(self) -> Result<Option<Row>> {
        self.one(true)
    }

    fn one(self, unique: bool) -> Result<Option<Row>> {
        let (table, selection) = self.into_contract()?;
        Rows::try_from(reads::select_one(&table, &selection, unique)?)?.at_most_one()
    }

    fn into_contract(self) -> Result<(String, reads::Selection)> {
        let selection = reads::Selection {
            columns: self.columns,
            filter: filter(self.conditions)?,
            order_by: self.order.into_iter().map(|ordering| ordering.0).collect(),
            limit: self.limit,
            offset: self.offset,
            lock: None,
        };
        Ok((self.table, selection))
    }
}
