//! All that differs between CockroachDB and PostgreSQL in what the host writes, and in what it may conclude from an answer.
//!
//! Every method answers for both, so that a third database would be a column here and nowhere else. What only the words of an error
//! tell is read in either's words, without asking whose they are.

use super::{
    error::Error,
    lease::{BEGIN, BEGIN_READ_COMMITTED, BEGIN_READ_ONLY, Begin},
    server::ServerKind,
    transaction::{Isolation, Snapshot, TransactionOptions},
};

/// Undoes whatever SQL text can do to a session, in one round trip. Not `DISCARD ALL`, which cannot stand beside others.
const RESET: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; DEALLOCATE ALL; UNLISTEN *; \
                     DISCARD SEQUENCES; DISCARD TEMP";

/// What is left that cannot be undone: one row for each. Extensions keep what they like in a session, such as the connections of `dblink`
/// and the variables of `plperl`; those listed are known to keep nothing.
const LEFT: &str = "SELECT extname FROM pg_catalog.pg_extension WHERE extname NOT IN ('plpgsql', 'btree_gin', 'btree_gist', \
                    'citext', 'cube', 'fuzzystrmatch', 'hstore', 'intarray', 'lo', 'ltree', 'pg_stat_statements', \
                    'pg_trgm', 'pgcrypto', 'unaccent', 'uuid-ossp', 'vector') \
                    UNION ALL SELECT slot_name FROM pg_catalog.pg_replication_slots \
                    WHERE temporary AND active_pid = pg_catalog.pg_backend_pid()";

/// A table or view `c` in a schema `n` that the role may use for anything at all.
const VISIBLE: &str = "pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND (pg_catalog.pg_has_role(c.relowner, 'USAGE') \
                       OR pg_catalog.has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') \
                       OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))";

/// Sessions: how one begins, how it is made as new, and what a cancelled statement leaves.
impl ServerKind {
    /// Settings that results depend on and that only this server has, so that they cannot be sent at start-up. A role's own defaults
    /// must not change what a value means.
    pub(super) fn session_settings(self) -> &'static str {
        match self {
            // Otherwise an open transaction is committed when a schema change comes.
            Self::CockroachDb => "SET autocommit_before_ddl = off",
            Self::PostgreSql => {
                "SET standard_conforming_strings = on; SET array_nulls = on; SET xmloption = content; \
                 SET transform_null_equals = off; SET timezone_abbreviations = 'Default'"
            }
        }
    }

    /// Whether versions are in use that do not know the settings, and so do not need them.
    pub(super) fn may_lack_settings(self) -> bool {
        match self {
            Self::CockroachDb => true,
            Self::PostgreSql => false,
        }
    }

    /// What makes a session as it was at its start, in one round trip that gives one row, and one more for everything that cannot be
    /// undone; `None` where no text is known to undo everything. `seed`, from -1 to 1, is that of random numbers from then on.
    pub(super) fn session_reset(self, seed: f64) -> Option<String> {
        match self {
            // Some of the statements are unknown there.
            Self::CockroachDb => None,
            Self::PostgreSql => Some(format!(
                "{RESET}; SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed({seed:.17}); {}; {LEFT}",
                self.session_settings()
            )),
        }
    }

    /// Whether a single statement that was answered with 57014, cancelled, has certainly changed nothing.
    pub(super) fn cancels_for_certain(self) -> bool {
        match self {
            // A drain can end a statement with that code while its commit is under way.
            Self::CockroachDb => false,
            Self::PostgreSql => true,
        }
    }
}

