//! What the host has learnt about a database's types and columns: asked for once, kept for all sessions.
//!
//! Types are looked up after a result was read to its end, never while it arrives. What is kept here may be old: it names a type,
//! says how its bytes are read, and refuses a value only after the database was asked again.

mod description;
mod kept;

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_postgres::types::Oid;

pub(super) use description::{Description, LOOK_UP, shown};
use kept::Kept;

use super::{
    identifier::{Identifier, QualifiedName},
    table_info::TableInfo,
    value::Shape,
};

/// For so long nobody asks again for a type that was not found. It may be there soon: who made it may not have committed.
const FOUND_NOT: Duration = Duration::from_secs(10);

/// What is known about a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeInfo {
    /// As results name it: `int8`, `int8[]`, `sales.status`.
    pub(super) name: String,
    /// As a cast names it, quoted where it has to be.
    pub(super) cast: String,
    /// How its binary form is read.
    pub(super) shape: Shape,
}

/// A table and some of its columns.
pub(super) type Target = (QualifiedName, Vec<Identifier>);

/// The types of an extension or of the users' own, those of the columns that batches went into, and tables.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    types: Kept<Oid, TypeInfo>,
    missing: Kept<Oid, Instant>,
    targets: Kept<Target, Vec<Oid>>,
    tables: Kept<QualifiedName, TableInfo>,
}

impl Catalog {
    /// How many look-ups follow one another at most, for domains over domains.
    pub(super) const LOOK_UPS: usize = description::DEEPEST;

    /// The type with this OID, if it is a built-in one or was looked up before.
    pub(super) fn type_info(&self, oid: Oid) -> Option<Arc<TypeInfo>> {
        if let Some(known) = self.types.get(&oid) {
            return Some(known);
        }
        if let Some(info) = TypeInfo::builtin(oid) {
            return Some(self.types.keep(oid, info));
        }
        let asked = self.missing.get(&oid)?;
        (asked.elapsed() < FOUND_NOT).then(|| Arc::new(TypeInfo::unknown(oid)))
    }

    /// Takes in what was found about these types and those that they are made of.
    pub(super) fn learn(&self, asked: &[Oid], found: &[Description]) {
        let all: HashMap<Oid, &Description> = found.iter().map(|it| (it.oid, it)).collect();
        for oid in asked {
            if let Some(description) = all.get(oid) {
                self.types.keep(*oid, description.info(&all));
            } else {
                self.missing.keep(*oid, Instant::now());
            }
        }
    }

    /// The types of these columns, if they were asked for before.
    pub(super) fn column_types(&self, target: &Target) -> Option<Arc<Vec<Oid>>> {
        self.targets.get(target)
    }

    /// Keeps the types of these columns.
    pub(super) fn keep_column_types(&self, target: Target, types: Vec<Oid>) -> Arc<Vec<Oid>> {
        self.targets.keep(target, types)
    }

    /// What is known of this table, if it was asked for before.
    pub(super) fn table(&self, name: &QualifiedName) -> Option<Arc<TableInfo>> {
        self.tables.get(name)
    }

    /// Keeps what is known of this table.
    pub(super) fn keep_table(&self, name: QualifiedName, table: TableInfo) -> Arc<TableInfo> {
        self.tables.keep(name, table)
    }

    /// Forgets all tables and all types, since a definition may have changed.
    pub(super) fn forget_columns(&self) {
        self.targets.clear();
        self.tables.clear();
        self.types.clear();
        self.missing.clear();
    }
}

impl TypeInfo {
    /// A type that is the same everywhere.
    pub(super) fn builtin(oid: Oid) -> Option<Self> {
        let (name, shape) = Shape::of_builtin(oid)?;
        let (element, brackets) = name
            .strip_suffix("[]")
            .map_or((name.as_str(), ""), |element| (element, "[]"));
        // Without quotes `char` is another type, and `bit` is a single one.
        let cast = match element {
            "char" => format!("\"char\"{brackets}"),
            "bit" => format!("varbit{brackets}"),
            element => format!("{element}{brackets}"),
        };
        Some(Self { name, cast, shape })
    }

    /// All that can be said of a type that cannot be looked up.
    pub(super) fn unknown(oid: Oid) -> Self {
        Self {
            name: format!("type {oid}"),
            cast: "text".to_owned(),
            shape: Shape::OPAQUE,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_postgres::types::Type;

    use super::{Catalog, FOUND_NOT, Instant};

    #[test]
    fn built_in_types_need_no_look_up() {
        let catalog = Catalog::default();
        let named = |known: Type| {
            let info = catalog.type_info(known.oid()).expect("it is built in");
            (info.name.clone(), info.cast.clone())
        };
        let pair = |name: &str, cast: &str| (name.to_owned(), cast.to_owned());
        assert_eq!(named(Type::INT8), pair("int8", "int8"));
        assert_eq!(named(Type::INT8_ARRAY), pair("int8[]", "int8[]"));
        assert_eq!(named(Type::CHAR), pair("char", "\"char\""));
        assert_eq!(named(Type::BIT_ARRAY), pair("bit[]", "varbit[]"));
        assert_eq!(catalog.type_info(100_000), None);
    }

    #[test]
    fn a_type_that_was_not_found_is_asked_for_again_later() {
        let catalog = Catalog::default();
        catalog.learn(&[100_000], &[]);
        let name = catalog.type_info(100_000).map(|info| info.name.clone());
        assert_eq!(name.as_deref(), Some("type 100000"));
        let before = Instant::now().checked_sub(FOUND_NOT).expect("a past");
        catalog.missing.keep(100_000, before);
        assert_eq!(catalog.type_info(100_000), None);
    }
}
