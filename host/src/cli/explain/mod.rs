//! `host explain`: a paragraph about everything by which the host says that something did not go as it was meant to.
//!
//! A file holds the paragraphs of a kind. Each kind has its own list of what there is, in the code that uses it, and tests compare the
//! two: nothing is left out, and nothing is explained that does not exist.

mod errors;
mod exits;
mod limits;
mod reasons;
mod transactions;

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::{
    command,
    exit::{Exit, Failure},
    terminal,
};
use crate::config::closest;

/// How long a line of a paragraph gets.
const WIDTH: usize = 96;

/// Say what a reason, a limit, an error or an exit code means, and what to do
///
/// Without a name, everything that can be explained is listed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A name, such as `result-rows`, `deadline-database` or `unique-violation`, or an exit code
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// Print JSON: a list of paragraphs
    #[arg(long)]
    json: bool,
}

/// A paragraph, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Topic {
    kind: Kind,
    name: &'static str,
    /// The number of an exit code.
    code: Option<u8>,
    about: Paragraph,
}

/// What it means, whose fault it is, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Paragraph {
    means: String,
    fault: Fault,
    advice: &'static str,
}

/// What kind of thing a topic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ExitCode,
    Reason,
    Limit,
    Error,
    DatabaseError,
    TimeoutStep,
    Repetition,
    SqlState,
}

/// Who can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing is wrong, or nobody could have helped it.
    Nobody,
    /// Who wrote the plugin.
    Plugin,
    /// Who runs it.
    Operator,
    /// Who runs the database.
    Database,
    /// Who wrote the host.
    Host,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::ExitCode,
        Self::Reason,
        Self::Limit,
        Self::Error,
        Self::DatabaseError,
        Self::TimeoutStep,
        Self::Repetition,
        Self::SqlState,
    ];

    /// For programs.
    fn name(self) -> &'static str {
        match self {
            Self::ExitCode => "exit-code",
            Self::Reason => "reason",
            Self::Limit => "limit",
            Self::Error => "error",
            Self::DatabaseError => "database-error",
            Self::TimeoutStep => "timeout-step",
            Self::Repetition => "repetition",
            Self::SqlState => "sqlstate",
        }
    }

    /// For people.
    fn title(self) -> &'static str {
        match self {
            Self::ExitCode => "exit code of the host",
            Self::Reason => "reason for the end of a run, in the summary",
            Self::Limit => "limit",
            Self::Error => "error that a plugin gets from a call",
            Self::DatabaseError => "kind of the error `database`",
            Self::TimeoutStep => "step of the error `timeout`",
            Self::Repetition => "flag for how transactions are repeated",
            Self::SqlState => "SQLSTATE for which the host repeats a transaction, or gives it up",
        }
    }

    fn topics(self) -> Vec<Topic> {
        match self {
            Self::ExitCode => exits::topics(),
            Self::Reason => reasons::topics(),
            Self::Limit => limits::topics(),
            Self::Error => topics(self, errors::ERRORS),
            Self::DatabaseError => topics(self, errors::DATABASE_ERRORS),
            Self::TimeoutStep => topics(self, errors::TIMEOUT_STEPS),
            Self::Repetition => topics(self, transactions::FLAGS),
            Self::SqlState => topics(self, transactions::SQLSTATES),
        }
    }
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Plugin => "plugin",
            Self::Operator => "operator",
            Self::Database => "database",
            Self::Host => "host",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Nobody => "Nobody's fault.",
            Self::Plugin => "It is for the plugin's author to mend.",
            Self::Operator => "It is for who runs the plugin to mend.",
            Self::Database => "It is for who runs the database to mend.",
            Self::Host => "It is the host's fault.",
        }
    }
}

