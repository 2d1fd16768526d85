//! Reading and changing tables without writing SQL: [`table`].

mod select;
mod write;

pub use select::{RowLock, Select};
pub use write::{
    AllColumns, Assignment, BatchUpdate, Changes, Conflict, Filtered, Returning, add, reset, set,
};

use serde::Serialize;

use crate::bindings::chitin::db::writes;
use crate::condition::{Condition, Ordering};
use crate::record::fields;
use crate::row::{Row, Rows};
use crate::sql::Outcome;
use crate::wire::fields as wire_fields;
use crate::{BatchRows, Result};

/// A table by its name, `accounts` or with its schema `sales.accounts`. Nothing is asked of the database yet.
///
/// ```no_run
/// use chitin::{desc, eq, ge, json, table};
///
/// let users = table("users");
/// users.insert(&json!({ "name": "Ada", "age": 36 }))?;
/// let oldest = users.filter(ge("age", 18)).order_by(desc("age")).limit(10).select()?;
/// users.filter(eq("name", "Ada")).update(&json!({ "age": 37 }))?;
/// users.filter(eq("name", "Ada")).delete()?;
/// # Ok::<(), chitin::Error>(())
/// ```
pub fn table(name: impl Into<String>) -> Table {
    Table { name: name.into() }
}

/// A table. See [`table`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    name: String,
}

impl Table {
    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rows for which this holds, to read or to change. More conditions may follow: all must hold.
    pub fn filter(&self, condition: Condition) -> Filtered {
        Filtered::new(self.name.clone(), vec![condition])
    }

    /// Really all rows, to change: without this or a [`filter`](Self::filter) nothing can be updated or deleted.
    pub fn all_rows(&self) -> Filtered {
        Filtered::new(self.name.clone(), Vec::new())
    }

    /// Only these columns, in this order.
    pub fn columns<Name: Into<String>>(&self, columns: impl IntoIterator<Item = Name>) -> Select {
        self.reading().columns(columns)
    }

    /// All rows in this order.
    pub fn order_by(&self, ordering: Ordering) -> Select {
        self.reading().order_by(ordering)
    }

    /// At most so many rows.
    pub fn limit(&self, rows: u64) -> Select {
        self.reading().limit(rows)
    }

    /// All rows, locked until the transaction ends.
    pub fn lock(&self, lock: RowLock) -> Select {
        self.reading().lock(lock)
    }

    /// Reads all rows.
    pub fn select(&self) -> Result<Rows> {
        self.reading().select()
    }

    /// Counts all rows.
    pub fn count(&self) -> Result<u64> {
        self.all_rows().count()
    }

    /// Inserts a record: a struct or a map that serde can write, whose keys are columns. Columns that it lacks get their
    /// defaults.
    pub fn insert(&self, record: &(impl Serialize + ?Sized)) -> Result<()> {
        self.insert_as(record, &writes::Returning::Nothing)?;
        Ok(())
    }

    /// Inserts a record and gives it back as it is now: [`AllColumns`], or some by name.
    ///
    /// ```no_run
    /// # use chitin::{json, table};
    /// let id: i64 = table("users").insert_returning(&json!({ "name": "Ada" }), ["id"])?.get("id")?;
    /// # Ok::<(), chitin::Error>(())
    /// ```
    pub fn insert_returning(
        &self,
        record: &(impl Serialize + ?Sized),
        columns: impl Into<Returning>,
    ) -> Result<Row> {
        self.insert_as(record, &columns.into().0)?
            .into_rows()?
            .exactly_one()
    }

    fn insert_as(
        &self,
        record: &(impl Serialize + ?Sized),
        returning: &writes::Returning,
    ) -> Result<Outcome> {
        Outcome::new(writes::insert(
            &self.name,
            &wire_fields(fields(record)?)?,
            returning,
        )?)
    }

    /// Inserts a record, or does what `conflict` says if its key is there already. Says whether a row was written.
    ///
    /// ```no_run
    /// use chitin::{Conflict, json, table};
    ///
    /// let visits = table("visits");
    /// visits.upsert(&json!({ "page": "/", "seen": "2026-11-23" }), &Conflict::update(["page"]))?;
    /// let is_new = visits.upsert(&json!({ "page": "/" }), &Conflict::keep_primary_key())?;
    /// # Ok::<(), chitin::Error>(())
    /// ```
    pub fn upsert(&self, record: &(impl Serialize + ?Sized), conflict: &Conflict) -> Result<bool> {
        let fields = wire_fields(fields(record)?)?;
        let result = writes::upsert(
            &self.name,
            &fields,
            &conflict.0,
            &writes::Returning::Nothing,
        )?;
        Ok(result.count > 0)
    }

    /// As [`upsert`](Self::upsert), and gives back the row that was written, if any was.
    pub fn upsert_returning(
        &self,
        record: &(impl Serialize + ?Sized),
        conflict: &Conflict,
        columns: impl Into<Returning>,
    ) -> Result<Option<Row>> {
        let fields = wire_fields(fields(record)?)?;
        let result = writes::upsert(&self.name, &fields, &conflict.0, &columns.into().0)?;
        Outcome::new(result)?.into_rows()?.at_most_one()
    }

