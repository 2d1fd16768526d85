//! Names of tables and columns: read as the contract writes them, checked, and always quoted in SQL.

use std::fmt;

use super::error::Error;

/// The longest name both databases keep whole; PostgreSQL cuts a longer one silently.
const MAXIMUM_BYTES: usize = 63;

/// Schemas that belong to the database and not to its users. On CockroachDB `system` is a database, named in the same place.
pub(super) const SYSTEM_SCHEMAS: [&str; 4] = [
    "information_schema",
    "crdb_internal",
    "system",
    "pg_extension",
];

/// The schema that belongs to the host: what it keeps there decides whether transactions were committed.
pub(super) const OWN_SCHEMA: &str = "chitin_internal";

/// The table of commit markers in it. No guest names a table so without a schema: a search path of its own could lead to this one.
pub(super) const OWN_TABLE: &str = "commit_marker";

/// One name, shown as SQL with its quotes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Identifier(String);

impl Identifier {
    /// Takes a plain name; `what` says in an error what it is the name of.
    pub(super) fn new(what: &str, name: &str) -> Result<Self, Error> {
        let problem = if name.is_empty() {
            "it is empty".to_owned()
        } else if name.contains('\0') {
            "it holds a NUL".to_owned()
        } else if name.len() > MAXIMUM_BYTES {
            format!("it has {} bytes of at most {MAXIMUM_BYTES}", name.len())
        } else {
            return Ok(Self(name.to_owned()));
        };
        Err(Error::Invalid(format!("{what} {name:?}: {problem}")))
    }

    /// The name of a column.
    pub(super) fn column(name: &str) -> Result<Self, Error> {
        Self::new("column name", name)
    }

    /// The name without quotes.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A table in its schema as the contract writes it, so that it can be given back as a name.
pub(super) fn written(schema: &str, name: &str) -> String {
    let part = |name: &str| {
        if name.contains(['.', '"']) {
            format!("\"{}\"", name.replace('"', "\"\""))
        } else {
            name.to_owned()
        }
    };
    format!("{}.{}", part(schema), part(name))
}

impl fmt::Display for Identifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{}\"", self.0.replace('"', "\"\""))
    }
}

/// A name that may have a schema before it, shown as SQL with its quotes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct QualifiedName {
    pub(super) schema: Option<Identifier>,
    pub(super) name: Identifier,
}

impl QualifiedName {
    /// Reads `name`, `schema.name` or `"odd.name"`.
    pub(super) fn parse(what: &str, text: &str) -> Result<Self, Error> {
        let mut parts = split(text)
            .ok_or_else(|| {
                Error::Invalid(format!(
                    "{what} {text:?}: a double quote belongs around a whole part, and twice inside one"
                ))
            })?
            .into_iter();
        let (first, second, third) = (parts.next(), parts.next(), parts.next());
        if third.is_some() {
            return Err(Error::Invalid(format!(
                "{what} {text:?}: it has at most a schema and a name; a dot inside a name needs double quotes around that part"
            )));
        }
        let first = Identifier::new(what, &first.unwrap_or_default())?;
        Ok(match second {
            None => Self {
                schema: None,
                name: first,
            },
            Some(name) => Self {
                schema: Some(first),
                name: Identifier::new(what, &name)?,
            },
        })
    }

    /// Reads the name of a table, and refuses those of the database's own.
    ///
    /// Without a schema, names in `pg_` are refused too: the database looks for them among its own first.
    pub(super) fn table(text: &str) -> Result<Self, Error> {
        let name = Self::parse("table name", text)?;
        let is_ours = match &name.schema {
            Some(schema) => is_own(schema),
            None => name.name.as_str() == OWN_TABLE,
        };
        if is_ours {
            return Err(Error::Denied(format!("table {name} belongs to the host")));
        }
        let is_system = match &name.schema {
            Some(schema) => is_system(schema.as_str()),
            None => is_reserved(name.name.as_str()),
        };
        if is_system {
            return Err(Error::Denied(format!(
                "table {name} belongs to the database itself"
            )));
        }
        Ok(name)
    }
}

/// Takes the plain name of a schema, and refuses the database's own.
pub(super) fn user_schema(name: &str) -> Result<Identifier, Error> {
    let schema = Identifier::new("schema name", name)?;
    if is_system(name) {
        return Err(Error::Denied(format!(
            "schema {schema} belongs to the database itself"
        )));
    }
    if is_own(&schema) {
        return Err(Error::Denied(format!(
            "schema {schema} belongs to the host"
        )));
    }
    Ok(schema)
}

/// Takes the plain name of a database, and refuses those that belong to the server.
pub(super) fn database_name(name: &str) -> Result<Identifier, Error> {
    let database = Identifier::new("database name", name)?;
    let is_template = matches!(name, "template0" | "template1");
    if is_template || is_system(name) {
        return Err(Error::Denied(format!(
            "database {database} belongs to the server itself"
        )));
    }
    Ok(database)
}

fn is_own(schema: &Identifier) -> bool {
    schema.as_str().eq_ignore_ascii_case(OWN_SCHEMA)
}

fn is_system(name: &str) -> bool {
    is_reserved(name) || SYSTEM_SCHEMAS.contains(&name.to_ascii_lowercase().as_str())
}

