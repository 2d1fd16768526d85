//! What an error of the server is about, where only its text says so.

use tokio_postgres::error::{DbError, ErrorPosition};

/// The parts of a server's error that can tell which value it is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Complaint<'a> {
    pub(super) message: &'a str,
    /// What the server was doing.
    pub(super) context: Option<&'a str>,
    /// Where in the SQL, in characters from 1.
    pub(super) position: Option<u32>,
    pub(super) sql: &'a str,
}

impl<'a> Complaint<'a> {
    /// The error of the server about this text.
    pub(super) fn of(error: &'a DbError, sql: &'a str) -> Self {
        Self {
            message: error.message(),
            context: error.where_(),
            position: match error.position() {
                Some(ErrorPosition::Original(position)) => Some(*position),
                Some(ErrorPosition::Internal { .. }) | None => None,
            },
            sql,
        }
    }

    /// The number of the parameter that the server could not read, or not use where it stands.
    pub(super) fn parameter(&self) -> Option<usize> {
        let postgres = self
            .context
            .and_then(|context| context.rsplit_once("portal parameter $"));
        let cockroach = self.message.split_once("argument for $");
        let named = postgres
            .or(cockroach)
            .and_then(|(_, number)| leading_number(number));
        named.or_else(|| {
            let before = usize::try_from(self.position?).ok()?.checked_sub(1)?;
            let (start, _) = self.sql.char_indices().nth(before)?;
            leading_number(self.sql.get(start..)?.strip_prefix('$')?)
        })
    }

    /// The column that the server names.
    pub(super) fn column(&self) -> Option<&'a str> {
        let (_, rest) = self.message.split_once("column \"")?;
        rest.split_once('"').map(|(column, _)| column)
    }

    /// The type that was needed, in the server's words.
    pub(super) fn type_name(&self) -> Option<&'a str> {
        let after = |words| self.message.split_once(words).map(|(_, rest)| rest);
        let rest = after(" is of type ")
            .or_else(|| after("doesn't match type "))
            .or_else(|| after(" for type "))
            .or_else(|| after(" for enum "))
            .or_else(|| after(" as type "))?;
        let end = [":", " but expression", " of column", "\""]
            .iter()
            .filter_map(|end| rest.find(end))
            .min();
        rest.get(..end.unwrap_or(rest.len())).map(str::trim)
    }

    /// The number of characters that fit, where a text has too many.
    pub(super) fn room(&self) -> Option<usize> {
        let (_, rest) = self.message.split_once("value too long for type ")?;
        leading_number(rest.split_once('(')?.1)
    }
}

fn leading_number(text: &str) -> Option<usize> {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::Complaint;

    fn complaint<'a>(message: &'a str, context: Option<&'a str>) -> Complaint<'a> {
        Complaint {
            message,
            context,
            position: None,
            sql: "",
        }
    }

    #[test]
    fn the_parameter_is_found_where_each_database_names_it() {
        let postgres = complaint(
            "invalid input syntax for type bigint: \"for $9\"",
            Some("JSON data, line 1: portal parameter $7\nunnamed portal parameter $2"),
        );
        assert_eq!(
            (postgres.parameter(), postgres.type_name()),
            (Some(2), Some("bigint"))
        );
        let shown = complaint(
            "invalid input syntax for type date: \"x\"",
            Some("unnamed portal parameter $12 = 'x'"),
        );
        assert_eq!(shown.parameter(), Some(12));
        let cockroach = complaint(
            "error in argument for $3: could not parse \"1.5\" as type int: strconv.ParseInt: parsing \"1.5\": invalid syntax",
            None,
        );
        assert_eq!(
            (cockroach.parameter(), cockroach.type_name()),
            (Some(3), Some("int"))
        );
        assert_eq!(complaint("division by zero", None).parameter(), None);
    }

    #[test]
    fn the_parameter_is_found_by_the_place_in_the_text() {
        let sql = "INSERT INTO \"ü\" (\"t\") VALUES ($1)";
        let message = "column \"t\" is of type text but expression is of type bytea";
        let at = |position| Complaint {
            message,
            context: None,
            position: Some(position),
            sql,
        };
        assert_eq!(at(31).parameter(), Some(1));
        assert_eq!(
            (at(31).column(), at(31).type_name()),
            (Some("t"), Some("text"))
        );
        for position in [0, 1, 30, 32, 1_000] {
            assert_eq!(at(position).parameter(), None, "{position}");
        }
    }

    #[test]
    fn the_type_and_the_room_are_found_in_the_message() {
        for (message, type_name, room) in [
            (
                "value too long for type character varying(3)",
                Some("character varying(3)"),
                Some(3),
            ),
            (
                "value too long for type VARCHAR(3)",
                Some("VARCHAR(3)"),
                Some(3),
            ),
            (
                "value \"99999999999\" is out of range for type integer",
                Some("integer"),
                None,
            ),
            (
                "invalid input value for enum sales.mood: \"x\"",
                Some("sales.mood"),
                None,
            ),
            (
                "value type string doesn't match type int of column \"a\"",
                Some("int"),
                None,
            ),
            ("integer out of range", None, None),
        ] {
            let complaint = complaint(message, None);
            assert_eq!(
                (complaint.type_name(), complaint.room()),
                (type_name, room),
                "{message}"
            );
        }
    }
}
