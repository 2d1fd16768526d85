use super::Statement;
use crate::database::server::ServerKind;

/// The table in which a transaction leaves a mark that it was committed, in the host's own schema.
const MARKERS: &str = r#""chitin_internal"."commit_marker""#;

/// Makes the host's own schema.
pub(in crate::database) fn create_own_schema() -> Statement<'static> {
    fixed(r#"CREATE SCHEMA IF NOT EXISTS "chitin_internal""#)
}

/// Makes the table of markers.
///
/// A marker is named by the attempt, and says `committed` if the attempt's own transaction wrote it, `fenced` if the host did after the
/// answer to a COMMIT was lost: whoever is first decides.
pub(in crate::database) fn create_markers(server: ServerKind) -> Statement<'static> {
    fixed(&format!(
        r#"CREATE TABLE IF NOT EXISTS {MARKERS} ("id" uuid PRIMARY KEY, "state" text NOT NULL CHECK ("state" IN ('committed', 'fenced')), "made_at" timestamptz NOT NULL DEFAULT now()){}"#,
        server.marker_expiry()
    ))
}

/// Removes markers that nobody asks for any more, where the database does not do it by itself.
pub(in crate::database) fn remove_old_markers(server: ServerKind) -> Option<Statement<'static>> {
    let old = server.old_marker()?;
    Some(fixed(&format!("DELETE FROM {MARKERS} WHERE {old}")))
}

/// Tells if the table of markers is there, and what the role may do with it.
pub(in crate::database) fn find_markers() -> Statement<'static> {
    fixed(
        "SELECT has_schema_privilege(n.oid, 'USAGE'), has_table_privilege(c.oid, 'SELECT'), \
         has_table_privilege(c.oid, 'INSERT'), has_table_privilege(c.oid, 'UPDATE') \
         FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
         WHERE n.nspname = 'chitin_internal' AND c.relname = 'commit_marker'",
    )
}

/// Tells what the role of the connection is.
pub(in crate::database) fn role() -> Statement<'static> {
    fixed(
        "SELECT r.rolname::text, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolconnlimit::int8, \
         has_database_privilege(current_database(), 'CREATE'), current_schema()::text, \
         has_schema_privilege(current_schema()::text, 'CREATE') \
         FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user",
    )
}

/// Tells how transactions are kept apart.
pub(in crate::database) fn isolation() -> Statement<'static> {
    fixed("SELECT current_setting('transaction_isolation')")
}

/// Tells how many connections the server takes, as far as it says so.
pub(in crate::database) fn capacity(server: ServerKind) -> Statement<'static> {
    fixed(&format!(
        "SELECT current_setting('max_connections', true), {}",
        server.connections_in_use()
    ))
}

/// Tells the server's time in milliseconds since 1970.
pub(in crate::database) fn clock() -> Statement<'static> {
    fixed("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8")
}

fn fixed(sql: &str) -> Statement<'static> {
    Statement {
        sql: sql.to_owned(),
        ..Statement::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        ServerKind, Statement, capacity, clock, create_markers, create_own_schema, find_markers,
        isolation, remove_old_markers, role,
    };
    use crate::database::identifier::OWN_SCHEMA;

    #[test]
    fn the_statements_of_an_operator() {
        for (server, file) in [
            (ServerKind::CockroachDb, "operator_cockroachdb"),
            (ServerKind::PostgreSql, "operator_postgresql"),
        ] {
            let text = |statement: Statement<'_>| statement.sql;
            let statements = [
                ("role", role().sql),
                ("isolation", isolation().sql),
                ("capacity", capacity(server).sql),
                ("clock", clock().sql),
                ("find markers", find_markers().sql),
                ("create own schema", create_own_schema().sql),
                ("create markers", create_markers(server).sql),
                (
                    "remove old markers",
                    remove_old_markers(server)
                        .map_or_else(|| "-- it does so itself".to_owned(), text),
                ),
            ];
            let golden = statements
                .map(|(name, sql)| format!("-- {name}\n{sql}\n"))
                .join("\n");
            assert!(golden.contains(OWN_SCHEMA));
            let mut settings = insta::Settings::clone_current();
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.bind(|| insta::assert_snapshot!(file, golden));
        }
    }
}
