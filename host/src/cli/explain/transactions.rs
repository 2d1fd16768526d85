//! How transactions are repeated: the flags, and the SQLSTATEs that summary and log give as reasons. Tests compare the flags with the
//! command, and what is said of waits with the policy.

use super::{
    Fault::{Database, Nobody, Operator, Plugin},
    Row,
};

/// The flags of `host run` for it, without their hyphens.
pub(super) const FLAGS: &[Row] = &[
    (
        "max-retries",
        Operator,
        "How often an attempt at a transaction, or a call outside of one, is followed by another after it lost a race or its connection. By \
         default 3.",
        "The waits grow from at most 50 ms to at most 2 s each, drawn at random. A plugin can ask for fewer for a transaction, not for more. \
         When all are used up, a plugin gets the error `attempts-exhausted`; a run with --transaction ends with exit code 6.",
    ),
    (
        "transaction",
        Operator,
        "The run is one transaction: everything that the plugin does is kept, or nothing. After a lost race the host runs it again in a \
         fresh instance.",
        "What the plugin prints is shown when the transaction is committed. A plugin that has transactions of its own is run without it.",
    ),
    (
        "chaos",
        Operator,
        "This share of the attempts at transactions fails on purpose, as if each had lost a race. By default none does.",
        "It shows the author of a plugin whether it stands being repeated. Leave it out for real work.",
    ),
];

/// Reasons to do a transaction again, and those that end it.
pub(super) const SQLSTATES: &[Row] = &[
    (
        "40001",
        Nobody,
        "The transaction lost a race against another one that works on the same rows: a serialization failure. The host runs it again.",
        "Seldom it is nothing to care about. If it is frequent, make transactions shorter, let them touch fewer rows, or read a row that is to \
         be changed with a lock; the summary names the tables where the database does.",
    ),
    (
        "40P01",
        Plugin,
        "Two transactions waited for each other, a deadlock, and the database ended this one. The host runs it again.",
        "Let all transactions touch rows in the same order, by their keys.",
    ),
    (
        "CR000",
        Nobody,
        "CockroachDB asks for the transaction to be restarted, as with 40001. The host runs it again.",
        "The same as for 40001.",
    ),
    (
        "40003",
        Database,
        "The server does not know whether the statement was completed. A commit that is answered so is ambiguous.",
        "Look whether it happened before doing it again. After `host check --prepare` the host finds that out by itself.",
    ),
    (
        "57P01",
        Database,
        "The server is shut down, or an administrator ended the connection. Before its commit the transaction is run again.",
        "If it happens while nobody works on the server, look into its log.",
    ),
];

#[cfg(test)]
mod tests {
    use super::{FLAGS, SQLSTATES};
    use crate::database::RetryPolicy;

    #[test]
    fn what_is_explained_of_the_policy_is_the_policy() {
        let (_, _, means, advice) = FLAGS[0];
        let policy = RetryPolicy::default();
        let retries = format!("By default {}.", policy.max_retries());
        assert!(means.ends_with(&retries), "{means}");
        let longest = |retry| policy.wait(retry, 1.0).as_millis();
        assert_eq!((longest(1), longest(30)), (50, 2_000), "{advice}");
        assert!(advice.contains("at most 50 ms to at most 2 s"), "{advice}");
    }

    #[test]
    fn every_flag_is_one_of_the_command() {
        use clap::CommandFactory as _;
        let mut command = crate::cli::args::Arguments::command();
        let run = command.find_subcommand_mut("run").expect("a command");
        let help = run.render_long_help().to_string();
        for (flag, ..) in FLAGS {
            assert!(help.contains(&format!("--{flag}")), "{flag}");
        }
        assert!(SQLSTATES.iter().all(|(code, ..)| code.len() == 5));
    }
}
