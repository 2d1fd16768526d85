//! The plugin's input: given as text, in a file, or on standard input.

use std::{
    fs::File,
    io::{self, Read},
};

use serde::de::IgnoredAny;

use super::exit::{Exit, Failure};

/// What a plugin gets when nobody gives it anything.
const NOTHING: &str = "null";

/// Where the input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source<'a> {
    Text(&'a str),
    File(&'a str),
    StandardInput,
}

impl<'a> From<&'a str> for Source<'a> {
    fn from(given: &'a str) -> Self {
        match given.strip_prefix('@') {
            Some(path) => Self::File(path),
            None if given == "-" => Self::StandardInput,
            None => Self::Text(given),
        }
    }
}

/// Whether this input uses standard input up, so that nothing of it is left for the plugin.
pub(super) fn takes_standard_input(given: Option<&str>) -> bool {
    given.map(Source::from) == Some(Source::StandardInput)
}

/// Reads the input and sees to it that it is JSON. It is handed on exactly as given.
pub(super) fn read(given: Option<&str>, limit_bytes: u64) -> Result<String, Failure> {
    let source = Source::from(given.unwrap_or(NOTHING));
    let (name, text) = match source {
        Source::Text(text) => ("--input".to_owned(), bounded(text.as_bytes(), limit_bytes)),
        Source::File(path) => {
            let text = File::open(path).and_then(|file| bounded(file, limit_bytes));
            (format!("the file `{path}` of --input"), text)
        }
        Source::StandardInput => {
            let text = bounded(io::stdin().lock(), limit_bytes);
            ("standard input, given as --input".to_owned(), text)
        }
    };
    let text =
        text.map_err(|error| Failure::new(Exit::Usage, format!("cannot read {name}: {error}")))?;
    match serde_json::from_str::<IgnoredAny>(&text) {
        Ok(IgnoredAny) => Ok(text),
        Err(error) => {
            let failure = Failure::new(Exit::Usage, format!("{name} is not JSON: {error}"));
            Err(match source {
                Source::Text(_) => failure
                    .hint("a text needs quotes of its own: --input '\"hello\"'; a file is given as --input @FILE"),
                Source::File(_) | Source::StandardInput => failure,
            })
        }
    }
}

/// Reads all of it, up to the limit.
fn bounded(source: impl Read, limit_bytes: u64) -> io::Result<String> {
    let mut text = String::new();
    let read = source
        .take(limit_bytes.saturating_add(1))
        .read_to_string(&mut text)?;
    if read as u64 > limit_bytes {
        return Err(io::Error::other(format!(
            "it is longer than limit `input-bytes` allows: {limit_bytes} bytes"
        )));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{read, takes_standard_input};

    #[test]
    fn input_is_handed_on_exactly_as_given() {
        assert_eq!(read(None, 100).expect("nothing"), "null");
        let text = r#" {"b": 1e400, "a": 12345678901234567890123} "#;
        assert_eq!(read(Some(text), 100).expect("JSON"), text);
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"[1, 2]\n").expect("written");
        let given = format!("@{}", file.path().display());
        assert_eq!(read(Some(&given), 100).expect("JSON"), "[1, 2]\n");
        assert!(takes_standard_input(Some("-")));
        assert!(!takes_standard_input(Some("-1")));
    }

    #[test]
    fn what_is_not_json_is_refused_with_the_place() {
        let failure = read(Some("{\"a\":\n 1 2}"), 100).expect_err("not JSON");
        assert_eq!(
            failure.message,
            "--input is not JSON: expected `,` or `}` at line 2 column 4"
        );
        assert_eq!(failure.exit.code(), 2);
        let missing = read(Some("@/no/such/file"), 100).expect_err("no file");
        assert!(
            missing.message.starts_with(
                "cannot read the file `/no/such/file` of --input: No such file or directory"
            ),
            "{}",
            missing.message
        );
    }

    #[test]
    fn input_over_the_limit_is_refused() {
        let failure = read(Some("[1,2,3]"), 6).expect_err("too long");
        assert!(failure.message.contains("limit `input-bytes`"));
    }
}
