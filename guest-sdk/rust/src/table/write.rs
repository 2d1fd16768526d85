//! Rows that were chosen by conditions, and what can be done to them.

use serde::Serialize;

use super::{RowLock, Select};
#[cfg(doc)]
use crate::Error;
use crate::Result;
use crate::bindings::chitin::db::{reads, types as contract, writes};
use crate::condition::{Condition, Ordering, filter};
use crate::record::fields;
use crate::row::{Row, Rows};
use crate::sql::Outcome;
use crate::value::Value;

/// The rows of a table for which all conditions hold, to read or to change.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "nothing happens to these rows yet"]
pub struct Filtered {
    table: String,
    /// None for all rows.
    conditions: Vec<Condition>,
}

impl Filtered {
    pub(super) fn new(table: String, conditions: Vec<Condition>) -> Self {
        Self { table, conditions }
    }

    /// Only rows for which this holds too.
    pub fn filter(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Only these columns, in this order.
    pub fn columns<Name: Into<String>>(self, columns: impl IntoIterator<Item = Name>) -> Select {
        self.reading().columns(columns)
    }

    /// In this order.
    pub fn order_by(self, ordering: Ordering) -> Select {
        self.reading().order_by(ordering)
    }

    /// At most so many of them.
    pub fn limit(self, rows: u64) -> Select {
        self.reading().limit(rows)
    }

    /// Locked until the transaction ends, as they are read.
    ///
    /// ```no_run
    /// use chitin::{RowLock, eq, set, table};
    ///
    /// chitin::transaction(|_| {
    ///     let account = table("accounts").filter(eq("id", 1));
    ///     let Some(row) = account.clone().lock(RowLock::for_update()).select_one()? else {
    ///         return Ok(0);
    ///     };
    ///     account.update([set("balance", row.get::<i64>("balance")? / 2)])
    /// })?;
    /// # Ok::<(), chitin::Error>(())
    /// ```
    pub fn lock(self, lock: RowLock) -> Select {
        self.reading().lock(lock)
    }

    /// Reads them.
    ///
    /// ```no_run
    /// # use chitin::{eq, one_of, table};
    /// let rows = table("users").filter(one_of("country", ["AT", "CH"])).filter(eq("active", true)).select()?;
    /// for row in &rows {
    ///     log::info!("{}", row.get::<&str>("name")?);
    /// }
    /// # Ok::<(), chitin::Error>(())
    /// ```
    pub fn select(self) -> Result<Rows> {
        self.reading().select()
    }

    /// Reads the first of them, or none. Without an order it is not said which one comes first.
    ///
    /// ```no_run
    /// # use chitin::{eq, table};
    /// let name: Option<String> = match table("users").filter(eq("id", 1)).select_one()? {
    ///     Some(row) => row.get("name")?,
    ///     None => None,
    /// };
    /// # Ok::<(), chitin::Error>(())
    /// ```
    pub fn select_one(self) -> Result<Option<Row>> {
        self.reading().select_one()
    }

    /// Reads the only one, or none; fails if there are more.
    pub fn select_unique(self) -> Result<Option<Row>> {
        self.reading().select_unique()
    }

    /// Counts them.
    ///
    /// ```no_run
    /// # use chitin::{lt, table};
    /// let minors = table("users").filter(lt("age", 18)).count()?;
    /// # Ok::<(), chitin::Error>(())
    /// ```
    pub fn count(self) -> Result<u64> {
        Ok(reads::count(&self.table, &filter(self.conditions)?)?)
    }

    /// Changes all of them and gives their number. The changes are a record, whose columns are set, or a list of [`set`],
    /// [`add`] and [`reset`].
    ///
    /// ```no_run
    /// use chitin::{add, eq, json, reset, set, table};
    ///
    /// let user = table("users").filter(eq("id", 1));
    /// user.clone().update(&json!({ "name": "Ada" }))?;
    /// user.update([set("name", "Grace"), add("visits", 1), reset("updated_at")])?;
    /// # Ok::<(), chitin::Error>(())
    /// ```
    pub fn update(self, changes: impl Changes) -> Result<u64> {
        Ok(self
            .update_as(changes, &contract::Returning::Nothing)?
            .count)
    }

    /// Changes all of them and gives them back as they are now: [`AllColumns`], or some by name.
    pub fn update_returning(
        self,
        changes: impl Changes,
        columns: impl Into<Returning>,
    ) -> Result<Rows> {
        self.update_as(changes, &columns.into().0)?.into_rows()
    }

    /// Changes the one row that there can be, as with a condition on a key, and gives it back as it is now, or none.
    ///
    /// ```no_run
    /// # use chitin::{add, eq, table};
    /// if let Some(row) = table("accounts").filter(eq("id", 1)).update_one([add("balance", 10)])? {
    ///     let balance: i64 = row.get("balance")?;
    /// }
    /// # Ok::<(), chitin::Error>(())
    /// ```
    ///
    /// More than one row is [`Error::NotOneRow`]. The rows *are* changed then, unless a transaction is rolled back.
    pub fn update_one(self, changes: impl Changes) -> Result<Option<Row>> {
        self.update_returning(changes, AllColumns)?.at_most_one()
    }

    fn update_as(self, changes: impl Changes, returning: &contract::Returning) -> Result<Outcome> {
        let assignments = changes.into_assignments()?;
        let assignments: Vec<_> = assignments
            .into_iter()
            .map(Assignment::into_contract)
            .collect::<Result<_>>()?;
        let (table, target) = self.into_target()?;
        Outcome::new(writes::update(&table, &assignments, &target, returning)?)
    }

    /// Deletes them and gives their number.
    pub fn delete(self) -> Result<u64> {
        let (table, target) = self.into_target()?;
        Ok(writes::delete(&table, &target, &contract::Returning::Nothing)?.count)
    }

    /// Deletes them and gives them back as they were.
    ///
    /// ```no_run
    /// # use chitin::{eq, table};
    /// let gone = table("sessions").filter(eq("user", 1)).delete_returning(["token"])?;
    /// # Ok::<(), chitin::Error>(())
    /// ```
    pub fn delete_returning(self, columns: impl Into<Returning>) -> Result<Rows> {
        let (table, target) = self.into_target()?;
        Outcome::new(writes::delete(&table, &target, &columns.into().0)?)?.into_rows()
    }

    fn reading(self) -> Select {
        Select::new(self.table, self.conditions)
    }

    fn into_target(self) -> Result<(String, writes::Target)> {
        let target = if self.conditions.is_empty() {
            writes::Target::AllRows
        } else {
            writes::Target::Matching(filter(self.conditions)?)
        };
        Ok((self.table, target))
    }
}

/// Which columns of the written rows come back: [`AllColumns`], one by name, or several.
#[derive(Clone, Debug, PartialEq)]
pub struct Returning(pub(super) contract::Returning);

/// All columns of the written rows come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllColumns;

impl From<AllColumns> for Returning {
    fn from(_: AllColumns) -> Self {
        Self(contract::Returning::AllColumns)
    }
}

impl From<&str> for Returning {
    fn from(column: &str) -> Self {
        [column].into()
    }
}

impl<Name: Into<String>, const N: usize> From<[Name; N]> for Returning {
    fn from(columns: [Name; N]) -> Self {
        Self(contract::Returning::Columns(columns.map(Into::into).into()))
    }
}

impl From<Vec<String>> for Returning {
    fn from(columns: Vec<String>) -> Self {
        Self(contract::Returning::Columns(columns))
    }
}

/// How an update changes one column: [`set`], [`add`] or [`reset`].
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    column: String,
    change: Change,
}

