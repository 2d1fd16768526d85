//! Values as JSON: `["int64", 7]`.

use chitin::time::{Date, Interval, Time, TimeTz, Timestamp, Timestamptz};
use chitin::{Other, Value, ValueRef};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Value as Json, json};

/// A value of an operation.
#[derive(Clone, Debug)]
pub(crate) struct Given(pub(crate) Value);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        value(json).map(Self).map_err(serde::de::Error::custom)
    }
}

fn value(json: Json) -> serde_json::Result<Value> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => value.into(),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => integer.into(),
            None => serde_json::from_value::<f64>(Json::Number(number))?.into(),
        },
        Json::String(text) => text.into(),
        Json::Object(_) => json.into(),
        Json::Array(parts) => {
            let mut parts = parts.into_iter();
            let case: String = serde_json::from_value(parts.next().unwrap_or_default())?;
            case_of(&case, parts.next().unwrap_or_default())?
        }
    })
}

fn case_of(case: &str, held: Json) -> serde_json::Result<Value> {
    Ok(match case {
        "null" => Value::Null,
        "boolean" => Value::Boolean(read(held)?),
        "int64" => Value::Int64(read(held)?),
        "float64" => Value::Float64(float(held)?),
        "decimal" => Value::Decimal(read(held)?),
        "text" => Value::Text(read(held)?),
        "bytes" => Value::Bytes(bytes(held)?),
        "uuid" => Value::Uuid(read(held)?),
        "date" => Date(read(held)?).into(),
        "time" => Time(read(held)?).into(),
        "timetz" => {
            let (microseconds, offset_seconds) = read(held)?;
            TimeTz {
                microseconds,
                offset_seconds,
            }
            .into()
        }
        "timestamp" => Timestamp(read(held)?).into(),
        "timestamptz" => Timestamptz(read(held)?).into(),
        "interval" => {
            let (months, days, microseconds) = read(held)?;
            Interval {
                months,
                days,
                microseconds,
            }
            .into()
        }
        "json" => Value::Json(read(held)?),
        "vector" => Value::Vector(read(held)?),
        "array" => Value::Array(
            read::<Vec<Given>>(held)?
                .into_iter()
                .map(|given| given.0)
                .collect(),
        ),
        "other" => {
            let (type_name, text) = read(held)?;
            Value::Other(Other {
                type_name,
                text,
                bytes: Vec::new(),
            })
        }
        unknown => {
            return Err(serde::de::Error::custom(format_args!(
                "{unknown} is no case of a value"
            )));
        }
    })
}

fn read<T: DeserializeOwned>(json: Json) -> serde_json::Result<T> {
    serde_json::from_value(json)
}

/// A number, or text: `"NaN"`, `"inf"` and `"-inf"`, which JSON lacks, and numbers that its readers round.
fn float(json: Json) -> serde_json::Result<f64> {
    if let Json::String(text) = json {
        text.parse().map_err(serde::de::Error::custom)
    } else {
        read(json)
    }
}

/// Hexadecimal digits.
fn bytes(json: Json) -> serde_json::Result<Vec<u8>> {
    let digits: String = read(json)?;
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| {
        str::from_utf8(pair)
            .ok()
            .and_then(|pair| u8::from_str_radix(pair, 16).ok())
    };
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    bytes
        .filter(|_| rest.is_empty())
        .ok_or_else(|| serde::de::Error::custom("bytes are hexadecimal digits"))
}

/// The same notation of a result.
pub(crate) fn notation(value: ValueRef<'_>) -> Json {
    match value {
        ValueRef::Null => json!(["null"]),
        ValueRef::Boolean(value) => json!(["boolean", value]),
        ValueRef::Int64(value) => json!(["int64", value]),
        ValueRef::Float64(value) if survives_json(value) => json!(["float64", value]),
        ValueRef::Float64(value) => json!(["float64", value.to_string()]),
        ValueRef::Decimal(text) => json!(["decimal", text]),
        ValueRef::Text(text) => json!(["text", text]),
        ValueRef::Bytes(bytes) => json!(["bytes", hexadecimal(bytes)]),
        ValueRef::Uuid(text) => json!(["uuid", text]),
        ValueRef::Date(date) => json!(["date", date.0]),
        ValueRef::Time(time) => json!(["time", time.0]),
        ValueRef::TimeTz(time) => json!(["timetz", [time.microseconds, time.offset_seconds]]),
        ValueRef::Timestamp(time) => json!(["timestamp", time.0]),
        ValueRef::Timestamptz(time) => json!(["timestamptz", time.0]),
        ValueRef::Interval(span) => {
            json!(["interval", [span.months, span.days, span.microseconds]])
        }
        ValueRef::Json(text) => json!(["json", text]),
        ValueRef::Vector(numbers) => json!(["vector", numbers.iter().collect::<Vec<_>>()]),
        ValueRef::Array(elements) => {
            let elements = elements
                .iter()
                .map(|element| element.map_or(json!("malformed"), notation));
            json!(["array", elements.collect::<Vec<_>>()])
        }
        ValueRef::Other {
            type_name,
            text,
            bytes,
        } => json!(["other", [type_name, text, hexadecimal(bytes)]]),
    }
}

/// Whether a reader of JSON gets this number back, to the last bit.
fn survives_json(number: f64) -> bool {
    let read = serde_json::from_str::<f64>(&json!(number).to_string());
    read.is_ok_and(|read| read.to_bits() == number.to_bits())
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        digits.extend(
            [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('?')),
        );
        digits
    })
}
