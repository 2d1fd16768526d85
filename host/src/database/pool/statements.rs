use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use tokio::time::Instant;
use tokio_postgres::{Statement, types::Type};

use crate::database::wire::RawColumn;

/// How old a prepared statement gets. Its parameters keep the types that the columns had when it was prepared: where a column got
/// another one since, the server goes on reading them as the old one, and says nothing. So nothing is kept that is not in
/// constant use.
const FRESH: Duration = Duration::from_secs(1);
/// Longer texts hardly come twice, and the server would keep them.
const TEXT_BYTES: usize = 8 << 10;
/// How many texts are remembered: beyond it, those that were run are told from new ones a little later.
const MAX_SEEN: usize = 1_024;
/// Beginnings of what is worth preparing. A definition runs once.
const WORTHWHILE: [&str; 6] = [
    "SELECT ", "INSERT ", "UPDATE ", "DELETE ", "UPSERT ", "WITH ",
];

/// The statements that one connection has prepared: those in constant use, and of them a bounded number.
///
/// A text is prepared when it comes for the second time within a second. What is given up is dropped: the driver then closes it on the
/// server, at its leisure.
#[derive(Debug)]
pub(in crate::database) struct Statements<S = Statement> {
    maximum: usize,
    /// Texts that were run, by their hashes, and when.
    seen: HashMap<u64, Instant>,
    prepared: HashMap<u64, Entry<S>>,
    /// Which state of the tables the statements were prepared for.
    generation: u64,
}

/// A text and the declared types of its parameters.
#[derive(Debug, Clone)]
pub(in crate::database) struct Text<'a> {
    sql: &'a str,
    types: Vec<Type>,
    hash: u64,
}

/// How a text is best run.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::database) enum Plan<S = Statement> {
    /// As it is.
    Once,
    /// As it is, and it is prepared for the next time.
    Prepare,
    /// By the statement that was prepared, whose result has these columns.
    Prepared(S, Vec<RawColumn>),
}

#[derive(Debug)]
struct Entry<S> {
    sql: String,
    types: Vec<Type>,
    statement: S,
    columns: Vec<RawColumn>,
    since: Instant,
    used: Instant,
}

impl<'a> Text<'a> {
    /// A text of the host's, if it is worth preparing.
    pub(in crate::database) fn new(
        sql: &'a str,
        types: impl Iterator<Item = Type>,
    ) -> Option<Self> {
        let is_worthwhile = WORTHWHILE.iter().any(|start| sql.starts_with(start));
        if !is_worthwhile || sql.len() > TEXT_BYTES {
            return None;
        }
        let types: Vec<Type> = types.collect();
        let mut hasher = DefaultHasher::new();
        (sql, &types).hash(&mut hasher);
        let hash = hasher.finish();
        Some(Self { sql, types, hash })
    }

    /// The declared types.
    pub(in crate::database) fn types(&self) -> &[Type] {
        &self.types
    }
}

impl<S> Plan<S> {
    /// Whether the text is to be prepared.
    pub(in crate::database) fn prepares(&self) -> bool {
        matches!(self, Self::Prepare)
    }

    /// The columns of the result, as far as the plan knows them.
    pub(in crate::database) fn into_columns(self) -> Vec<RawColumn> {
        match self {
            Self::Once | Self::Prepare => Vec::new(),
            Self::Prepared(_, columns) => columns,
        }
    }
}

impl<S: Clone> Statements<S> {
    /// At most so many; none for zero.
    pub(super) fn new(maximum: usize) -> Self {
        Self {
            maximum,
            seen: HashMap::new(),
            prepared: HashMap::new(),
            generation: 0,
        }
    }

    /// How to run a text now, and takes note that it is. Where it is prepared, there is room for it.
    pub(in crate::database) fn plan(
        &mut self,
        text: &Text<'_>,
        generation: u64,
        now: Instant,
    ) -> Plan<S> {
        if self.maximum == 0 {
            return Plan::Once;
        }
        if self.generation != generation {
            self.generation = generation;
            self.clear();
        }
        if let Some(entry) = self.prepared.get_mut(&text.hash) {
            if entry.sql != text.sql || entry.types != text.types {
                return Plan::Once;
            }
            if now - entry.since < FRESH {
                entry.used = now;
                return Plan::Prepared(entry.statement.clone(), entry.columns.clone());
            }
            self.discard(text);
        }
        if self.saw(text.hash, now) {
            self.make_room();
            return Plan::Prepare;
        }
        Plan::Once
    }

    /// Keeps what was prepared.
    pub(in crate::database) fn keep(
        &mut self,
        text: &Text<'_>,
        statement: S,
        columns: Vec<RawColumn>,
        now: Instant,
    ) {
        let entry = Entry {
            sql: text.sql.to_owned(),
            types: text.types.clone(),
            statement,
            columns,
            since: now,
            used: now,
        };
        self.prepared.insert(text.hash, entry);
    }

    /// Uses what was prepared for this text no more.
    pub(in crate::database) fn discard(&mut self, text: &Text<'_>) {
        self.seen.remove(&text.hash);
        self.prepared.remove(&text.hash);
    }

    /// Uses nothing that was prepared any more.
    pub(super) fn clear(&mut self) {
        self.seen.clear();
        self.prepared.clear();
    }

    /// Whether a text was run a moment ago; from now on it was.
    fn saw(&mut self, hash: u64, now: Instant) -> bool {
        if self.seen.len() >= MAX_SEEN && !self.seen.contains_key(&hash) {
            self.seen.retain(|_, seen| now - *seen < FRESH);
            if self.seen.len() >= MAX_SEEN {
                self.seen.clear();
            }
        }
        let before = self.seen.insert(hash, now);
        before.is_some_and(|before| now - before < FRESH)
    }

