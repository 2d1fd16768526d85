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
    lock: Option<RowLock>,
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
            lock: None,
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

    /// Locks the rows that are read until the transaction ends. Outside a transaction it is
    /// [`Error::Invalid`](crate::Error::Invalid). See [`RowLock`].
    pub fn lock(mut self, lock: RowLock) -> Self {
        self.lock = Some(lock);
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
            lock: self.lock.map(|lock| lock.0),
        };
        Ok((self.table, selection))
    }
}

/// A lock on the rows that are read in a transaction. Without one, a transaction that changes what another has read
/// meanwhile is simply run again; a lock makes it wait instead, which is cheaper where conflicts are frequent.
///
/// Here each of many plugins takes a job that no other is working on:
///
/// ```no_run
/// use chitin::{Result, RowLock, asc, eq, table};
///
/// #[chitin::operation]
/// fn take_job() -> Result<Option<i64>> {
///     let free = table("jobs").filter(eq("done", false)).order_by(asc("id")).limit(1);
///     let Some(job) = free.lock(RowLock::for_update().skip_locked()).select_one()? else {
///         return Ok(None);
///     };
///     let id = job.get("id")?;
///     table("jobs").filter(eq("id", id)).update(&chitin::json!({ "done": true }))?;
///     Ok(Some(id))
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a lock does nothing by itself"]
pub struct RowLock(reads::RowLock);

impl RowLock {
    /// For rows about to be changed: nobody else can lock or change them.
    pub fn for_update() -> Self {
        Self::new(reads::LockStrength::Exclusive)
    }

    /// For rows that must stay as they are: others can lock them so too, and nobody can change them.
    pub fn for_share() -> Self {
        Self::new(reads::LockStrength::Shared)
    }

    fn new(strength: reads::LockStrength) -> Self {
        Self(reads::RowLock {
            strength,
            wait: reads::LockWait::Wait,
        })
    }

    /// Fails where another transaction holds one of the rows, instead of waiting for it: see
    /// [`is_lock_not_available`](crate::Error::is_lock_not_available).
    pub fn no_wait(mut self) -> Self {
        self.0.wait = reads::LockWait::NoWait;
        self
    }

    /// Leaves out rows that another transaction holds, instead of waiting for them.
    pub fn skip_locked(mut self) -> Self {
        self.0.wait = reads::LockWait::SkipLocked;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    #[test]
    fn a_lock_is_a_part_of_the_selection() {
        let lock = |select: Select| select.into_contract().expect("a selection").1.lock;
        assert_eq!(lock(table("t").limit(1)), None);
        let share = lock(table("t").lock(RowLock::for_share().skip_locked()));
        assert_eq!(
            share,
            Some(reads::RowLock {
                strength: reads::LockStrength::Shared,
                wait: reads::LockWait::SkipLocked,
            })
        );
        let update = lock(table("t").all_rows().lock(RowLock::for_update().no_wait()));
        assert_eq!(
            update,
            Some(reads::RowLock {
                strength: reads::LockStrength::Exclusive,
                wait: reads::LockWait::NoWait,
            })
        );
    }
}
