//! The serializer that makes a [`Tree`] of anything.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::tag;
use super::tree::Tree;
use crate::Mismatch;
use crate::value::Value;

type Result<T = Tree> = std::result::Result<T, Mismatch>;

pub(super) struct Writer;

macro_rules! scalars {
    ($($method:ident: $type:ty),*) => {$(
        fn $method(self, value: $type) -> Result {
            Ok(Tree::Value(value.into()))
        }
    )*};
}

impl Serializer for Writer {
    type Ok = Tree;
    type Error = Mismatch;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = Variant<List>;
    type SerializeMap = Map;
    type SerializeStruct = Map;
    type SerializeStructVariant = Variant<Map>;

    scalars! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_f32: f32,
        serialize_f64: f64,
        serialize_char: char,
        serialize_str: &str,
        serialize_bytes: &[u8]
    }

    fn serialize_u8(self, value: u8) -> Result {
        self.serialize_u16(value.into())
    }

    fn serialize_i128(self, value: i128) -> Result {
        Ok(Tree::Value(Value::Decimal(value.to_string())))
    }

    fn serialize_u128(self, value: u128) -> Result {
        Ok(Tree::Value(Value::Decimal(value.to_string())))
    }

    fn serialize_none(self) -> Result {
        Ok(Tree::Value(Value::Null))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result {
        self.serialize_none()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result {
        if name == tag::JSON {
            let text = serde_json::to_string(value).map_err(Mismatch::new)?;
            return Ok(Tree::Value(Value::Json(text)));
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result {
        Ok(Tree::Map(vec![(
            variant.to_owned(),
            value.serialize(self)?,
        )]))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<List> {
        Ok(List(Vec::with_capacity(length.unwrap_or(0))))
    }

    fn serialize_tuple(self, length: usize) -> Result<List> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _name: &'static str, length: usize) -> Result<List> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Variant<List>> {
        Ok(Variant {
            name: variant,
            content: self.serialize_seq(Some(length))?,
        })
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Map> {
        Ok(Map::default())
    }

    fn serialize_struct(self, name: &'static str, _length: usize) -> Result<Map> {
        Ok(Map {
            name,
            ..Map::default()
        })
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Variant<Map>> {
        Ok(Variant {
            name: variant,
            content: Map::default(),
        })
    }
}

pub(super) struct List(Vec<Tree>);

impl List {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.0.push(value.serialize(Writer)?);
        Ok(())
    }
}

#[derive(Default)]
pub(super) struct Map {
    /// Of the struct.
    name: &'static str,
    key: Option<String>,
    fields: Vec<(String, Tree)>,
}

impl Map {
    fn add<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<()> {
        let value = match value.serialize(Writer) {
            Ok(value) => value,
            Err(mismatch) => return Err(Mismatch::new(format_args!("{key}: {mismatch}"))),
        };
        self.fields.push((key, value));
        Ok(())
    }
}

/// A variant with content: an object of its name, as in JSON.
pub(super) struct Variant<Content> {
    name: &'static str,
    content: Content,
}

macro_rules! lists {
    ($($trait:ident: $method:ident),*) => {$(
        impl $trait for List {
            type Ok = Tree;
            type Error = Mismatch;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.add(value)
            }

            fn end(self) -> Result {
                Ok(Tree::List(self.0))
            }
        }
    )*};
}

lists!(SerializeSeq: serialize_element, SerializeTuple: serialize_element, SerializeTupleStruct: serialize_field);

impl SerializeMap for Map {
    type Ok = Tree;
    type Error = Mismatch;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.key = Some(key.serialize(Writer)?.into_key()?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let key = self.key.take().unwrap_or_default();
        self.add(key, value)
    }

    fn end(self) -> Result {
        Ok(Tree::Map(self.fields))
    }
}

impl SerializeStruct for Map {
    type Ok = Tree;
    type Error = Mismatch;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<()> {
        self.add(key.to_owned(), value)
    }

    fn end(mut self) -> Result {
        match (self.name, self.fields.pop()) {
            (tag::RAW_JSON, Some((_, Tree::Value(Value::Text(text))))) => {
                Ok(Tree::Value(Value::Json(text)))
            }
            (name, last) => {
                self.fields.extend(last);
                Ok(if name == tag::INTERVAL {
                    Tree::interval(self.fields)
                } else {
                    Tree::Map(self.fields)
                })
            }
        }
    }
}

impl SerializeTupleVariant for Variant<List> {
    type Ok = Tree;
    type Error = Mismatch;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.content.add(value)
    }

    fn end(self) -> Result {
        Ok(Tree::Map(vec![(
            self.name.to_owned(),
            Tree::List(self.content.0),
        )]))
    }
}

impl SerializeStructVariant for Variant<Map> {
    type Ok = Tree;
    type Error = Mismatch;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<()> {
        self.content.add(key.to_owned(), value)
    }

    fn end(self) -> Result {
        Ok(Tree::Map(vec![(
            self.name.to_owned(),
            Tree::Map(self.content.fields),
        )]))
    }
}
