use super::{Fault, Kind, Paragraph, Topic};
use crate::config::Limits;

/// What each limit protects and what happens at it, and what to do. The first sentence and the default are the limit's own.
const PARAGRAPHS: &[(&str, Fault, &str, &str)] = &[
    (
        "timeout",
        Fault::Plugin,
        "At its end the run is stopped with exit code 4, and the reason says where the time went.",
        "Look up the reason: `deadline-waiting`, `deadline-database` or `deadline-running`. Raise it with --timeout.",
    ),
    (
        "cpu",
        Fault::Plugin,
        "It keeps a plugin that never returns from taking a processor for good; the run is stopped with exit code 4.",
        "If the plugin does not turn in circles, raise it with --cpu, or let the database do what it does better: filter, sort, sum.",
    ),
    (
        "memory-bytes",
        Fault::Plugin,
        "A plugin that asks for more is told that there is none, and mostly gives up: exit code 4.",
        "Work on fewer rows at a time, or raise it with --memory.",
    ),
    (
        "input-bytes",
        Fault::Operator,
        "A larger input is refused before anything is run.",
        "Give large data on standard input, which a plugin reads piece by piece, or raise the limit.",
    ),
    (
        "output-bytes",
        Fault::Plugin,
        "A plugin that writes more is stopped with exit code 4.",
        "What is larger belongs into a table. If it does not, raise the limit.",
    ),
    (
        "stdin-bytes",
        Fault::Plugin,
        "With --transaction another attempt has to read the same input again, so that the host keeps what was read; a plugin that reads \
         more is stopped with exit code 4. Without --transaction standard input is not bounded.",
        "Raise the limit, or let the plugin load in steps, each a transaction of its own.",
    ),
    (
        "log-bytes",
        Fault::Plugin,
        "The run goes on, and the log says that it was cut.",
        "Log less, or raise the limit while you look for something.",
    ),
    (
        "log-lines",
        Fault::Plugin,
        "The run goes on, and the log says that it was cut.",
        "Log less, or raise the limit while you look for something.",
    ),
    (
        "batch-values",
        Fault::Plugin,
        "Cells and elements of arrays count together; the call fails with the error `limit`, and nothing of it is written.",
        "Hand over fewer rows in one call, as the SDK's loaders do by themselves.",
    ),
    (
        "statement-timeout",
        Fault::Database,
        "The statement is cancelled on the server, and the call fails with the error `timeout`.",
        "Find out what it waits for or why it is slow: EXPLAIN ANALYZE, a missing index, locks of others. Or raise the limit.",
    ),
    (
        "statements",
        Fault::Plugin,
        "It keeps a plugin from calling the database in an endless loop; the call fails with the error `limit`.",
        "Replace loops of single statements by a batch or by one statement, or raise the limit.",
    ),
    (
        "result-rows",
        Fault::Plugin,
        "The call fails with the error `limit`; a write whose rows are too many is undone.",
        "Ask for fewer rows at a time, with a limit and an order, or raise the limit.",
    ),
    (
        "result-bytes",
        Fault::Plugin,
        "The statement is cancelled and the call fails with the error `limit`; a write whose rows are too large is undone.",
        "Ask for fewer rows or fewer columns, or raise the limit.",
    ),
    (
        "frame-bytes",
        Fault::Plugin,
        "A single row or message that is larger is never taken into memory: the connection is closed, and the call fails with the error \
         `limit`.",
        "Read large values in parts, such as with substring, or raise the limit.",
    ),
    (
        "open-cursors",
        Fault::Plugin,
        "Each holds a connection of its own; one more is refused with the error `limit`.",
        "Drop a cursor as soon as its rows are read, and read one after the other.",
    ),
    (
        "transaction-timeout",
        Fault::Plugin,
        "An open transaction holds a connection, and keeps others from what it wrote. One that is open for longer is rolled back, and the \
         call fails with the error `timeout`. Each attempt has the whole of it; a wait between two does not count.",
        "Do less in one transaction, or compute before it begins. Or raise the limit.",
    ),
    (
        "idle-in-transaction",
        Fault::Plugin,
        "While it computes, or waits for something else, nobody gets what it has locked. The transaction is rolled back, and the next call \
         fails with the error `timeout`.",
        "Compute before the transaction begins or after it has ended. Or raise the limit.",
    ),
    (
        "open-savepoints",
        Fault::Plugin,
        "A `begin` inside a transaction sets a savepoint; one more inside all the others is refused with the error `limit`.",
        "End the inner ones first: look for a recursion that begins and does not end.",
    ),
    (
        "prepared-statements",
        Fault::Operator,
        "When it is reached, the statement that was not used for longest is prepared again when it comes back; nothing fails.",
        "Raise it if plugins use more different statements in turn; each takes some memory of the database server.",
    ),
    (
        "sql-text-bytes",
        Fault::Plugin,
        "A longer text is refused without asking the database.",
        "Give values as parameters, and many rows as a batch.",
    ),
    (
        "call-bytes",
        Fault::Plugin,
        "The host holds a copy of what it is handed, so that a plugin that hands over more is stopped with exit code 4.",
        "Hand over less in one call, or raise the limit.",
    ),
    (
        "component-bytes",
        Fault::Operator,
        "A larger file is refused before it is compiled, with exit code 3.",
        "Build it for size and without debug information, or raise the limit.",
    ),
    (
        "stack-bytes",
        Fault::Plugin,
        "A plugin whose calls are nested deeper crashes with exit code 5 and the reason `trap-stack-overflow`.",
        "Look for a recursion that does not end. Otherwise raise the limit.",
    ),
    (
        "core-instances",
        Fault::Operator,
        "A component with more is refused before it is run, with exit code 3.",
        "Raise the limit; interpreted languages need the most.",
    ),
    (
        "memories",
        Fault::Operator,
        "A component with more is refused before it is run, with exit code 3.",
        "Raise the limit, or build the component of fewer parts.",
    ),
    (
        "tables",
        Fault::Operator,
        "A component with more is refused before it is run, with exit code 3.",
        "Raise the limit, or build the component of fewer parts.",
    ),
    (
        "table-elements",
        Fault::Operator,
        "These are the places for functions that are called by pointer; a component that needs more cannot be run.",
        "Raise the limit; interpreted languages need the most.",
    ),
    (
        "handles",
        Fault::Plugin,
        "A plugin that holds more is stopped with exit code 4.",
        "Drop streams, cursors and transactions when they are done with.",
    ),
];

pub(super) fn topics() -> Vec<Topic> {
    let limits = Limits::default().list();
    let about = |name: &str| limits.iter().find(|(limit, ..)| *limit == name);
    let topic = |(name, fault, means, advice): &(&'static str, Fault, &str, &'static str)| {
        let (_, default, bounds) = about(name)?;
        Some(Topic {
            kind: Kind::Limit,
            name,
            code: None,
            about: Paragraph {
                means: format!("Bounds {bounds}; by default {default}. {means}"),
                fault: *fault,
                advice,
            },
        })
    };
    PARAGRAPHS.iter().filter_map(topic).collect()
}

#[cfg(test)]
mod tests {
    use super::{Limits, PARAGRAPHS};

    #[test]
    fn there_is_a_paragraph_for_every_limit_and_for_nothing_else() {
        let mut explained: Vec<_> = PARAGRAPHS.iter().map(|(name, ..)| *name).collect();
        let mut limits: Vec<_> = Limits::default()
            .list()
            .iter()
            .map(|(name, ..)| *name)
            .collect();
        explained.sort_unstable();
        limits.sort_unstable();
        assert_eq!(explained, limits);
    }
}
