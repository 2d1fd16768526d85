//! Which statements a guest may write, told by their words.

use super::lexer::Token;
use crate::{
    database::error::{DatabaseError, Error},
    tenancy::Capability,
};

/// How many rows a statement gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::database) enum Gives {
    /// None.
    #[default]
    Nothing,
    /// No more than it holds itself.
    Few,
    /// Any number.
    Any,
}

/// What a statement does, as far as its words tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) needs: Option<Capability>,
    pub(super) writes: bool,
    pub(super) gives: Gives,
    pub(super) is_query: bool,
}

/// What changes rows, wherever in a statement it stands.
const WRITING: [&str; 5] = ["delete", "insert", "merge", "update", "upsert"];

/// Words between CREATE, ALTER or DROP and what is created, altered or dropped.
const MODIFIERS: [&str; 12] = [
    "global",
    "inverted",
    "local",
    "materialized",
    "or",
    "recursive",
    "replace",
    "temp",
    "temporary",
    "unique",
    "unlogged",
    "vector",
];

/// What the grant of the schema is for. All else that can be created is the operator's: roles, extensions, servers, policies.
const OBJECTS: [&str; 13] = [
    "aggregate",
    "domain",
    "function",
    "index",
    "procedure",
    "routine",
    "schema",
    "sequence",
    "statistics",
    "table",
    "trigger",
    "type",
    "view",
];

/// What SHOW may tell besides a setting. CockroachDB's has many other forms: one reads files, one gives away a session.
const SHOWN: [&str; 15] = [
    "columns",
    "constraints",
    "create",
    "databases",
    "enums",
    "index",
    "indexes",
    "keys",
    "schemas",
    "sequences",
    "session",
    "tables",
    "time",
    "transaction",
    "types",
];

/// First words of statements that are for nobody but the host and its operator, and why.
const REFUSED: [(&str, &[&str]); 8] = [
    (
        "transactions are the business of the interface `transactions`",
        &[
            "abort",
            "begin",
            "commit",
            "end",
            "release",
            "rollback",
            "savepoint",
            "start",
        ],
    ),
    (
        "the host keeps the settings of its connections",
        &["discard", "reset", "set", "use"],
    ),
    (
        "parameters are given together with the text",
        &["deallocate", "execute", "prepare"],
    ),
    (
        "rows are read a part at a time with `open-cursor`",
        &["close", "declare", "fetch", "move"],
    ),
    (
        "rows are written with `batch-insert` and read with `open-cursor`",
        &["backup", "copy", "export", "import", "restore"],
    ),
    (
        "a plugin holds no connection on which it could be told something",
        &["listen", "notify", "unlisten"],
    ),
    (
        "it could end the transaction, or hold on to what others need",
        &["call", "do", "lock"],
    ),
    (
        "it is for the operator of the database",
        &[
            "cancel",
            "checkpoint",
            "cluster",
            "configure",
            "grant",
            "inspect",
            "load",
            "pause",
            "reassign",
            "reindex",
            "resume",
            "revoke",
            "scrub",
            "security",
            "vacuum",
        ],
    ),
];

