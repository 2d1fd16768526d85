//! [`Rows`] and [`Row`]: a result, read in place.

use std::fmt;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::bindings::chitin::db::types as contract;
pub use crate::bindings::chitin::db::types::Column;
use crate::packed::Packed;
use crate::record;
use crate::value::{Value, ValueRef};
use crate::{Error, FromValue, Mismatch, Result};

/// The rows of a result. Cheap to clone.
///
/// A value is decoded when it is asked for, where it lies. As JSON, rows are a list of objects.
#[derive(Clone)]
pub struct Rows(Rc<Shape>);

/// One row of a result. Cheap to clone; it keeps the whole result alive.
///
/// As JSON, a row is an object of its columns.
#[derive(Clone)]
pub struct Row {
    rows: Rows,
    index: usize,
}

enum Shape {
    Packed(Packed),
    Typed {
        columns: Vec<Column>,
        rows: Vec<Vec<Value>>,
    },
}

impl Rows {
    /// The columns, which are there even when there are no rows.
    pub fn columns(&self) -> &[Column] {
        match &*self.0 {
            Shape::Packed(packed) => packed.columns(),
            Shape::Typed { columns, .. } => columns,
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        match &*self.0 {
            Shape::Packed(packed) => packed.len(),
            Shape::Typed { rows, .. } => rows.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row at this place, from 0.
    pub fn get(&self, index: usize) -> Option<Row> {
        (index < self.len()).then(|| Row {
            rows: self.clone(),
            index,
        })
    }

    /// The first row.
    pub fn first(&self) -> Option<Row> {
        self.get(0)
    }

    /// The rows in their order.
    pub fn iter(&self) -> RowIter {
        self.clone().into_iter()
    }

    /// All rows as records. See [`Row::deserialize`].
    ///
    /// ```no_run
    /// #[derive(serde::Deserialize)]
    /// struct User {
    ///     id: i64,
    ///     email: Option<String>,
    /// }
    ///
    /// let users: Vec<User> = chitin::table("users").select()?.deserialize()?;
    /// # Ok::<(), chitin::Error>(())
    /// ```
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        self.iter().map(|row| row.deserialize()).collect()
    }

    /// The only row, or none. Fails with [`Error::NotOneRow`] if there are more.
    pub(crate) fn at_most_one(&self) -> Result<Option<Row>> {
        match self.len() {
            0 | 1 => Ok(self.first()),
            more => Err(Error::NotOneRow(more as u64)),
        }
    }

    /// The only row. Fails with [`Error::NotOneRow`] otherwise.
    pub(crate) fn exactly_one(&self) -> Result<Row> {
        self.at_most_one()?.ok_or(Error::NotOneRow(0))
    }

    fn value(&self, row: usize, column: usize) -> Result<ValueRef<'_>, Mismatch> {
        match &*self.0 {
            Shape::Packed(packed) => packed.value(row, column),
            Shape::Typed { rows, .. } => {
                Ok(rows[row].get(column).map_or(ValueRef::Null, Value::as_ref))
            }
        }
    }
}

/// Takes over what the host sent, in either shape.
impl TryFrom<contract::RowSet> for Rows {
    type Error = Error;

    fn try_from(row_set: contract::RowSet) -> Result<Self> {
        let shape = match row_set {
            contract::RowSet::Packed(bytes) => {
                Shape::Packed(Packed::parse(bytes).map_err(Error::message)?)
            }
            contract::RowSet::Typed(typed) => Shape::Typed {
                columns: typed.columns,
                rows: typed
                    .rows
                    .into_iter()
                    .map(|row| row.into_iter().map(Value::from).collect())
                    .collect(),
            },
        };
        Ok(Self(Rc::new(shape)))
    }
}

impl Row {
    /// The value of a column, by its name or its place, as `T`.
    ///
    /// Fails with [`Error::Conversion`] if there is no such column, several of that name, or a value that is not a `T`.
    pub fn get<'a, T: FromValue<'a>>(&'a self, column: impl ColumnIndex) -> Result<T> {
        let index = column.place(self.columns())?;
        self.read(index, T::from_value)
    }

    /// The value at this place as it is.
    pub fn value(&self, column: impl ColumnIndex) -> Result<ValueRef<'_>> {
        self.get(column)
    }

    /// The columns of the result.
    pub fn columns(&self) -> &[Column] {
        self.rows.columns()
    }

    /// This row as a record: a struct or a map by the names of the columns, a tuple by their order, or the only column
    /// by itself. Fields of type `Option` may be NULL or have no column at all.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T> {
        record::deserialize(self)
    }

    /// Reads one column that exists, and says which one it was if that fails.
    pub(crate) fn read<'a, T>(
        &'a self,
        column: usize,
        read: impl FnOnce(ValueRef<'a>) -> Result<T, Mismatch>,
    ) -> Result<T> {
        self.rows
            .value(self.index, column)
            .and_then(read)
            .map_err(|mismatch| {
                let column = &self.columns()[column];
                Error::conversion(&column.name, &column.type_name, mismatch)
            })
    }
}

/// How a column of a row is named: by its name, or by its place from 0.
pub trait ColumnIndex {
    /// The place of the column.
    fn place(self, columns: &[Column]) -> Result<usize>;
}

impl ColumnIndex for usize {
    fn place(self, columns: &[Column]) -> Result<usize> {
        if self < columns.len() {
            return Ok(self);
        }
        Err(Error::conversion(
            &self.to_string(),
            "",
            format_args!("the result has {} columns", columns.len()),
        ))
    }
}

impl ColumnIndex for &str {
    fn place(self, columns: &[Column]) -> Result<usize> {
        let mut places = (0..columns.len()).filter(|place| columns[*place].name == self);
        match (places.next(), places.next()) {
            (Some(place), None) => Ok(place),
            (Some(_), Some(_)) => Err(Error::conversion(
                self,
                "",
                "several columns have this name: read them by their place",
            )),
            (None, _) => {
                let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
                let message = format!("the result has no such column, only {}", names.join(", "));
                Err(Error::conversion(self, "", message))
            }
        }
    }
}

impl ColumnIndex for &String {
    fn place(self, columns: &[Column]) -> Result<usize> {
        self.as_str().place(columns)
    }
}

/// The rows of a result in their order.
#[derive(Clone, Debug)]
pub struct RowIter {
    rows: Rows,
    next: usize,
}

impl Iterator for RowIter {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let row = self.rows.get(self.next)?;
        self.next += 1;
        Some(row)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.rows.len() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for RowIter {}

impl IntoIterator for Rows {
    type Item = Row;
    type IntoIter = RowIter;

    fn into_iter(self) -> RowIter {
        RowIter {
            rows: self,
            next: 0,
        }
    }
}

impl IntoIterator for &Rows {
    type Item = Row;
    type IntoIter = RowIter;

    fn into_iter(self) -> RowIter {
        self.iter()
    }
}

impl Serialize for Rows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = self.columns();
        let mut map = serializer.serialize_map(Some(columns.len()))?;
        for (place, column) in columns.iter().enumerate() {
            let value = self.read(place, Ok).map_err(serde::ser::Error::custom)?;
            map.serialize_entry(&column.name, &value)?;
        }
        map.end()
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.columns().iter().enumerate();
        f.debug_map()
            .entries(columns.map(|(place, column)| (&column.name, self.read(place, Ok))))
            .finish()
    }
}
