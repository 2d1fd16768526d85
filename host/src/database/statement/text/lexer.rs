use std::borrow::Cow;

use crate::database::server::ServerKind;

/// What the protocol can number.
const MAX_PARAMETER: usize = 65_535;

/// A piece of SQL text that means something by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A keyword or a name without quotes, in lower case.
    Word(Cow<'t, str>),
    /// A name in double quotes.
    Name,
    /// A string of any notation, or a number.
    Constant,
    /// `$1`.
    Parameter(usize),
    /// One character of punctuation or of an operator.
    Symbol(char),
}

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lexeme<'t> {
    pub(super) token: Token<'t>,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Why a text cannot be cut into tokens. The server would refuse it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("a string is not closed")]
    OpenString,
    #[error("a name in double quotes is not closed")]
    OpenName,
    #[error("a comment is not closed")]
    OpenComment,
    #[error(
        "a `$` is neither a parameter such as `$1` nor the beginning of a dollar-quoted string"
    )]
    LoneDollar,
    #[error("parameters are numbered from `$1` to `$65535`")]
    ParameterNumber,
}

/// The tokens of a text, without spaces and comments, as this server would cut it.
///
/// Strings are taken with `standard_conforming_strings` on, to which the host holds its connections.
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    server: ServerKind,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str, server: ServerKind) -> Self {
        Self {
            text,
            at: 0,
            server,
        }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest
            .find(|character| !belongs(character))
            .unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// Goes to the end of the next occurrence; whether there is one.
    fn skip_past(&mut self, end: &str) -> bool {
        let found = self.rest().find(end);
        self.at += found.map_or(self.rest().len(), |start| start + end.len());
        found.is_some()
    }

    fn skip_space(&mut self) -> Result<(), Unreadable> {
        loop {
            self.eat(is_space);
            if self.rest().starts_with("--") {
                self.skip_line();
            } else if self.rest().starts_with("/*") {
                self.skip_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    fn skip_line(&mut self) {
        let server = self.server;
        self.eat(|character| !server.ends_comment(character));
    }

    /// Comments hold comments.
    fn skip_comment(&mut self) -> Result<(), Unreadable> {
        let mut depth = 0_usize;
        loop {
            if self.rest().starts_with("/*") {
                self.at += 2;
                depth += 1;
            } else if self.rest().starts_with("*/") {
                self.at += 2;
                depth -= 1;
            } else {
                let next = self.peek().ok_or(Unreadable::OpenComment)?;
                self.at += next.len_utf8();
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn token(&mut self, first: char) -> Result<Token<'t>, Unreadable> {
        match first {
            '\'' => self.string(false),
            '"' => self.name(),
            '$' => self.dollar(),
            // What letters follow are a word of their own, of which an exponent is a harmless one.
            '0'..='9' => {
                self.eat(|next| next.is_ascii_digit() || matches!(next, '.' | '_'));
                Ok(Token::Constant)
            }
            _ if begins_word(first) => self.word(),
            _ => Ok(self.symbol(first)),
        }
    }

    fn word(&mut self) -> Result<Token<'t>, Unreadable> {
        let word = self.eat(|next| begins_word(next) || next.is_ascii_digit() || next == '$');
        if self.peek() == Some('\'') && is_prefix(word) {
            return self.string(self.server.has_escapes(word));
        }
        Ok(Token::Word(fold(word)))
    }

    fn symbol(&mut self, first: char) -> Token<'t> {
        let operators = self.server.operators_before_comments().iter();
        let operator = operators
            .copied()
            .find(|operator| self.rest().starts_with(operator));
        self.at += operator.map_or(first.len_utf8(), str::len);
        Token::Symbol(first)
    }

    fn name(&mut self) -> Result<Token<'t>, Unreadable> {
        loop {
            self.at += 1;
            if !self.skip_past("\"") {
                return Err(Unreadable::OpenName);
            }
            // Two of them are one in the name.
            if self.peek() != Some('"') {
                return Ok(Token::Name);
            }
        }
    }

    /// Goes to the end of a string, and of what it goes on with in the next line: there the same escapes hold.
    fn string(&mut self, has_escapes: bool) -> Result<Token<'t>, Unreadable> {
        self.at += 1;
        loop {
            self.eat(|next| next != '\'' && !(has_escapes && next == '\\'));
            let end = self.peek().ok_or(Unreadable::OpenString)?;
            self.at += 1;
            if end == '\\' {
                let escaped = self.peek().ok_or(Unreadable::OpenString)?;
                self.at += escaped.len_utf8();
            } else if self.peek() == Some('\'') {
                self.at += 1;
            } else if let Some(next) = self.continuation() {
                self.at = next;
            } else {
                return Ok(Token::Constant);
            }
        }
    }

    /// Where a string goes on that is interrupted by spaces with a line's end in them.
    fn continuation(&self) -> Option<usize> {
        let mut ahead = Lexer { ..*self };
        let mut lines = 0;
        loop {
            let spaces = ahead.eat(is_space);
            lines += spaces
                .chars()
                .filter(|space| self.server.ends_comment(*space))
                .count();
            if self.server.joins_strings_over_comments() && ahead.rest().starts_with("--") {
                ahead.skip_line();
            } else {
                break;
            }
        }
        (lines > 0 && ahead.peek() == Some('\'')).then_some(ahead.at + 1)
    }

    fn dollar(&mut self) -> Result<Token<'t>, Unreadable> {
        self.at += 1;
        let digits = self.eat(|next| next.is_ascii_digit());
        if !digits.is_empty() {
            let number = digits.parse().unwrap_or(0);
            return if (1..=MAX_PARAMETER).contains(&number) {
                Ok(Token::Parameter(number))
            } else {
                Err(Unreadable::ParameterNumber)
            };
        }
        let tag = self.eat(|next| begins_word(next) || next.is_ascii_digit());
        if self.peek() != Some('$') {
            return Err(Unreadable::LoneDollar);
        }
        self.at += 1;
        if self.skip_past(&format!("${tag}$")) {
            Ok(Token::Constant)
        } else {
            Err(Unreadable::OpenString)
        }
    }
}

impl<'t> Iterator for Lexer<'t> {
    type Item = Result<Lexeme<'t>, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Err(unreadable) = self.skip_space() {
            return Some(Err(unreadable));
        }
        let start = self.at;
        let first = self.peek()?;
        let token = self.token(first);
        Some(token.map(|token| Lexeme {
            token,
            start,
            end: self.at,
        }))
    }
}

/// What both servers take for a space. Those of Unicode are letters to them.
fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn begins_word(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_' || !character.is_ascii()
}

/// Whether a string may follow this word without a space and belong to it.
fn is_prefix(word: &str) -> bool {
    matches!(word, "b" | "B" | "e" | "E" | "n" | "N" | "x" | "X")
}

/// The word in lower case. CockroachDB folds letters of Unicode too: with a Kelvin sign for its K, `BACKUP` is one; and it takes a dotted
/// capital I for an i.
pub(super) fn fold(word: &str) -> Cow<'_, str> {
    if word.chars().any(char::is_uppercase) {
        word.replace('\u{130}', "i").to_lowercase().into()
    } else {
        word.into()
    }
}
