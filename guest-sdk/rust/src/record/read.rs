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
