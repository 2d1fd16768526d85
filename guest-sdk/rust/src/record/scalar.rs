//! From one value to a field of a record.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named is refused, or read as it is"
)]

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::convert::whole;
use crate::value::{ValueRef, hexadecimal};
use crate::{FromValue, Mismatch};

type Result<T> = std::result::Result<T, Mismatch>;

/// One value, read as whatever serde asks for: in its own shape where that is one of JSON's, else as the text that the
/// database writes.
pub(super) struct Scalar<'de>(pub(super) ValueRef<'de>);

macro_rules! integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            match self.0 {
                ValueRef::Decimal(text) => visitor.visit_i64(whole(text)?),
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

macro_rules! floats {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            match self.0 {
                ValueRef::Decimal(_) | ValueRef::Int64(_) | ValueRef::Float64(_) => {
                    visitor.visit_f64(f64::from_value(self.0)?)
                }
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

macro_rules! texts {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            match self.0 {
                ValueRef::Json(text) => visitor.visit_borrowed_str(text),
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

macro_rules! bytes {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            match self.0 {
                ValueRef::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Scalar<'de> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            ValueRef::Null => visitor.visit_unit(),
            ValueRef::Boolean(value) => visitor.visit_bool(value),
            ValueRef::Int64(value) => visitor.visit_i64(value),
            ValueRef::Float64(value) => visitor.visit_f64(value),
            ValueRef::Decimal(text) | ValueRef::Text(text) | ValueRef::Uuid(text) => {
                visitor.visit_borrowed_str(text)
            }
            ValueRef::Bytes(bytes)
            | ValueRef::Other {
                text: None, bytes, ..
            } => visitor.visit_string(hexadecimal(bytes)),
            ValueRef::Date(value) => visitor.visit_string(value.to_string()),
            ValueRef::Time(value) => visitor.visit_string(value.to_string()),
            ValueRef::TimeTz(value) => visitor.visit_string(value.to_string()),
            ValueRef::Timestamp(value) => visitor.visit_string(value.to_string()),
            ValueRef::Timestamptz(value) => visitor.visit_string(value.to_string()),
            ValueRef::Interval(value) => visitor.visit_map(MapDeserializer::new(
                [
                    ("months", value.months.into()),
                    ("days", value.days.into()),
                    ("microseconds", value.microseconds),
                ]
                .into_iter(),
            )),
            ValueRef::Json(text) => json(text, |json| json.deserialize_any(visitor)),
            ValueRef::Vector(numbers) => visitor.visit_seq(SeqDeserializer::new(numbers.iter())),
            ValueRef::Array(elements) => {
                let elements = elements.iter().collect::<Result<Vec<_>>>()?;
                visitor.visit_seq(SeqDeserializer::new(elements.into_iter().map(Scalar)))
            }
            ValueRef::Other {
                text: Some(text), ..
            } => visitor.visit_borrowed_str(text),
        }
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    floats! { deserialize_f32 deserialize_f64 }

    texts! { deserialize_str deserialize_string }

    bytes! { deserialize_bytes deserialize_byte_buf }

    /// Bytes are a list of numbers for who asks for a list, as a `Vec<u8>` does.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0 {
            ValueRef::Bytes(bytes) => {
                visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied()))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.0.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.0 {
            ValueRef::Json(text) => {
                json(text, |json| json.deserialize_enum(name, variants, visitor))
            }
            value => visitor.visit_enum(<&str>::from_value(value)?.into_deserializer()),
        }
    }

    forward_to_deserialize_any! {
        bool i128 u128 char unit unit_struct map struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Mismatch> for Scalar<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn json<'de, T>(
    text: &'de str,
    read: impl FnOnce(
        &mut serde_json::Deserializer<serde_json::de::StrRead<'de>>,
    ) -> serde_json::Result<T>,
) -> Result<T> {
    let mut json = serde_json::Deserializer::from_str(text);
    read(&mut json).map_err(Mismatch::new)
}
