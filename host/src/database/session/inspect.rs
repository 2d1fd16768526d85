//! What is there: tables, and what one of them is made of.

use std::collections::BTreeMap;

use super::Session;
use crate::database::{
    catalog::shown,
    description::{ColumnDescription, TableDescription, TableEntry, TableKind},
    error::{DatabaseError, Error},
    identifier::written,
    request::{ForeignKey, ReferentialAction, UniqueKey},
    rows::Rows,
    server::ServerKind,
    statement,
};

impl Session {
    /// The tables and views that the role can see, by schema and name, of one schema or of all but the database's own.
    pub async fn tables(&mut self, schema: Option<&str>) -> Result<Vec<TableEntry>, Error> {
        let server = self.database.server().kind;
        // One more than allowed is enough to know that there are too many.
        let at_most = self.limits.result_rows.saturating_add(1);
        let statement = statement::tables(server, schema, at_most)?;
        let answer = self.read_only(&statement).await?;
        let rows = self.rows(answer).await;
        let entry = |row| {
            Some(TableEntry {
                schema: rows.text(row, 0)?,
                name: rows.text(row, 1)?,
                kind: match rows.text(row, 2)?.as_str() {
                    "v" => TableKind::View,
                    "m" => TableKind::MaterializedView,
                    _ => TableKind::Table,
                },
            })
        };
        (0..rows.len())
            .map(entry)
            .collect::<Option<_>>()
            .ok_or_else(unreadable)
    }

    /// Columns, keys and references of one table or view.
    pub async fn describe_table(&mut self, table: &str) -> Result<TableDescription, Error> {
        let server = self.database.server().kind;
        let statement = statement::describe_table(server, table)?;
        let answer = self.read_only(&statement).await?;
        let rows = self.rows(answer).await;
        if rows.is_empty() {
            return Err(Error::Database(Box::new(DatabaseError::of_host(
                "42P01",
                &format!("table {table:?} is not there, or cannot be seen"),
            ))));
        }
        description(&rows, server).ok_or_else(unreadable)
    }
}

fn unreadable() -> Error {
    Error::Other("protocol: the catalogue answered what cannot be read".to_owned())
}

/// One row of the statement: a fact about the table.
struct Fact<'r> {
    rows: &'r Rows,
    row: usize,
    kind: String,
    number: i64,
    name: String,
}

impl<'r> Fact<'r> {
    fn read(rows: &'r Rows, row: usize) -> Option<Self> {
        Some(Self {
            rows,
            row,
            kind: rows.text(row, 0)?,
            number: rows.number(row, 1)?,
            name: rows.text(row, 2)?,
        })
    }

    /// The detail in this place, from 0.
    fn detail(&self, place: usize) -> Option<String> {
        self.rows.text(self.row, place + 3)
    }

    fn is_true(&self, place: usize) -> bool {
        self.detail(place).as_deref() == Some("true")
    }

    fn numbers(&self, place: usize) -> Option<Vec<i64>> {
        numbers(&self.detail(place)?)
    }
}

/// A list of column numbers, however it is written.
fn numbers(list: &str) -> Option<Vec<i64>> {
    let numbers = list.split(|character: char| !character.is_ascii_digit());
    let numbers = numbers.filter(|number| !number.is_empty());
    numbers.map(|number| number.parse().ok()).collect()
}

fn description(rows: &Rows, server: ServerKind) -> Option<TableDescription> {
    let facts = (0..rows.len()).map(|row| Fact::read(rows, row));
    let facts: Vec<_> = facts.collect::<Option<_>>()?;
    let of_kind = |kind: &'static str| facts.iter().filter(move |fact| fact.kind == kind);
    let table = of_kind("table").next()?;
    let columns = Columns::read(of_kind("column"), server)?;
    let mut primary_key = Vec::new();
    let mut unique_keys = BTreeMap::new();
    for fact in of_kind("key") {
        let length = fact.detail(2)?.parse().ok()?;
        let key = columns.of_key(fact.numbers(1)?.iter().take(length));
        if fact.is_true(0) {
            primary_key = key.unwrap_or_default();
        } else if let Some(key) = key {
            unique_keys.insert(fact.name.clone(), key);
        }
    }
    let unique_key = |(name, columns)| UniqueKey {
        name: Some(name),
        columns,
    };
    Some(TableDescription {
        schema: table.detail(0)?,
        name: table.name.clone(),
        primary_key,
        unique_keys: unique_keys.into_iter().map(unique_key).collect(),
        foreign_keys: foreign_keys(of_kind("reference"), &columns)?,
        columns: columns.visible.into_values().collect(),
    })
}

/// Columns by their numbers, which say their order.
struct Columns {
    visible: BTreeMap<i64, ColumnDescription>,
    /// The numbers of those that the database adds to keys.
    added: Vec<i64>,
}

impl Columns {
    fn read<'f>(facts: impl Iterator<Item = &'f Fact<'f>>, server: ServerKind) -> Option<Self> {
        let mut columns = Self {
            visible: BTreeMap::new(),
            added: Vec::new(),
        };
        for fact in facts {
            if fact.detail(6).as_deref() != Some("h") {
                columns.visible.insert(fact.number, column(fact)?);
            } else if server.adds_to_keys(&fact.name) {
                columns.added.push(fact.number);
            }
        }
        Some(columns)
    }

    /// The names of the columns of a key as it was declared; `None` if there is among them what is no column, or a hidden one.
    fn of_key<'n>(&self, numbers: impl Iterator<Item = &'n i64>) -> Option<Vec<String>> {
        let declared = numbers.filter(|number| !self.added.contains(number));
        let name = |number| Some(self.visible.get(number)?.name.clone());
        declared.map(name).collect()
    }
}

