//! A table of ids and values without a database, and whether what was seen of the real one can have happened in some serial order.

use std::collections::BTreeMap;

/// Ids and values.
pub(super) type Table = BTreeMap<i64, i64>;

/// Which rows of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    All,
    Id(i64),
    Value(i64),
    /// Those with a value that this number divides.
    Divisible(i64),
}

/// A statement of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statement {
    Select(Which),
    /// Sets the value.
    Set(Which, i64),
    /// Adds to the value.
    Add(Which, i64),
    Insert(i64, i64),
    Delete(Which),
}

/// What a statement came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Rows in the order of their ids.
    Rows(Vec<(i64, i64)>),
    /// So many rows were changed.
    Count(u64),
}

/// A transaction that was committed: what it did and what it saw.
pub(super) type Committed = Vec<(Statement, Answer)>;

/// An order in which these transactions, one after the other, would have seen what they saw and left what was left.
pub(super) fn serial_order(
    transactions: &[Committed],
    first: &Table,
    last: &Table,
) -> Option<Vec<usize>> {
    let mut orders = vec![(Vec::new(), first.clone())];
    for _ in transactions {
        let longer = orders.iter().flat_map(|(order, table)| {
            let next = transactions.iter().enumerate();
            next.filter(|(number, _)| !order.contains(number))
                .filter_map(|(number, transaction)| {
                    let mut table = table.clone();
                    let is_explained = transaction
                        .iter()
                        .all(|(statement, answer)| statement.apply(&mut table) == *answer);
                    is_explained.then(|| ([&order[..], &[number]].concat(), table))
                })
        });
        orders = longer.collect();
    }
    let order = orders.into_iter().find(|(_, table)| table == last);
    order.map(|(order, _)| order)
}

impl Statement {
    /// Does it on the table.
    pub(super) fn apply(self, table: &mut Table) -> Answer {
        let which = match self {
            Self::Insert(id, value) => {
                table.insert(id, value);
                return Answer::Count(1);
            }
            Self::Select(which)
            | Self::Set(which, _)
            | Self::Add(which, _)
            | Self::Delete(which) => which,
        };
        let rows = table.iter().map(|(&id, &value)| (id, value));
        let rows: Vec<_> = rows.filter(|&row| which.holds(row)).collect();
        for &(id, value) in &rows {
            match self {
                Self::Select(_) | Self::Insert(..) => {}
                Self::Set(_, to) => drop(table.insert(id, to)),
                Self::Add(_, by) => drop(table.insert(id, value + by)),
                Self::Delete(_) => drop(table.remove(&id)),
            }
        }
        if self.gives_rows() {
            Answer::Rows(rows)
        } else {
            Answer::Count(rows.len() as u64)
        }
    }

    /// Whether it gives rows.
    pub(super) fn gives_rows(self) -> bool {
        matches!(self, Self::Select(_))
    }

    /// The statement as SQL.
    pub(super) fn sql(self) -> String {
        match self {
            Self::Select(which) => {
                format!(
                    "SELECT id, value FROM test WHERE {} ORDER BY id",
                    which.sql()
                )
            }
            Self::Set(which, to) => format!("UPDATE test SET value = {to} WHERE {}", which.sql()),
            Self::Add(which, by) => {
                format!("UPDATE test SET value = value + {by} WHERE {}", which.sql())
            }
            Self::Insert(id, value) => {
                format!("INSERT INTO test (id, value) VALUES ({id}, {value})")
            }
            Self::Delete(which) => format!("DELETE FROM test WHERE {}", which.sql()),
        }
    }
}

impl Which {
    fn holds(self, (id, value): (i64, i64)) -> bool {
        match self {
            Self::All => true,
            Self::Id(wanted) => id == wanted,
            Self::Value(wanted) => value == wanted,
            Self::Divisible(by) => value % by == 0,
        }
    }

    fn sql(self) -> String {
        match self {
            Self::All => "true".to_owned(),
            Self::Id(id) => format!("id = {id}"),
            Self::Value(value) => format!("value = {value}"),
            Self::Divisible(by) => format!("value % {by} = 0"),
        }
    }
}