    /// Inserts all rows or none, of any number, and gives their number. A row that lacks a column which others have gets
    /// its default.
    ///
    /// ```no_run
    /// #[derive(serde::Serialize)]
    /// struct User {
    ///     name: String,
    ///     age: Option<i32>,
    /// }
    ///
    /// let users = (0..10_000).map(|number| User { name: format!("user {number}"), age: None });
    /// let inserted = chitin::table("users").batch_insert(users)?;
    /// # Ok::<(), chitin::Error>(())
    /// ```
    pub fn batch_insert(&self, rows: impl BatchRows) -> Result<u64> {
        Ok(self.batch(rows, None, &writes::Returning::Nothing)?.count)
    }

    /// As [`batch_insert`](Self::batch_insert), and gives the rows back in the order of the batch.
    pub fn batch_insert_returning(
        &self,
        rows: impl BatchRows,
        columns: impl Into<Returning>,
    ) -> Result<Rows> {
        self.batch(rows, None, &columns.into().0)?.into_rows()
    }

    /// As [`batch_insert`](Self::batch_insert), but does what `conflict` says with rows whose key is there already. Gives
    /// the number of rows that were written.
    pub fn batch_upsert(&self, rows: impl BatchRows, conflict: &Conflict) -> Result<u64> {
        Ok(self
            .batch(rows, Some(conflict), &writes::Returning::Nothing)?
            .count)
    }

    /// As [`batch_upsert`](Self::batch_upsert), and gives the rows that were written in the order of the batch.
    ///
    /// ```no_run
    /// use chitin::{Conflict, json, table};
    ///
    /// let tags = [json!({ "name": "new" }), json!({ "name": "old" })];
    /// let made = table("tags").batch_upsert_returning(tags, &Conflict::keep(["name"]), ["name"])?;
    /// # Ok::<(), chitin::Error>(())
    /// ```
    pub fn batch_upsert_returning(
        &self,
        rows: impl BatchRows,
        conflict: &Conflict,
        columns: impl Into<Returning>,
    ) -> Result<Rows> {
        self.batch(rows, Some(conflict), &columns.into().0)?
            .into_rows()
    }

    fn batch(
        &self,
        rows: impl BatchRows,
        conflict: Option<&Conflict>,
        returning: &writes::Returning,
    ) -> Result<Outcome> {
        let batch = writes::Batch::Packed(rows.packed()?);
        let conflict = conflict.map(|conflict| &conflict.0);
        Outcome::new(writes::batch_insert(
            &self.name, &batch, conflict, returning,
        )?)
    }

    /// Updates each row by its key, all or none: the columns in `key` find the row, its other columns are set. A column that
    /// a row lacks stays as it is. Rows whose key nobody has are reported, and are no error.
    ///
    /// ```no_run
    /// #[derive(serde::Serialize)]
    /// struct Price {
    ///     article: i64,
    ///     price: f64,
    /// }
    ///
    /// let prices = [Price { article: 1, price: 9.5 }, Price { article: 2, price: 12.0 }];
    /// let updated = chitin::table("articles").batch_update(&prices, ["article"])?;
    /// for place in updated.not_found {
    ///     println!("there is no article {}", prices[place as usize].article);
    /// }
    /// # Ok::<(), chitin::Error>(())
    /// ```
    pub fn batch_update<Name: Into<String>>(
        &self,
        rows: impl BatchRows,
        key: impl IntoIterator<Item = Name>,
    ) -> Result<BatchUpdate> {
        Ok(self.update_batch(rows, key, &writes::Returning::Nothing)?.0)
    }

    /// As [`batch_update`](Self::batch_update), and gives the updated rows as they are now, in the order of the batch.
    ///
    /// ```no_run
    /// use chitin::{AllColumns, json, table};
    ///
    /// let changes = [json!({ "id": 1, "name": "Ada" }), json!({ "id": 2, "age": 36 })];
    /// let (updated, users) = table("users").batch_update_returning(changes, ["id"], AllColumns)?;
    /// assert_eq!(updated.count as usize, users.len());
    /// # Ok::<(), chitin::Error>(())
    /// ```
    pub fn batch_update_returning<Name: Into<String>>(
        &self,
        rows: impl BatchRows,
        key: impl IntoIterator<Item = Name>,
        columns: impl Into<Returning>,
    ) -> Result<(BatchUpdate, Rows)> {
        let (updated, outcome) = self.update_batch(rows, key, &columns.into().0)?;
        Ok((updated, outcome.into_rows()?))
    }

    fn update_batch<Name: Into<String>>(
        &self,
        rows: impl BatchRows,
        key: impl IntoIterator<Item = Name>,
        returning: &writes::Returning,
    ) -> Result<(BatchUpdate, Outcome)> {
        let batch = writes::Batch::Packed(rows.packed()?);
        let key: Vec<String> = key.into_iter().map(Into::into).collect();
        let result = writes::batch_update(&self.name, &batch, &key, returning)?;
        let updated = BatchUpdate {
            count: result.count,
            not_found: result.not_found,
        };
        let outcome = Outcome::new(writes::StatementResult {
            count: result.count,
            rows: result.rows,
        })?;
        Ok((updated, outcome))
    }

    fn reading(&self) -> Select {
        Select::new(self.name.clone(), Vec::new())
    }
}
