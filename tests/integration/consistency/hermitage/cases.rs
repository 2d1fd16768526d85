//! The cases of Hermitage (Martin Kleppmann, github.com/ept/hermitage, `postgres.md`), and a long fork: who does what, and in which order.

use super::model::{
    Statement::{self, Add, Delete, Insert, Select, Set},
    Which::{All, Divisible, Id, Value},
};

/// A case. It begins with the rows (1, 10) and (2, 20).
#[derive(Debug)]
pub(super) struct Case {
    /// The name of the anomaly, and what tells it from others of that name.
    pub(super) name: &'static str,
    /// Sessions by their numbers from 0, and what they do.
    pub(super) script: Vec<(usize, Line)>,
    /// Whether what comes of it at READ COMMITTED can still be explained by a serial order. Where the level prevents the anomaly
    /// of the name, it can show another: who reads twice sees what was committed between.
    pub(super) is_serial_at_read_committed: bool,
    /// Which sessions PostgreSQL makes begin again at SERIALIZABLE.
    pub(super) begin_again: &'static [usize],
}

/// What a session does next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Line {
    Do(Statement),
    Commit,
    Abort,
}

use Line::{Abort, Commit, Do};

const T1: usize = 0;
const T2: usize = 1;
const T3: usize = 2;
const T4: usize = 3;

/// A case that READ COMMITTED does not serve.
fn case(name: &'static str, begin_again: &'static [usize], script: Vec<(usize, Line)>) -> Case {
    Case {
        name,
        script,
        is_serial_at_read_committed: false,
        begin_again,
    }
}

pub(super) fn cases() -> Vec<Case> {
    [dirty(), predicates(), reads(), skews()]
        .into_iter()
        .flatten()
        .collect()
}

/// What comes of seeing or overwriting what is not committed.
fn dirty() -> Vec<Case> {
    let g0 = vec![
        (T1, Do(Set(Id(1), 11))),
        (T2, Do(Set(Id(1), 12))),
        (T1, Do(Set(Id(2), 21))),
        (T1, Commit),
        (T2, Do(Set(Id(2), 22))),
        (T2, Commit),
    ];
    let g1a = vec![
        (T1, Do(Set(Id(1), 101))),
        (T2, Do(Select(All))),
        (T1, Abort),
        (T2, Do(Select(All))),
        (T2, Commit),
    ];
    let g1b = vec![
        (T1, Do(Set(Id(1), 101))),
        (T2, Do(Select(All))),
        (T1, Do(Set(Id(1), 11))),
        (T1, Commit),
        (T2, Do(Select(All))),
        (T2, Commit),
    ];
    let g1c = vec![
        (T1, Do(Set(Id(1), 11))),
        (T2, Do(Set(Id(2), 22))),
        (T1, Do(Select(Id(2)))),
        (T2, Do(Select(Id(1)))),
        (T1, Commit),
        (T2, Commit),
    ];
    let otv = vec![
        (T1, Do(Set(Id(1), 11))),
        (T1, Do(Set(Id(2), 19))),
        (T2, Do(Set(Id(1), 12))),
        (T1, Commit),
        (T3, Do(Select(Id(1)))),
        (T2, Do(Set(Id(2), 18))),
        (T3, Do(Select(Id(2)))),
        (T2, Commit),
        (T3, Do(Select(Id(2)))),
        (T3, Do(Select(Id(1)))),
        (T3, Commit),
    ];
    vec![
        Case {
            is_serial_at_read_committed: true,
            ..case("G0, write cycle", &[T2], g0)
        },
        Case {
            is_serial_at_read_committed: true,
            ..case("G1a, aborted read", &[], g1a)
        },
        case("G1b, intermediate read", &[], g1b),
        case("G1c, circular information flow", &[T2], g1c),
        case("OTV, observed transaction vanishes", &[T2], otv),
    ]
}

