//! What the host must know of a table to write into it: its primary key, and what its columns are exactly.

use tokio_postgres::types::{Oid, Type};

use super::{request::Returning, rows::Rows, server::ServerKind, value::Value};

/// A table as the database's catalogue describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct TableInfo {
    /// The columns that `*` stands for.
    pub(super) columns: Vec<ColumnInfo>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ColumnInfo {
    /// Its plain name.
    pub(super) name: String,
    /// The OID of its type.
    pub(super) oid: Oid,
    /// The size of its type as the database packs it, -1 for none: the 5 of `varchar(5)`.
    pub(super) modifier: i32,
    /// The SQL of its type with all modifiers, such as `numeric(10,2)`: what is cast to it is what the column would hold.
    pub(super) exact_type: String,
    /// Whether it belongs to the primary key.
    pub(super) in_primary_key: bool,
    /// The SQL of its default, which the database wrote; absent for an identity, whose numbers not everybody may draw.
    pub(super) default: Option<String>,
}

/// Describes the columns of the table that is named in `$1`.
pub(super) fn look_up(server: ServerKind) -> String {
    let visible = server.only_visible_columns();
    format!(
        "SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.atttypid, a.atttypmod, \
         COALESCE(a.attnum = ANY (i.indkey), false), \
         CASE WHEN a.attidentity = '' AND a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END \
         FROM pg_catalog.pg_attribute AS a \
         LEFT JOIN pg_catalog.pg_index AS i ON i.indrelid = a.attrelid AND i.indisprimary \
         LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
         WHERE a.attrelid = CAST(CAST($1 AS text) AS regclass) AND a.attnum > 0 AND NOT a.attisdropped{visible} \
         ORDER BY a.attnum"
    )
}

impl TableInfo {
    /// Reads what [`look_up`] found.
    pub(super) fn read(found: &Rows) -> Self {
        let column = |row| {
            Some(ColumnInfo {
                name: found.text(row, 0)?,
                exact_type: found.text(row, 1)?,
                oid: Oid::try_from(found.number(row, 2)?).ok()?,
                modifier: i32::try_from(found.number(row, 3)?).ok()?,
                in_primary_key: found.value(row, 4) == Ok(Value::Boolean(true)),
                default: found.text(row, 5),
            })
        };
        Self {
            columns: (0..found.len()).filter_map(column).collect(),
        }
    }

    /// The column of this name.
    pub(super) fn column(&self, name: &str) -> Option<&ColumnInfo> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns of the primary key, in the order of the table; empty without one that can be seen.
    pub(super) fn primary_key(&self) -> impl Iterator<Item = &str> {
        let key = self.columns.iter().filter(|column| column.in_primary_key);
        key.map(|column| column.name.as_str())
    }

    /// Whether what comes back of a row is hardly more than what was given for it: other columns can hold anything.
    pub(super) fn returns_only(&self, given: &[&str], returning: &Returning) -> bool {
        self.columns
            .iter()
            .filter(|column| match returning {
                Returning::Nothing => false,
                Returning::AllColumns => true,
                Returning::Columns(wanted) => wanted.contains(&column.name),
            })
            .all(|column| column.is_small() || given.contains(&column.name.as_str()))
    }
}

impl ColumnInfo {
    /// Whether every value of its type takes a few bytes.
    fn is_small(&self) -> bool {
        Type::from_oid(self.oid).is_some_and(|known| is_small(&known))
    }
}

fn is_small(known: &Type) -> bool {
    matches!(
        *known,
        Type::BOOL
            | Type::INT2
            | Type::INT4
            | Type::INT8
            | Type::OID
            | Type::FLOAT4
            | Type::FLOAT8
            | Type::UUID
            | Type::DATE
            | Type::TIME
            | Type::TIMETZ
            | Type::TIMESTAMP
            | Type::TIMESTAMPTZ
            | Type::INTERVAL
    )
}

#[cfg(test)]
mod tests {
    use super::{ColumnInfo, Returning, TableInfo, Type};

    #[test]
    fn what_comes_back_is_known_where_all_other_columns_are_small() {
        let column = |name: &str, data_type: Type| ColumnInfo {
            name: name.to_owned(),
            exact_type: data_type.name().to_owned(),
            oid: data_type.oid(),
            modifier: -1,
            in_primary_key: name == "id",
            default: None,
        };
        let table = TableInfo {
            columns: vec![
                column("id", Type::INT8),
                column("a", Type::TEXT),
                column("b", Type::TEXT),
            ],
        };
        let only = |columns: &[&str]| {
            Returning::Columns(columns.iter().map(ToString::to_string).collect())
        };
        for (given, returning, expected) in [
            (&["a", "b"][..], Returning::AllColumns, true),
            (&["a"], Returning::AllColumns, false),
            (&["a"], only(&["id", "a"]), true),
            (&["a"], only(&["b"]), false),
            (&[], Returning::Nothing, true),
        ] {
            assert_eq!(
                table.returns_only(given, &returning),
                expected,
                "{given:?} {returning:?}"
            );
        }
        assert_eq!(table.primary_key().collect::<Vec<_>>(), ["id"]);
    }
}
