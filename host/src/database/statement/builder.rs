use std::{collections::HashSet, fmt};

use tokio_postgres::types::Type;

use super::{Place, Statement, literal};
use crate::database::{
    error::Error,
    identifier::Identifier,
    lease::Parameter,
    value::{Value, encode, encode_list},
};

/// What becomes of the values of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    Parameters,
    Literals,
}

/// A statement as it grows.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    statement: Statement<'a>,
    values: Values,
}

impl<'a> Builder<'a> {
    /// A statement whose values are parameters.
    pub(super) fn new() -> Self {
        Self {
            statement: Statement::default(),
            values: Values::Parameters,
        }
    }

    /// A definition: its values become literals.
    pub(super) fn with_literals() -> Self {
        Self {
            statement: Statement::default(),
            values: Values::Literals,
        }
    }

    /// Whether values become literals.
    pub(super) fn writes_literals(&self) -> bool {
        self.values == Values::Literals
    }

    /// Adds SQL. Only text of our own and quoted names may come here.
    pub(super) fn sql(&mut self, sql: impl fmt::Display) -> &mut Self {
        use fmt::Write as _;
        // Writing to a String cannot fail.
        write!(self.statement.sql, "{sql}").ok();
        self
    }

    /// Adds a list of names with commas between them.
    pub(super) fn names(&mut self, names: &[Identifier]) -> &mut Self {
        for (place, name) in names.iter().enumerate() {
            self.sql(if place == 0 { "" } else { ", " }).sql(name);
        }
        self
    }

    /// Adds a value that is for this column.
    pub(super) fn value(
        &mut self,
        column: &Identifier,
        value: &'a Value<'_>,
    ) -> Result<&mut Self, Error> {
        self.value_in_row(column, None, value)
    }

    /// Adds a value that is for this column in this row of a batch.
    pub(super) fn value_in_row(
        &mut self,
        column: &Identifier,
        row: Option<u64>,
        value: &'a Value<'_>,
    ) -> Result<&mut Self, Error> {
        let place = Place {
            column: column.as_str().to_owned(),
            row,
        };
        let text = encode(value).map_err(|reason| place.unfit(reason))?;
        if self.writes_literals() {
            return Ok(self.sql(literal::quoted(text.as_deref())));
        }
        let data_type = if is_bytes(value) {
            Type::BYTEA
        } else if matches!(value, Value::Array(elements) if elements.iter().any(is_bytes)) {
            Type::BYTEA_ARRAY
        } else {
            Type::UNKNOWN
        };
        Ok(self.parameter(place, Parameter { data_type, text }))
    }

    /// Adds values that are all for this column, as one array.
    pub(super) fn list(
        &mut self,
        column: &Identifier,
        values: &[Value<'_>],
    ) -> Result<&mut Self, Error> {
        let place = Place {
            column: column.as_str().to_owned(),
            row: None,
        };
        let text = encode_list(values).map_err(|reason| place.unfit(reason))?;
        let data_type = if values.iter().any(is_bytes) {
            Type::BYTEA_ARRAY
        } else {
            Type::UNKNOWN
        };
        Ok(self.parameter(
            place,
            Parameter {
                data_type,
                text: Some(text.into()),
            },
        ))
    }

    /// Adds a number of rows, which is no column's value.
    pub(super) fn number_of_rows(&mut self, what: &str, number: u64) -> &mut Self {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        let place = Place {
            column: what.to_owned(),
            row: None,
        };
        self.parameter(
            place,
            Parameter {
                data_type: Type::INT8,
                text: Some(number.to_string().into()),
            },
        )
    }

    /// Adds a parameter as it is.
    pub(super) fn parameter(&mut self, place: Place, parameter: Parameter<'a>) -> &mut Self {
        self.statement.parameters.push(parameter);
        self.statement.places.push(place);
        let number = self.statement.parameters.len();
        self.sql(format_args!("${number}"))
    }

    /// Notes that the parameters so far go into columns.
    pub(super) fn all_written(&mut self) {
        self.statement.written = self.statement.parameters.len();
    }

    pub(super) fn finish(self) -> Statement<'a> {
        self.statement
    }
}

/// The notation of bytes is a text like any other, which compares with a column of text and finds nothing: so they alone say what they
/// are. All other parameters take the type of the column that they meet.
fn is_bytes(value: &Value<'_>) -> bool {
    matches!(value, Value::Bytes(_))
}

/// Names of columns, each at most once.
pub(super) fn distinct<'a>(
    columns: impl IntoIterator<Item = &'a String>,
) -> Result<Vec<Identifier>, Error> {
    let mut seen = HashSet::new();
    let mut names = Vec::new();
    for column in columns {
        if !seen.insert(column) {
            return Err(Error::Invalid(format!("column {column:?} is named twice")));
        }
        names.push(Identifier::column(column)?);
    }
    Ok(names)
}
