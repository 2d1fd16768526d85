//! What a person reads on standard error, besides logs: notes, warnings, errors, the summary.
//!
//! Invariants: one place writes it, so that one place sees to it that no password is shown and no guest's text forges a line.
//! A closed standard error is no failure.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::{self, IsTerminal as _, Write as _},
    panic,
};

use serde_json::json;

use super::exit::{Exit, Failure};
use crate::telemetry::{self, Format, Printable};

/// The way to the person.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal {
    pub(super) format: Format,
    /// Hides notes.
    pub(super) quiet: bool,
}

impl Terminal {
    /// Something good to know.
    pub(super) fn note(self, text: &str) {
        if !self.quiet {
            self.say("INFO", "note", text, None);
        }
    }

    /// Something to change.
    pub(super) fn warning(self, text: &str) {
        self.say("WARN", "warning", text, None);
    }

    /// Why it failed.
    pub(super) fn error(self, failure: &Failure) {
        self.say("ERROR", "error", &failure.message, failure.hint.as_deref());
    }

    /// Has every panic told as what it is, a mistake of ours.
    pub(super) fn report_panics(self) {
        panic::set_hook(Box::new(move |panic| {
            let cause = panic.payload_as_str().unwrap_or("it does not say why");
            let place = panic
                .location()
                .map(ToString::to_string)
                .unwrap_or_default();
            let failure = Failure::new(
                Exit::Internal,
                format!("the host itself failed, which is a bug: {cause} ({place})"),
            )
            .hint(
                "please report it with this message and what you did; RUST_BACKTRACE=1 tells more",
            );
            self.error(&failure);
            let backtrace = Backtrace::capture();
            if backtrace.status() == BacktraceStatus::Captured {
                print(&format!("{backtrace}\n"));
            }
        }));
    }

    fn say(self, level: &str, word: &str, text: &str, hint: Option<&str>) {
        let text = without_passwords(text);
        let hint = hint.map(without_passwords);
        print(&match self.format {
            Format::Text => {
                let hint = hint.map_or_else(String::new, |hint| paragraph("  hint", &hint));
                paragraph(word, &text) + &hint
            }
            Format::Json => {
                let record = json!({
                    "timestamp": telemetry::timestamp(),
                    "level": level,
                    "message": text,
                    "hint": hint,
                    "target": "host",
                });
                format!("{record}\n")
            }
        });
    }
}

/// Writes to standard error, and does without if it is closed.
pub(super) fn print(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

/// Writes to standard output what is not a plugin's, and does without if nobody reads it.
pub(super) fn print_output(text: &str) {
    drop(io::stdout().lock().write_all(text.as_bytes()));
}

/// Whether standard output is read by a person who likes colours.
pub(super) fn is_colourful() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !unwanted && io::stdout().is_terminal()
}

/// A text of several lines under one word, every line after the first set in: only the host begins a line at the margin.
fn paragraph(word: &str, text: &str) -> String {
    let mut lines = text.lines();
    let first = Printable(lines.next().unwrap_or_default());
    let mut paragraph = format!("{word}: {first}\n");
    for line in lines {
        paragraph.extend(["    ", &Printable(line).to_string(), "\n"]);
    }
    paragraph
}

/// The text with the passwords of database addresses blotted out, wherever it got them from.
pub(super) fn without_passwords(text: &str) -> String {
    let lines: Vec<_> = text
        .split('\n')
        .map(|line| hide_parameter(&hide_user_info(line)))
        .collect();
    lines.join("\n")
}

/// Hides what is between `://USER:` and the last `@` of the line: a password may hold any character.
fn hide_user_info(line: &str) -> String {
    let hidden = || {
        let (scheme, rest) = line.split_once("://")?;
        let (user_info, host) = rest.rsplit_once('@')?;
        let (user, _) = user_info.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{host}"))
    };
    hidden().unwrap_or_else(|| line.to_owned())
}

/// Hides the value of every `password=`, up to what ends a parameter.
fn hide_parameter(line: &str) -> String {
    const NAME: &str = "password=";
    let mut parts = line.split(NAME);
    let mut hidden = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(['&', ' ', '\'', '"', '`']).unwrap_or(part.len());
        let (value, rest) = part.split_at(end);
        hidden.push_str(NAME);
        hidden.push_str(if value.is_empty() { "" } else { "***" });
        hidden.push_str(rest);
    }
    hidden
}

#[cfg(test)]
mod tests {
    use super::{paragraph, without_passwords};

    #[test]
    fn a_password_is_never_shown() {
        for (text, shown) in [
            (
                "no such file: postgres://root:p@ss/w#rd@db:26257/x?sslmode=disable",
                "no such file: postgres://root:***@db:26257/x?sslmode=disable",
            ),
            (
                "`postgresql://db/x?user=u&password=secret&sslmode=disable`",
                "`postgresql://db/x?user=u&password=***&sslmode=disable`",
            ),
            (
                "host=db password=secret user=u",
                "host=db password=*** user=u",
            ),
            ("postgresql://root@db/x", "postgresql://root@db/x"),
            ("mail me@example.org", "mail me@example.org"),
        ] {
            assert_eq!(without_passwords(text), shown);
        }
    }

    #[test]
    fn only_the_host_begins_a_line() {
        assert_eq!(
            paragraph("error", "one\nerror: two\r\u{1b}[1m\n"),
            "error: one\n    error: two\\r\\u{1b}[1m\n"
        );
    }
}
