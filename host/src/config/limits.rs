use std::time::Duration;

use super::units::{InvalidAmount, Unit};
use crate::{database, runtime, sandbox};

/// Every limit of a run, each in the layer that keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the plugin's input. Default 16 MiB: what is larger comes as a stream on standard input.
    pub input_bytes: u64,
    /// Of the run as a whole.
    pub runtime: runtime::Limits,
    /// Of the guest's code and memory.
    pub sandbox: sandbox::Limits,
    /// Of the guest's use of the database.
    pub database: database::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            input_bytes: 16 << 20,
            runtime: runtime::Limits::default(),
            sandbox: sandbox::Limits::default(),
            database: database::Limits::default(),
        }
    }
}

impl Limits {
    /// Sets a limit by the name that it has in the configuration and in errors.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), InvalidLimit> {
        let limit = LIMITS
            .iter()
            .find(|limit| limit.name == name)
            .ok_or_else(|| InvalidLimit::Unknown(name.to_owned()))?;
        let amount = limit
            .unit
            .parse(value)
            .map_err(|problem| InvalidLimit::Amount {
                name: limit.name,
                problem,
            })?;
        if (limit.place)(self).set(amount) {
            Ok(())
        } else {
            Err(InvalidLimit::TooLarge {
                name: limit.name,
                value: value.to_owned(),
            })
        }
    }

    /// Every limit with its value, and what it bounds.
    pub fn list(&self) -> Vec<(&'static str, String, &'static str)> {
        let mut limits = self.clone();
        let line = |limit: &Limit| {
            let amount = (limit.place)(&mut limits).get();
            (limit.name, limit.unit.display(amount), limit.about)
        };
        LIMITS.iter().map(line).collect()
    }
}

/// The name by which an operator sets a limit that was reached, and the unit of its amounts. The layers count time in
/// milliseconds, and say so in the name.
pub fn limit_of(reached: &str) -> (&str, Unit) {
    let name = reached.strip_suffix("-ms").unwrap_or(reached);
    let limit = LIMITS.iter().find(|limit| limit.name == name);
    (name, limit.map_or(Unit::Count, |limit| limit.unit))
}

/// A limit that cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLimit {
    /// There is none of this name.
    #[error("`{0}` is no limit: it is one of {names}", names = names())]
    Unknown(String),
    /// The value cannot be read.
    #[error("limit `{name}`: {problem}")]
    Amount {
        /// Which limit.
        name: &'static str,
        /// What is wrong.
        problem: InvalidAmount,
    },
    /// The value is more than this machine can count.
    #[error("limit `{name}`: `{value}` is more than this machine can count")]
    TooLarge {
        /// Which limit.
        name: &'static str,
        /// As given.
        value: String,
    },
}

fn names() -> String {
    let names: Vec<_> = LIMITS.iter().map(|limit| limit.name).collect();
    names.join(", ")
}

/// A limit as an operator knows it.
struct Limit {
    name: &'static str,
    unit: Unit,
    about: &'static str,
    place: fn(&mut Limits) -> &mut dyn Amount,
}

