use proptest::prelude::*;

use super::{Gives, SqlText};
use crate::{
    database::{
        error::{Error, ErrorKind},
        server::ServerKind::{self, CockroachDb, PostgreSql},
    },
    tenancy::Capability,
};

const BOTH: [ServerKind; 2] = [CockroachDb, PostgreSql];

fn check_on(text: &str, server: ServerKind) -> SqlText<'_> {
    SqlText::check(text, server).unwrap_or_else(|error| panic!("{server:?} {text}: {error}"))
}

fn check(text: &str) -> SqlText<'_> {
    let [read, other] = BOTH.map(|server| check_on(text, server));
    assert_eq!(read, other, "{text}");
    read
}

fn refusal(text: &str) -> Error {
    let [error, other] =
        BOTH.map(|server| SqlText::check(text, server).expect_err(&format!("{text} is refused")));
    assert_eq!(error, other, "{text}");
    error
}

/// A statement in spellings that mean the same to a server.
fn spellings(statement: &str) -> Vec<String> {
    let mixed: String = statement
        .chars()
        .enumerate()
        .map(|(place, letter)| match place % 2 {
            0 => letter.to_ascii_uppercase(),
            _ => letter.to_ascii_lowercase(),
        })
        .collect();
    let before = [
        "",
        " ",
        "\t",
        "\r\n",
        "\x0c",
        ";",
        " ; ;\n",
        "/**/",
        "/* ; */",
        "/* /* */ ; */",
        "--\n",
        "-- ; x\n",
        "/*'*/",
        "/*\"*/;--$$\n",
        "(",
        "((",
        "/**/(",
        "( (--\n",
    ];
    let after = ["", ";", " ;\n", "--", "/**/", "-- ; x", ";/* ; */"];
    let spelled = |statement: &str| {
        let afters = after.map(|after| format!("{statement}{after}"));
        let befores = before.map(|before| format!("{before}{statement}"));
        let commented = statement.replacen(' ', "/* x */--\n", 1);
        let spaced = statement.replacen(' ', "\t\n", 1);
        [afters.as_slice(), &befores, &[commented, spaced]].concat()
    };
    let mut all: Vec<String> = [statement, &mixed, &statement.to_lowercase()]
        .into_iter()
        .flat_map(spelled)
        .collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn a_text_holds_exactly_one_statement() {
    for (text, statement) in [
        ("SELECT 1", "SELECT 1"),
        ("SELECT 1;", "SELECT 1"),
        (" ; SELECT 1 ; -- ; SELECT 2", "SELECT 1"),
        ("SELECT ';' /* ; /* ; */ ; */", "SELECT ';'"),
        ("/**/(SELECT 1)--", "(SELECT 1)"),
        (
            "SELECT $$ ; $$, $a$ ; $$ $b$ ; $a$",
            "SELECT $$ ; $$, $a$ ; $$ $b$ ; $a$",
        ),
        ("SELECT \"a;\"\";\" FROM t", "SELECT \"a;\"\";\" FROM t"),
        ("SELECT E'\\';'", "SELECT E'\\';'"),
        ("SELECT 'a'\n';'", "SELECT 'a'\n';'"),
        ("SELECT U&'\\';", "SELECT U&'\\'"),
        ("SELECT'a'", "SELECT'a'"),
        ("SELECT a$1$ FROM t;", "SELECT a$1$ FROM t"),
    ] {
        assert_eq!(check(text).statement, statement, "{text}");
    }
    assert_eq!(check(" /* é */ SELECT 1").offset, 9);
    for text in [
        "",
        " ",
        ";",
        "; ;",
        "-- SELECT 1",
        "/* SELECT 1 */",
        "SELECT 1; SELECT 2",
        "SELECT 1;;'x'",
        "SELECT 'a'';'; SELECT 2",
        "SELECT 1;(",
        "SELECT 1; /* */ \"a\"",
        "SELECT $$ $$; COMMIT",
        "SELECT 'a\\'; COMMIT; --'",
        "SELECT a$$; COMMIT; --$$",
        "SELECT 1 -- \n; COMMIT",
        "SELECT \"a\\\"; COMMIT; --\"",
        "SELECT /* /* */ */ 1; COMMIT",
        "SELECT x'00'; COMMIT",
        // Not closed, or nothing that a server would read.
        "SELECT 'a",
        "SELECT 'a''",
        "SELECT E'a\\'",
        "SELECT E'\\",
        "SELECT \"a",
        "SELECT \"a\"\"",
        "SELECT $$ a",
        "SELECT $a$ a $A$",
        "SELECT /* a",
        "SELECT /* /* */ 1",
        "SELECT $",
        "SELECT $a",
        "SELECT $0",
        "SELECT $65536",
        "SELECT $99999999999999999999999",
        "SELECT '\0'",
        "\0",
    ] {
        assert!(matches!(refusal(text), Error::Invalid(_)), "{text}");
    }
}

#[test]
fn what_is_not_for_a_guest_is_denied_in_any_spelling() {
    let mut tried = 0;
    for statement in include_str!("corpus/denied.sql").lines() {
        for text in spellings(statement) {
            assert!(matches!(refusal(&text), Error::Denied(_)), "{text}");
            tried += 1;
        }
    }
    assert!(tried > 5_000, "{tried}");
    // A Kelvin sign is a K to CockroachDB, and a dotted capital I an i.
    for text in ["BAC\u{212a}UP INTO 'a'", "COMM\u{130}T"] {
        assert!(matches!(refusal(text), Error::Denied(_)), "{text}");
    }
    assert!(check("WITH x AS (\u{130}NSERT INTO t VALUES (1)) SELECT 1").writes);
}

#[test]
fn what_belongs_to_the_host_is_named_in_no_spelling() {
    for name in [
        "chitin_internal.commit_marker",
        "CHITIN_INTERNAL.commit_marker",
        "Chitin_Internal . t",
        "chitin_internal/**/./**/t",
        "ch\u{130}t\u{130}n_internal.t",
        "\"chitin_internal\".t",
        "\"CHITIN_internal\".t",
        "d.chitin_internal.t",
        "d.\"chitin_internal\".t",
        "commit_marker",
        "COMMIT_MARKER",
        "\"commit_marker\"",
        "U&\"chitin_internal\".t",
        r#"U&"\0063hitin_internal".t"#,
        r#"u&"\0063\0068\+000069tin\005finternal".t"#,
        r#"U&"!0063hitin_internal" UESCAPE '!'.t"#,
        r#"U&"!0063hitin_internal"/**/uescape/**/'!'.t"#,
        r#"U&"\0063ommit_marker""#,
    ] {
        for text in [
            format!("SELECT * FROM {name}"),
            format!("DELETE FROM {name}"),
            format!("WITH x AS (INSERT INTO {name} DEFAULT VALUES) SELECT 1"),
            format!("EXPLAIN SELECT 1 FROM s, {name}"),
            format!("DROP TABLE {name}"),
            format!("TABLE {name}"),
        ] {
            assert!(matches!(refusal(&text), Error::Denied(_)), "{text}");
        }
    }
    assert!(matches!(
        refusal("DROP SCHEMA chitin_internal CASCADE"),
        Error::Denied(_)
    ));
    for text in [
        "SELECT 'chitin_internal', $$commit_marker$$ -- chitin_internal",
        "SELECT * FROM sales.commit_marker",
        "SELECT t.\"commit_marker\" FROM t",
        "SELECT chitin_internals, commit_markers, \"chitin_internal \" FROM t",
        r#"SELECT U&"d\0061ta", U&"\\0063hitin_internal", U&"\0063" FROM t"#,
        r"SELECT U&'\0063' UESCAPE '!'",
        r#"SELECT u & "\0063hitin_internal" FROM t"#,
    ] {
        check(text);
    }
}

#[test]
fn what_begins_no_statement_is_a_syntax_error() {
    for text in [
        "SELEKT",
        "\u{a0}SELECT 1",
        "\u{3000}COMMIT",
        "\u{feff}SELECT 1",
        "\u{200b}COMMIT",
        "1",
        "'a'",
        "\"select\" 1",
        "$1",
        "-1",
        "()",
        "(",
        "CREATE",
        "DROP \"t\"",
        "U&\"select\" 1",
        "selec\u{2028}t",
        "EXPLAIN",
        "EXPLAIN ANALYZE",
        "EXPLAIN (ANALYZE)",
        "_commit",
        "commit1",
        "commit$",
        "experimental_backup",
    ] {
        let Error::Database(error) = refusal(text) else {
            panic!("{text}");
        };
        assert_eq!(error.kind, ErrorKind::SyntaxError, "{text}");
    }
}

#[test]
fn what_a_guest_may_write_is_let_through_in_any_spelling() {
    for statement in include_str!("corpus/allowed.sql").lines() {
        for text in spellings(statement) {
            assert_eq!(check(&text).needs, None, "{text}");
        }
    }
}

#[test]
fn what_changes_the_schema_needs_the_grant() {
    for text in include_str!("corpus/schema.sql").lines() {
        assert_eq!(check(text).needs, Some(Capability::Schema), "{text}");
    }
    for text in ["CREATE DATABASE d", "drop database if exists d"] {
        assert_eq!(check(text).needs, Some(Capability::Databases), "{text}");
    }
    for text in [
        "SELECT 'create'",
        "INSERT INTO t VALUES (1)",
        "WITH x AS (INSERT INTO t VALUES (1)) SELECT 1",
        "EXPLAIN SELECT 1",
        "SELECT \"into\" FROM t",
        "SELECT t.into FROM t",
        "SELECT 1 AS into",
        "INSERT INTO t SELECT * FROM s",
        "SELECT 1 -- INTO t",
    ] {
        assert_eq!(check(text).needs, None, "{text}");
    }
}

#[test]
fn parameters_are_counted_where_they_are_parameters() {
    for (text, parameters) in [
        ("SELECT $1, $3", 3),
        (
            "SELECT '$9', \"$8\", $$ $7 $$, $a$ $6 $$ $5 $a$, a$4 -- $3\n/* $2 */",
            0,
        ),
        (r"SELECT E'\'$2', $1", 1),
        (r"SELECT 'a\', $1", 1),
        (r"SELECT E'\\', $1", 1),
        (r"SELECT ae'\', $1", 1),
        ("SELECT e'it''s $2', U&'$3', $1::text", 1),
        ("SELECT 'it''s', $12", 12),
        ("SELECT x'$2', B'$2', n'$2', N'\\', $1", 1),
        ("SELECT E'a'\n'\\'$2', $1", 1),
        ("SELECT E'a' '\\', $1", 1),
        ("SELECT 1.5e-3,$2", 2),
        ("SELECT a[$1:$2]", 2),
        ("SELECT $1+$2-$3*$4", 4),
        ("SELECT 1/*$9*/+--$8\n$1", 1),
        ("SELECT \u{e9}$1, \u{e9}_$2 FROM t", 0),
        ("SELECT $\u{e9}$ $1 $\u{e9}$", 0),
        ("SELECT $65535", 65_535),
    ] {
        assert_eq!(check(text).parameters, parameters, "{text}");
    }
}

#[test]
fn each_server_reads_its_own_notation() {
    for (text, cockroachdb, postgresql) in [
        // A string of bytes, and one of bits.
        (r"SELECT b'\', $1, '", Some(0), None),
        (r"SELECT b'\', $1", None, Some(1)),
        (r"SELECT B'\', $1", Some(1), Some(1)),
        // Where a comment ends.
        ("SELECT 1 --\r, $1", Some(0), Some(1)),
        // `#-` takes a path out of a document.
        ("SELECT a #--$1", Some(1), Some(0)),
        ("SELECT a //*$1*/ 2", Some(1), Some(0)),
        // Whether a string goes on after a comment.
        ("SELECT E'a' --\n'\\', $1, '", None, Some(0)),
        ("SELECT E'a' --\n'\\', $1", Some(1), None),
        ("SELECT E'a'\r'\\', $1", Some(1), None),
    ] {
        for (server, expected) in [(CockroachDb, cockroachdb), (PostgreSql, postgresql)] {
            let read = SqlText::check(text, server).ok();
            let parameters = read.map(|read| read.parameters);
            assert_eq!(parameters, expected, "{text:?} on {server:?}");
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases is long")]
fn a_write_is_unbounded_if_it_gives_back_what_it_finds() {
    for (text, writes, is_unbounded, gives_rows) in [
        ("SELECT 1", false, false, true),
        ("INSERT INTO t VALUES (1)", true, false, false),
        ("INSERT INTO t VALUES (1) RETURNING id", true, false, true),
        (
            "INSERT INTO t SELECT * FROM s RETURNING id",
            true,
            true,
            true,
        ),
        ("UPDATE t SET a = 1", true, false, false),
        ("UPDATE t SET a = 1 RETURNING *", true, true, true),
        (
            "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
            true,
            true,
            true,
        ),
        (
            "WITH d AS (DELETE FROM t) SELECT * FROM s",
            true,
            true,
            true,
        ),
        (
            "WITH RECURSIVE r AS (SELECT 1) SEARCH DEPTH FIRST BY n SET o DELETE FROM t",
            true,
            true,
            true,
        ),
        (
            "SELECT * FROM [DELETE FROM t RETURNING *]",
            true,
            true,
            true,
        ),
        ("EXPLAIN DELETE FROM t", false, false, true),
        ("EXPLAIN ANALYZE DELETE FROM t", true, true, true),
        ("EXPLAIN (ANALYZE) DELETE FROM t", true, true, true),
        (
            "EXPLAIN (FORMAT JSON, analyze true) DELETE FROM t",
            true,
            true,
            true,
        ),
        ("EXPLAIN VERBOSE ANALYZE DELETE FROM t", true, true, true),
        (
            "EXPLAIN ANALYZE (DISTSQL) UPSERT INTO t VALUES (1)",
            true,
            true,
            true,
        ),
        ("EXPLAIN ANALYZE SELECT 1", false, false, true),
        (
            "SELECT 'delete', \"update\", t.insert FROM t",
            false,
            false,
            true,
        ),
        ("SELECT * FROM t FOR UPDATE", false, false, true),
        ("SELECT * FROM t FOR NO KEY UPDATE", false, false, true),
        ("TABLE t", false, false, true),
        ("SHOW server_version", false, false, true),
        ("CREATE TABLE t ()", false, false, false),
    ] {
        let read = check(text);
        assert_eq!(
            (
                read.writes,
                read.is_unbounded_write(),
                read.gives != Gives::Nothing
            ),
            (writes, is_unbounded, gives_rows),
            "{text}"
        );
    }
}

#[test]
fn a_cursor_is_over_a_query_that_changes_nothing() {
    for text in [
        "SELECT 1",
        "(SELECT 1)",
        "VALUES (1)",
        "TABLE t",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "SELECT 'insert'",
        "SELECT * FROM t FOR UPDATE",
    ] {
        assert!(check(text).is_query, "{text}");
    }
    for text in [
        "INSERT INTO t VALUES (1) RETURNING a",
        "WITH d AS (DELETE FROM t RETURNING a) SELECT * FROM d",
        "EXPLAIN SELECT 1",
        "SHOW server_version",
        "SELECT 1 INTO t",
        "CREATE TABLE t ()",
        "UPDATE t SET a = 1 RETURNING a",
    ] {
        assert!(!check(text).is_query, "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in r#"([a-zE$'"/*;\\\n1 -]|\PC){0,60}"#) {
        for server in BOTH {
            if let Ok(read) = SqlText::check(&text, server) {
                prop_assert!(text.contains(read.statement));
                // What was read is read again in the same way.
                let again = SqlText { offset: 0, ..read };
                prop_assert_eq!(SqlText::check(read.statement, server), Ok(again));
            }
        }
    }
}
