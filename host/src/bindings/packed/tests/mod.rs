mod malformed;
mod round_trip;

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::{
    bindings::{
        Failure,
        table::{Heading, Table},
    },
    database::{ConversionError, Error, Interval, Other, TimeTz, Value},
};

use super::{read_batch, write_rows};

/// More than any buffer here holds.
const MANY: u64 = 10_000;

struct Sample {
    /// The names and the names of the types.
    columns: Vec<[String; 2]>,
    rows: Vec<Vec<Value<'static>>>,
}

impl Table for Sample {
    fn columns(&self) -> impl ExactSizeIterator<Item = Heading<'_>> {
        self.columns
            .iter()
            .map(|[name, type_name]| Heading { name, type_name })
    }

    fn height(&self) -> usize {
        self.rows.len()
    }

    fn value(&self, row: usize, column: usize) -> Result<Value<'_>, ConversionError> {
        Ok(self.rows[row][column].clone())
    }
}

struct Vector {
    name: String,
    is_batch: bool,
    columns: Vec<[String; 2]>,
    rows: Vec<Vec<Option<Value<'static>>>>,
    buffer: Vec<u8>,
}

fn vectors() -> Vec<Vector> {
    let text = include_str!("../../../../../wit/packed-rows.vectors.json");
    let vectors: Vec<Json> = serde_json::from_str(text).expect("the vectors are JSON");
    vectors.iter().map(vector).collect()
}

fn vector(json: &Json) -> Vector {
    let name = |column: &Json| [text(&column["name"]), text(&column["type-name"])];
    let columns: Vec<_> = list(&json["columns"]).iter().map(name).collect();
    let row = |row: &Json| {
        let cells = list(row).iter().zip(&columns);
        let cell = |(cell, [_, type_name]): (&Json, &[String; 2])| {
            (cell[0] != "missing").then(|| value(cell, type_name))
        };
        cells.map(cell).collect()
    };
    Vector {
        name: text(&json["name"]),
        is_batch: json["batch"] == true,
        rows: list(&json["rows"]).iter().map(row).collect(),
        columns: columns.clone(),
        buffer: hex::decode(text(&json["hex"])).expect("a buffer in hexadecimal"),
    }
}

fn list(json: &Json) -> &[Json] {
    json.as_array().expect("a list")
}

fn text(json: &Json) -> String {
    json.as_str().expect("text").to_owned()
}

fn long(json: &Json) -> i64 {
    json.as_i64().expect("an integer")
}

fn short(json: &Json) -> i32 {
    long(json).try_into().expect("an integer of 32 bits")
}

fn value(json: &Json, type_name: &str) -> Value<'static> {
    let content = &json[1];
    let bytes = |json: &Json| Cow::Owned(hex::decode(text(json)).expect("hexadecimal"));
    match &*text(&json[0]) {
        "null" => Value::Null,
        "boolean" => Value::Boolean(content.as_bool().expect("a truth value")),
        "int64" => Value::Int64(long(content)),
        "float64" => Value::Float64(match content.as_str() {
            // What JSON has no number for.
            Some(text) => text.parse().expect("a float"),
            None => content.as_f64().expect("a number"),
        }),
        "decimal" => Value::Decimal(text(content).into()),
        "text" => Value::Text(text(content).into()),
        "bytes" => Value::Bytes(bytes(content)),
        "uuid" => Value::Uuid(text(content).into()),
        "date" => Value::Date(short(content)),
        "time" => Value::Time(long(content)),
        "timetz" => Value::TimeTz(TimeTz {
            microseconds: long(&content[0]),
            offset_seconds: short(&content[1]),
        }),
        "timestamp" => Value::Timestamp(long(content)),
        "timestamptz" => Value::TimestampTz(long(content)),
        "interval" => Value::Interval(Interval {
            months: short(&content[0]),
            days: short(&content[1]),
            microseconds: long(&content[2]),
        }),
        "json" => Value::Json(text(content).into()),
        "vector" => {
            let number = |json: &Json| json.as_f64().expect("a number");
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the vectors hold such numbers"
            )]
            let number = |json| number(json) as f32;
            Value::Vector(list(content).iter().map(number).collect())
        }
        "array" => {
            let type_name = type_name.trim_end_matches("[]");
            let element = |json| value(json, type_name);
            Value::Array(list(content).iter().map(element).collect())
        }
        "other" => Value::Other(Other {
            type_name: Cow::Owned(type_name.to_owned()),
            text: content[0].as_str().map(|text| text.to_owned().into()),
            bytes: bytes(&content[1]),
        }),
        other => panic!("{other} is no case of a value"),
    }
}

#[test]
fn the_test_vectors_are_read() {
    for vector in vectors() {
        let batch = read_batch(&vector.buffer, MANY).expect(&vector.name);
        let names: Vec<_> = vector.columns.iter().map(|[name, _]| name).collect();
        assert_eq!(batch.columns.iter().collect::<Vec<_>>(), names);
        // As text, in which NaN equals itself.
        let [read, expected] = [&batch.rows, &vector.rows].map(|rows| format!("{rows:?}"));
        assert_eq!(read, expected, "{}", vector.name);
    }
}

#[test]
fn the_test_vectors_are_written_byte_for_byte() {
    // Of a column without rows the writer does not know the kind, and takes 0.
    let is_result = |vector: &Vector| !vector.is_batch && !vector.rows.is_empty();
    let results = vectors().into_iter().filter(is_result);
    let mut seen = 0;
    for vector in results {
        seen += 1;
        let row = |row: Vec<Option<_>>| row.into_iter().map(|cell| cell.expect("a value"));
        let sample = Sample {
            columns: vector.columns,
            rows: vector
                .rows
                .into_iter()
                .map(|cells| row(cells).collect())
                .collect(),
        };
        let buffer = write_rows(&sample).expect(&vector.name);
        assert_eq!(
            hex::encode(buffer),
            hex::encode(vector.buffer),
            "{}",
            vector.name
        );
    }
    assert_eq!(seen, 13);
}

#[test]
fn a_value_that_cannot_be_read_is_the_answer() {
    struct Unreadable;

    impl Table for Unreadable {
        fn columns(&self) -> impl ExactSizeIterator<Item = Heading<'_>> {
            std::iter::once(Heading {
                name: "a",
                type_name: "int8",
            })
        }

        fn height(&self) -> usize {
            1
        }

        fn value(&self, _: usize, _: usize) -> Result<Value<'_>, ConversionError> {
            Err(ConversionError {
                column: "a".to_owned(),
                row: None,
                type_name: "int8".to_owned(),
                message: "cast it to text".to_owned(),
            })
        }
    }

    match write_rows(&Unreadable) {
        Err(Failure::Answer(Error::Conversion(error))) => assert_eq!(error.column, "a"),
        other => panic!("{other:?}"),
    }
}
