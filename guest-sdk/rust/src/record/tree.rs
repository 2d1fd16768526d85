//! What a record is made of, before it is known which part of it becomes a column.

use serde::{Serialize, Serializer};

use super::write::Writer;
use crate::time::Interval;
use crate::value::Value;
use crate::{Error, Mismatch, Result};

/// Anything that serde can write, in the words of the database where it has them.
#[derive(Debug, PartialEq)]
pub(super) enum Tree {
    Value(Value),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

/// The fields of a record in their order.
///
/// Lists become arrays, maps and structs JSON, and so do lists that hold maps or lists.
pub(crate) fn fields(record: &(impl Serialize + ?Sized)) -> Result<Vec<(String, Value)>> {
    match record
        .serialize(Writer)
        .map_err(|mismatch| Error::Invalid(mismatch.to_string()))?
    {
        Tree::Map(fields) => fields
            .into_iter()
            .map(|(name, tree)| match tree.into_value() {
                Ok(value) => Ok((name, value)),
                Err(mismatch) => Err(Error::conversion(&name, "", mismatch)),
            })
            .collect(),
        Tree::Value(Value::Null) => Ok(Vec::new()),
        Tree::Value(_) | Tree::List(_) => Err(Error::Invalid(
            "a record is a struct or a map, whose keys are columns".to_owned(),
        )),
    }
}

impl Tree {
    /// The text that a map key is.
    pub(super) fn into_key(self) -> Result<String, Mismatch> {
        match self {
            Self::Value(Value::Text(text)) => Ok(text),
            Self::Value(Value::Int64(number)) => Ok(number.to_string()),
            Self::Value(Value::Boolean(value)) => Ok(value.to_string()),
            Self::Value(_) | Self::List(_) | Self::Map(_) => {
                Err(Mismatch::new("a key must be text"))
            }
        }
    }

    fn into_value(self) -> Result<Value, Mismatch> {
        match self {
            Self::Value(value) => Ok(value),
            Self::List(items) if items.iter().all(Self::is_element) => items
                .into_iter()
                .map(Self::into_value)
                .collect::<Result<_, _>>()
                .map(Value::Array),
            nested @ (Self::List(_) | Self::Map(_)) => serde_json::to_string(&nested)
                .map(Value::Json)
                .map_err(Mismatch::new),
        }
    }

    fn is_element(&self) -> bool {
        matches!(self, Self::Value(_))
    }

    /// The interval that a struct of its fields is.
    pub(super) fn interval(fields: Vec<(String, Self)>) -> Self {
        let part = |name: &str| {
            fields.iter().find_map(|(field, tree)| match tree {
                Self::Value(Value::Int64(number)) if field == name => Some(*number),
                Self::Value(_) | Self::List(_) | Self::Map(_) => None,
            })
        };
        let narrow = |name| part(name).and_then(|number| i32::try_from(number).ok());
        match (narrow("months"), narrow("days"), part("microseconds")) {
            (Some(months), Some(days), Some(microseconds)) => {
                Self::Value(Value::Interval(Interval {
                    months,
                    days,
                    microseconds,
                }))
            }
            _ => Self::Map(fields),
        }
    }
}

/// As JSON, for what becomes JSON in the database.
impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(fields) => {
                serializer.collect_map(fields.iter().map(|(name, tree)| (name, tree)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::Json;
    use crate::time::Date;

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Status {
        NewHere,
    }

    #[derive(Serialize)]
    struct User<'a> {
        id: u64,
        name: &'a str,
        email: Option<String>,
        status: Status,
        tags: Vec<&'a str>,
        address: BTreeMap<&'a str, i32>,
        scores: Json<Vec<i32>>,
        born: Date,
        stay: Interval,
        balance: Value,
    }

    #[test]
    fn a_struct_becomes_its_fields() {
        let user = User {
            id: 1,
            name: "Ada",
            email: None,
            status: Status::NewHere,
            tags: vec!["a", "b"],
            address: BTreeMap::from([("floor", 3)]),
            scores: Json(vec![1, 2]),
            born: Date(0),
            stay: Interval {
                months: 1,
                days: 2,
                microseconds: 3,
            },
            balance: Value::Decimal("1.50".into()),
        };
        let expected: Vec<(String, Value)> = [
            ("id", Value::Int64(1)),
            ("name", "Ada".into()),
            ("email", Value::Null),
            ("status", "new_here".into()),
            ("tags", ["a", "b"].into()),
            ("address", Value::Json(r#"{"floor":3}"#.into())),
            ("scores", Value::Json("[1,2]".into())),
            ("born", "1970-01-01".into()),
            ("stay", user.stay.into()),
            ("balance", "1.50".into()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        assert_eq!(fields(&user), Ok(expected));
    }

    #[test]
    fn json_is_a_record_too() {
        let record = json!({ "a": 1, "b": [1, null], "c": [{ "d": 0.5 }], "e": null });
        let expected: Vec<(String, Value)> = [
            ("a", Value::Int64(1)),
            ("b", [Some(1), None].into()),
            ("c", Value::Json(r#"[{"d":0.5}]"#.into())),
            ("e", Value::Null),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        assert_eq!(fields(&record), Ok(expected));
    }

    #[test]
    fn json_values_keep_their_text() {
        let text = r#"{"a":1.000000000000000000001}"#;
        let record = BTreeMap::from([("document", Value::Json(text.into()))]);
        assert_eq!(
            fields(&record),
            Ok(vec![("document".to_owned(), Value::Json(text.into()))])
        );
    }

    #[test]
    fn what_has_no_names_is_no_record() {
        assert!(matches!(fields(&[1, 2]), Err(Error::Invalid(_))));
        assert!(matches!(fields("text"), Err(Error::Invalid(_))));
        assert_eq!(fields(&()), Ok(Vec::new()));
    }
}