/// What each anomaly looks like when it happens. Those that PostgreSQL shows at no level are here alone.
#[cfg(test)]
mod tests {
    use super::{Statement::*, Which::*, *};

    fn saw(statement: Statement, rows: &[(i64, i64)]) -> (Statement, Answer) {
        (statement, Answer::Rows(rows.to_vec()))
    }

    fn did(statement: Statement) -> (Statement, Answer) {
        (statement, Answer::Count(1))
    }

    fn order(transactions: &[Committed], last: &[(i64, i64)]) -> Option<Vec<usize>> {
        let first = Table::from([(1, 10), (2, 20)]);
        serial_order(transactions, &first, &last.iter().copied().collect())
    }

    fn writes(first: i64, second: i64) -> Committed {
        vec![did(Set(Id(1), first)), did(Set(Id(2), second))]
    }

    #[test]
    fn what_is_serial_is_explained() {
        let reader = vec![
            saw(Select(Id(1)), &[(1, 12)]),
            saw(Select(Id(2)), &[(2, 22)]),
        ];
        let transactions = [writes(12, 22), reader, writes(11, 21)];
        let last = [(1, 12), (2, 22)];
        assert_eq!(order(&transactions, &last), Some(vec![2, 0, 1]));
        assert_eq!(order(&[], &[(1, 10), (2, 20)]), Some(vec![]));
    }

    #[test]
    fn a_write_cycle_is_not() {
        assert_eq!(
            order(&[writes(11, 21), writes(12, 22)], &[(1, 11), (2, 22)]),
            None
        );
    }

    #[test]
    fn nor_is_an_aborted_or_an_intermediate_read() {
        let dirty = vec![saw(Select(Id(1)), &[(1, 101)])];
        assert_eq!(
            order(std::slice::from_ref(&dirty), &[(1, 10), (2, 20)]),
            None
        );
        let twice = vec![did(Set(Id(1), 101)), did(Set(Id(1), 11))];
        assert_eq!(order(&[twice, dirty], &[(1, 11), (2, 20)]), None);
    }

    #[test]
    fn nor_is_circular_information_flow() {
        let first = vec![did(Set(Id(1), 11)), saw(Select(Id(2)), &[(2, 22)])];
        let second = vec![did(Set(Id(2), 22)), saw(Select(Id(1)), &[(1, 11)])];
        assert_eq!(order(&[first, second], &[(1, 11), (2, 22)]), None);
    }

    #[test]
    fn nor_is_an_observed_transaction_that_vanishes() {
        let reader = vec![
            saw(Select(Id(1)), &[(1, 12)]),
            saw(Select(Id(2)), &[(2, 19)]),
        ];
        let transactions = [writes(11, 19), writes(12, 18), reader];
        assert_eq!(order(&transactions, &[(1, 12), (2, 18)]), None);
    }

    #[test]
    fn nor_is_a_predicate_that_changes_its_mind() {
        let reader = vec![
            saw(Select(Value(30)), &[]),
            saw(Select(Divisible(3)), &[(3, 30)]),
        ];
        let last = [(1, 10), (2, 20), (3, 30)];
        assert_eq!(order(&[reader, vec![did(Insert(3, 30))]], &last), None);
    }

    #[test]
    fn nor_are_a_lost_update_and_skews() {
        let update = |to| vec![saw(Select(Id(1)), &[(1, 10)]), did(Set(Id(1), to))];
        assert_eq!(order(&[update(11), update(12)], &[(1, 12), (2, 20)]), None);
        let skewed = vec![
            saw(Select(Id(1)), &[(1, 10)]),
            saw(Select(Id(2)), &[(2, 18)]),
        ];
        assert_eq!(order(&[skewed, writes(12, 18)], &[(1, 12), (2, 18)]), None);
        let all = saw(Select(All), &[(1, 10), (2, 20)]);
        let [first, second] =
            [Set(Id(1), 11), Set(Id(2), 21)].map(|set| vec![all.clone(), did(set)]);
        assert_eq!(order(&[first, second], &[(1, 11), (2, 21)]), None);
    }
}
