use super::{Session, columns, write::Written};
use crate::database::{
    error::{Error, ErrorKind},
    identifier::QualifiedName,
    lease::Author,
    request::{Conflict, ConflictAction, Field, Returning},
    statement::{self, conflict_key},
    table_info::TableInfo,
};

/// What is asked for.
#[derive(Clone, Copy)]
struct Upsert<'u> {
    table: &'u QualifiedName,
    fields: &'u [Field],
    conflict: &'u Conflict,
    returning: &'u Returning,
}

impl Session {
    /// Inserts one row, or does what `conflict` says if its key is there already. A row that is kept is neither counted nor returned.
    ///
    /// One round trip. The first time that a table's primary key or the columns to be returned must be known, one more; and one more
    /// if what was written over may come back larger than what was given.
    pub async fn upsert(
        &mut self,
        table: &str,
        fields: &[Field],
        conflict: &Conflict,
        returning: &Returning,
    ) -> Result<Written, Error> {
        self.check_losses(table, columns::of_fields(fields)).await?;
        let table = &QualifiedName::table(table)?;
        let upsert = Upsert {
            table,
            fields,
            conflict,
            returning,
        };
        let outcome = self.learn_and_upsert(upsert).await;
        self.doomed_if_refused(outcome).await
    }

    async fn learn_and_upsert(&mut self, upsert: Upsert<'_>) -> Result<Written, Error> {
        let Upsert {
            table,
            conflict,
            returning,
            ..
        } = upsert;
        let gives_back_more =
            conflict.action == ConflictAction::Update && *returning != Returning::Nothing;
        if !conflict.key.is_empty() && !gives_back_more {
            return self.upsert_into(upsert, None).await;
        }
        let (info, known) = self.table_info(table, false).await?;
        match self.upsert_into(upsert, Some(&info)).await {
            // The table may have got another key since. Nothing was kept.
            Err(error) if known && is_about_columns(&error) && self.is_in_transaction() => {
                // The next attempt is to ask anew.
                self.database.forget_tables();
                Err(error)
            }
            Err(error) if known && is_about_columns(&error) => {
                let (current, _) = self.table_info(table, true).await?;
                if current == info {
                    return Err(error);
                }
                self.upsert_into(upsert, Some(&current)).await
            }
            outcome => outcome,
        }
    }

    async fn upsert_into(
        &mut self,
        upsert: Upsert<'_>,
        info: Option<&TableInfo>,
    ) -> Result<Written, Error> {
        let Upsert {
            table,
            fields,
            conflict,
            returning,
        } = upsert;
        let key = conflict_key(table, conflict, info)?;
        let statement = statement::upsert(table, fields, &key, conflict.action, returning)?;
        let given: Vec<&str> = fields.iter().map(|field| field.column.as_str()).collect();
        let is_bounded = conflict.action == ConflictAction::Keep
            || info.is_none_or(|info| info.returns_only(&given, returning));
        let answer = if is_bounded && !self.may_return_too_much(&statement, returning) {
            self.write(&statement, Author::Host).await
        } else {
            self.write_undoably(&statement, Author::Host).await
        };
        match answer {
            Ok(answer) => self.written(answer, returning).await,
            Err(error) => Err(self.name_column(table, &statement, error).await),
        }
    }
}

/// Whether the error could come from a table that is not what it is thought to be.
fn is_about_columns(error: &Error) -> bool {
    let Error::Database(error) = error else {
        return false;
    };
    error.kind == ErrorKind::UndefinedColumn || error.sqlstate == "42P10"
}
