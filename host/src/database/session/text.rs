use tokio_postgres::types::Type;

use super::Session;
use crate::{
    database::{
        error::Error,
        lease::{Answer, Author, Parameter},
        rows::Rows,
        statement::{Place, SqlText, Statement},
        value::{Value, declared_type, encode},
    },
    tenancy::Capability,
};

impl Session {
    /// Runs SQL text and gives its rows. A write that gives back any number of rows takes one more round trip, for a transaction
    /// that is rolled back if they are too many.
    pub async fn query(&mut self, text: &str, parameters: &[Value<'_>]) -> Result<Rows, Error> {
        let (checked, statement) = self.check_text(text, parameters)?;
        let answer = if checked.is_unbounded_write() {
            self.write_undoably(&statement, Author::Guest).await
        } else {
            self.write(&statement, Author::Guest).await
        };
        let answer = self.after(&checked, answer)?;
        Ok(self.rows(answer).await)
    }

    /// Runs SQL text and gives the number of rows that it inserted, updated, deleted or read.
    pub async fn execute(&mut self, text: &str, parameters: &[Value<'_>]) -> Result<u64, Error> {
        let (checked, statement) = self.check_text(text, parameters)?;
        let answer = self.write_only(&statement, Author::Guest).await;
        let answer = self.after(&checked, answer)?;
        Ok(answer.tag.count.unwrap_or(0))
    }

    /// Checks a text and what it is given, before anything is sent.
    pub(super) fn check_text<'t>(
        &mut self,
        text: &'t str,
        parameters: &'t [Value<'_>],
    ) -> Result<(SqlText<'t>, Statement<'t>), Error> {
        self.charge(|usage, limits| usage.sql_text(text, limits))?;
        let checked = SqlText::check(text, self.database.server().kind)?;
        if let Some(needed) = checked.needs.filter(|needed| !self.grants.allow(*needed)) {
            return Err(Error::Denied(format!(
                "this statement needs the grant `{needed}` besides `{}`",
                Capability::Sql
            )));
        }
        if checked.needs.is_some() {
            self.refuse_in_transaction("the schema is not changed")?;
        }
        if checked.parameters != parameters.len() {
            return Err(Error::Invalid(format!(
                "the text names {} parameters and {} are given",
                checked.parameters,
                parameters.len()
            )));
        }
        let mut statement = Statement {
            sql: text.into(),
            writes: checked.writes,
            ..Statement::default()
        };
        for (place, value) in parameters.iter().enumerate() {
            let place = Place {
                column: format!("${}", place + 1),
                row: None,
            };
            let text = encode(value).map_err(|reason| place.unfit(reason))?;
            let data_type = if checked.writes {
                unrounded_type(value)
            } else {
                declared_type(value)
            };
            statement.parameters.push(Parameter { data_type, text });
            statement.places.push(place);
        }
        Ok((checked, statement))
    }

    /// Tables may have changed after a statement that changes the schema, whether it went well or not.
    fn after(&self, checked: &SqlText<'_>, answer: Result<Answer, Error>) -> Result<Answer, Error> {
        if checked.needs.is_some() {
            self.database.forget_tables();
        }
        answer
    }
}

/// The type of a parameter where it may go into a column. A number that says it has decimals would be rounded on its way into a column
/// of integers, and JSON that says it is binary would lose keys and spaces on its way into one of `json`; what says nothing is read as
/// the column's type, or refused.
fn unrounded_type(value: &Value<'_>) -> Type {
    match declared_type(value) {
        Type::FLOAT8
        | Type::NUMERIC
        | Type::JSONB
        | Type::FLOAT8_ARRAY
        | Type::NUMERIC_ARRAY
        | Type::JSONB_ARRAY => Type::UNKNOWN,
        other => other,
    }
}