/// What comes of rows that begin or cease to match.
fn predicates() -> Vec<Case> {
    let read = vec![
        (T1, Do(Select(Value(30)))),
        (T2, Do(Insert(3, 30))),
        (T2, Commit),
        (T1, Do(Select(Divisible(3)))),
        (T1, Commit),
    ];
    let write = vec![
        (T1, Do(Add(All, 10))),
        (T2, Do(Delete(Value(20)))),
        (T1, Commit),
        (T2, Do(Select(Value(20)))),
        (T2, Commit),
    ];
    vec![
        case("PMP, predicate-many-preceders", &[], read),
        case("PMP, by a predicate that writes", &[T2], write),
    ]
}

/// What comes of reading before and after another has written.
fn reads() -> Vec<Case> {
    let lost_update = vec![
        (T1, Do(Select(Id(1)))),
        (T2, Do(Select(Id(1)))),
        (T1, Do(Set(Id(1), 11))),
        (T2, Do(Set(Id(1), 11))),
        (T1, Commit),
        (T2, Commit),
    ];
    let skewed = vec![
        (T1, Do(Select(Id(1)))),
        (T2, Do(Select(Id(1)))),
        (T2, Do(Select(Id(2)))),
        (T2, Do(Set(Id(1), 12))),
        (T2, Do(Set(Id(2), 18))),
        (T2, Commit),
        (T1, Do(Select(Id(2)))),
        (T1, Commit),
    ];
    let by_predicate = vec![
        (T1, Do(Select(Divisible(5)))),
        (T2, Do(Set(Value(10), 12))),
        (T2, Commit),
        (T1, Do(Select(Divisible(3)))),
        (T1, Commit),
    ];
    let by_write = vec![
        (T1, Do(Select(Id(1)))),
        (T2, Do(Select(All))),
        (T2, Do(Set(Id(1), 12))),
        (T2, Do(Set(Id(2), 18))),
        (T2, Commit),
        (T1, Do(Delete(Value(20)))),
        (T1, Commit),
    ];
    vec![
        case("P4, lost update", &[T2], lost_update),
        case("G-single, read skew", &[], skewed),
        case("G-single, by predicates", &[], by_predicate),
        case("G-single, by a predicate that writes", &[T1], by_write),
    ]
}

/// What comes of writing what others have read.
fn skews() -> Vec<Case> {
    let item = vec![
        (T1, Do(Select(All))),
        (T2, Do(Select(All))),
        (T1, Do(Set(Id(1), 11))),
        (T2, Do(Set(Id(2), 21))),
        (T1, Commit),
        (T2, Commit),
    ];
    let predicate = vec![
        (T1, Do(Select(Divisible(3)))),
        (T2, Do(Select(Divisible(3)))),
        (T1, Do(Insert(3, 30))),
        (T2, Do(Insert(4, 42))),
        (T1, Commit),
        (T2, Commit),
    ];
    let reader = vec![
        (T1, Do(Select(All))),
        (T2, Do(Add(Id(2), 5))),
        (T2, Commit),
        (T3, Do(Select(All))),
        (T3, Commit),
        (T1, Do(Set(Id(1), 0))),
        (T1, Commit),
    ];
    let fork = vec![
        (T1, Do(Set(Id(1), 11))),
        (T2, Do(Set(Id(2), 22))),
        (T3, Do(Select(Id(1)))),
        (T1, Commit),
        (T4, Do(Select(Id(1)))),
        (T4, Do(Select(Id(2)))),
        (T4, Commit),
        (T2, Commit),
        (T3, Do(Select(Id(2)))),
        (T3, Commit),
    ];
    vec![
        case("G2-item, write skew", &[T2], item),
        case("G2, anti-dependency cycle by predicates", &[T2], predicate),
        Case {
            // Each reads by one statement: who only reads is what closes the circle.
            is_serial_at_read_committed: false,
            ..case("G2, two edges and a reader", &[T1], reader)
        },
        case("long fork", &[], fork),
    ]
}
