use super::{Fault, Kind, Paragraph, Topic};
use crate::cli::exit::Exit;

pub(super) fn topics() -> Vec<Topic> {
    let topic = |exit: Exit| {
        let (fault, advice) = advice(exit);
        Topic {
            kind: Kind::ExitCode,
            name: exit.name(),
            code: Some(exit.code()),
            about: Paragraph {
                means: sentence(exit.meaning()),
                fault,
                advice,
            },
        }
    };
    Exit::ALL.map(topic).to_vec()
}

/// A meaning of the table, as a sentence.
fn sentence(meaning: &str) -> String {
    let mut characters = meaning.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).chain(['.']).collect()
}

fn advice(exit: Exit) -> (Fault, &'static str) {
    match exit {
        Exit::Success => (
            Fault::Nobody,
            "Its output is on standard output, and everything that it wrote is in the database.",
        ),
        Exit::PluginError => (
            Fault::Plugin,
            "The message is the plugin's own; what it logged before stands above it. The host did what it was asked to: look into the \
             plugin, or into the input that it was given.",
        ),
        Exit::Usage => (
            Fault::Operator,
            "The message names the flag, the variable, or the line of the file, and what would be right. `host check` looks at the whole \
             configuration.",
        ),
        Exit::Refused => (
            Fault::Operator,
            "The message says what the file is, or which import was not granted, with the flag that grants it. `host inspect` shows all \
             that a plugin needs.",
        ),
        Exit::Limit => (
            Fault::Plugin,
            "The message names the limit, how much was needed and how much was allowed. A run that is one transaction left nothing. Of any \
             other, what was committed before stays, and at the deadline its last call may have been committed too. If the work is good \
             and the limit too low, raise it with --limit or under [limits]; `host explain` has a paragraph about each.",
        ),
        Exit::Trap => (
            Fault::Plugin,
            "Its last words are in the log above, with the call stack as far as it is known. Nothing that was not committed is kept, and \
             the database is in order.",
        ),
        Exit::RetriesExhausted => (
            Fault::Database,
            "Others change the same rows at the same time; the summary names the tables where the database does. Run it again later, allow more attempts with --max-retries, or make \
             transactions shorter and let them touch fewer rows. It is of a run with --transaction only: a plugin whose own transaction comes to that \
             gets the error `attempts-exhausted`, and ends as it makes of it.",
        ),
        Exit::AmbiguousCommit => (
            Fault::Database,
            "Do not simply run it again: read back first whether the change is there. With the table that `host check --prepare` makes, \
             the host can find out by itself.",
        ),
        Exit::Unreachable => (
            Fault::Operator,
            "Nothing was committed. If the database was not there at the start, nothing was run, and the message names each address and what \
             happened there; a run that is one transaction may have lost it later. `host check` shows how far it comes.",
        ),
        Exit::NotCommitted => (
            Fault::Plugin,
            "The plugin returned as if all were well with a transaction that was open or already lost; it was rolled back. It has to commit, \
             and to pass on the errors that it gets.",
        ),
        Exit::Internal => (
            Fault::Host,
            "If the message speaks of a full disk or of output that cannot be written, mend that; anything else is a bug: please report \
             it with the message and what you did.",
        ),
        Exit::Interrupted | Exit::Terminated => (
            Fault::Nobody,
            "Statements that were running were cancelled on the server. A COMMIT that was under way was waited for, unless a second signal \
             came; if what became of it is not known, the code is 7. A run that is one transaction left nothing. Of any other, what was \
             committed before stays, and a last single write may have been done too: look before running it again. 130 is also the code \
             when nobody reads standard output any more; a run that is one transaction is committed then.",
        ),
    }
}