/// Every limit that can be set, by its name. A limit that is missing here cannot be reached by an operator.
const LIMITS: &[Limit] = &[
    Limit {
        name: "timeout",
        unit: Unit::Duration,
        about: "the run, by the clock on the wall",
        place: |limits| &mut limits.runtime.timeout,
    },
    Limit {
        name: "cpu",
        unit: Unit::Duration,
        about: "computing, not counting what waits for the database",
        place: |limits| &mut limits.sandbox.cpu,
    },
    Limit {
        name: "memory-bytes",
        unit: Unit::Bytes,
        about: "all memories of the plugin together",
        place: |limits| &mut limits.sandbox.memory_bytes,
    },
    Limit {
        name: "input-bytes",
        unit: Unit::Bytes,
        about: "the plugin's input; standard input is not bounded",
        place: |limits| &mut limits.input_bytes,
    },
    Limit {
        name: "output-bytes",
        unit: Unit::Bytes,
        about: "the plugin's output",
        place: |limits| &mut limits.runtime.output_bytes,
    },
    Limit {
        name: "stdin-bytes",
        unit: Unit::Bytes,
        about: "standard input that is kept for the next attempt of a run that is one transaction",
        place: |limits| &mut limits.runtime.stdin_bytes,
    },
    Limit {
        name: "log-bytes",
        unit: Unit::Bytes,
        about: "what the plugin logs; the rest is dropped",
        place: |limits| &mut limits.runtime.log_bytes,
    },
    Limit {
        name: "log-lines",
        unit: Unit::Count,
        about: "messages that the plugin logs; the rest is dropped",
        place: |limits| &mut limits.runtime.log_lines,
    },
    Limit {
        name: "batch-values",
        unit: Unit::Count,
        about: "values in one batch",
        place: |limits| &mut limits.runtime.batch_values,
    },
    Limit {
        name: "statement-timeout",
        unit: Unit::Duration,
        about: "one statement",
        place: |limits| &mut limits.database.statement_timeout,
    },
    Limit {
        name: "statements",
        unit: Unit::Count,
        about: "statements of a run",
        place: |limits| &mut limits.database.statements,
    },
    Limit {
        name: "open-cursors",
        unit: Unit::Count,
        about: "cursors open at once",
        place: |limits| &mut limits.database.open_cursors,
    },
    Limit {
        name: "transaction-timeout",
        unit: Unit::Duration,
        about: "one attempt at a transaction, from its first statement to its last",
        place: |limits| &mut limits.database.transaction_timeout,
    },
    Limit {
        name: "idle-in-transaction",
        unit: Unit::Duration,
        about: "an open transaction of which nothing is asked",
        place: |limits| &mut limits.database.idle_in_transaction,
    },
    Limit {
        name: "open-savepoints",
        unit: Unit::Count,
        about: "savepoints open at once, one inside the other",
        place: |limits| &mut limits.database.open_savepoints,
    },
    Limit {
        name: "result-rows",
        unit: Unit::Count,
        about: "rows of one result",
        place: |limits| &mut limits.database.result_rows,
    },
    Limit {
        name: "result-bytes",
        unit: Unit::Bytes,
        about: "one result, as it comes from the database",
        place: |limits| &mut limits.database.result_bytes,
    },
    Limit {
        name: "frame-bytes",
        unit: Unit::Bytes,
        about: "one message from the database",
        place: |limits| &mut limits.database.frame_bytes,
    },
    Limit {
        name: "prepared-statements",
        unit: Unit::Count,
        about: "statements that one connection keeps prepared",
        place: |limits| &mut limits.database.prepared_statements,
    },
    Limit {
        name: "sql-text-bytes",
        unit: Unit::Bytes,
        about: "one SQL text of the plugin",
        place: |limits| &mut limits.database.sql_text_bytes,
    },
    Limit {
        name: "call-bytes",
        unit: Unit::Bytes,
        about: "what the plugin hands over in one call",
        place: |limits| &mut limits.sandbox.call_bytes,
    },
    Limit {
        name: "component-bytes",
        unit: Unit::Bytes,
        about: "the plugin's file",
        place: |limits| &mut limits.sandbox.component_bytes,
    },
    Limit {
        name: "stack-bytes",
        unit: Unit::Bytes,
        about: "the plugin's stack",
        place: |limits| &mut limits.sandbox.stack_bytes,
    },
    Limit {
        name: "core-instances",
        unit: Unit::Count,
        about: "core instances in the component",
        place: |limits| &mut limits.sandbox.core_instances,
    },
    Limit {
        name: "memories",
        unit: Unit::Count,
        about: "memories in the component",
        place: |limits| &mut limits.sandbox.memories,
    },
    Limit {
        name: "tables",
        unit: Unit::Count,
        about: "tables in the component",
        place: |limits| &mut limits.sandbox.tables,
    },
    Limit {
        name: "table-elements",
        unit: Unit::Count,
        about: "elements of all its tables together",
        place: |limits| &mut limits.sandbox.table_elements,
    },
    Limit {
        name: "handles",
        unit: Unit::Count,
        about: "handles that the plugin holds at once",
        place: |limits| &mut limits.sandbox.handles,
    },
];

