//! What a failure means to the one who asked: which value it is about, and what to do.

use tokio_postgres::error::DbError;

use super::{Session, complaint::Complaint};
use crate::database::{
    classify::Phase,
    error::{ConversionError, DatabaseError, Error},
    failure::Failure,
    lease::Author,
    statement::{Place, Statement},
};

impl Session {
    /// Turns a failure into what the guest is told.
    pub(super) fn explain(
        &self,
        failure: Failure,
        statement: &Statement<'_>,
        author: Author,
        phase: Phase,
    ) -> Error {
        if let Failure::Server(error) = &failure {
            let explained = conversion(error, statement).or_else(|| contradiction(error));
            if let Some(explained) = explained {
                return explained;
            }
        }
        // A value that the check of a domain refuses is named by its parameter only.
        let of_domain = if let Failure::Server(error) = &failure
            && error.code().code() == "23514"
        {
            Complaint::of(error, &statement.sql).parameter()
        } else {
            None
        };
        match (
            failure.into_error(phase, self.database.server().kind),
            author,
        ) {
            (Error::Database(mut error), Author::Host) => {
                let parameter =
                    of_domain.and_then(|number| statement.places.get(number.checked_sub(1)?));
                error.column = error.column.or_else(|| Some(parameter?.column.clone()));
                // The guest did not write the text that it would point into.
                error.position = None;
                Error::Database(error)
            }
            (Error::Database(mut error), Author::Guest) => {
                add_hint(&mut error);
                Error::Database(error)
            }
            (error, _) => error,
        }
    }
}

/// A value that does not fit, if the server says which.
fn conversion(error: &DbError, statement: &Statement<'_>) -> Option<Error> {
    let code = error.code().code();
    if !code.starts_with("22") && !matches!(code, "42804" | "42846" | "42883") {
        return None;
    }
    let complaint = Complaint::of(error, &statement.sql);
    let place = place(&complaint, statement)?;
    Some(Error::Conversion(Box::new(ConversionError {
        column: place.column.clone(),
        row: place.row,
        type_name: complaint.type_name().unwrap_or_default().to_owned(),
        message: error.message().to_owned(),
    })))
}

fn place<'s>(complaint: &Complaint<'_>, statement: &'s Statement<'_>) -> Option<&'s Place> {
    if let Some(number) = complaint.parameter() {
        return statement.places.get(number.checked_sub(1)?);
    }
    if let Some(column) = complaint.column() {
        return only(
            statement
                .places
                .iter()
                .filter(|place| place.column == column),
        );
    }
    let room = complaint.room()?;
    let too_long = statement
        .parameters
        .iter()
        .zip(&statement.places)
        .filter(|(parameter, _)| {
            let text = parameter.text.as_deref().unwrap_or_default();
            parameter.data_type != tokio_postgres::types::Type::BYTEA && text.chars().count() > room
        });
    only(too_long.map(|(_, place)| place))
}

fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    items.next().filter(|_| items.next().is_none())
}

/// A request that does not fit together, where the server is the one to notice.
fn contradiction(error: &DbError) -> Option<Error> {
    let message = error.message();
    match error.code().code() {
        "08P01" if message.contains("bind message supplies") || message.contains("argument") => {
            Some(Error::Invalid(message.to_owned()))
        }
        "42601"
            if message.contains("multiple commands")
                || message.contains("expected 1 statement") =>
        {
            Some(Error::Invalid(
                "the text holds more than one statement".to_owned(),
            ))
        }
        _ => None,
    }
}

/// Says how to give a parameter a type, where that is what is missing.
fn add_hint(error: &mut DatabaseError) {
    if matches!(
        error.sqlstate.as_str(),
        "42P18" | "42804" | "42725" | "42883" | "42846" | "42P08"
    ) {
        let hint = "a parameter in an expression needs a type: write `$1::type`";
        let theirs = error
            .hint
            .take()
            .map(|theirs| format!("{theirs} "))
            .unwrap_or_default();
        error.hint = Some(format!("{theirs}{hint}"));
    }
}
