//! From a row to a record: a struct or a map by names, a tuple by order, a single column by itself.

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;

use super::scalar::Scalar;
use crate::value::ValueRef;
use crate::{Error, Mismatch, Result, Row};

/// Reads a row. An error names the column where one is to blame.
pub(crate) fn deserialize<T: DeserializeOwned>(row: &Row) -> Result<T> {
    T::deserialize(RowReader(row)).map_err(|failure| match failure {
        Failure::Column(error) => error,
        Failure::Record(text) => {
            Error::Message(format!("the row is not what was expected: {text}"))
        }
    })
}

#[derive(Debug)]
enum Failure {
    Column(Error),
    Record(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Column(error) => error.fmt(f),
            Self::Record(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Failure {}

impl serde::de::Error for Failure {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Record(message.to_string())
    }
}

struct RowReader<'de>(&'de Row);

impl<'de> RowReader<'de> {
    /// The only column by itself; with more, the row as an object.
    fn single<V: Visitor<'de>>(
        self,
        visitor: V,
        read: impl FnOnce(Scalar<'de>, V) -> Result<V::Value, Mismatch>,
    ) -> Result<V::Value, Failure> {
        match self.0.columns().len() {
            1 => self
                .0
                .read(0, |value| read(Scalar(value), visitor))
                .map_err(Failure::Column),
            _ => self.deserialize_map(visitor),
        }
    }
}

macro_rules! single {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            self.single(visitor, |value, visitor| value.$method(visitor))
        }
    )*};
}

