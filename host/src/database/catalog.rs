//! What the host has learnt about a database's types and columns: asked for once, kept for all sessions.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tokio_postgres::types::Oid;

use super::{
    identifier::{Identifier, QualifiedName},
    rows::Rows,
    table_info::TableInfo,
    value::{Scalar, Shape, Value},
};

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

/// The types of an extension or of the users' own, those of the columns that batches went into, and tables whose keys were needed.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    types: Kept<Oid, TypeInfo>,
    targets: Kept<Target, Vec<Oid>>,
    tables: Kept<QualifiedName, TableInfo>,
}

/// Finds types by the array of OIDs in `$1`. Of an array type, the second half is about its elements.
pub(super) const LOOK_UP: &str = "SELECT t.oid, n.nspname, t.typname, t.typtype::text, t.typbasetype, \
    en.nspname, e.typname, e.typtype::text, e.typbasetype \
    FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace \
    LEFT JOIN pg_catalog.pg_type AS e ON e.oid = t.typelem AND t.typcategory = 'A' \
    LEFT JOIN pg_catalog.pg_namespace AS en ON en.oid = e.typnamespace \
    WHERE t.oid = ANY ($1)";

impl Catalog {
    /// The type with this OID, if it is a built-in one or was looked up before.
    pub(super) fn type_info(&self, oid: Oid) -> Option<Arc<TypeInfo>> {
        self.types
            .get(&oid)
            .or_else(|| builtin(oid).map(|info| self.types.keep(oid, info)))
    }

    /// Takes in what [`LOOK_UP`] found. A type that is not there any more is kept under its number, so that nobody asks again.
    pub(super) fn learn(&self, asked: &[Oid], found: &Rows) {
        let mut missing: Vec<Oid> = asked.to_vec();
        for row in 0..found.len() {
            if let Some((oid, info)) = described(found, row) {
                missing.retain(|&other| other != oid);
                self.types.keep(oid, info);
            }
        }
        for oid in missing {
            self.types.keep(oid, TypeInfo::unknown(oid));
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

    /// Forgets the columns of all tables, since a table may have changed.
    pub(super) fn forget_columns(&self) {
        self.targets.clear();
        self.tables.clear();
    }
}

impl TypeInfo {
    /// All that can be said of a type that cannot be looked up.
    pub(super) fn unknown(oid: Oid) -> Self {
        let shape = Shape {
            scalar: Scalar::Opaque,
            is_array: false,
        };
        Self {
            name: format!("type {oid}"),
            cast: "text".to_owned(),
            shape,
        }
    }
}

fn builtin(oid: Oid) -> Option<TypeInfo> {
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
    Some(TypeInfo { name, cast, shape })
}

fn described(found: &Rows, row: usize) -> Option<(Oid, TypeInfo)> {
    let number = |column| {
        if let Ok(Value::Int64(number)) = found.value(row, column) {
            Oid::try_from(number).ok()
        } else {
            None
        }
    };
    let text = |column| {
        if let Ok(Value::Text(text)) = found.value(row, column) {
            Some(text.into_owned())
        } else {
            None
        }
    };
    let (schema, name) = (text(1)?, text(2)?);
    let cast = format!("{}.{}", quoted(&schema), quoted(&name));
    let scalar_of = |name: &str, kind: Option<String>, base: Option<Oid>| match kind.as_deref() {
        Some("e") => Scalar::Label,
        Some("d") => base
            .and_then(Shape::of_builtin)
            .filter(|(_, shape)| !shape.is_array)
            .map_or(Scalar::Opaque, |(_, shape)| shape.scalar),
        Some("b") => Scalar::of_extension(name),
        _ => Scalar::Opaque,
    };
    let (name, scalar, is_array) = if let (Some(schema), Some(element)) = (text(5), text(6)) {
        let scalar = scalar_of(&element, text(7), number(8));
        (format!("{}[]", shown(&schema, &element)), scalar, true)
    } else {
        let scalar = scalar_of(&name, text(3), number(4));
        (shown(&schema, &name), scalar, false)
    };
    let info = TypeInfo {
        name,
        cast,
        shape: Shape { scalar, is_array },
    };
    Some((number(0)?, info))
}

fn quoted(name: &str) -> impl fmt::Display {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn shown(schema: &str, name: &str) -> String {
    if matches!(schema, "pg_catalog" | "public") {
        name.to_owned()
    } else {
        format!("{schema}.{name}")
    }
}

/// Answers that are kept, of a bounded number.
#[derive(Debug)]
struct Kept<K, V>(Mutex<HashMap<K, Arc<V>>>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: std::hash::Hash + Eq, V> Kept<K, V> {
    /// More than a sound use needs; beyond it all is forgotten, and learnt again as it is needed.
    const MAXIMUM: usize = 4_096;

    fn get(&self, key: &K) -> Option<Arc<V>> {
        self.lock().get(key).cloned()
    }

    fn keep(&self, key: K, value: V) -> Arc<V> {
        let value = Arc::new(value);
        let mut kept = self.lock();
        if kept.len() >= Self::MAXIMUM {
            kept.clear();
        }
        kept.insert(key, Arc::clone(&value));
        value
    }

    fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, Arc<V>>> {
        // A panic elsewhere leaves the map whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio_postgres::types::Type;

    use super::{Catalog, Kept};

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
    fn what_is_kept_is_bounded() {
        let kept = Kept::default();
        for number in 0..10_000 {
            kept.keep(number, number);
            assert!(kept.lock().len() <= Kept::<i32, i32>::MAXIMUM);
        }
        assert_eq!(kept.get(&9_999).as_deref(), Some(&9_999));
    }
}
