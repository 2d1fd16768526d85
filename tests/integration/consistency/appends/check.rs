//! Reads a history of appends and finds what no serial order explains (Adya, Liskov, O'Neil, "Generalized Isolation Level Definitions",
//! 2000; the use of lists to see versions is of Kingsbury and Alvaro, "Elle", 2020).

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

use super::graph::{Edge, Graph, Why};

/// A list for each key.
pub(super) type Lists = BTreeMap<i64, Vec<i64>>;

/// One step of a transaction. No value is ever appended twice to the same list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) enum Step {
    /// Appends the value to the list of the key.
    Append { key: i64, value: i64 },
    /// Reads the list of the key. `list` is what was seen, if that is known.
    Read { key: i64, list: Option<Vec<i64>> },
}

/// What became of a transaction that was invoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was committed.
    Ok,
    /// It was not.
    Fail,
    /// It was or was not.
    Info,
}

/// A transaction of a history. What it read counts only if it was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Transaction {
    pub(super) outcome: Outcome,
    pub(super) steps: Vec<Step>,
}

/// What no serial order explains. Each of the second half is about circles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A value was seen that nobody appended.
    Garbage,
    /// A value was seen twice in one list.
    Duplicate,
    /// A transaction did not see what it had read or appended before.
    Internal,
    /// Two lists were seen of which neither continues the other.
    IncompatibleOrder,
    /// What was committed is not there in the end.
    Lost,
    /// A value was seen of a transaction that was not committed.
    G1a,
    /// A value was seen that its own transaction appended to again.
    G1b,
    /// A circle of writes.
    G0,
    /// A circle of writes and reads of them.
    G1c,
    /// A circle with one write over what was read.
    GSingle,
    /// A circle with several writes over what was read.
    G2,
}

/// An anomaly, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Anomaly {
    pub(super) kind: Kind,
    pub(super) explanation: String,
}

/// Finds the anomalies of a history, whose lists are `last` in the end: of each kind of circle one, and all others.
pub(super) fn check(history: &[Transaction], last: &Lists) -> Vec<Anomaly> {
    let mut history = history.to_vec();
    // Who looks when all is over is a part of it.
    history.push(Transaction {
        outcome: Outcome::Ok,
        steps: last
            .iter()
            .map(|(&key, list)| Step::Read {
                key,
                list: Some(list.clone()),
            })
            .collect(),
    });
    let mut checker = Checker::new(&history, last);
    for number in 0..history.len() {
        checker.transaction(number);
    }
    checker.versions();
    checker.circles();
    checker.found
}

/// The kinds of some anomalies, each once.
pub(super) fn kinds(anomalies: &[Anomaly]) -> Vec<Kind> {
    let kinds: BTreeSet<_> = anomalies.iter().map(|anomaly| anomaly.kind).collect();
    kinds.into_iter().collect()
}

struct Checker<'a> {
    history: &'a [Transaction],
    last: &'a Lists,
    /// Who appended a value to a key.
    writers: BTreeMap<(i64, i64), usize>,
    graph: Graph,
    found: Vec<Anomaly>,
}

impl<'a> Checker<'a> {
    fn new(history: &'a [Transaction], last: &'a Lists) -> Self {
        let mut writers = BTreeMap::new();
        for (number, transaction) in history.iter().enumerate() {
            for step in &transaction.steps {
                if let &Step::Append { key, value } = step {
                    let other = writers.insert((key, value), number);
                    assert_eq!(other, None, "{value} is appended to {key} twice");
                }
            }
        }
        Self {
            history,
            last,
            writers,
            graph: Graph::default(),
            found: Vec::new(),
        }
    }

