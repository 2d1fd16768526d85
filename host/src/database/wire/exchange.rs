use tokio_postgres::types::Oid;

use super::RawColumn;

/// How often a server may have a password hashed: about a second. Servers ask for 4,096, the most careful for some 600,000.
const MAX_ROUNDS: u32 = 1_000_000;

/// What was seen of the answer to one request.
#[derive(Debug, Default)]
pub(in crate::database) struct Exchange {
    /// The columns of the result, if there is one; those of the last statement where the request has several.
    pub(in crate::database) columns: Option<Vec<RawColumn>>,
    /// The types of the parameters, if the request asked for them.
    pub(in crate::database) parameters: Option<Vec<Oid>>,
    /// What the last statement that was completed did.
    pub(in crate::database) tag: Option<CommandTag>,
    /// The SQLSTATE of the error, if there was one.
    pub(in crate::database) error: Option<String>,
    /// That error ended the connection.
    pub(in crate::database) fatal: bool,
    /// The server wanted to copy data.
    pub(in crate::database) copy: bool,
    /// A setting was changed without which the host and the server do not read each other's texts alike.
    pub(in crate::database) misread: bool,
    /// The server's state after the answer; `Unknown` while it is not complete.
    pub(in crate::database) status: Status,
}

impl Exchange {
    /// Whether a transaction was rolled back, asked for or not.
    pub(in crate::database) fn is_rollback(&self) -> bool {
        self.tag.as_ref().is_some_and(|tag| tag.verb == "ROLLBACK")
    }
}

/// Whether the server is in a transaction.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(in crate::database) enum Status {
    /// Not told yet.
    #[default]
    Unknown,
    /// In none.
    Idle,
    /// In one.
    Transaction,
    /// In one that failed and can only be rolled back.
    Failed,
}

impl Status {
    /// Reads the body of a ReadyForQuery.
    pub(in crate::database) fn of(body: &[u8]) -> Option<Self> {
        match body {
            b"I" => Some(Self::Idle),
            b"T" => Some(Self::Transaction),
            b"E" => Some(Self::Failed),
            _ => None,
        }
    }
}

/// What a statement did, in the server's words.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(in crate::database) struct CommandTag {
    /// Such as `SELECT` or `CREATE TABLE`.
    pub(in crate::database) verb: String,
    /// How many rows, where the server says it.
    pub(in crate::database) count: Option<u64>,
}

impl CommandTag {
    /// Reads `INSERT 0 5`, `SELECT 3` or `CREATE TABLE`.
    pub(super) fn parse(text: &str) -> Self {
        let (words, numbers): (Vec<&str>, Vec<&str>) = text
            .split_whitespace()
            .partition(|word| !word.bytes().all(|byte| byte.is_ascii_digit()));
        Self {
            verb: words.join(" "),
            count: numbers.last().and_then(|number| number.parse().ok()),
        }
    }
}

/// The SQLSTATE of an ErrorResponse's body, and whether the error ends the connection.
pub(super) fn error(body: &[u8]) -> (Option<String>, bool) {
    let field = |wanted: u8| {
        body.split(|&byte| byte == 0)
            .filter_map(<[u8]>::split_first)
            .find(|(kind, _)| **kind == wanted)
            .map(|(_, text)| String::from_utf8_lossy(text).into_owned())
    };
    let severity = field(b'V');
    (
        field(b'C'),
        matches!(severity.as_deref(), Some("FATAL" | "PANIC")),
    )
}

/// Whether a step of the login can be taken. The driver hashes the password as often as the server says, and nothing can stop it.
pub(super) fn authentication(body: &[u8]) -> Result<(), &'static str> {
    const CONTINUE: &[u8] = &[0, 0, 0, 11];
    let Some(message) = body.strip_prefix(CONTINUE) else {
        return Ok(());
    };
    let rounds = message
        .split(|&byte| byte == b',')
        .find_map(|part| part.strip_prefix(b"i="))
        .and_then(|rounds| str::from_utf8(rounds).ok()?.parse().ok());
    match rounds {
        Some(1..=MAX_ROUNDS) => Ok(()),
        _ => Err("a login that takes too long"),
    }
}

