//! The table in which a transaction leaves a mark that it was committed, in the host's own schema.
//!
//! A marker is named by the attempt, and says `committed` if the attempt's own transaction wrote it, `fenced` if the host did after the
//! answer to a COMMIT was lost: whoever is first decides. So a role that plugins run as may add markers and read them, and never change or
//! delete one: what removes the old ones does so in the name of its owner, and removes nothing else.

use std::fmt;

use tokio_postgres::types::Type;

use super::Statement;
use crate::database::{
    error::Error,
    identifier::{Identifier, OWN_SCHEMA, OWN_TABLE},
    lease::Parameter,
    server::ServerKind,
};

/// How many old markers are removed at once.
pub(in crate::database) const CLEANED_AT_ONCE: u64 = 1_000;

/// Leaves a marker of this attempt.
pub(in crate::database) const MARK: &str =
    "INSERT INTO chitin_internal.commit_marker (id, state) VALUES ($1, 'committed')";

/// Keeps this attempt from ever being committed, unless it was.
pub(in crate::database) const FENCE: &str =
    "INSERT INTO chitin_internal.commit_marker (id, state) VALUES ($1, 'fenced')";

/// Tells who was first.
pub(in crate::database) const READ_MARKER: &str =
    "SELECT state FROM chitin_internal.commit_marker WHERE id = $1";

/// What removes old markers where the database does not do it by itself.
const CLEANER: &str = "remove_old_markers";

/// The table, as it is named in SQL.
pub(in crate::database) fn markers() -> impl fmt::Display {
    format!(r#""{OWN_SCHEMA}"."{OWN_TABLE}""#)
}

/// Makes the host's own schema.
pub(in crate::database) fn create_own_schema() -> Statement<'static> {
    fixed(format!(r#"CREATE SCHEMA IF NOT EXISTS "{OWN_SCHEMA}""#))
}

/// Makes the table of markers.
pub(in crate::database) fn create_markers(server: ServerKind) -> Statement<'static> {
    fixed(format!(
        r#"CREATE TABLE IF NOT EXISTS {} ("id" uuid PRIMARY KEY, "state" text NOT NULL CHECK ("state" IN ('committed', 'fenced')), "made_at" timestamptz NOT NULL DEFAULT now()){}"#,
        markers(),
        server.marker_expiry()
    ))
}

/// Makes what removes markers that nobody asks for any more, where the database does not do it by itself.
pub(in crate::database) fn create_cleaner(server: ServerKind) -> Vec<Statement<'static>> {
    let Some(old) = server.old_marker() else {
        return Vec::new();
    };
    let markers = markers();
    let index =
        format!(r#"CREATE INDEX IF NOT EXISTS "{OWN_TABLE}_made_at" ON {markers} ("made_at")"#);
    // Its search path is fixed, so that nobody's own `now` is called in the owner's name. Both statements or none, hence the block.
    let function = format!(
        r#"DO $do$ BEGIN CREATE FUNCTION "{OWN_SCHEMA}"."{CLEANER}"() RETURNS int8 LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$ WITH gone AS (DELETE FROM {markers} WHERE "id" IN (SELECT "id" FROM {markers} WHERE {old} ORDER BY "made_at" LIMIT {CLEANED_AT_ONCE} FOR UPDATE SKIP LOCKED) RETURNING 1) SELECT count(*) FROM gone $body$; REVOKE ALL ON FUNCTION "{OWN_SCHEMA}"."{CLEANER}"() FROM PUBLIC; END $do$"#
    );
    vec![fixed(index), fixed(function)]
}

/// Takes from a role, by its plain name, whatever it may do with markers.
pub(in crate::database) fn revoke_markers(role: &str) -> Result<Statement<'static>, Error> {
    let role = Identifier::new("role name", role)?;
    let sql = format!("REVOKE ALL ON TABLE {} FROM {role}", markers());
    Ok(fixed(sql))
}

/// Lets a role, by its plain name, use markers as a plugin's role should.
pub(in crate::database) fn grant_markers(
    server: ServerKind,
    role: &str,
) -> Result<Vec<Statement<'static>>, Error> {
    let role = Identifier::new("role name", role)?;
    let mut statements = vec![
        format!(r#"GRANT USAGE ON SCHEMA "{OWN_SCHEMA}" TO {role}"#),
        format!("GRANT SELECT, INSERT ON TABLE {} TO {role}", markers()),
    ];
    if server.old_marker().is_some() {
        statements.push(format!(
            r#"GRANT EXECUTE ON FUNCTION "{OWN_SCHEMA}"."{CLEANER}"() TO {role}"#
        ));
    }
    Ok(statements.into_iter().map(fixed).collect())
}

