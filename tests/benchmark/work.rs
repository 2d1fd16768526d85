//! What is measured.

/// The tables that both sides work on. `points` is only read, the others are emptied or filled before each turn.
pub(crate) const TABLES: &str = "
    CREATE TABLE points (
        id int8 PRIMARY KEY, label text NOT NULL, weight int8 NOT NULL, share float8, done bool, made timestamptz);
    INSERT INTO points SELECT i, 'point ' || i, i * 3, i / 7.0, i % 2 = 0, '2026-01-01Z'::timestamptz + i * interval '1 s'
        FROM generate_series(0, 9999) AS i;
    CREATE TABLE entries (number int8 PRIMARY KEY, label text NOT NULL, share float8, done bool);
    CREATE TABLE readings (id int8 PRIMARY KEY, weight int8 NOT NULL, label text NOT NULL);
    INSERT INTO readings SELECT i, i % 1000, 'reading ' || i FROM generate_series(0, 999999) AS i;
    ANALYZE points; ANALYZE readings";

/// One kind of work, so often.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) title: &'static str,
    pub(crate) kind: Kind,
    /// How often a turn does it, or of how many rows.
    pub(crate) count: i64,
    /// How many operations of the title a turn has.
    pub(crate) operations: f64,
    /// It is measured in so much fewer rounds.
    pub(crate) weight: usize,
}

/// What is done, and with what `entries` must hold before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    PointSelect,
    Count,
    Insert,
    InsertReturning,
    Upsert,
    Update,
    Delete,
    Query,
    Execute,
    BatchInsert,
    BatchUpdate,
    SelectMany,
    Cursor,
    /// Transactions of so many statements, each an operation in an instance of its own.
    Operation(i64),
    /// The same, and each leaves a mark by which a lost commit could be settled.
    Marked(i64),
    /// The same in the instance of the run, by a handle.
    Handle(i64),
}

impl Kind {
    /// What the guest calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PointSelect => "point-select",
            Self::Count => "count",
            Self::Insert => "insert",
            Self::InsertReturning => "insert-returning",
            Self::Upsert => "upsert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Query => "query",
            Self::Execute => "execute",
            Self::BatchInsert => "batch-insert",
            Self::BatchUpdate => "batch-update",
            Self::SelectMany => "select-many",
            Self::Cursor => "cursor",
            Self::Operation(_) => "operation",
            Self::Marked(_) => "marked",
            Self::Handle(_) => "handle",
        }
    }

    /// How many statements each of its transactions has, if it is about those.
    pub(crate) fn statements(self) -> Option<i64> {
        if let Self::Operation(statements) | Self::Marked(statements) | Self::Handle(statements) =
            self
        {
            Some(statements)
        } else {
            None
        }
    }

    /// Whether `entries` must hold the numbers from 0 up, to be changed.
    pub(crate) fn needs_entries(self) -> bool {
        self.statements().is_some()
            || matches!(
                self,
                Self::Upsert | Self::Update | Self::Delete | Self::Execute | Self::BatchUpdate
            )
    }

    /// Whether it leaves `entries` other than it found them.
    pub(crate) fn changes_entries(self) -> bool {
        self.needs_entries()
            || matches!(
                self,
                Self::Insert | Self::InsertReturning | Self::BatchInsert
            )
    }
}

const fn single(title: &'static str, kind: Kind) -> Work {
    Work {
        title,
        kind,
        count: 1_000,
        operations: 1_000.0,
        weight: 1,
    }
}

const fn whole(title: &'static str, kind: Kind, count: i64, weight: usize) -> Work {
    Work {
        title,
        kind,
        count,
        operations: 1.0,
        weight,
    }
}

pub(crate) const WORKS: [Work; 22] = [
    single("point select", Kind::PointSelect),
    single("count by key", Kind::Count),
    single("insert", Kind::Insert),
    single("insert, row returned", Kind::InsertReturning),
    single("upsert", Kind::Upsert),
    single("update by key", Kind::Update),
    single("delete by key", Kind::Delete),
    single("SQL query", Kind::Query),
    single("SQL execute", Kind::Execute),
    whole("batch insert of 1,000", Kind::BatchInsert, 1_000, 1),
    whole("batch insert of 10,000", Kind::BatchInsert, 10_000, 1),
    whole("batch insert of 100,000", Kind::BatchInsert, 100_000, 3),
    whole("batch update of 1,000", Kind::BatchUpdate, 1_000, 1),
    whole("batch update of 10,000", Kind::BatchUpdate, 10_000, 1),
    whole("batch update of 100,000", Kind::BatchUpdate, 100_000, 3),
    whole("select of 10,000 into structs", Kind::SelectMany, 10_000, 1),
    whole("cursor over 1,000,000", Kind::Cursor, 1_000_000, 3),
    single("transaction of 1", Kind::Operation(1)),
    single("transaction of 3", Kind::Operation(3)),
    single("transaction of 10", Kind::Operation(10)),
    single("transaction of 3, marked", Kind::Marked(3)),
    single("transaction of 3, by handle", Kind::Handle(3)),
];
