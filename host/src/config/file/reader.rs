use std::borrow::Cow;

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::{ConfigError, ConfigFile, closest};
use crate::config::error::Mistake;

pub(super) type Key<'a> = Spanned<DeString<'a>>;
pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// Walks through a file and collects what is wrong with it. No value is ever repeated in a mistake: it may be a password.
pub(super) struct Reader<'t> {
    text: &'t str,
    mistakes: Vec<Mistake>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            mistakes: Vec::new(),
        }
    }

    pub(super) fn is_faultless(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// The file, if nothing is wrong with it.
    pub(super) fn finish(mut self, file: ConfigFile) -> Result<ConfigFile, ConfigError> {
        if self.mistakes.is_empty() {
            return Ok(file);
        }
        self.mistakes
            .sort_by_key(|mistake| (mistake.line, mistake.column));
        Err(ConfigError::File {
            path: file.path,
            mistakes: self.mistakes,
        })
    }

    /// Line and column of a byte, from 1. A column is a character, as editors count them.
    pub(super) fn place(&self, offset: usize) -> (usize, usize) {
        let before = self.text.split_at(self.text.floor_char_boundary(offset)).0;
        let line = before.rsplit('\n').next().unwrap_or_default();
        (before.split('\n').count(), line.chars().count() + 1)
    }

    pub(super) fn mistake(&mut self, offset: usize, message: &str) {
        let (line, column) = self.place(offset);
        self.mistakes.push(Mistake {
            line,
            column,
            message: message.to_owned(),
        });
    }

    /// A mistake whose place was found before.
    pub(super) fn known_mistake(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }

    pub(super) fn mistake_at<T>(&mut self, place: &Spanned<T>, message: &str) {
        self.mistake(place.span().start, message);
    }

    /// A key that means nothing, `what` it is not, and which one was probably meant.
    pub(super) fn unknown<'a>(
        &mut self,
        key: &Key<'_>,
        what: &str,
        names: impl IntoIterator<Item = &'a str> + Clone,
    ) {
        let name = key.get_ref();
        let advice = if let Some(meant) = closest(name, names.clone()) {
            format!("did you mean `{meant}`?")
        } else {
            let names: Vec<_> = names.into_iter().collect();
            format!("it is one of {}", names.join(", "))
        };
        self.mistake_at(key, &format!("`{name}` is {what}: {advice}"));
    }

    /// A section.
    pub(super) fn table<'v>(
        &mut self,
        name: &str,
        value: &'v Value<'_>,
    ) -> Option<&'v DeTable<'v>> {
        if let DeValue::Table(table) = value.get_ref() {
            return Some(table);
        }
        self.wrong_type(name, value, &format!("a section, written [{name}]"));
        None
    }

    /// A text.
    pub(super) fn text<'v>(&mut self, name: &str, value: &'v Value<'_>) -> Option<&'v str> {
        if let DeValue::String(text) = value.get_ref() {
            return Some(text);
        }
        self.wrong_type(name, value, "a text in quotes");
        None
    }

    /// A list of texts, each with its place.
    pub(super) fn texts<'v>(
        &mut self,
        name: &str,
        value: &'v Value<'_>,
    ) -> Option<Vec<(&'v str, &'v Value<'v>)>> {
        let DeValue::Array(list) = value.get_ref() else {
            self.wrong_type(name, value, "a list of texts, written [\"…\", \"…\"]");
            return None;
        };
        let texts = list.iter().map(|item| Some((self.text(name, item)?, item)));
        texts.collect()
    }

    /// True or false.
    pub(super) fn boolean(&mut self, name: &str, value: &Value<'_>) -> Option<bool> {
        if let DeValue::Boolean(answer) = value.get_ref() {
            return Some(*answer);
        }
        self.wrong_type(name, value, "true or false");
        None
    }

    /// A whole number that is not negative.
    pub(super) fn number(&mut self, name: &str, value: &Value<'_>) -> Option<u32> {
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong_type(name, value, "a whole number");
            return None;
        };
        let read = u32::from_str_radix(number.as_str(), number.radix());
        if read.is_err() {
            let message = format!("`{name}` is a whole number from 0 to {}", u32::MAX);
            self.mistake_at(value, &message);
        }
        read.ok()
    }

    /// A text or a whole number, as text.
    pub(super) fn scalar<'v>(&mut self, name: &str, value: &'v Value<'_>) -> Option<Cow<'v, str>> {
        match value.get_ref() {
            DeValue::String(text) => Some(Cow::Borrowed(text)),
            DeValue::Integer(number) => {
                let read = i64::from_str_radix(number.as_str(), number.radix());
                if read.is_err() {
                    self.mistake_at(value, &format!("`{name}` is a number that is too large"));
                }
                read.ok().map(|number| Cow::Owned(number.to_string()))
            }
            DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                self.wrong_type(name, value, "a text in quotes, or a whole number");
                None
            }
        }
    }

    pub(super) fn wrong_type(&mut self, name: &str, value: &Value<'_>, wanted: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or a time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.mistake_at(
            value,
            &format!("`{name}` takes {wanted}, and this is {found}"),
        );
    }
}
