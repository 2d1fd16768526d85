//! What a guest's SQL text is, as far as the host must know before it is sent: one statement, of a kind that a guest may run, with so
//! many parameters.
//!
//! `lexer` cuts the text as the server would; `rules` reads words, not grammar, and lets through only what it knows; `own` refuses the
//! names of what belongs to the host. The wall
//! behind them is the server: the privileges of the role, and a protocol that takes one statement at a time. The wire guard sees a
//! transaction that a statement left open or ended. What a statement leaves behind on its connection is undone before another session
//! gets it: functions can do that too, and no list of their names would be complete.

mod lexer;
mod own;
mod rules;
#[cfg(test)]
mod tests;

use lexer::{Lexeme, Lexer, Token};
pub(in crate::database) use rules::Gives;
use rules::Kind;

use crate::{
    database::{error::Error, server::ServerKind},
    tenancy::Capability,
};

/// A checked text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::database) struct SqlText<'t> {
    /// The statement alone, without what may stand before and after it.
    pub(in crate::database) statement: &'t str,
    /// How many characters stand before it.
    pub(in crate::database) offset: usize,
    /// What it needs besides the grant of SQL text. Such a statement changes the schema.
    pub(in crate::database) needs: Option<Capability>,
    /// The highest number of a parameter in it.
    pub(in crate::database) parameters: usize,
    /// Whether it may change rows.
    pub(in crate::database) writes: bool,
    /// How many rows it may give.
    pub(in crate::database) gives: Gives,
    /// Whether it is a query that changes nothing: what a cursor can be over.
    pub(in crate::database) is_query: bool,
}

impl<'t> SqlText<'t> {
    /// Reads the text and refuses what is not exactly one statement of a kind that a guest may run.
    pub(in crate::database) fn check(text: &'t str, server: ServerKind) -> Result<Self, Error> {
        let lexemes = one_statement(text, server)?;
        let (Some(first), Some(last)) = (lexemes.first(), lexemes.last()) else {
            return Err(Error::Invalid("the text holds no statement".to_owned()));
        };
        let (start, end) = (first.start, last.end);
        own::refuse(text, &lexemes)?;
        let tokens: Vec<Token<'_>> = lexemes.into_iter().map(|lexeme| lexeme.token).collect();
        let kind = Kind::of(&tokens)?;
        let parameters = tokens.iter().map(|token| match token {
            Token::Parameter(number) => *number,
            Token::Word(_) | Token::Name | Token::Constant | Token::Symbol(_) => 0,
        });
        Ok(Self {
            statement: text.get(start..end).unwrap_or_default(),
            offset: text.get(..start).unwrap_or_default().chars().count(),
            needs: kind.needs,
            parameters: parameters.max().unwrap_or(0),
            writes: kind.writes,
            gives: kind.gives,
            is_query: kind.is_query,
        })
    }
}

impl SqlText<'_> {
    /// Whether it may change rows and give back any number of them.
    pub(in crate::database) fn is_unbounded_write(&self) -> bool {
        self.writes && self.gives == Gives::Any
    }
}

/// The tokens of the only statement.
fn one_statement(text: &str, server: ServerKind) -> Result<Vec<Lexeme<'_>>, Error> {
    if text.contains('\0') {
        return Err(Error::Invalid(
            "SQL text cannot hold a zero byte".to_owned(),
        ));
    }
    let mut lexemes = Vec::new();
    let mut is_over = false;
    for lexeme in Lexer::new(text, server) {
        let lexeme = lexeme.map_err(|unreadable| Error::Invalid(unreadable.to_string()))?;
        if lexeme.token == Token::Symbol(';') {
            is_over = !lexemes.is_empty();
        } else if is_over {
            return Err(Error::Invalid(
                "the text holds more than one statement".to_owned(),
            ));
        } else {
            lexemes.push(lexeme);
        }
    }
    Ok(lexemes)
}
