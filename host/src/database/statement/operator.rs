use super::Statement;
use crate::database::server::ServerKind;

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
    use super::{ServerKind, capacity, clock, isolation, role};

    #[test]
    fn the_statements_of_an_operator() {
        for (server, file) in [
            (ServerKind::CockroachDb, "operator_cockroachdb"),
            (ServerKind::PostgreSql, "operator_postgresql"),
        ] {
            let statements = [
                ("role", role().sql),
                ("isolation", isolation().sql),
                ("capacity", capacity(server).sql),
                ("clock", clock().sql),
            ];
            let golden = statements
                .map(|(name, sql)| format!("-- {name}\n{sql}\n"))
                .join("\n");
            let mut settings = insta::Settings::clone_current();
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.bind(|| insta::assert_snapshot!(file, golden));
        }
    }
}