    /// Looks at one transaction for itself, and at whom its reads put before and behind it.
    fn transaction(&mut self, number: usize) {
        let history = self.history;
        let Some(transaction) = history.get(number) else {
            return;
        };
        if transaction.outcome != Outcome::Ok {
            return;
        }
        // Of each key what was read last, if it was read, and what was appended since.
        let mut seen: BTreeMap<i64, (Option<&[i64]>, Vec<i64>)> = BTreeMap::new();
        for step in &transaction.steps {
            match step {
                Step::Append { key, value } => {
                    seen.entry(*key).or_default().1.push(*value);
                    let kept = self.last.get(key).is_some_and(|list| list.contains(value));
                    if !kept {
                        self.report(Kind::Lost, format!("T{number}'s {value} in {key}"));
                    }
                }
                Step::Read { list: None, .. } => {}
                Step::Read {
                    key,
                    list: Some(list),
                } => {
                    let (before, own) = seen.entry(*key).or_default();
                    let expected = before.map(|before| [before, own].concat());
                    let is_internal = match &expected {
                        Some(expected) => list == expected,
                        None => list.ends_with(own),
                    };
                    let outside = list.strip_suffix(&own[..]).unwrap_or(list);
                    let is_first = before.is_none();
                    *before = Some(list);
                    own.clear();
                    if !is_internal {
                        let seen = format!("T{number} read {list:?} of {key}, not {expected:?}");
                        self.report(Kind::Internal, seen);
                    }
                    if is_first {
                        self.read(number, *key, outside);
                    }
                }
            }
        }
    }

    /// A list as the transaction found it, without what it had appended itself.
    fn read(&mut self, reader: usize, key: i64, list: &[i64]) {
        let about = format!("T{reader} read {list:?} of {key}");
        let order = self.last.get(&key).map_or(&[][..], Vec::as_slice);
        if !order.starts_with(list) {
            self.report(
                Kind::IncompatibleOrder,
                format!("{about}, in the end {order:?}"),
            );
        }
        let distinct: BTreeSet<_> = list.iter().collect();
        if distinct.len() < list.len() {
            self.report(Kind::Duplicate, about.clone());
        }
        for value in list {
            match self.writers.get(&(key, *value)).copied() {
                None => self.report(Kind::Garbage, format!("{about}, nobody wrote {value}")),
                Some(writer) if self.outcome(writer) == Outcome::Fail => {
                    self.report(Kind::G1a, format!("{about}, {value} of T{writer} failed"));
                }
                Some(_) => {}
            }
        }
        if let Some(value) = list.last()
            && let Some(writer) = self.writers.get(&(key, *value)).copied()
        {
            if writer != reader && self.last_of(writer, key) != Some(*value) {
                self.report(Kind::G1b, format!("{about}, T{writer} was not done"));
            }
            self.edge(writer, reader, Why::Wr, key);
        }
        if let Some(value) = order.get(list.len())
            && let Some(writer) = self.writers.get(&(key, *value)).copied()
        {
            self.edge(reader, writer, Why::Rw, key);
        }
    }

    /// The order of writes is the order of the values in the end.
    fn versions(&mut self) {
        for (key, list) in self.last {
            for pair in list.windows(2) {
                let writer = |value: &i64| self.writers.get(&(*key, *value)).copied();
                if let [Some(from), Some(to)] = [writer(&pair[0]), writer(&pair[1])] {
                    self.edge(from, to, Why::Ww, *key);
                }
            }
        }
    }

    fn circles(&mut self) {
        self.graph.trim();
        let known = [Why::Ww, Why::Wr];
        for (kind, circle) in [
            (Kind::G0, self.graph.circle(Why::Ww, &[Why::Ww])),
            (Kind::G1c, self.graph.circle(Why::Wr, &known)),
            (Kind::GSingle, self.graph.circle(Why::Rw, &known)),
            (Kind::G2, self.graph.circle_of_several(Why::Rw, &known)),
        ] {
            if let Some(circle) = circle {
                let edges: Vec<_> = circle.iter().map(ToString::to_string).collect();
                self.report(kind, edges.join(", "));
            }
        }
    }

    /// The last value that a transaction appended to a key.
    fn last_of(&self, number: usize, key: i64) -> Option<i64> {
        let steps = self.history.get(number)?.steps.iter().rev();
        let mut appended = steps.filter_map(|step| match step {
            Step::Append { key: to, value } if *to == key => Some(*value),
            Step::Append { .. } | Step::Read { .. } => None,
        });
        appended.next()
    }

    fn outcome(&self, number: usize) -> Outcome {
        let transaction = self.history.get(number);
        transaction.map_or(Outcome::Fail, |transaction| transaction.outcome)
    }

    fn edge(&mut self, from: usize, to: usize, why: Why, key: i64) {
        self.graph.add(Edge { from, to, why, key });
    }

    fn report(&mut self, kind: Kind, explanation: String) {
        self.found.push(Anomaly { kind, explanation });
    }
}

impl fmt::Display for Anomaly {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {}", self.kind, self.explanation)
    }
}
