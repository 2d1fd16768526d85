use super::{
    message::Message,
    statement::{Control, Statement},
};
use crate::fault::{error, parameter_status};

/// The parameters of the start-up in their order (`sendInitialConnData` in cockroachdb/cockroach pkg/sql/pgwire/conn.go), with those that
/// the server says otherwise than PostgreSQL does.
const PARAMETERS: [(&str, Option<&str>); 12] = [
    ("server_version", Some("13.0.0")),
    ("server_encoding", None),
    ("client_encoding", None),
    ("application_name", None),
    ("DateStyle", None),
    ("IntervalStyle", None),
    ("is_superuser", None),
    ("TimeZone", None),
    ("integer_datetimes", None),
    ("standard_conforming_strings", None),
    (
        "crdb_version",
        Some("CockroachDB CCL v26.2.0 (a disguise of PostgreSQL)"),
    ),
    ("session_authorization", None),
];

/// The fields of an error or a notice in their order (`errWriter` in pkg/sql/pgwire/conn.go). There are no others: none for the position,
/// the schema, the table, the column or the type.
const FIELDS: &[u8] = b"SVCDHnFLRM";

/// What PostgreSQL does not know, and what it is told instead.
const TRANSLATIONS: [(&str, &str); 3] = [
    // Session variables (pkg/sql/vars.go).
    (
        "autocommit_before_ddl",
        "\"disguise\".\"autocommit_before_ddl\"",
    ),
    (
        "inject_retry_errors_enabled",
        "\"disguise\".\"inject_retry_errors_enabled\"",
    ),
    // A column of `pg_attribute` (pkg/sql/pg_catalog.go).
    ("a.attishidden", "FALSE"),
];

const INJECTS: &str = "inject_retry_errors_enabled";

/// Lets PostgreSQL look like CockroachDB, and refuse what that refuses.
///
/// What is not here is as PostgreSQL has it: above all the types, the catalogue and the texts of errors.
#[derive(Debug, Default)]
pub(super) struct Disguise {
    /// The parameters of the start-up, until all are there.
    parameters: Vec<(String, String)>,
    /// The transaction has lost a race.
    lost_race: bool,
    /// Every statement in a transaction is to lose one.
    injects: bool,
    /// Until this transaction ends.
    injects_locally: bool,
}

impl Disguise {
    /// Why CockroachDB refuses a statement that PostgreSQL does not.
    pub(super) fn objection(&mut self, asked: &Statement, status: u8) -> Option<Vec<u8>> {
        let text = asked.text.as_str();
        let refused = |code, message: &str| Some(error("ERROR", code, message));
        if text.contains(INJECTS) && text.starts_with("SET") {
            self.injects = !text.contains("off") && !text.contains("false");
            self.injects_locally = text.starts_with("SET LOCAL");
            return None;
        }
        match (asked.control(), status) {
            // pkg/sql/pgwire/testdata/pgtest/implicit_txn; PostgreSQL warns and goes on.
            (Control::Begin, b'T') => {
                refused("25001", "there is already a transaction in progress")
            }
            // pkg/sql/logictest/testdata/logic_test/txn; PostgreSQL warns.
            (Control::Commit | Control::RollBack, b'I') => {
                refused("25P01", "there is no transaction in progress")
            }
            // pkg/sql/conn_fsm.go: only `cockroach_restart` survives a lost race.
            (Control::RollBackTo, _) if self.lost_race && !text.contains("cockroach_restart") => {
                refused("40001", "restart transaction: the savepoint is lost too")
            }
            // The page transaction-retry-error-example of the documentation.
            (Control::Nothing, b'T') if self.injects && !text.starts_with("SET") => refused(
                "40001",
                "restart transaction: TransactionRetryWithProtoRefreshError: injected by `inject_retry_errors_enabled` session variable",
            ),
            // pkg/sql/sem/builtins has the advisory locks that ORMs take, and not this.
            _ if text.contains("pg_advisory_unlock_all") => {
                refused("42883", "unknown function: pg_advisory_unlock_all()")
            }
            _ => None,
        }
    }