#[derive(Clone, Debug, PartialEq)]
enum Change {
    Set(Value),
    Add(Value),
    Reset,
}

/// The column becomes this value.
pub fn set(column: impl Into<String>, value: impl Into<Value>) -> Assignment {
    Assignment {
        column: column.into(),
        change: Change::Set(value.into()),
    }
}

/// The column grows by this number, or this interval. Two at once lose neither.
pub fn add(column: impl Into<String>, value: impl Into<Value>) -> Assignment {
    Assignment {
        column: column.into(),
        change: Change::Add(value.into()),
    }
}

/// The column becomes its default.
pub fn reset(column: impl Into<String>) -> Assignment {
    Assignment {
        column: column.into(),
        change: Change::Reset,
    }
}

impl Assignment {
    fn into_contract(self) -> Result<contract::Assignment> {
        let change = match self.change {
            Change::Set(value) => contract::Change::Set(value.try_into()?),
            Change::Add(value) => contract::Change::Add(value.try_into()?),
            Change::Reset => contract::Change::Reset,
        };
        Ok(contract::Assignment {
            column: self.column,
            change,
        })
    }
}

/// What an update takes: a reference to a record, or a list of assignments.
pub trait Changes {
    /// The assignments, one a column.
    fn into_assignments(self) -> Result<Vec<Assignment>>;
}

impl<const N: usize> Changes for [Assignment; N] {
    fn into_assignments(self) -> Result<Vec<Assignment>> {
        Ok(self.into())
    }
}

impl Changes for Vec<Assignment> {
    fn into_assignments(self) -> Result<Vec<Assignment>> {
        Ok(self)
    }
}

impl<Record: Serialize + ?Sized> Changes for &Record {
    fn into_assignments(self) -> Result<Vec<Assignment>> {
        Ok(fields(self)?
            .into_iter()
            .map(|(column, value)| set(column, value))
            .collect())
    }
}

/// What to do with a row whose key is there already.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict(pub(super) writes::Conflict);

impl Conflict {
    /// Overwrite the given columns that are not part of this key, a unique one.
    pub fn update<Name: Into<String>>(key: impl IntoIterator<Item = Name>) -> Self {
        Self::new(key, writes::ConflictAction::Update)
    }

    /// Leave the row that has this key, a unique one. It is neither counted nor returned.
    pub fn keep<Name: Into<String>>(key: impl IntoIterator<Item = Name>) -> Self {
        Self::new(key, writes::ConflictAction::Keep)
    }

    /// Overwrite the given columns that are not part of the primary key, whose row is there.
    pub fn update_primary_key() -> Self {
        Self::new::<String>([], writes::ConflictAction::Update)
    }

    /// Leave the row that has this primary key. It is neither counted nor returned.
    pub fn keep_primary_key() -> Self {
        Self::new::<String>([], writes::ConflictAction::Keep)
    }

    fn new<Name: Into<String>>(
        key: impl IntoIterator<Item = Name>,
        action: writes::ConflictAction,
    ) -> Self {
        Self(writes::Conflict {
            key: key.into_iter().map(Into::into).collect(),
            action,
        })
    }
}

/// What a batch update did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchUpdate {
    /// Rows updated.
    pub count: u64,
    /// Places in the batch, from 0 and ascending, whose key no row has.
    pub not_found: Vec<u32>,
}
