use super::{Fault, Kind, Paragraph, Topic};
use crate::runtime::{Reason, Step, StopKind};

pub(super) fn topics() -> Vec<Topic> {
    let topic = |reason: Reason| {
        let (means, fault, advice) = paragraph(reason);
        Topic {
            kind: Kind::Reason,
            name: reason.name(),
            code: None,
            about: Paragraph {
                means: means.to_owned(),
                fault,
                advice,
            },
        }
    };
    Reason::ALL.map(topic).to_vec()
}

fn paragraph(reason: Reason) -> (&'static str, Fault, &'static str) {
    match reason {
        Reason::Finished => (
            "The plugin came to its end and reported no error.",
            Fault::Nobody,
            "There is nothing to do. If the exit code is not 0 all the same, the message says what happened to its output.",
        ),
        Reason::PluginError => (
            "The plugin's `run` returned an error.",
            Fault::Plugin,
            "The message is the plugin's own, word for word.",
        ),
        Reason::ProgramFailed => (
            "The plugin is a program, and ended with an exit code that says failure.",
            Fault::Plugin,
            "What it wrote to its standard error is in the log, unless the log is turned off.",
        ),
        Reason::Limit => (
            "The plugin reached a limit on its own resources and was stopped there.",
            Fault::Plugin,
            "The message names the limit; look it up here by its name. What was not committed is undone.",
        ),
        Reason::Deadline(step) => deadline(step),
        Reason::Trap(kind) => trap(kind),
        Reason::NotCommitted => (
            "The plugin returned no error, but what it wrote was not kept: a statement had failed and the plugin went on, or a transaction was left open.",
            Fault::Plugin,
            "The message says which. A plugin that handles a failed statement inside a transaction undoes the savepoint around it, or the whole.",
        ),
        Reason::AttemptsExhausted => (
            "The run was one transaction, which lost a race against others in each of its attempts. Nothing was kept.",
            Fault::Database,
            "Run it again later, allow more retries with --max-retries, or find out who works on the same rows: the summary names the conflicts.",
        ),
        Reason::AmbiguousCommit => (
            "A commit was sent, of a run that is one transaction or when the run was to end, and no clear answer came: it may have happened.",
            Fault::Database,
            "Look whether it happened before running it again. After `host check --prepare` the host finds that out by itself.",
        ),
        Reason::Unavailable => (
            "The run was one transaction, and the database could not be reached or had no connection free. Nothing was kept.",
            Fault::Database,
            "Run it again when the database is there.",
        ),
        Reason::Interrupted => (
            "A signal ended the run: Ctrl-C, or a supervisor that stops the host.",
            Fault::Nobody,
            "Statements that were running were cancelled on the server. A run that is one transaction left nothing. Of any other, what was \
             committed before stays, and a last single write may have been done too: look before running it again.",
        ),
        Reason::OutputFailed => (
            "The plugin's output could not be passed on. Whoever read it went away, or the disk is full.",
            Fault::Operator,
            "Read standard output to its end, or give it a place with room. What was committed before is kept.",
        ),
        Reason::HostBug => (
            "The host came into a state that it should never be in.",
            Fault::Host,
            "Please report it with the message and what you did. What was not committed is undone.",
        ),
    }
}

fn deadline(step: Step) -> (&'static str, Fault, &'static str) {
    match step {
        Step::Waiting => (
            "The run was not begun within its time: as many plugins as the host runs at once were busy.",
            Fault::Operator,
            "Try again when fewer run, or give it more time with --timeout.",
        ),
        Step::Database => (
            "The run was not over within its time, and most of that was spent waiting for the database.",
            Fault::Database,
            "Find out what it waits for: long statements, locks of others, a slow network (`host check` measures the round trip). Fewer and \
             larger statements help too. Or give it more time with --timeout.",
        ),
        Step::Running => (
            "The run was not over within its time, most of which was spent in the plugin itself.",
            Fault::Plugin,
            "If it does not turn in circles but has much to do, give it more time with --timeout, or less work at a time.",
        ),
    }
}

fn trap(kind: StopKind) -> (&'static str, Fault, &'static str) {
    match kind {
        StopKind::Unreachable => (
            "The plugin gave up by itself: a panic, an uncaught exception, a failed assertion, or an exit in the middle of `run`.",
            Fault::Plugin,
            "Its last words are in the log.",
        ),
        StopKind::StackOverflow => (
            "The plugin's calls were nested too deep.",
            Fault::Plugin,
            "It is usually a recursion that does not end. If it is only a deep one, raise limit `stack-bytes`.",
        ),
        StopKind::MemoryOutOfBounds => (
            "The plugin touched memory that it does not have.",
            Fault::Plugin,
            "It is a bug such as a bad pointer. Nothing but its own memory could be reached.",
        ),
        StopKind::Table => (
            "The plugin called a function that is not there, or not of that type.",
            Fault::Plugin,
            "It is a bug such as a bad function pointer, or a file put together from parts that do not fit.",
        ),
        StopKind::Arithmetic => (
            "The plugin divided by zero, or made a number that does not fit.",
            Fault::Plugin,
            "Check the numbers that come from the input and from the database before they are used.",
        ),
        StopKind::Interface => (
            "The plugin broke the rules of calls to the host: a bad pointer, text that is not UTF-8, a handle that is gone.",
            Fault::Plugin,
            "It is usually a bug in hand-written bindings; build it with a current SDK.",
        ),
    }
}
