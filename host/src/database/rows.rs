use std::error::Error as StdError;

use tokio_postgres::{
    Row,
    types::{FromSql, Type},
};

use super::{
    catalog::TypeInfo,
    error::ConversionError,
    value::{Scalar, Shape, Value, decode, text_bytes},
    wire::RawColumn,
};

/// Rows of a result. They stay as they came, and are read value by value.
#[derive(Debug)]
pub struct Rows {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

/// One column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name as the statement gives it. Names may repeat.
    pub name: String,
    /// The database's name of the type, such as `int8`, `text` or `int8[]`.
    pub type_name: String,
    shape: Shape,
}

/// The bytes of a value of any type, or its absence.
struct Raw<'a>(Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(Some(bytes)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Tells how many bytes rows of these columns take: those that they came in, and those of their decimals as text, which can be far
/// more.
#[derive(Debug)]
pub(super) struct Measure {
    decimals: Vec<(usize, Shape)>,
}

impl Measure {
    pub(super) fn of(columns: &[RawColumn]) -> Self {
        let shape = |column: &RawColumn| Some(Shape::of_builtin(column.oid)?.1);
        let shapes = columns.iter().map(shape).enumerate();
        let decimals = shapes
            .filter_map(|(place, shape)| Some((place, shape?)))
            .filter(|(_, shape)| shape.scalar == Scalar::Numeric)
            .collect();
        Self { decimals }
    }

    pub(super) fn bytes(&self, row: &Row) -> u64 {
        let text = |(place, shape): &(usize, Shape)| {
            let raw = row.try_get::<_, Raw<'_>>(*place).ok()?.0?;
            Some(text_bytes(*shape, raw))
        };
        let texts: u64 = self.decimals.iter().filter_map(text).sum();
        row.raw_size_bytes() as u64 + texts
    }
}

impl Column {
    pub(super) fn new(name: String, info: &TypeInfo) -> Self {
        Self {
            name,
            type_name: info.name.clone(),
            shape: info.shape,
        }
    }
}

impl Rows {
    pub(super) fn new(columns: Vec<Column>, rows: Vec<Row>) -> Self {
        Self { columns, rows }
    }

    /// What the database said of itself: all columns are of types that are the same everywhere.
    pub(super) fn of_builtin_types(columns: Vec<RawColumn>, rows: Vec<Row>) -> Self {
        let column = |column: RawColumn| {
            let info = TypeInfo::builtin(column.oid);
            let info = info.unwrap_or_else(|| TypeInfo::unknown(column.oid));
            Column::new(column.name, &info)
        };
        Self::new(columns.into_iter().map(column).collect(), rows)
    }

    /// The text in this place, if it is one.
    pub(super) fn text(&self, row: usize, column: usize) -> Option<String> {
        match self.value(row, column) {
            Ok(Value::Text(text)) => Some(text.into_owned()),
            _ => None,
        }
    }

    /// The whole number in this place, if it is one.
    pub(super) fn number(&self, row: usize, column: usize) -> Option<i64> {
        match self.value(row, column) {
            Ok(Value::Int64(number)) => Some(number),
            _ => None,
        }
    }

    /// The columns, which are there even when there are no rows.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The value in this row and column, both from 0.
    pub fn value(&self, row: usize, column: usize) -> Result<Value<'_>, ConversionError> {
        let Some(described) = self.columns.get(column) else {
            return Err(self.malformed(column, "there is no such column"));
        };
        let raw = self
            .raw(row, column)
            .ok_or_else(|| self.malformed(column, "there is no such value"))?;
        decode(described.shape, &described.type_name, raw.0)
            .map_err(|malformed| self.malformed(column, &malformed.to_string()))
    }

    fn raw(&self, row: usize, column: usize) -> Option<Raw<'_>> {
        self.rows.get(row)?.try_get(column).ok()
    }

    fn malformed(&self, column: usize, message: &str) -> ConversionError {
        let column = self.columns.get(column);
        ConversionError {
            column: column.map(|column| column.name.clone()).unwrap_or_default(),
            row: None,
            type_name: column
                .map(|column| column.type_name.clone())
                .unwrap_or_default(),
            message: message.to_owned(),
        }
    }
}
