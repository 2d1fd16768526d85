//! What the database says of its types, and what that means to us.

use std::{collections::HashMap, fmt};

use tokio_postgres::types::Oid;

use super::TypeInfo;
use crate::database::{
    rows::Rows,
    value::{Scalar, Shape},
};

/// Finds types by the array of OIDs in `$1`. Of an array type, the second half is about its elements.
pub(in crate::database) const LOOK_UP: &str = "SELECT t.oid, n.nspname, t.typname, t.typtype::text, t.typbasetype, \
    en.nspname, e.typname, e.typtype::text, e.typbasetype \
    FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace \
    LEFT JOIN pg_catalog.pg_type AS e ON e.oid = t.typelem AND t.typcategory = 'A' \
    LEFT JOIN pg_catalog.pg_namespace AS en ON en.oid = e.typnamespace \
    WHERE t.oid = ANY ($1)";

/// Domains over domains are followed no further than this; their values are then bytes to us.
pub(super) const DEEPEST: usize = 8;

/// A row that [`LOOK_UP`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::database) struct Description {
    pub(super) oid: Oid,
    own: Named,
    /// What an array holds.
    element: Option<Named>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    schema: String,
    name: String,
    /// A letter: `b` for a base type, `e` an enumeration, `d` a domain, `c` a composite, `r` a range.
    kind: String,
    /// What a domain is made of.
    base: Option<Oid>,
}

impl Description {
    /// Reads all rows that are as they should be.
    pub(in crate::database) fn all(found: &Rows) -> Vec<Self> {
        (0..found.len())
            .filter_map(|row| Self::read(found, row))
            .collect()
    }

    fn read(found: &Rows, row: usize) -> Option<Self> {
        let number = |column| Oid::try_from(found.number(row, column)?).ok();
        let text = |column| found.text(row, column);
        let named = |first| {
            Some(Named {
                schema: text(first)?,
                name: text(first + 1)?,
                kind: text(first + 2)?,
                base: number(first + 3).filter(|&base| base != 0),
            })
        };
        Some(Self {
            oid: number(0)?,
            own: named(1)?,
            element: named(5),
        })
    }

    /// The type that has to be known before this one is, if it is not the same everywhere.
    pub(in crate::database) fn base(&self) -> Option<Oid> {
        let named = self.element.as_ref().unwrap_or(&self.own);
        named.base.filter(|&base| Shape::of_builtin(base).is_none())
    }

    /// What is known about the type, given what was found about those that it is made of.
    pub(super) fn info(&self, all: &HashMap<Oid, &Self>) -> TypeInfo {
        let own = &self.own;
        if let Some(element) = &self.element {
            let inside = element.resolve(all, 0).map(|(_, shape)| shape);
            let scalar = inside
                .filter(|shape| !shape.is_array)
                .map_or(Scalar::Opaque, |shape| shape.scalar);
            return TypeInfo {
                name: format!("{}[]", element.shown()),
                cast: own.cast(),
                shape: Shape {
                    scalar,
                    is_array: true,
                },
            };
        }
        let (cast, shape) = own
            .resolve(all, 0)
            .unwrap_or_else(|| (own.cast(), Shape::OPAQUE));
        TypeInfo {
            name: own.shown(),
            cast,
            shape,
        }
    }
}

impl Named {
    /// The cast and the shape. A domain is cast to what it is made of: a cast to the domain itself would cut a text that is too long
    /// without a word, and going into the column makes the domain of it anyway, by rules that refuse.
    fn resolve(&self, all: &HashMap<Oid, &Description>, depth: usize) -> Option<(String, Shape)> {
        let plain = |scalar| {
            let shape = Shape {
                scalar,
                is_array: false,
            };
            Some((self.cast(), shape))
        };
        match (self.kind.as_str(), self.base) {
            ("e", _) => plain(Scalar::Label),
            ("b", _) => plain(Scalar::of_extension(&self.name)),
            ("d", Some(base)) if depth < DEEPEST => {
                if let Some(info) = TypeInfo::builtin(base) {
                    return Some((info.cast, info.shape));
                }
                let base = all.get(&base)?;
                if base.element.is_some() {
                    let info = base.info(all);
                    return Some((info.cast, info.shape));
                }
                base.own.resolve(all, depth + 1)
            }
            _ => plain(Scalar::Opaque),
        }
    }

    fn cast(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.name))
    }

    fn shown(&self) -> String {
        shown(&self.schema, &self.name)
    }
}

/// The name of a type as results show it.
pub(in crate::database) fn shown(schema: &str, name: &str) -> String {
    if matches!(schema, "pg_catalog" | "public") {
        name.to_owned()
    } else {
        format!("{schema}.{name}")
    }
}

fn quoted(name: &str) -> impl fmt::Display {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::{Description, HashMap, Named, Oid, Scalar, Shape};

    fn named(name: &str, kind: &str, base: Option<Oid>) -> Named {
        Named {
            schema: "public".to_owned(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            base,
        }
    }

    fn alone(oid: Oid, own: Named) -> Description {
        Description {
            oid,
            own,
            element: None,
        }
    }

    fn shape(scalar: Scalar, is_array: bool) -> Shape {
        Shape { scalar, is_array }
    }

    #[test]
    fn a_domain_is_what_it_is_made_of_at_any_depth() {
        let of_array = Description {
            element: Some(named("mood", "e", None)),
            ..alone(4, named("_mood", "b", None))
        };
        let all = [
            alone(1, named("mood", "e", None)),
            alone(2, named("good_mood", "d", Some(1))),
            alone(3, named("best_mood", "d", Some(2))),
            of_array,
            alone(5, named("moods", "d", Some(4))),
            alone(6, named("short", "d", Some(1_043))),
            alone(7, named("numbers", "d", Some(1_007))),
            alone(8, named("endless", "d", Some(8))),
            alone(9, named("pair", "c", None)),
            alone(10, named("lost", "d", Some(99_999))),
        ];
        let by_oid = all.iter().map(|it| (it.oid, it)).collect::<HashMap<_, _>>();
        let expected = [
            ("\"public\".\"mood\"", shape(Scalar::Label, false)),
            ("\"public\".\"mood\"", shape(Scalar::Label, false)),
            ("\"public\".\"mood\"", shape(Scalar::Label, false)),
            ("\"public\".\"_mood\"", shape(Scalar::Label, true)),
            ("\"public\".\"_mood\"", shape(Scalar::Label, true)),
            ("varchar", shape(Scalar::Text, false)),
            ("int4[]", shape(Scalar::Int32, true)),
            ("\"public\".\"endless\"", Shape::OPAQUE),
            ("\"public\".\"pair\"", Shape::OPAQUE),
            ("\"public\".\"lost\"", Shape::OPAQUE),
        ];
        for (description, (cast, shape)) in all.iter().zip(expected) {
            let info = description.info(&by_oid);
            assert_eq!((info.cast.as_str(), info.shape), (cast, shape));
        }
        let bases: Vec<Option<Oid>> = all.iter().map(Description::base).collect();
        let none = None;
        assert_eq!(
            bases,
            [
                none,
                Some(1),
                Some(2),
                none,
                Some(4),
                none,
                none,
                Some(8),
                none,
                Some(99_999)
            ]
        );
    }
}