fn column(fact: &Fact<'_>) -> Option<ColumnDescription> {
    let type_name = shown(&fact.detail(0)?, &fact.detail(1)?);
    let (element, brackets) = match (fact.detail(2), fact.detail(3)) {
        (Some(schema), Some(element)) => (shown(&schema, &element), "[]"),
        _ => (type_name, ""),
    };
    let size = fact.detail(4).as_deref().map(size).unwrap_or_default();
    let text = fact.detail(7);
    Some(ColumnDescription {
        name: fact.name.clone(),
        type_name: format!("{element}{size}{brackets}"),
        not_null: fact.is_true(5),
        default_text: match fact.detail(6)?.as_str() {
            "a" => Some("GENERATED ALWAYS AS IDENTITY".to_owned()),
            "d" => Some("GENERATED BY DEFAULT AS IDENTITY".to_owned()),
            "s" => text.map(|text| format!("GENERATED ALWAYS AS ({text}) STORED")),
            "v" => text.map(|text| format!("GENERATED ALWAYS AS ({text}) VIRTUAL")),
            _ => text,
        },
    })
}

/// The part in parentheses of `character varying(20)[]`; the name before it is the database's other one.
fn size(formatted: &str) -> String {
    let part = formatted
        .rfind('(')
        .zip(formatted.rfind(')'))
        .and_then(|(start, end)| formatted.get(start..=end));
    part.unwrap_or_default().to_owned()
}

fn foreign_keys<'f>(
    facts: impl Iterator<Item = &'f Fact<'f>>,
    columns: &Columns,
) -> Option<Vec<ForeignKey>> {
    // The facts of one key are the same but for the column that is referred to.
    let mut keys: BTreeMap<&str, (&Fact<'_>, BTreeMap<i64, String>)> = BTreeMap::new();
    for fact in facts {
        let (_, referenced) = keys.entry(&fact.name).or_insert((fact, BTreeMap::new()));
        referenced.insert(fact.number, fact.detail(6)?);
    }
    let read = |(name, (fact, referenced)): (&str, (&Fact<'_>, BTreeMap<i64, String>))| {
        let of_other = |number| referenced.get(number).cloned();
        let referenced_columns = fact
            .numbers(3)?
            .iter()
            .map(of_other)
            .collect::<Option<_>>()?;
        Some(ForeignKey {
            name: Some(name.to_owned()),
            columns: columns.of_key(fact.numbers(2)?.iter())?,
            referenced_table: written(&fact.detail(0)?, &fact.detail(1)?),
            referenced_columns,
            on_delete: action(&fact.detail(4)?),
            on_update: action(&fact.detail(5)?),
        })
    };
    // A key on a hidden column is left out.
    Some(keys.into_iter().filter_map(read).collect())
}

/// What the catalogue calls `r`, to refuse at once, differs from no action only in when it refuses.
fn action(code: &str) -> ReferentialAction {
    match code {
        "c" => ReferentialAction::Cascade,
        "n" => ReferentialAction::SetNull,
        "d" => ReferentialAction::SetDefault,
        _ => ReferentialAction::NoAction,
    }
}

#[cfg(test)]
mod tests {
    use super::{ColumnDescription, Columns, numbers, size};

    /// The columns 1 and 2 that can be seen, the shard 3 that the database adds to keys, and the hidden 4.
    fn columns() -> Columns {
        let visible = [(1, "a"), (2, "b")].map(|(number, name)| {
            let column = ColumnDescription {
                name: name.to_owned(),
                type_name: "int8".to_owned(),
                not_null: true,
                default_text: None,
            };
            (number, column)
        });
        Columns {
            visible: visible.into(),
            added: vec![3],
        }
    }

    #[test]
    fn a_key_is_the_one_that_was_declared_or_none() {
        let declared = |list| columns().of_key(numbers(list).expect("numbers").iter());
        let names =
            |names: &[&str]| Some(names.iter().map(ToString::to_string).collect::<Vec<_>>());
        // The notations of both databases; a shard before the key; a row's hidden number; an expression.
        assert_eq!(declared("2 1"), names(&["b", "a"]));
        assert_eq!(declared("{2,1}"), names(&["b", "a"]));
        assert_eq!(declared("3 1"), names(&["a"]));
        assert_eq!(declared("4"), None);
        assert_eq!(declared("1 0"), None);
    }

    #[test]
    fn the_size_of_a_type_is_what_its_parentheses_hold() {
        for (formatted, expected) in [
            ("character varying(20)", "(20)"),
            ("character varying(20)[]", "(20)"),
            ("numeric(12,2)", "(12,2)"),
            ("timestamp(3) without time zone", "(3)"),
            ("interval day", ""),
            ("\"odd(name)\"(7)", "(7)"),
        ] {
            assert_eq!(size(formatted), expected, "{formatted}");
        }
    }
}