impl Kind {
    /// Reads the tokens of one statement, and refuses what is not of a kind that a guest may run.
    pub(super) fn of(tokens: &[Token<'_>]) -> Result<Self, Error> {
        let is_open = |token: &&Token<'_>| **token == Token::Symbol('(');
        let open = tokens.iter().take_while(is_open).count();
        let Some((Token::Word(first), rest)) = tokens.split_at(open).1.split_first() else {
            return Err(no_statement("what is there"));
        };
        match first.as_ref() {
            "select" | "values" | "table" | "with" => Ok(Self::of_data(first, rest)),
            word if WRITING.contains(&word) => Ok(Self::of_data(word, rest)),
            "explain" => Self::of_explain(rest),
            "show" => show(rest),
            "create" | "alter" | "drop" => definition(first, rest),
            "analyse" | "analyze" | "comment" | "refresh" | "truncate" => {
                Ok(Self::of_schema(Capability::Schema))
            }
            word => Err(refusal(word)),
        }
    }

    fn of_data(first: &str, rest: &[Token<'_>]) -> Self {
        let has = |wanted: &[&str]| keywords(rest).any(|word| wanted.contains(&word));
        let reads = matches!(first, "select" | "values" | "table" | "with");
        let writes = !reads || has(&WRITING);
        let gives = if !reads && !has(&["returning"]) {
            Gives::Nothing
        } else if first == "insert" && !has(&["select", "table", "with"]) {
            Gives::Few
        } else {
            Gives::Any
        };
        let makes_a_table = reads && selects_into(rest);
        Self {
            needs: makes_a_table.then_some(Capability::Schema),
            writes,
            gives,
            is_query: reads && !writes && !makes_a_table,
        }
    }

    fn of_schema(needs: Capability) -> Self {
        Self {
            needs: Some(needs),
            ..Self::default()
        }
    }

    /// What is explained is only planned, unless it is analyzed: then it runs.
    fn of_explain(rest: &[Token<'_>]) -> Result<Self, Error> {
        let (is_run, statement) = explained(rest);
        let explained = Self::of(statement)?;
        let writes = is_run && explained.writes;
        Ok(Self {
            needs: explained.needs,
            writes,
            gives: Gives::Any,
            is_query: false,
        })
    }
}

/// The words that may be keywords: not those that can only be the name of something.
fn keywords<'a>(tokens: &'a [Token<'_>]) -> impl Iterator<Item = &'a str> {
    let before =
        |place: usize, back: usize| match place.checked_sub(back).map(|place| &tokens[place]) {
            Some(Token::Word(word)) => word.as_ref(),
            Some(Token::Symbol('.')) => ".",
            _ => "",
        };
    tokens.iter().enumerate().filter_map(move |(place, token)| {
        let Token::Word(word) = token else {
            return None;
        };
        let is_name = matches!(before(place, 1), "." | "as");
        let is_lock = word == "update"
            && match before(place, 1) {
                "for" => true,
                "key" => before(place, 2) == "no" && before(place, 3) == "for",
                _ => false,
            };
        (!is_name && !is_lock).then_some(word.as_ref())
    })
}

/// Whether it is a `SELECT … INTO t`.
fn selects_into(tokens: &[Token<'_>]) -> bool {
    let words: Vec<&str> = keywords(tokens).collect();
    words.iter().enumerate().any(|(place, word)| {
        let before = place.checked_sub(1).map(|before| words[before]);
        *word == "into" && !matches!(before, Some("insert" | "merge" | "upsert"))
    })
}

/// Whether the explained statement is run, and the statement.
fn explained<'a, 't>(mut tokens: &'a [Token<'t>]) -> (bool, &'a [Token<'t>]) {
    let analyzes = |word: &str| matches!(word, "analyse" | "analyze");
    let mut is_run = false;
    loop {
        match tokens {
            [Token::Word(word), rest @ ..] if analyzes(word) || word == "verbose" => {
                is_run |= analyzes(word);
                tokens = rest;
            }
            [Token::Symbol('('), Token::Word(word), ..] if !begins_query(word) => {
                let end = tokens
                    .iter()
                    .position(|token| *token == Token::Symbol(')'))
                    .map_or(tokens.len(), |end| end + 1);
                let (options, rest) = tokens.split_at(end);
                is_run |= options
                    .iter()
                    .any(|token| matches!(token, Token::Word(word) if analyzes(word)));
                tokens = rest;
            }
            statement => return (is_run, statement),
        }
    }
}

fn begins_query(word: &str) -> bool {
    matches!(word, "select" | "values" | "table" | "with")
}

/// The name of a setting, or one of the harmless lists.
fn show(rest: &[Token<'_>]) -> Result<Kind, Error> {
    let is_listed =
        matches!(rest.first(), Some(Token::Word(word)) if SHOWN.contains(&word.as_ref()));
    let is_name = rest.iter().enumerate().all(|(place, token)| match token {
        Token::Word(_) | Token::Name => place % 2 == 0,
        Token::Symbol('.') => place % 2 == 1,
        Token::Constant | Token::Parameter(_) | Token::Symbol(_) => false,
    });
    if !is_listed && !is_name {
        return Err(Error::Denied(
            "this form of SHOW is not for SQL text: it is for the operator of the database"
                .to_owned(),
        ));
    }
    Ok(Kind {
        gives: Gives::Any,
        ..Kind::default()
    })
}

fn definition(verb: &str, rest: &[Token<'_>]) -> Result<Kind, Error> {
    let mut words = rest.iter().map_while(|token| match token {
        Token::Word(word) => Some(word.as_ref()),
        Token::Name | Token::Constant | Token::Parameter(_) | Token::Symbol(_) => None,
    });
    let Some(object) = words.find(|word| !MODIFIERS.contains(word)) else {
        return Err(no_statement(&format!("`{}`", verb.to_uppercase())));
    };
    if OBJECTS.contains(&object) {
        Ok(Kind::of_schema(Capability::Schema))
    } else if object == "database" && verb != "alter" {
        Ok(Kind::of_schema(Capability::Databases))
    } else {
        Err(Error::Denied(format!(
            "{} {} is not for SQL text: it is for the operator of the database",
            verb.to_uppercase(),
            object.to_uppercase()
        )))
    }
}

fn refusal(word: &str) -> Error {
    let refused = REFUSED
        .iter()
        .find(|(_, words)| words.contains(&word))
        .map(|(reason, _)| *reason);
    match refused {
        Some(reason) => Error::Denied(format!(
            "{} is not for SQL text: {reason}",
            word.to_uppercase()
        )),
        None => no_statement(&format!("`{}`", word.to_uppercase())),
    }
}

/// What no server would run either, or none that is known.
fn no_statement(what: &str) -> Error {
    Error::Database(Box::new(DatabaseError::of_host(
        "42601",
        &format!("syntax error: {what} begins no statement that SQL text may hold"),
    )))
}
