//! What is there, asked of the catalogue that both databases have.
//!
//! Lists of column numbers are taken as text, `1 2` or `{1,2}`, since the databases have different functions for arrays.

use tokio_postgres::types::Type;

use super::{Place, Statement, builder::Builder};
use crate::database::{
    error::Error,
    identifier::{OWN_SCHEMA, QualifiedName, SYSTEM_SCHEMAS, user_schema},
    lease::Parameter,
    server::ServerKind,
};

/// Tables, partitioned and foreign ones included, views and materialized views, in schemas of the users.
const RELATIONS: &str = " FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND n.nspname::text NOT ILIKE 'pg\\_%' AND pg_catalog.lower(n.nspname::text) NOT IN (";

/// The schemas that a name without one is looked up in.
const SEARCHED: &str = "pg_catalog.current_schemas(false)::text[]";

/// What a description is put together from, one row a fact: the table itself, its columns, its unique indexes, and its references, one
/// row for each column that is referred to. A constraint with a parent on the same table is the parent's copy for a partition of the
/// other table.
const FACTS: [&str; 4] = [
    "SELECT 'table' AS fact, 0::int8 AS number, shown.name, shown.schema AS a, NULL::text AS b, NULL::text AS c, NULL::text AS d, \
     NULL::text AS e, NULL::text AS f, NULL::text AS g, NULL::text AS h FROM shown",
    "SELECT 'column', a.attnum::int8, a.attname::text, tn.nspname::text, t.typname::text, en.nspname::text, e.typname::text, \
     CASE WHEN a.atttypmod >= 0 THEN pg_catalog.format_type(a.atttypid, a.atttypmod) END, \
     (a.attnotnull OR coalesce(t.typnotnull, FALSE))::text, \
     CASE WHEN {hidden} THEN 'h' ELSE a.attidentity::text || a.attgenerated::text END, \
     pg_catalog.pg_get_expr(d.adbin, d.adrelid)::text \
     FROM shown JOIN pg_catalog.pg_attribute AS a ON a.attrelid = shown.id \
     JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.typnamespace \
     LEFT JOIN pg_catalog.pg_type AS e ON e.oid = t.typelem AND t.typcategory = 'A' \
     LEFT JOIN pg_catalog.pg_namespace AS en ON en.oid = e.typnamespace \
     LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
     WHERE a.attnum > 0 AND NOT a.attisdropped",
    "SELECT 'key', 0::int8, k.relname::text, i.indisprimary::text, i.indkey::text, i.indnkeyatts::text, NULL, NULL, NULL, NULL, NULL \
     FROM shown JOIN pg_catalog.pg_index AS i ON i.indrelid = shown.id JOIN pg_catalog.pg_class AS k ON k.oid = i.indexrelid \
     WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND NOT i.indisexclusion",
    "SELECT 'reference', o.attnum::int8, k.conname::text, rn.nspname::text, r.relname::text, k.conkey::text, k.confkey::text, \
     k.confdeltype::text, k.confupdtype::text, o.attname::text, NULL \
     FROM shown JOIN pg_catalog.pg_constraint AS k ON k.conrelid = shown.id AND k.contype = 'f' \
     JOIN pg_catalog.pg_class AS r ON r.oid = k.confrelid JOIN pg_catalog.pg_namespace AS rn ON rn.oid = r.relnamespace \
     JOIN pg_catalog.pg_attribute AS o ON o.attrelid = k.confrelid AND o.attnum = ANY (k.confkey) \
     WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint AS p WHERE p.oid = k.conparentid AND p.conrelid = k.conrelid)",
];

/// The tables and views that the role can see, by schema and name, and never more than `at_most`.
pub(in crate::database) fn tables(
    server: ServerKind,
    schema: Option<&str>,
    at_most: u64,
) -> Result<Statement<'static>, Error> {
    let mut builder = Builder::new();
    builder
        .sql("SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind");
    push_relations(&mut builder, server);
    if let Some(schema) = schema {
        builder.sql(" AND n.nspname = ");
        push_name(&mut builder, "schema", user_schema(schema)?.as_str());
    }
    builder
        .sql(" ORDER BY n.nspname, c.relname LIMIT ")
        .number_of_rows("limit", at_most);
    Ok(builder.finish())
}

/// What one table or view is made of, in rows of [`FACTS`]; none if it is not there or cannot be seen.
pub(in crate::database) fn describe_table(
    server: ServerKind,
    table: &str,
) -> Result<Statement<'static>, Error> {
    let table = QualifiedName::table(table)?;
    let mut builder = Builder::new();
    builder.sql(
        "WITH shown AS (SELECT c.oid AS id, n.nspname::text AS schema, c.relname::text AS name",
    );
    push_relations(&mut builder, server);
    builder.sql(" AND c.relname = ");
    push_name(&mut builder, "table", table.name.as_str());
    if let Some(schema) = &table.schema {
        builder.sql(" AND n.nspname = ");
        push_name(&mut builder, "schema", schema.as_str());
    } else {
        builder.sql(format_args!(
            " AND n.nspname::text = ANY ({SEARCHED}) ORDER BY pg_catalog.array_position({SEARCHED}, n.nspname::text)"
        ));
    }
    builder.sql(" LIMIT 1) ");
    for (place, fact) in FACTS.iter().enumerate() {
        builder
            .sql(if place == 0 { "" } else { " UNION ALL " })
            .sql(fact.replace("{hidden}", server.hides_column()));
    }
    Ok(builder.finish())
}

fn push_relations(builder: &mut Builder<'_>, server: ServerKind) {
    builder.sql(RELATIONS);
    for (place, schema) in SYSTEM_SCHEMAS.iter().chain([&OWN_SCHEMA]).enumerate() {
        let separator = if place == 0 { "" } else { ", " };
        builder.sql(format_args!("{separator}'{schema}'"));
    }
    builder.sql(") AND ").sql(server.sees_table());
}

fn push_name(builder: &mut Builder<'_>, what: &str, name: &str) {
    let place = Place {
        column: what.to_owned(),
        row: None,
    };
    let parameter = Parameter {
        data_type: Type::TEXT,
        text: Some(name.to_owned().into()),
    };
    builder.parameter(place, parameter);
}
