//! What a guest's SQL text is, as far as the host must know before it is sent: one statement, of which kind, with how many parameters.
//!
//! This reads words, not grammar. The wall behind it is the server, which takes one statement at a time and refuses what the role may
//! not do, and the wire guard, which sees a transaction that a statement left open.

use crate::{database::error::Error, tenancy::Capability};

/// A checked text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::database) struct SqlText {
    /// What it needs besides the grant of SQL text.
    pub(in crate::database) needs: Option<Capability>,
    /// The highest number of a parameter in it.
    pub(in crate::database) parameters: usize,
    /// Whether it may change rows.
    pub(in crate::database) writes: bool,
    /// Whether it may change rows and give back any number of them.
    pub(in crate::database) is_unbounded_write: bool,
}

/// First words of what would change the connection, or end or begin a transaction.
const REFUSED: [&str; 30] = [
    "abort",
    "backup",
    "begin",
    "call",
    "checkpoint",
    "close",
    "commit",
    "copy",
    "deallocate",
    "declare",
    "discard",
    "do",
    "end",
    "execute",
    "export",
    "fetch",
    "import",
    "listen",
    "load",
    "move",
    "prepare",
    "release",
    "reset",
    "restore",
    "rollback",
    "savepoint",
    "set",
    "start",
    "unlisten",
    "use",
];

/// First words of what changes the schema. TRUNCATE is among them because it is a schema change in CockroachDB.
const SCHEMA: [&str; 14] = [
    "alter", "analyze", "cluster", "comment", "create", "drop", "grant", "reassign", "refresh",
    "reindex", "revoke", "security", "truncate", "vacuum",
];

impl SqlText {
    /// Reads the text and refuses what is not exactly one statement of a kind that a guest may run.
    pub(in crate::database) fn check(text: &str) -> Result<Self, Error> {
        let mut words: Vec<String> = Vec::new();
        let mut parameters = 0;
        let mut is_over = false;
        for token in Tokens(text) {
            if token == Token::Semicolon {
                is_over = !words.is_empty();
                continue;
            }
            if is_over {
                return Err(Error::Invalid(
                    "the text holds more than one statement".to_owned(),
                ));
            }
            match token {
                Token::Word(word) => words.push(word.to_ascii_lowercase()),
                Token::Parameter(number) => parameters = parameters.max(number),
                Token::Semicolon | Token::Other => {}
            }
        }
        let Some(first) = words.first() else {
            return Err(Error::Invalid("the text holds no statement".to_owned()));
        };
        if REFUSED.contains(&first.as_str()) {
            return Err(Error::Denied(format!(
                "{} is not for SQL text: the host keeps transactions and settings of its connections to itself",
                first.to_ascii_uppercase()
            )));
        }
        let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
        let writes = has(&["insert", "update", "delete", "merge", "upsert", "truncate"]);
        let is_plain_insert = first == "insert" && !has(&["select", "table", "with"]);
        Ok(Self {
            needs: needs(&words),
            parameters,
            writes,
            is_unbounded_write: writes && has(&["returning"]) && !is_plain_insert,
        })
    }
}

fn needs(words: &[String]) -> Option<Capability> {
    let is = |place: usize, wanted: &str| words.get(place).is_some_and(|word| word == wanted);
    let first = words.first()?;
    let makes_a_table = || {
        // `SELECT … INTO t` and `EXPLAIN ANALYZE CREATE TABLE t AS …`.
        let selects_into = words.windows(2).any(|pair| {
            pair[1] == "into" && !matches!(pair[0].as_str(), "insert" | "merge" | "upsert")
        });
        selects_into || (first == "explain" && words.iter().any(|word| word == "create"))
    };
    if SCHEMA.contains(&first.as_str()) {
        Some(if is(1, "database") {
            Capability::Databases
        } else {
            Capability::Schema
        })
    } else if first != "insert" && makes_a_table() {
        Some(Capability::Schema)
    } else {
        None
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    /// A keyword or a name without quotes.
    Word(&'a str),
    /// `$1`.
    Parameter(usize),
    Semicolon,
    /// Anything else: a string, a quoted name, a number, an operator.
    Other,
}

/// The tokens of a text, without spaces and comments. What is not closed goes to the end.
struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_space();
        let first = self.0.chars().next()?;
        Some(match first {
            '\'' | '"' => {
                self.skip_quoted(first, false);
                Token::Other
            }
            ';' => {
                self.take(1);
                Token::Semicolon
            }
            '$' => self.after_dollar(),
            '0'..='9' => {
                self.take_while(|character| {
                    character.is_ascii_alphanumeric() || matches!(character, '.' | '_')
                });
                Token::Other
            }
            _ if is_word(first) => {
                let word = self.take_while(|character| {
                    is_word(character) || character.is_ascii_digit() || character == '$'
                });
                if self.0.starts_with('\'') {
                    self.skip_quoted('\'', word.eq_ignore_ascii_case("e"));
                    return Some(Token::Other);
                }
                Token::Word(word)
            }
            _ => {
                self.take(first.len_utf8());
                Token::Other
            }
        })
    }
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_' || !character.is_ascii()
}