/// Whether a name has the beginning that both databases keep for themselves.
fn is_reserved(name: &str) -> bool {
    name.get(..3)
        .is_some_and(|start| start.eq_ignore_ascii_case("pg_"))
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(formatter, "{schema}.")?;
        }
        self.name.fmt(formatter)
    }
}

/// Splits at the dots outside double quotes and takes the quotes off; `None` if they are misplaced.
fn split(text: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut characters = text.chars().peekable();
    loop {
        let mut part = String::new();
        if characters.next_if_eq(&'"').is_some() {
            loop {
                match characters.next()? {
                    '"' if characters.next_if_eq(&'"').is_none() => break,
                    character => part.push(character),
                }
            }
        } else {
            while let Some(character) = characters.next_if(|&character| character != '.') {
                if character == '"' {
                    return None;
                }
                part.push(character);
            }
        }
        parts.push(part);
        match characters.next() {
            None => return Some(parts),
            Some('.') => {}
            Some(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Error, Identifier, QualifiedName, database_name, user_schema, written};

    fn table(text: &str) -> Result<String, Error> {
        QualifiedName::table(text).map(|name| name.to_string())
    }

    #[test]
    fn a_table_is_named_with_or_without_its_schema() {
        for (text, sql) in [
            ("accounts", r#""accounts""#),
            ("sales.accounts", r#""sales"."accounts""#),
            (r#""odd.name""#, r#""odd.name""#),
            (r#"sales."odd.name""#, r#""sales"."odd.name""#),
            (r#""a""b""#, r#""a""b""#),
            ("Ünïcode table", r#""Ünïcode table""#),
            ("t; DROP TABLE t", r#""t; DROP TABLE t""#),
            ("public.pg_like", r#""public"."pg_like""#),
            ("system", r#""system""#),
            ("sales.commit_marker", r#""sales"."commit_marker""#),
        ] {
            assert_eq!(table(text).as_deref(), Ok(sql), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_invalid() {
        let long = "x".repeat(64);
        for text in [
            "", ".", "a.", ".a", "a.b.c", "\"a", "a\"b", "\"a\"b", "\"\"", "a\0b", &long,
        ] {
            assert!(matches!(table(text), Err(Error::Invalid(_))), "{text:?}");
        }
        assert!(table(&"x".repeat(63)).is_ok());
        for name in ["", "a\0b", &long] {
            assert!(
                matches!(Identifier::column(name), Err(Error::Invalid(_))),
                "{name:?}"
            );
        }
    }

    #[test]
    fn the_databases_own_tables_are_denied() {
        for text in [
            "pg_catalog.pg_authid",
            "pg_class",
            "PG_CATALOG.pg_class",
            "information_schema.tables",
            "crdb_internal.ranges",
            "system.users",
            "pg_extension.geometry_columns",
            "pg_temp_3.t",
            r#""pg_catalog"."pg_class""#,
            "chitin_internal.commit_marker",
            r#""chitin_internal".t"#,
            "Chitin_Internal.t",
            "commit_marker",
        ] {
            assert!(matches!(table(text), Err(Error::Denied(_))), "{text}");
        }
    }

    #[test]
    fn schemas_and_databases_of_the_server_are_denied() {
        for name in ["pg_catalog", "PG_x", "information_schema", "System"] {
            assert!(matches!(user_schema(name), Err(Error::Denied(_))), "{name}");
            assert!(
                matches!(database_name(name), Err(Error::Denied(_))),
                "{name}"
            );
        }
        assert!(matches!(database_name("template1"), Err(Error::Denied(_))));
        assert!(matches!(user_schema(""), Err(Error::Invalid(_))));
        for name in ["public", "pg", "template1", "a.b", "p\u{fc}_x"] {
            assert!(user_schema(name).is_ok(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_name_as_it_is_written_reads_as_itself(schema in "[^\0]{1,15}", name in "[^\0]{1,15}") {
            let read = QualifiedName::parse("name", &written(&schema, &name))?;
            prop_assert_eq!(read.schema.as_ref().map(Identifier::as_str), Some(schema.as_str()));
            prop_assert_eq!(read.name.as_str(), name);
        }

        #[test]
        fn quoting_loses_nothing_and_nothing_escapes_it(name in "[^\0]{1,15}") {
            let sql = Identifier::column(&name)?.to_string();
            let inner = sql.strip_prefix('"').and_then(|sql| sql.strip_suffix('"')).unwrap();
            prop_assert!(!inner.replace("\"\"", "").contains('"'));
            prop_assert_eq!(inner.replace("\"\"", "\""), name);
        }

        #[test]
        fn a_name_shown_as_sql_reads_as_itself(schema in "[^\0]{1,15}", name in "[^\0]{1,15}") {
            let shown = format!("{}.{}", Identifier::column(&schema)?, Identifier::column(&name)?);
            let read = QualifiedName::parse("name", &shown)?;
            prop_assert_eq!(read.schema.as_ref().map(Identifier::as_str), Some(schema.as_str()));
            prop_assert_eq!(read.name.as_str(), name);
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            drop(QualifiedName::table(&text));
        }
    }
}