    /// A message to the server in words that it knows.
    pub(super) fn translated(message: Message) -> Message {
        let text = match message.kind {
            b'Q' => message.text(0),
            b'P' => message.text(1),
            _ => return message,
        };
        let mut told = text.clone();
        for (theirs, ours) in TRANSLATIONS {
            told = told.replace(theirs, ours);
        }
        if told == text {
            return message;
        }
        let name = message.text(0);
        if message.kind == b'Q' {
            return Message::query(&told);
        }
        let rest = message.body().get(name.len() + text.len() + 2..);
        let texts = format!("{name}\0{told}\0");
        Message::new(b'P', &[texts.as_bytes(), rest.unwrap_or_default()].concat())
    }

    /// A message of the server as CockroachDB would have sent it.
    pub(super) fn shown(&mut self, message: Message, is_start: bool) -> Option<Message> {
        match message.kind {
            b'S' => {
                let (name, value) = (message.text(0), message.text(1));
                if is_start {
                    self.parameters.push((name, value));
                    return None;
                }
                let is_known = PARAMETERS.iter().any(|(known, _)| *known == name);
                is_known.then_some(message)
            }
            b'K' if is_start => {
                let mut bytes = self.start();
                bytes.extend_from_slice(&message.bytes);
                Some(Message { kind: b'K', bytes })
            }
            b'Z' => {
                let is_open = message.body() != b"I";
                self.lost_race &= is_open;
                self.injects &= is_open || !self.injects_locally;
                Some(message)
            }
            b'E' | b'N' => {
                let fields = fields(&message);
                self.lost_race |=
                    message.kind == b'E' && fields.starts_with(b"SERROR\0VERROR\0C40001\0");
                Some(Message::new(message.kind, &fields))
            }
            // pkg/sql/sem/tree/stmt.go: the tags of these statements.
            b'C' => Some(match message.text(0).as_str() {
                "START TRANSACTION" => Message::new(b'C', b"BEGIN\0"),
                "DISCARD ALL" => Message::new(b'C', b"DISCARD\0"),
                _ => message,
            }),
            _ => Some(message),
        }
    }

    fn start(&self) -> Vec<u8> {
        let told = |name: &str| {
            let mut parameters = self.parameters.iter();
            let found = parameters.find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str())
        };
        let shown = PARAMETERS.iter().filter_map(|(name, value)| {
            let value = value.or_else(|| told(name))?;
            Some(parameter_status(name, value))
        });
        shown.flatten().collect()
    }
}

/// The fields of an error or a notice that CockroachDB has, in its order.
fn fields(message: &Message) -> Vec<u8> {
    let given: Vec<&[u8]> = message.body().split(|&byte| byte == 0).collect();
    let mut fields = Vec::new();
    for kind in FIELDS {
        let field = given.iter().find(|field| field.first() == Some(kind));
        if let Some(field) = field {
            fields.extend_from_slice(field);
            fields.push(0);
        }
    }
    fields.push(0);
    fields
}

#[cfg(test)]
mod tests {
    use super::{Disguise, Message, fields};
    use crate::fault::frame;

    #[test]
    fn the_message_is_the_last_field_and_there_is_no_place_of_the_error() {
        let theirs = b"SERROR\0VERROR\0C23505\0Mtwice\0Dkey\0spublic\0tt\0nkey\0Ffile\0L1\0Rr\0\0";
        let ours = b"SERROR\0VERROR\0C23505\0Dkey\0nkey\0Ffile\0L1\0Rr\0Mtwice\0\0";
        assert_eq!(fields(&Message::new(b'E', theirs)), ours);
    }

    #[test]
    fn what_only_cockroachdb_knows_is_told_in_other_words() {
        let asked = Message::new(b'P', b"name\0SELECT a.attishidden\0\0\x01\0\0\0\x14");
        let told = Disguise::translated(asked);
        let expected = frame(b'P', b"name\0SELECT FALSE\0\0\x01\0\0\0\x14");
        assert_eq!(told.bytes, expected);
    }
}