    /// Gives up what was not used for longest, if no more may be kept.
    fn make_room(&mut self) {
        if self.prepared.len() < self.maximum {
            return;
        }
        let oldest = self.prepared.iter().min_by_key(|(_, entry)| entry.used);
        if let Some(hash) = oldest.map(|(hash, _)| *hash) {
            self.prepared.remove(&hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;
    use tokio_postgres::types::Type;

    use super::{FRESH, MAX_SEEN, Plan, Statements, TEXT_BYTES, Text};
    use crate::database::wire::RawColumn;

    const SOON: Duration = Duration::from_millis(1);

    fn text(sql: &str) -> Text<'_> {
        Text::new(sql, [Type::UNKNOWN].into_iter()).expect("worthwhile")
    }

    /// Runs a text as the lease does; a statement is its text.
    fn run(statements: &mut Statements<String>, sql: &str, now: Instant) -> Plan<String> {
        let plan = statements.plan(&text(sql), 0, now);
        if plan == Plan::Prepare {
            statements.keep(&text(sql), sql.to_owned(), columns(), now);
        }
        plan
    }

    fn prepared(sql: &str) -> Plan<String> {
        Plan::Prepared(sql.to_owned(), columns())
    }

    fn columns() -> Vec<RawColumn> {
        vec![RawColumn {
            name: "c".to_owned(),
            oid: 16_401,
            modifier: -1,
        }]
    }

    #[test]
    fn a_text_is_prepared_when_it_comes_again() {
        let mut statements = Statements::new(2);
        let now = Instant::now();
        let plans =
            [now, now + SOON, now + 2 * SOON].map(|now| run(&mut statements, "SELECT 1", now));
        assert_eq!(plans, [Plan::Once, Plan::Prepare, prepared("SELECT 1")]);
    }

    #[test]
    fn what_is_not_in_constant_use_is_not_kept() {
        let mut statements = Statements::new(2);
        let now = Instant::now();
        for moment in 0..4 {
            let plan = run(&mut statements, "SELECT 1", now + FRESH * moment);
            assert_eq!(plan, Plan::Once, "{moment}");
        }
        let again = now + FRESH * 3 + SOON;
        assert_eq!(run(&mut statements, "SELECT 1", again), Plan::Prepare);
        assert_eq!(
            run(&mut statements, "SELECT 1", again + FRESH - SOON),
            prepared("SELECT 1")
        );
        assert_eq!(run(&mut statements, "SELECT 1", again + FRESH), Plan::Once);
        assert!(statements.prepared.is_empty());
    }

    #[test]
    fn the_one_not_used_for_longest_makes_room() {
        let mut statements = Statements::new(2);
        let now = Instant::now();
        for (moment, sql) in ["SELECT 1", "SELECT 1", "SELECT 2", "SELECT 2", "SELECT 1"]
            .iter()
            .enumerate()
        {
            run(
                &mut statements,
                sql,
                now + SOON * u32::try_from(moment).expect("few"),
            );
        }
        let later = now + 9 * SOON;
        let plans = ["SELECT 3", "SELECT 3", "SELECT 1", "SELECT 2"]
            .map(|sql| run(&mut statements, sql, later));
        let expected = [
            Plan::Once,
            Plan::Prepare,
            prepared("SELECT 1"),
            Plan::Prepare,
        ];
        assert_eq!(plans, expected, "the second was given up for the third");
        assert_eq!(statements.prepared.len(), 2);
    }

    #[test]
    fn nothing_grows_with_texts_that_come_once() {
        let mut statements = Statements::new(4);
        let now = Instant::now();
        for number in 0..5_000 {
            let sql = format!("SELECT {number}");
            assert_eq!(run(&mut statements, &sql, now), Plan::Once);
            assert!(statements.seen.len() <= MAX_SEEN);
        }
        assert!(statements.prepared.is_empty());
        let mut none = Statements::<String>::new(0);
        for _ in 0..3 {
            assert_eq!(run(&mut none, "SELECT 1", now), Plan::Once);
        }
    }

    #[test]
    fn nothing_is_used_after_a_table_may_have_changed() {
        let mut statements = Statements::new(2);
        let now = Instant::now();
        for _ in 0..3 {
            run(&mut statements, "SELECT 1", now);
        }
        assert_eq!(statements.plan(&text("SELECT 1"), 1, now), Plan::Once);
        assert!(statements.prepared.is_empty());
    }

    #[test]
    fn parameters_of_other_types_make_another_statement() {
        let mut statements = Statements::new(2);
        let now = Instant::now();
        for _ in 0..3 {
            run(&mut statements, "SELECT 1", now);
        }
        let other = Text::new("SELECT 1", [Type::BYTEA].into_iter()).expect("worthwhile");
        assert_eq!(statements.plan(&other, 0, now), Plan::Once);
        statements.discard(&text("SELECT 1"));
        assert_eq!(run(&mut statements, "SELECT 1", now), Plan::Once);
    }

    #[test]
    fn definitions_and_long_texts_are_not_prepared() {
        let long = format!("SELECT {}", "1".repeat(TEXT_BYTES));
        for sql in ["CREATE TABLE t ()", "DROP TABLE t", "BEGIN", &long] {
            assert!(Text::new(sql, [].into_iter()).is_none());
        }
    }
}
