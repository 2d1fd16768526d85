//! One value of the input, before it is known what its column holds.

use std::borrow::Cow;

/// A value as the input has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    /// A field of CSV, which may mean anything.
    Plain(&'a str),
    /// A JSON string and the JSON it was written as.
    Quoted {
        text: Cow<'a, str>,
        json: &'a str,
    },
    /// A JSON number with all its digits.
    Number(&'a str),
    /// A JSON boolean.
    Boolean(bool),
    /// A JSON object or array.
    Json(&'a str),
}

impl Cell<'_> {
    /// How an error message shows it, cut to a sensible length.
    pub(crate) fn shown(&self) -> String {
        const LONGEST: usize = 60;
        let text = match self {
            Self::Null => "null",
            Self::Plain(text) | Self::Number(text) | Self::Json(text) => text,
            Self::Quoted { text, .. } => text,
            Self::Boolean(true) => "true",
            Self::Boolean(false) => "false",
        };
        let mut shown: String = text.chars().take(LONGEST).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        shown
    }
}