/// A number in the width that its layer keeps it in. A duration counts milliseconds.
trait Amount {
    fn get(&self) -> u64;

    /// Says whether the number fits.
    fn set(&mut self, amount: u64) -> bool;
}

impl Amount for Duration {
    fn get(&self) -> u64 {
        u64::try_from(self.as_millis()).unwrap_or(u64::MAX)
    }

    fn set(&mut self, amount: u64) -> bool {
        *self = Self::from_millis(amount);
        true
    }
}

impl Amount for u64 {
    fn get(&self) -> u64 {
        *self
    }

    fn set(&mut self, amount: u64) -> bool {
        *self = amount;
        true
    }
}

macro_rules! narrower {
    ($($number:ty),*) => {$(
        impl Amount for $number {
            fn get(&self) -> u64 {
                u64::try_from(*self).unwrap_or(u64::MAX)
            }

            fn set(&mut self, amount: u64) -> bool {
                Self::try_from(amount).map(|amount| *self = amount).is_ok()
            }
        }
    )*};
}

narrower!(u32, usize);

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use super::{LIMITS, Limits, Unit, limit_of};

    #[test]
    fn a_limit_is_set_by_its_name() {
        let mut limits = Limits::default();
        limits.set("timeout", "7m").expect("a duration");
        limits.set("result-rows", "7").expect("a count");
        limits.set("memory-bytes", "1GiB").expect("a size");
        assert_eq!(limits.runtime.timeout, Duration::from_mins(7));
        assert_eq!(limits.database.result_rows, 7);
        let listed = limits.list();
        assert!(
            listed
                .iter()
                .any(|(name, value, _)| (*name, value.as_str()) == ("memory-bytes", "1GiB"))
        );
    }

    #[test]
    fn every_limit_has_a_place_of_its_own() {
        for limit in LIMITS {
            let mut limits = Limits::default();
            assert!((limit.place)(&mut limits).set(12_345), "{}", limit.name);
            let before = Limits::default().list();
            let changed = limits
                .list()
                .into_iter()
                .zip(before)
                .filter(|(now, before)| now.1 != before.1);
            let changed: Vec<_> = changed.map(|(now, _)| now.0).collect();
            assert_eq!(changed, [limit.name]);
        }
        let names: BTreeSet<_> = LIMITS.iter().map(|limit| limit.name).collect();
        assert_eq!(names.len(), LIMITS.len());
    }

    #[test]
    fn a_limit_that_was_reached_has_the_name_by_which_it_is_set() {
        assert_eq!(limit_of("cpu-ms"), ("cpu", Unit::Duration));
        assert_eq!(limit_of("memory-bytes"), ("memory-bytes", Unit::Bytes));
        assert_eq!(limit_of("result-rows"), ("result-rows", Unit::Count));
    }

    #[test]
    fn a_limit_that_cannot_be_set_says_why() {
        let mut limits = Limits::default();
        let unknown = limits
            .set("rows", "1")
            .expect_err("no such limit")
            .to_string();
        assert!(
            unknown.starts_with("`rows` is no limit: it is one of timeout, cpu, memory-bytes"),
            "{unknown}"
        );
        let wrong = limits
            .set("cpu", "fast")
            .expect_err("no duration")
            .to_string();
        assert!(
            wrong.starts_with("limit `cpu`: `fast` is not an amount"),
            "{wrong}"
        );
        assert_eq!(limits, Limits::default());
    }
}
