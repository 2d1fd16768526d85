//! The host's own names, which no SQL text of a guest may hold.
//!
//! It makes for a clear answer, and keeps plain texts out. What a function does is not seen here: there the wall is that the role may only
//! add and read what is the host's.

use std::borrow::Cow;

use super::lexer::{Lexeme, Token, fold};
use crate::database::{
    error::Error,
    identifier::{OWN_SCHEMA, OWN_TABLE},
};

/// Refuses a text that names the host's own schema, or its table without a schema, in any spelling that a server would understand.
pub(super) fn refuse(text: &str, lexemes: &[Lexeme<'_>]) -> Result<(), Error> {
    for (place, lexeme) in lexemes.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|place| lexemes.get(place));
        let is_qualified = before.is_some_and(|before| before.token == Token::Symbol('.'));
        let name = match &lexeme.token {
            Token::Word(word) => word.clone(),
            Token::Name if !is_escaped(lexemes, place) => fold(quoted(text, lexeme)),
            Token::Name => {
                let next = lexemes.get(place + 1).map(|next| &next.token);
                if next == Some(&Token::Word("uescape".into())) {
                    return Err(Error::Denied(
                        "UESCAPE is not for names in SQL text: write the characters themselves"
                            .to_owned(),
                    ));
                }
                Cow::Owned(fold(&unescaped(quoted(text, lexeme))).into_owned())
            }
            Token::Constant | Token::Parameter(_) | Token::Symbol(_) => continue,
        };
        if name == OWN_SCHEMA || (name == OWN_TABLE && !is_qualified) {
            return Err(Error::Denied(format!(
                "`{name}` belongs to the host: no SQL text names it"
            )));
        }
    }
    Ok(())
}

/// Whether a name in quotes is written with escapes: `U&"…"`, without a space.
fn is_escaped(lexemes: &[Lexeme<'_>], place: usize) -> bool {
    let name = lexemes.get(place).map(|name| name.start);
    let before = place
        .checked_sub(2)
        .and_then(|first| lexemes.get(first..place));
    let Some([prefix, ampersand]) = before else {
        return false;
    };
    prefix.token == Token::Word("u".into())
        && ampersand.token == Token::Symbol('&')
        && prefix.end == ampersand.start
        && Some(ampersand.end) == name
}

/// What stands between the quotes.
fn quoted<'t>(text: &'t str, name: &Lexeme<'_>) -> &'t str {
    text.get(name.start + 1..name.end - 1).unwrap_or_default()
}

/// With its escapes resolved. One that is none stays: the server refuses it.
fn unescaped(name: &str) -> String {
    let mut read = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('\\') {
        read.push_str(before);
        let (digits, skipped) = match after.strip_prefix('+') {
            Some(long) => (long.get(..6), 7),
            None => (after.get(..4), 4),
        };
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        if let Some(character) = code.and_then(char::from_u32) {
            read.push(character);
            rest = after.get(skipped..).unwrap_or_default();
        } else {
            read.push('\\');
            rest = after.strip_prefix('\\').unwrap_or(after);
        }
    }
    read.push_str(rest);
    read
}