impl<'de> Deserializer<'de> for RowReader<'de> {
    type Error = Failure;

    single! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_option
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_map(Columns {
            row: self.0,
            next: 0,
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(Columns {
            row: self.0,
            next: 0,
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.single(visitor, |value, visitor| {
            value.deserialize_enum(name, variants, visitor)
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    forward_to_deserialize_any! {
        unit unit_struct struct identifier ignored_any
    }
}

/// The columns of a row, one after the other.
struct Columns<'de> {
    row: &'de Row,
    next: usize,
}

impl<'de> Columns<'de> {
    fn read<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Failure> {
        let column = self.next;
        self.next += 1;
        let read = |value: ValueRef<'de>| seed.deserialize(Scalar(value));
        self.row.read(column, read).map_err(Failure::Column)
    }
}

impl<'de> MapAccess<'de> for Columns<'de> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Failure> {
        match self.row.columns().get(self.next) {
            Some(column) => seed
                .deserialize(column.name.as_str().into_deserializer())
                .map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Failure> {
        self.read(seed)
    }
}

impl<'de> SeqAccess<'de> for Columns<'de> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Failure> {
        if self.next == self.row.columns().len() {
            Ok(None)
        } else {
            self.read(seed).map(Some)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use crate::bindings::chitin::db::types::{RowSet, TypedRows};
    use crate::row::Column;
    use crate::time::{Date, Interval, Timestamptz};
    use crate::value::{Other, Value};
    use crate::{Error, Json, Row, Rows};

    fn row(cells: &[(&str, &str, Value)]) -> Row {
        let column = |(name, type_name, _): &(&str, &str, Value)| Column {
            name: (*name).to_owned(),
            type_name: (*type_name).to_owned(),
        };
        let values = cells
            .iter()
            .map(|(_, _, value)| value.clone().try_into().expect("a value"));
        let rows = TypedRows {
            columns: cells.iter().map(column).collect(),
            rows: vec![values.collect()],
        };
        Rows::try_from(RowSet::Typed(rows))
            .expect("rows")
            .first()
            .expect("a row")
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Status {
        Active,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Address {
        floor: u8,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct User {
        id: u32,
        name: String,
        nickname: Option<String>,
        absent: Option<i64>,
        status: Status,
        tags: Vec<Option<String>>,
        address: Address,
        scores: Json<Vec<i64>>,
        document: String,
        balance: f64,
        total: i64,
        born: String,
        seen: String,
        stay: Interval,
        photo: Vec<u8>,
    }

    #[test]
    fn a_row_becomes_a_struct() {
        let status = Other {
            type_name: "status".into(),
            text: Some("active".into()),
            bytes: vec![],
        };
        let row = row(&[
            ("id", "int8", 7.into()),
            ("name", "text", "Ada".into()),
            ("nickname", "text", Value::Null),
            ("status", "status", status.into()),
            ("tags", "text[]", [Some("a"), None].into()),
            ("address", "jsonb", Value::Json(r#"{"floor": 3}"#.into())),
            ("scores", "jsonb", Value::Json("[1, 2]".into())),
            ("document", "jsonb", Value::Json(r#"{"a": 1.0}"#.into())),
            ("balance", "numeric", Value::Decimal("1.50".into())),
            ("total", "numeric", Value::Decimal("12".into())),
            ("born", "date", Date(0).into()),
            ("seen", "timestamptz", Timestamptz(0).into()),
            (
                "stay",
                "interval",
                Interval {
                    months: 1,
                    days: 2,
                    microseconds: 3,
                }
                .into(),
            ),
            ("photo", "bytea", Value::Bytes(vec![0, 255])),
            ("surplus", "int8", 1.into()),
        ]);
        let expected = User {
            id: 7,
            name: "Ada".into(),
            nickname: None,
            absent: None,
            status: Status::Active,
            tags: vec![Some("a".into()), None],
            address: Address { floor: 3 },
            scores: Json(vec![1, 2]),
            document: r#"{"a": 1.0}"#.into(),
            balance: 1.5,
            total: 12,
            born: "1970-01-01".into(),
            seen: "1970-01-01T00:00:00Z".into(),
            stay: Interval {
                months: 1,
                days: 2,
                microseconds: 3,
            },
            photo: vec![0, 255],
        };
        assert_eq!(row.deserialize(), Ok(expected));
    }

    #[test]
    fn a_row_becomes_a_tuple_a_map_or_its_only_value() {
        let two = row(&[("a", "int8", 1.into()), ("b", "text", "x".into())]);
        assert_eq!(two.deserialize(), Ok((1_i64, "x".to_owned())));
        let map: BTreeMap<String, serde_json::Value> = two.deserialize().expect("a map");
        assert_eq!(
            serde_json::to_string(&map).expect("JSON"),
            r#"{"a":1,"b":"x"}"#
        );
        let one = row(&[("n", "int8", Value::Null)]);
        assert_eq!(one.deserialize::<Option<i64>>(), Ok(None));
    }

    #[test]
    fn an_error_names_the_column_and_its_type() {
        #[derive(Debug, Deserialize)]
        struct Small {
            #[expect(dead_code, reason = "reading it fails")]
            n: u8,
        }
        let error = row(&[("n", "int8", 300.into())])
            .deserialize::<Small>()
            .expect_err("too large");
        assert!(matches!(error, Error::Conversion(_)));
        assert_eq!(
            error.to_string(),
            "n (int8): invalid value: integer `300`, expected u8"
        );
        let error = row(&[("m", "int8", 3.into())])
            .deserialize::<Small>()
            .expect_err("not there");
        assert_eq!(
            error.to_string(),
            "the row is not what was expected: missing field `n`"
        );
    }

    #[test]
    fn columns_are_found_by_name_and_place() {
        let row = row(&[
            ("id", "int8", 1.into()),
            ("id", "text", "x".into()),
            ("n", "int8", Value::Null),
        ]);
        assert_eq!(row.get::<i64>(0), Ok(1));
        assert_eq!(row.get::<&str>(1), Ok("x"));
        assert_eq!(row.get::<Option<i64>>("n"), Ok(None));
        let message = |result: crate::Result<i64>| result.expect_err("an error").to_string();
        assert_eq!(
            message(row.get("n")),
            "n (int8): is NULL where an integer was asked for: read it as an `Option`"
        );
        assert_eq!(
            message(row.get("id")),
            "id: several columns have this name: read them by their place"
        );
        assert_eq!(
            message(row.get("m")),
            "m: the result has no such column, only id, id, n"
        );
        assert_eq!(message(row.get(3)), "3: the result has 3 columns");
    }
}