impl<'a> Tokens<'a> {
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.0.split_at_checked(bytes).unwrap_or((self.0, ""));
        self.0 = rest;
        taken
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self
            .0
            .find(|character| !belongs(character))
            .unwrap_or(self.0.len());
        self.take(end)
    }

    fn skip_space(&mut self) {
        loop {
            self.0 = self.0.trim_start();
            if self.0.starts_with("--") {
                self.take_while(|character| !matches!(character, '\n' | '\r'));
            } else if self.0.starts_with("/*") {
                self.skip_comment();
            } else {
                return;
            }
        }
    }

    /// Comments hold comments.
    fn skip_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            if self.0.starts_with("/*") {
                self.take(2);
                depth += 1;
            } else if self.0.starts_with("*/") {
                self.take(2);
                depth -= 1;
            } else if let Some(character) = self.0.chars().next() {
                self.take(character.len_utf8());
            }
            if depth == 0 || self.0.is_empty() {
                return;
            }
        }
    }

    /// Skips what is between quotes.
    fn skip_quoted(&mut self, quote: char, has_escapes: bool) {
        self.take(1);
        loop {
            self.take_while(|character| character != quote && !(has_escapes && character == '\\'));
            let end = self.take(1);
            if end.is_empty() || (end != "\\" && !self.0.starts_with(quote)) {
                return;
            }
            // An escaped character, or the second of two quotes.
            let next = self.0.chars().next().map_or(0, char::len_utf8);
            self.take(next);
        }
    }

    fn after_dollar(&mut self) -> Token<'a> {
        self.take(1);
        let digits = self.take_while(|character| character.is_ascii_digit());
        if !digits.is_empty() {
            return Token::Parameter(digits.parse().unwrap_or(usize::MAX));
        }
        let rest = self.0;
        let tag = self.take_while(|character| is_word(character) || character.is_ascii_digit());
        if !self.0.starts_with('$') {
            self.0 = rest;
            return Token::Other;
        }
        self.take(1);
        let end = format!("${tag}$");
        let length = self
            .0
            .find(&end)
            .map_or(self.0.len(), |start| start + end.len());
        self.take(length);
        Token::Other
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Capability, Error, SqlText};

    fn check(text: &str) -> SqlText {
        SqlText::check(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_text_holds_exactly_one_statement() {
        for text in [
            "SELECT 1",
            "SELECT 1;",
            " ; SELECT 1 ; -- ; SELECT 2",
            "SELECT ';' /* ; /* ; */ ; */",
            "(SELECT 1)",
        ] {
            check(text);
        }
        for text in [
            "",
            ";",
            "-- SELECT 1",
            "/* SELECT 1 */",
            "SELECT 1; SELECT 2",
            "SELECT 1;;'x'",
            "SELECT 'a'';'; SELECT 2",
        ] {
            assert!(
                matches!(SqlText::check(text), Err(Error::Invalid(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn what_changes_the_connection_is_denied_in_any_spelling() {
        for text in [
            "BEGIN",
            "begin",
            "/**/CoMmIt",
            "-- x\nROLLBACK",
            "(SAVEPOINT a)",
            ";SET a = 1",
            "copy t from stdin",
            "LISTEN a",
            "START TRANSACTION",
            "PREPARE a AS SELECT 1",
            "DO $$ BEGIN COMMIT; END $$",
            "CALL p()",
            "RESET ALL",
            "END",
        ] {
            assert!(
                matches!(SqlText::check(text), Err(Error::Denied(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn what_changes_the_schema_needs_the_grant() {
        for text in [
            "CREATE TABLE t ()",
            "drop table t",
            "ALTER TABLE t ADD a int8",
            "TRUNCATE t",
            "SELECT 1 AS a INTO t",
            "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
            "WITH x AS (SELECT 1) SELECT * INTO t FROM x",
        ] {
            assert_eq!(check(text).needs, Some(Capability::Schema), "{text}");
        }
        assert_eq!(
            check("CREATE DATABASE d").needs,
            Some(Capability::Databases)
        );
        for text in [
            "SELECT 'create'",
            "INSERT INTO t VALUES (1)",
            "WITH x AS (INSERT INTO t VALUES (1)) SELECT 1",
            "EXPLAIN SELECT 1",
        ] {
            assert_eq!(check(text).needs, None, "{text}");
        }
    }

    #[test]
    fn parameters_are_counted_where_they_are_parameters() {
        for (text, parameters) in [
            ("SELECT $1, $3", 3),
            (
                "SELECT '$9', \"$8\", $$ $7 $$, $a$ $6 $$ $5 $a$, a$4 -- $3\n/* $2 */",
                0,
            ),
            (r"SELECT E'\'$2', $1", 1),
            (r"SELECT 'a\', $1", 1),
            ("SELECT e'it''s $2', U&'$3', $1::text", 1),
            ("SELECT 'it''s', $12", 12),
        ] {
            assert_eq!(check(text).parameters, parameters, "{text}");
        }
    }

    #[test]
    fn a_write_is_unbounded_if_it_gives_back_what_it_finds() {
        for (text, writes, is_unbounded) in [
            ("SELECT 1", false, false),
            ("INSERT INTO t VALUES (1) RETURNING id", true, false),
            ("INSERT INTO t SELECT * FROM s RETURNING id", true, true),
            ("UPDATE t SET a = 1", true, false),
            ("UPDATE t SET a = 1 RETURNING *", true, true),
            (
                "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
                true,
                true,
            ),
        ] {
            let read = check(text);
            assert_eq!(
                (read.writes, read.is_unbounded_write),
                (writes, is_unbounded),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in r#"([a-z$'"/*;\\ -]|\PC){0,40}"#) {
            drop(SqlText::check(&text));
        }
    }
}