/// Whether a setting is one by which texts are read, and not what the host relies on.
pub(super) fn is_misread(name: &str, value: &str) -> bool {
    match name {
        "standard_conforming_strings" => value != "on",
        "client_encoding" => !matches!(value, "UTF8" | "utf8" | "UTF-8" | "utf-8"),
        _ => false,
    }
}

/// The name and the value of a ParameterStatus' body.
pub(super) fn parameter(body: &[u8]) -> Option<(&str, &str)> {
    let mut parts = body.split(|&byte| byte == 0).map(str::from_utf8);
    match (parts.next(), parts.next()) {
        (Some(Ok(name)), Some(Ok(value))) => Some((name, value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{CommandTag, Status, authentication, error, is_misread, parameter};

    #[test]
    fn a_tag_is_a_verb_and_perhaps_a_count() {
        for (text, verb, count) in [
            ("INSERT 0 5", "INSERT", Some(5)),
            ("SELECT 18446744073709551615", "SELECT", Some(u64::MAX)),
            ("CREATE TABLE", "CREATE TABLE", None),
            ("ROLLBACK", "ROLLBACK", None),
            ("", "", None),
        ] {
            let tag = CommandTag::parse(text);
            assert_eq!((tag.verb.as_str(), tag.count), (verb, count), "{text}");
        }
    }

    #[test]
    fn the_sqlstate_is_found_wherever_it_stands() {
        let code = |body: &[u8]| error(body).0;
        assert_eq!(
            code(b"SERROR\0C40001\0MC is no code\0\0").as_deref(),
            Some("40001")
        );
        assert_eq!(code(b"MCODE\0C23505\0\0").as_deref(), Some("23505"));
        assert_eq!(code(b"SERROR\0\0"), None);
    }

    #[test]
    fn a_fatal_error_is_told_from_others_in_any_language() {
        assert!(error("SFATAL\0VFATAL\0C57P01\0\0".as_bytes()).1);
        assert!(error("SPANIK\0VPANIC\0C57P02\0\0".as_bytes()).1);
        assert!(!error(b"SERROR\0VERROR\0C57014\0\0").1);
    }

    #[test]
    fn a_server_is_in_one_of_three_states() {
        assert_eq!(Status::of(b"I"), Some(Status::Idle));
        assert_eq!(Status::of(b"T"), Some(Status::Transaction));
        assert_eq!(Status::of(b"E"), Some(Status::Failed));
        for body in [&b""[..], b"X", b"II"] {
            assert_eq!(Status::of(body), None);
        }
    }

    #[test]
    fn settings_by_which_texts_are_read_are_watched() {
        for (name, value, expected) in [
            ("standard_conforming_strings", "on", false),
            ("standard_conforming_strings", "off", true),
            ("client_encoding", "UTF8", false),
            ("client_encoding", "LATIN1", true),
            ("TimeZone", "off", false),
        ] {
            assert_eq!(is_misread(name, value), expected, "{name} {value}");
        }
    }

    #[test]
    fn a_password_is_hashed_so_often_and_no_more() {
        let step = |rounds: &str| {
            let message = format!("\0\0\0\u{b}r=nonce,s=c2FsdA==,i={rounds}");
            authentication(message.as_bytes()).is_ok()
        };
        assert!(step("4096") && step("1000000"));
        for rounds in ["1000001", "4294967295", "99999999999", "0", "-1", "", "x"] {
            assert!(!step(rounds), "{rounds}");
        }
        assert!(authentication(&[0, 0, 0, 0]).is_ok(), "another step");
    }

    #[test]
    fn a_parameter_has_a_name_and_a_value() {
        assert_eq!(
            parameter(b"server_version\x0015.3\0"),
            Some(("server_version", "15.3"))
        );
        assert_eq!(parameter(b"odd"), None);
    }
}
