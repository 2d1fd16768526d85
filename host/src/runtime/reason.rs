use super::Step;
use crate::sandbox::StopKind;

/// Why a run ended as it did, in one word for programs. `host explain` has a paragraph about each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It finished.
    Finished,
    /// The plugin's `run` returned an error.
    PluginError,
    /// The program ended with an exit code that says failure.
    ProgramFailed,
    /// A limit stopped it.
    Limit,
    /// It was not over in time.
    Deadline(Step),
    /// The sandbox stopped it for what it did.
    Trap(StopKind),
    /// It finished, but what it wrote was not kept.
    NotCommitted,
    /// The run was one transaction, and lost in all its attempts.
    AttemptsExhausted,
    /// The run was one transaction, and no clear answer came to its commit.
    AmbiguousCommit,
    /// The run was one transaction, and got no connection.
    Unavailable,
    /// The caller asked for its end.
    Interrupted,
    /// Its output could not be passed on.
    OutputFailed,
    /// The host failed.
    HostBug,
}

impl Reason {
    /// Every reason. A new one that is missing here is found by a test.
    pub const ALL: [Self; 20] = [
        Self::Finished,
        Self::PluginError,
        Self::ProgramFailed,
        Self::Limit,
        Self::Deadline(Step::Waiting),
        Self::Deadline(Step::Database),
        Self::Deadline(Step::Running),
        Self::Trap(StopKind::Unreachable),
        Self::Trap(StopKind::StackOverflow),
        Self::Trap(StopKind::MemoryOutOfBounds),
        Self::Trap(StopKind::Table),
        Self::Trap(StopKind::Arithmetic),
        Self::Trap(StopKind::Interface),
        Self::NotCommitted,
        Self::AttemptsExhausted,
        Self::AmbiguousCommit,
        Self::Unavailable,
        Self::Interrupted,
        Self::OutputFailed,
        Self::HostBug,
    ];

    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::PluginError => "plugin-error",
            Self::ProgramFailed => "program-failed",
            Self::Limit => "limit",
            Self::Deadline(Step::Waiting) => "deadline-waiting",
            Self::Deadline(Step::Database) => "deadline-database",
            Self::Deadline(Step::Running) => "deadline-running",
            Self::Trap(StopKind::Unreachable) => "trap-unreachable",
            Self::Trap(StopKind::StackOverflow) => "trap-stack-overflow",
            Self::Trap(StopKind::MemoryOutOfBounds) => "trap-memory",
            Self::Trap(StopKind::Table) => "trap-table",
            Self::Trap(StopKind::Arithmetic) => "trap-arithmetic",
            Self::Trap(StopKind::Interface) => "trap-interface",
            Self::NotCommitted => "not-committed",
            Self::AttemptsExhausted => "attempts-exhausted",
            Self::AmbiguousCommit => "ambiguous-commit",
            Self::Unavailable => "unavailable",
            Self::Interrupted => "interrupted",
            Self::OutputFailed => "output-failed",
            Self::HostBug => "host-bug",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Reason;

    /// The names as the source of `name` has them: whoever adds a reason has to name it there, and is told here if it is not in the
    /// list.
    #[test]
    fn the_list_has_every_reason() {
        let source = include_str!("reason.rs");
        let (_, names) = source.split_once("pub fn name").expect("the function");
        let named: BTreeSet<_> = names
            .split("#[cfg(test)]")
            .next()
            .expect("a part")
            .lines()
            .filter_map(|line| line.split_once(" => \"")?.1.strip_suffix("\","))
            .collect();
        let listed: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(named, listed);
        assert_eq!(listed.len(), Reason::ALL.len());
    }
}