/// Transactions.
impl ServerKind {
    /// What makes the statements that follow in a transaction fail as if they had lost a race, where the database does that by itself
    /// (the page "Transaction retry error example" of CockroachDB's documentation).
    pub(super) fn lose_races(self) -> Option<&'static str> {
        match self {
            Self::CockroachDb => Some("SET LOCAL inject_retry_errors_enabled = true"),
            Self::PostgreSql => None,
        }
    }

    /// How a transaction with these options begins. CockroachDB reads the past, PostgreSQL does not.
    pub(super) fn begin(self, options: &TransactionOptions) -> Result<Begin, Error> {
        let instant = match (self, options.snapshot) {
            (_, None) => {
                return Ok(Begin::Known(match (options.isolation, options.read_only) {
                    (Isolation::Serializable, false) => BEGIN,
                    (Isolation::Serializable, true) => BEGIN_READ_ONLY,
                    (Isolation::ReadCommitted, false) => BEGIN_READ_COMMITTED,
                    (Isolation::ReadCommitted, true) => {
                        "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"
                    }
                }));
            }
            (Self::PostgreSql, Some(_)) => {
                return Err(Error::Invalid(
                    "PostgreSQL cannot read the past: leave `snapshot` out, or run on CockroachDB"
                        .to_owned(),
                ));
            }
            (Self::CockroachDb, Some(Snapshot::FollowerRead)) => {
                "follower_read_timestamp()".to_owned()
            }
            // Nanoseconds, as CockroachDB counts its own time.
            (Self::CockroachDb, Some(Snapshot::At(microseconds))) => {
                format!("'{microseconds}000'")
            }
        };
        Ok(Begin::Alone(format!(
            "{BEGIN} READ ONLY AS OF SYSTEM TIME {instant}"
        )))
    }
}

/// Definitions and batches.
impl ServerKind {
    /// How a column of `int8` gets a number that no other row has, after its type. NULL is never one.
    pub(super) fn unique_id(self) -> &'static str {
        match self {
            Self::CockroachDb => "NOT NULL DEFAULT unique_rowid()",
            Self::PostgreSql => "NOT NULL GENERATED BY DEFAULT AS IDENTITY",
        }
    }

    /// What is said of a new database after its name, so that it holds any text.
    pub(super) fn new_database(self) -> &'static str {
        match self {
            // All of them are UTF-8.
            Self::CockroachDb => "",
            // Nobody is ever connected to `template0`, which would be in the way, and it has no encoding of its own to keep.
            Self::PostgreSql => " TEMPLATE template0 ENCODING 'UTF8'",
        }
    }

    /// What is added to a condition on `pg_attribute AS a` to leave out the columns that nobody named: the row numbers of a table
    /// without a primary key, the shard of a hash-sharded one. PostgreSQL has no such columns.
    pub(super) fn only_visible_columns(self) -> &'static str {
        match self {
            Self::CockroachDb => " AND NOT a.attishidden",
            Self::PostgreSql => "",
        }
    }

    /// How many rows one statement of a batch takes. CockroachDB advises against more than a thousand.
    pub(super) fn rows_per_statement(self) -> usize {
        match self {
            Self::CockroachDb => 1_000,
            Self::PostgreSql => 10_000,
        }
    }

    /// How many bytes of parameters one statement of a batch takes, well under the 16 MiB that CockroachDB allows a message.
    pub(super) fn bytes_per_statement(self) -> usize {
        match self {
            Self::CockroachDb => 4 << 20,
            Self::PostgreSql => 8 << 20,
        }
    }

    /// How a table of commit markers gets rid of those that nobody asks for any more: at the end of its definition.
    pub(super) fn marker_expiry(self) -> &'static str {
        match self {
            Self::CockroachDb => " WITH (ttl_expire_after = '1 day')",
            Self::PostgreSql => "",
        }
    }

    /// Which commit markers the host has to remove, because the database does not.
    pub(super) fn old_marker(self) -> Option<&'static str> {
        match self {
            Self::CockroachDb => None,
            Self::PostgreSql => Some("\"made_at\" < now() - interval '1 day'"),
        }
    }

    /// How many clients are connected, as an expression. CockroachDB tells that to administrators only.
    pub(super) fn connections_in_use(self) -> &'static str {
        match self {
            Self::CockroachDb => "NULL::int8",
            Self::PostgreSql => {
                "(SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend')"
            }
        }
    }

    /// The oldest version that the host was written for, by its first number, and how it is called.
    pub(super) fn oldest_version(self) -> Option<(u32, &'static str)> {
        match self {
            Self::CockroachDb => None,
            Self::PostgreSql => Some((15, "PostgreSQL 15")),
        }
    }
}

