use super::{Session, columns};
use crate::database::{
    error::Error,
    identifier::QualifiedName,
    lease::{Answer, Author},
    request::{Assignment, Field, Returning, Target},
    rows::Rows,
    statement::{self, Statement},
};

/// What a write did.
#[derive(Debug)]
pub struct Written {
    /// Rows inserted, updated or deleted.
    pub count: u64,
    /// The rows, if they were asked for.
    pub rows: Option<Rows>,
}

impl Session {
    /// Inserts one row.
    pub async fn insert(
        &mut self,
        table: &str,
        fields: &[Field],
        returning: &Returning,
    ) -> Result<Written, Error> {
        let statement = statement::insert(table, fields, returning)?;
        self.check_losses(table, columns::of_fields(fields)).await?;
        let answer = if self.may_return_too_much(&statement, returning) {
            self.write_undoably(&statement, Author::Host).await
        } else {
            self.write(&statement, Author::Host).await
        };
        match answer {
            Ok(answer) => self.written(answer, returning).await,
            Err(error) => {
                let table = QualifiedName::table(table)?;
                Err(self.name_column(&table, &statement, error).await)
            }
        }
    }

    /// Changes the target rows. To give rows back takes a second round trip, since their number is not known before.
    pub async fn update(
        &mut self,
        table: &str,
        assignments: &[Assignment],
        target: &Target,
        returning: &Returning,
    ) -> Result<Written, Error> {
        let statement = statement::update(table, assignments, target, returning)?;
        let suspects = columns::of_update(assignments, target);
        self.check_losses(table, suspects).await?;
        match self.write_many(&statement, returning).await {
            Err(error) => {
                let name = QualifiedName::table(table)?;
                let error = self.name_column(&name, &statement, error).await;
                Err(self.name_addition(table, assignments, target, error).await)
            }
            written => written,
        }
    }

    /// Deletes the target rows. To give them back takes a second round trip, since their number is not known before.
    pub async fn delete(
        &mut self,
        table: &str,
        target: &Target,
        returning: &Returning,
    ) -> Result<Written, Error> {
        let statement = statement::delete(table, target, returning)?;
        self.check_losses(table, columns::of_target(target)).await?;
        self.write_many(&statement, returning).await
    }

    async fn write_many(
        &mut self,
        statement: &Statement<'_>,
        returning: &Returning,
    ) -> Result<Written, Error> {
        let answer = if *returning == Returning::Nothing {
            self.write(statement, Author::Host).await?
        } else {
            self.write_undoably(statement, Author::Host).await?
        };
        self.written(answer, returning).await
    }

    pub(super) async fn written(
        &mut self,
        answer: Answer,
        returning: &Returning,
    ) -> Result<Written, Error> {
        let count = answer.tag.count.unwrap_or(0);
        let rows = if *returning == Returning::Nothing {
            None
        } else {
            Some(self.rows(answer).await)
        };
        Ok(Written { count, rows })
    }

    /// Whether rows that are given back could be over the limit although they are no more than those that were given: values by
    /// default, and values that take more bytes than their text.
    pub(super) fn may_return_too_much(
        &self,
        statement: &Statement<'_>,
        returning: &Returning,
    ) -> bool {
        let bytes: usize = statement
            .parameters
            .iter()
            .flat_map(|parameter| &parameter.text)
            .map(|text| text.len())
            .sum();
        *returning != Returning::Nothing && bytes as u64 > self.limits.result_bytes / 4
    }
}
