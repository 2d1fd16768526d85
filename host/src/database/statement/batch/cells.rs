//! The cells of a batch as parameters.

use std::borrow::Cow;

use tokio_postgres::types::Type;

use super::{BatchStatements, Chunk};
use crate::database::{
    error::{ConversionError, Error},
    lease::Parameter,
    statement::{Place, builder::Builder},
    value::{Value, encode, loss, push_element},
};

impl BatchStatements<'_> {
    /// Adds `SELECT … FROM unnest(…)`: the cells of these columns as values of the columns' types, named `c0`, `c1` and so on, then
    /// what else is to be selected, and the place of the row from 1, named `o`.
    pub(super) fn push_cells<'b>(
        &'b self,
        builder: &mut Builder<'b>,
        columns: &[usize],
        rows: &[usize],
        others: &str,
    ) -> Result<(), Error> {
        builder.sql("SELECT ");
        for (number, &place) in columns.iter().enumerate() {
            let cast = self.cast(place);
            builder.sql(format_args!("c{number}::{cast} AS c{number}, "));
        }
        builder.sql(others).sql("o");
        self.push_unnest(builder, columns, rows)
    }

    /// Adds ` FROM unnest(…)` with the cells of these columns as texts.
    pub(super) fn push_unnest<'b>(
        &'b self,
        builder: &mut Builder<'b>,
        columns: &[usize],
        rows: &[usize],
    ) -> Result<(), Error> {
        builder.sql(" FROM unnest(");
        for (number, &column) in columns.iter().enumerate() {
            let parameter = Parameter {
                data_type: Type::UNKNOWN,
                text: Some(self.cells(column, rows)?.into()),
            };
            builder
                .sql(if number == 0 { "" } else { ", " })
                .parameter(self.place(column, None), parameter)
                .sql("::text[]");
        }
        builder.sql(") WITH ORDINALITY AS cells (");
        for number in 0..columns.len() {
            builder.sql(format_args!("c{number}, "));
        }
        builder.sql("o)");
        Ok(())
    }

    /// Refuses a value that its column would lose a part of, where it is known what the column holds.
    pub(in crate::database) fn check_losses(&self) -> Result<(), Error> {
        for (place, column) in self.columns.iter().enumerate() {
            let Some(info) = self.known.types.get(column.as_str()) else {
                continue;
            };
            for (row, cells) in (0..).zip(&self.batch.rows) {
                let value = cells.get(place).and_then(Option::as_ref);
                if let Some(reason) = value.and_then(|value| loss(info.shape, value)) {
                    return Err(Error::Conversion(Box::new(ConversionError {
                        column: column.as_str().to_owned(),
                        row: Some(row),
                        type_name: info.name.clone(),
                        message: reason.to_string(),
                    })));
                }
            }
        }
        Ok(())
    }

    /// Every cell of a chunk that is not NULL, as it would be a parameter.
    pub(in crate::database) fn cells_of(
        &self,
        chunk: &Chunk,
    ) -> impl Iterator<Item = (&str, Option<u64>, Cow<'_, str>)> {
        let in_row = move |&row: &usize| {
            let cell = move |&column: &usize| {
                let value = self.batch.rows.get(row)?.get(column)?.as_ref()?;
                let text = encode(value).ok()??;
                Some((self.columns.get(column)?.as_str(), Some(row as u64), text))
            };
            chunk.columns.iter().filter_map(cell).collect::<Vec<_>>()
        };
        chunk.rows.iter().flat_map(in_row)
    }

    /// The SQL name of the type of a column.
    pub(super) fn cast(&self, column: usize) -> &str {
        let info = self.known.types.get(self.columns[column].as_str());
        info.map_or("text", |info| &info.cast)
    }

    pub(super) fn place(&self, column: usize, row: Option<usize>) -> Place {
        Place {
            column: self.columns[column].as_str().to_owned(),
            row: row.map(|row| row as u64),
        }
    }

    /// The cells of a column as an array literal of texts.
    fn cells(&self, column: usize, rows: &[usize]) -> Result<String, Error> {
        let mut literal = "{".to_owned();
        for (number, &row) in rows.iter().enumerate() {
            if number > 0 {
                literal.push(',');
            }
            let text = encode(self.cell(row, column))
                .map_err(|reason| self.place(column, Some(row)).unfit(reason))?;
            push_element(&mut literal, text.as_deref());
        }
        literal.push('}');
        Ok(literal)
    }
}

/// About how many bytes a value takes as text.
pub(super) fn size(value: &Value<'_>) -> usize {
    match value {
        Value::Decimal(text) | Value::Text(text) | Value::Uuid(text) | Value::Json(text) => {
            text.len() + 3
        }
        Value::Bytes(bytes) => bytes.len() * 2 + 6,
        Value::Vector(numbers) => numbers.len() * 12,
        Value::Array(elements) => elements.iter().map(|element| size(element) + 4).sum(),
        Value::Other(other) => other.text.as_ref().map_or(0, |text| text.len()) + 3,
        Value::Null
        | Value::Boolean(_)
        | Value::Int64(_)
        | Value::Float64(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::TimeTz(_)
        | Value::Timestamp(_)
        | Value::TimestampTz(_)
        | Value::Interval(_) => 24,
    }
}