/// The catalogue, which both have as `pg_catalog`.
impl ServerKind {
    /// The condition that the role can see a table `c` in a schema `n`.
    pub(super) fn sees_table(self) -> &'static str {
        match self {
            // Its catalogue leaves out what the role has no privilege on.
            Self::CockroachDb => "TRUE",
            Self::PostgreSql => VISIBLE,
        }
    }

    /// The condition that a column `a` is not part of `SELECT *`.
    pub(super) fn hides_column(self) -> &'static str {
        match self {
            Self::CockroachDb => "a.attishidden",
            Self::PostgreSql => "FALSE",
        }
    }

    /// Whether a hidden column in a key is the database's own addition, so that the key was declared, and holds, without it: the
    /// shard of a hash-sharded index, and the region of a row. The `rowid` of a table without a key is no addition, but all there is.
    pub(super) fn adds_to_keys(self, hidden_column: &str) -> bool {
        match self {
            Self::CockroachDb => {
                hidden_column == "crdb_region" || hidden_column.starts_with("crdb_internal_")
            }
            Self::PostgreSql => false,
        }
    }
}

/// How SQL text is cut into tokens. Where the two differ, one of them could otherwise see code in what the host takes for a string.
impl ServerKind {
    /// Whether this character ends a comment that began with `--`.
    pub(super) fn ends_comment(self, character: char) -> bool {
        match self {
            Self::CockroachDb => character == '\n',
            Self::PostgreSql => matches!(character, '\n' | '\r'),
        }
    }

    /// Whether a backslash escapes the next character in a string with this prefix. In CockroachDB `b'…'` is a string of bytes.
    pub(super) fn has_escapes(self, prefix: &str) -> bool {
        matches!(prefix, "e" | "E") || (self == Self::CockroachDb && prefix == "b")
    }

    /// Whether a string goes on in the next line also after a comment.
    pub(super) fn joins_strings_over_comments(self) -> bool {
        self == Self::PostgreSql
    }

    /// Operators that end as a comment begins, and are not the beginning of one.
    pub(super) fn operators_before_comments(self) -> &'static [&'static str] {
        match self {
            Self::CockroachDb => &["#-", "||/", "|/", "//"],
            Self::PostgreSql => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Error, Isolation,
        ServerKind::{CockroachDb, PostgreSql},
        Snapshot, TransactionOptions,
    };

    #[test]
    fn a_transaction_begins_as_it_was_asked_for() {
        let options = |isolation, read_only, snapshot| TransactionOptions {
            isolation,
            read_only,
            snapshot,
            ..TransactionOptions::default()
        };
        for (asked, text) in [
            (
                options(Isolation::Serializable, false, None),
                "BEGIN ISOLATION LEVEL SERIALIZABLE",
            ),
            (
                options(Isolation::Serializable, true, None),
                "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY",
            ),
            (
                options(Isolation::ReadCommitted, false, None),
                "BEGIN ISOLATION LEVEL READ COMMITTED",
            ),
            (
                options(Isolation::ReadCommitted, true, None),
                "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY",
            ),
        ] {
            for server in [CockroachDb, PostgreSql] {
                let begin = server.begin(&asked).expect("both can");
                assert_eq!(begin.text(), text);
            }
        }
        for (snapshot, text) in [
            (
                Snapshot::FollowerRead,
                "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY AS OF SYSTEM TIME follower_read_timestamp()",
            ),
            (
                Snapshot::At(1_700_000_000_000_001),
                "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY AS OF SYSTEM TIME '1700000000000001000'",
            ),
        ] {
            let asked = options(Isolation::Serializable, true, Some(snapshot));
            assert_eq!(CockroachDb.begin(&asked).expect("it can").text(), text);
            assert!(matches!(PostgreSql.begin(&asked), Err(Error::Invalid(_))));
        }
    }

    #[test]
    fn only_what_the_database_adds_by_itself_is_no_part_of_a_key() {
        for (column, is_added) in [
            ("crdb_internal_id_shard_16", true),
            ("crdb_region", true),
            ("rowid", false),
            ("hidden_by_its_user", false),
        ] {
            assert_eq!(CockroachDb.adds_to_keys(column), is_added, "{column}");
            assert!(!PostgreSql.adds_to_keys(column), "{column}");
        }
    }
}
