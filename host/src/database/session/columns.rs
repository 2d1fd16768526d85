//! Values against the columns that they are for, where the database itself would not tell.

use std::borrow::Cow;

use super::{Session, complaint::Complaint};
use crate::database::{
    error::{ConversionError, DatabaseError, Error},
    identifier::QualifiedName,
    request::{Assignment, Change, Condition, Field, Target},
    statement::{self, Statement},
    table_info::TableInfo,
    value::{Shape, Value, does_not_fit, loss, may_lose},
};

/// Values of which some column would lose a part, each with the name of its column.
pub(super) type Suspects<'v> = Vec<(&'v str, &'v Value<'static>)>;

/// What was to be written: the column, the row of a batch, the notation.
pub(super) type Cell<'c> = (&'c str, Option<u64>, Cow<'c, str>);

/// The suspects among the fields of a row.
pub(super) fn of_fields(fields: &[Field]) -> Suspects<'_> {
    suspects(fields.iter().map(|it| (it.column.as_str(), &it.value)))
}

/// The suspects among conditions.
pub(super) fn of_conditions(conditions: &[Condition]) -> Suspects<'_> {
    let compared = conditions.iter().flat_map(|it| {
        let column = it.column.as_str();
        it.values.iter().map(move |value| (column, value))
    });
    suspects(compared)
}

/// The suspects among assignments and the conditions of their target.
pub(super) fn of_update<'v>(assignments: &'v [Assignment], target: &'v Target) -> Suspects<'v> {
    let written = assignments.iter().filter_map(|it| match &it.change {
        Change::Set(value) | Change::Add(value) => Some((it.column.as_str(), value)),
        Change::Reset => None,
    });
    let mut all = suspects(written);
    all.extend(of_target(target));
    all
}

/// The suspects among the conditions of a target.
pub(super) fn of_target(target: &Target) -> Suspects<'_> {
    match target {
        Target::Matching(conditions) => of_conditions(conditions),
        Target::AllRows => Vec::new(),
    }
}

fn suspects<'v>(values: impl Iterator<Item = (&'v str, &'v Value<'static>)>) -> Suspects<'v> {
    values.filter(|(_, value)| may_lose(value)).collect()
}

impl Session {
    /// Refuses values that the columns of a table would take and lose a part of. The columns are asked for only if there are suspects,
    /// and then once for all sessions: one round trip, and one more before a value is refused by what is kept.
    pub(super) async fn check_losses(
        &mut self,
        table: &str,
        suspects: Suspects<'_>,
    ) -> Result<(), Error> {
        if suspects.is_empty() {
            return Ok(());
        }
        let table = QualifiedName::table(table)?;
        if let Some(kept) = self.database.catalog().table(&table)
            && self.first_loss(&kept, &suspects).await.is_none()
        {
            return Ok(());
        }
        match self.table_info(&table, true).await {
            Ok((current, _)) => self
                .first_loss(&current, &suspects)
                .await
                .map_or(Ok(()), Err),
            // The statement will say what is wrong with the table.
            Err(Error::Database(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn first_loss(&mut self, table: &TableInfo, suspects: &Suspects<'_>) -> Option<Error> {
        for (name, value) in suspects {
            let Some(column) = table.column(name) else {
                continue;
            };
            let infos = self.type_infos(&[column.oid]).await;
            let info = infos.first()?;
            if let Some(reason) = loss(info.shape, value) {
                return Some(Error::Conversion(Box::new(ConversionError {
                    column: (*name).to_owned(),
                    row: None,
                    type_name: info.name.clone(),
                    message: reason.to_string(),
                })));
            }
        }
        None
    }

    /// Names the column that an error about the size of a value means. The error itself if that cannot be told; one round trip.
    pub(super) async fn name_column(
        &mut self,
        table: &QualifiedName,
        statement: &Statement<'_>,
        error: Error,
    ) -> Error {
        let written = statement.parameters.iter().zip(&statement.places);
        let cells = written
            .take(statement.written)
            .filter_map(|(parameter, place)| {
                let text = parameter.text.as_deref()?;
                Some((place.column.as_str(), place.row, Cow::Borrowed(text)))
            });
        self.name_cell_by_size(table, cells.collect(), error).await
    }

    /// Names the column that overflowed because something was added to it. The error itself if that cannot be told; a round trip for
    /// each addition.
    pub(super) async fn name_addition(
        &mut self,
        table: &str,
        assignments: &[Assignment],
        target: &Target,
        error: Error,
    ) -> Error {
        let Some(complaint) = about_size(&error) else {
            return error;
        };
        for assignment in assignments {
            let Change::Add(value) = &assignment.change else {
                continue;
            };
            let Ok(attempt) = statement::try_addition(table, &assignment.column, value, target)
            else {
                continue;
            };
            let outcome = self.read_only(&attempt).await;
            if outcome.is_err_and(|found| about_size(&found).is_some()) {
                return Error::Conversion(Box::new(ConversionError {
                    column: assignment.column.clone(),
                    row: None,
                    type_name: String::new(),
                    message: complaint.message.clone(),
                }));
            }
        }
        error
    }

    /// The same for the cells of a batch.
    pub(super) async fn name_cell_by_size(
        &mut self,
        table: &QualifiedName,
        cells: Vec<Cell<'_>>,
        error: Error,
    ) -> Error {
        let Some(complaint) = about_size(&error) else {
            return error;
        };
        let Ok((current, _)) = self.table_info(table, true).await else {
            return error;
        };
        too_large(&current, complaint, &cells).unwrap_or(error)
    }
}

/// What the database says of a value that is too long or too large, after it has read it and forgotten where it came from.
fn about_size(error: &Error) -> Option<&DatabaseError> {
    if let Error::Database(error) = error
        && matches!(error.sqlstate.as_str(), "22001" | "22003" | "22026")
    {
        Some(error)
    } else {
        None
    }
}

/// The error, about the first of these cells that its column has no room for.
fn too_large(table: &TableInfo, error: &DatabaseError, cells: &[Cell<'_>]) -> Option<Error> {
    let mut places = cells.iter().filter_map(|(name, row, text)| {
        let column = table.column(name)?;
        does_not_fit(column.oid, column.modifier, text).then_some((name, row, column.oid))
    });
    let (name, row, oid) = places.next()?;
    let complaint = Complaint {
        message: &error.message,
        context: None,
        position: None,
        sql: "",
    };
    let type_name = complaint.type_name().map(str::to_owned);
    let by_oid = || Shape::of_builtin(oid).map(|(name, _)| name);
    let detail = error.detail.iter().map(|detail| format!(": {detail}"));
    Some(Error::Conversion(Box::new(ConversionError {
        column: (*name).to_owned(),
        row: *row,
        type_name: type_name.or_else(by_oid).unwrap_or_default(),
        message: format!("{}{}", error.message, detail.collect::<String>()),
    })))
}