/// Tells if the table of markers is there, and of a role, the one that is logged in if none is named: what it needs with the table and
/// may, whether it may have old markers removed (NULL if there is nothing that does it), whether the table is its own, and whether it may
/// change or delete markers.
pub(in crate::database) fn find_markers(
    server: ServerKind,
    role: Option<&str>,
) -> Statement<'static> {
    let who = role.map_or("current_user", |_| "$1::name");
    let cleans = match server.old_marker() {
        None => "TRUE".to_owned(),
        Some(_) => format!(
            "(SELECT has_function_privilege({who}, p.oid, 'EXECUTE') FROM pg_catalog.pg_proc AS p \
             WHERE p.pronamespace = n.oid AND p.proname = '{CLEANER}' AND p.pronargs = 0)"
        ),
    };
    let parameter = |role: &str| Parameter {
        data_type: Type::TEXT,
        text: Some(role.to_owned().into()),
    };
    Statement {
        parameters: role.map(parameter).into_iter().collect(),
        ..fixed(format!(
            "SELECT has_schema_privilege({who}, n.oid, 'USAGE'), has_table_privilege({who}, c.oid, 'SELECT'), \
             has_table_privilege({who}, c.oid, 'INSERT'), {cleans}, \
             pg_has_role({who}, c.relowner, 'USAGE') OR pg_has_role({who}, n.nspowner, 'USAGE'), \
             has_table_privilege({who}, c.oid, 'UPDATE, DELETE') \
             FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
             WHERE n.nspname = '{OWN_SCHEMA}' AND c.relname = '{OWN_TABLE}'"
        ))
    }
}

/// Removes old markers, [`CLEANED_AT_ONCE`] at most, and tells how many those were; where the database does not do it by itself.
pub(in crate::database) fn clean_markers(server: ServerKind) -> Option<Statement<'static>> {
    server.old_marker()?;
    Some(fixed(format!(r#"SELECT "{OWN_SCHEMA}"."{CLEANER}"()"#)))
}

fn fixed(sql: String) -> Statement<'static> {
    Statement {
        sql,
        ..Statement::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        FENCE, MARK, READ_MARKER, ServerKind, Statement, clean_markers, create_cleaner,
        create_markers, create_own_schema, find_markers, fixed, grant_markers, revoke_markers,
    };

    #[test]
    fn the_statements_about_markers() {
        for (server, file) in [
            (ServerKind::CockroachDb, "markers_cockroachdb"),
            (ServerKind::PostgreSql, "markers_postgresql"),
        ] {
            let granted = grant_markers(server, "the \"app\"").expect("a role");
            let revoked = revoke_markers("app").expect("a role");
            let statements: [(&str, Vec<Statement<'_>>); 11] = [
                ("create own schema", vec![create_own_schema()]),
                ("create markers", vec![create_markers(server)]),
                ("create cleaner", create_cleaner(server)),
                ("revoke markers", vec![revoked]),
                ("grant markers", granted),
                ("find markers", vec![find_markers(server, None)]),
                (
                    "find markers for a role",
                    vec![find_markers(server, Some("app"))],
                ),
                ("clean markers", clean_markers(server).into_iter().collect()),
                ("mark", vec![fixed(MARK.to_owned())]),
                ("fence", vec![fixed(FENCE.to_owned())]),
                ("read marker", vec![fixed(READ_MARKER.to_owned())]),
            ];
            let mut golden = String::new();
            for (name, statements) in statements {
                golden.push_str(&["-- ", name, "\n"].concat());
                if statements.is_empty() {
                    golden.push_str("-- it does so itself\n");
                }
                for statement in statements {
                    golden.push_str(&(statement.sql + "\n"));
                }
                golden.push('\n');
            }
            let mut settings = insta::Settings::clone_current();
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.bind(|| insta::assert_snapshot!(file, golden));
        }
        assert!(grant_markers(ServerKind::PostgreSql, "").is_err());
    }
}