/// A name, what it means, whose fault it is, and what to do.
type Row = (&'static str, Fault, &'static str, &'static str);

fn topics(kind: Kind, rows: &[Row]) -> Vec<Topic> {
    let topic = |&(name, fault, means, advice): &Row| Topic {
        kind,
        name,
        code: None,
        about: Paragraph {
            means: means.to_owned(),
            fault,
            advice,
        },
    };
    rows.iter().map(topic).collect()
}

/// Explains what was asked for.
pub(super) fn main(arguments: &Arguments) -> Exit {
    command::answer(async |_| explain(arguments))
}

fn explain(arguments: &Arguments) -> Result<Exit, Failure> {
    let topics = match &arguments.name {
        None => all(),
        Some(asked) => find(asked)?,
    };
    terminal::print_output(&match (arguments.json, &arguments.name) {
        (true, _) => as_json(&topics),
        (false, None) => list(&topics),
        (false, Some(_)) => as_text(&topics),
    });
    Ok(Exit::Success)
}

fn all() -> Vec<Topic> {
    Kind::ALL.into_iter().flat_map(Kind::topics).collect()
}

/// Everything of this name: `limit` is an exit code, a reason and an error.
fn find(asked: &str) -> Result<Vec<Topic>, Failure> {
    let name = asked
        .trim()
        .trim_start_matches("--")
        .trim_start_matches("error.")
        .to_ascii_lowercase();
    let code = name.parse::<u32>().ok();
    let is_it = |topic: &Topic| {
        topic.name.eq_ignore_ascii_case(&name)
            || (code.is_some() && topic.code.map(u32::from) == code)
    };
    let found: Vec<_> = all().into_iter().filter(is_it).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let failure = Failure::new(
        Exit::Usage,
        match code {
            Some(code) => format!("the host never ends with exit code {code}"),
            None => format!("there is nothing to explain of the name `{asked}`"),
        },
    );
    let topics = all();
    Err(match (code, closest(&name, topics.iter().map(|topic| topic.name))) {
        (Some(code @ 129..=192), _) => failure.hint(format!(
            "a shell says so of a program that signal {} ended; 9 is also what a system out of memory sends",
            code - 128
        )),
        (None, Some(meant)) => failure.hint(format!("did you mean `{meant}`?")),
        _ => failure.hint("`host explain` lists all names and exit codes"),
    })
}

fn heading(topic: &Topic) -> String {
    match topic.code {
        Some(code) => format!("{code} {}", topic.name),
        None => topic.name.to_owned(),
    }
}

fn as_text(topics: &[Topic]) -> String {
    let paragraphs = topics.iter().map(|topic| {
        let Paragraph {
            means,
            fault,
            advice,
        } = &topic.about;
        let text = format!("{means} {} {advice}", fault.sentence());
        format!(
            "{} ({})\n{}",
            heading(topic),
            topic.kind.title(),
            wrapped(&text, WIDTH)
        )
    });
    paragraphs.collect::<Vec<_>>().join("\n")
}

/// Everything by its kind, each with its first sentence.
fn list(topics: &[Topic]) -> String {
    let mut text = String::new();
    for kind in Kind::ALL {
        // Writing to a text does not fail.
        writeln!(text, "{}:", kind.title()).ok();
        for topic in topics.iter().filter(|topic| topic.kind == kind) {
            let first = topic.about.means.split_inclusive(". ").next();
            let first = first.unwrap_or_default().trim_end();
            writeln!(text, "  {:<24} {first}", heading(topic)).ok();
        }
        text.push('\n');
    }
    text + "`host explain NAME` says more.\n"
}

fn as_json(topics: &[Topic]) -> String {
    let topics: Vec<_> = topics
        .iter()
        .map(|topic| {
            json!({
                "kind": topic.kind.name(),
                "name": topic.name,
                "exit_code": topic.code,
                "means": topic.about.means,
                "fault": topic.about.fault.name(),
                "advice": topic.about.advice,
            })
        })
        .collect();
    format!("{}\n", json!(topics))
}

/// Lines of at most so many characters, set in.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines = String::new();
    let mut left = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if length + 1 > left {
            lines.push_str(if lines.is_empty() { "  " } else { "\n  " });
            left = width.saturating_sub(2);
        } else {
            lines.push(' ');
            left -= 1;
        }
        lines.push_str(word);
        left = left.saturating_sub(length);
    }
    lines + "\n"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Kind, all, find, wrapped};

    #[test]
    fn every_paragraph_says_something_and_is_named_once_in_its_kind() {
        let mut seen = BTreeSet::new();
        for topic in all() {
            let about = &topic.about;
            assert!(seen.insert((topic.kind.name(), topic.name)), "{topic:?}");
            for sentence in [about.means.as_str(), about.advice] {
                assert!(sentence.len() > 12 && sentence.ends_with('.'), "{topic:?}");
                assert!(
                    sentence.starts_with(|c: char| c.is_uppercase() || c == '`'),
                    "{topic:?}"
                );
            }
        }
        for kind in Kind::ALL {
            assert!(!kind.topics().is_empty(), "{kind:?}");
        }
    }

    #[test]
    fn a_name_of_several_things_explains_all_of_them() {
        let kinds = |name: &str| -> Vec<_> {
            let found = find(name).expect("it exists");
            found.iter().map(|topic| topic.kind.name()).collect()
        };
        assert_eq!(kinds("limit"), ["exit-code", "reason", "error"]);
        assert_eq!(kinds("timeout"), ["limit", "error"]);
        assert_eq!(kinds("error.busy"), ["error"]);
        assert_eq!(kinds("143"), ["exit-code"]);
        assert_eq!(kinds("40001"), ["sqlstate"]);
        assert_eq!(kinds("40p01"), ["sqlstate"]);
        assert_eq!(kinds("--max-retries"), ["repetition"]);
        let hint = |name: &str| find(name).expect_err("no such thing").hint.expect("a hint");
        assert_eq!(hint("result-row"), "did you mean `result-rows`?");
        assert!(hint("137").contains("signal 9"));
        assert!(hint("42").contains("lists all"));
        assert!(hint("4294967296").contains("lists all"));
    }

    #[test]
    fn paragraphs_are_wrapped() {
        assert_eq!(wrapped("one two three", 9), "  one two\n  three\n");
        assert_eq!(wrapped("longer-than-a-line", 9), "  longer-than-a-line\n");
    }
}
