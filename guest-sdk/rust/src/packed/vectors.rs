//! The test vectors of `wit/packed-rows.md`, and what this crate writes, read back.

use serde_json::{Value as Expected, json};

use super::{ColumnWriter, Packed, encode};
use crate::Batch;
use crate::time::{Date, Interval, Time, TimeTz, Timestamp, Timestamptz};
use crate::value::{Other, Value, ValueRef, hexadecimal};

fn list(text: &str) -> Vec<Expected> {
    serde_json::from_str(text).expect("a list")
}

/// The rows and the buffers, in their order.
fn vectors() -> Vec<(Vec<Expected>, Vec<u8>)> {
    let vectors = list(include_str!("../../../../wit/packed-rows.vectors.json"));
    vectors
        .iter()
        .map(|vector| {
            let rows = vector["rows"].as_array().expect("rows");
            (rows.clone(), bytes(&vector["hex"]))
        })
        .collect()
}

fn bytes(digits: &Expected) -> Vec<u8> {
    let digits = digits.as_str().expect("hexadecimal digits");
    let pairs = digits.as_bytes().as_chunks::<2>().0.iter();
    pairs
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).expect("ASCII"), 16).expect("a byte"))
        .collect()
}

/// A value in the notation of the vectors.
fn notation(value: ValueRef<'_>) -> Expected {
    let hex = |bytes| hexadecimal(bytes).split_off(2);
    match value {
        ValueRef::Null => json!(["null"]),
        ValueRef::Boolean(value) => json!(["boolean", value]),
        ValueRef::Int64(value) => json!(["int64", value]),
        ValueRef::Float64(value) if value.is_nan() => json!(["float64", "NaN"]),
        ValueRef::Float64(value) if value.is_infinite() => {
            json!([
                "float64",
                if value > 0.0 { "Infinity" } else { "-Infinity" }
            ])
        }
        ValueRef::Float64(value) if value == 0.0 && value.is_sign_negative() => {
            json!(["float64", "-0"])
        }
        ValueRef::Float64(value) => json!(["float64", value]),
        ValueRef::Decimal(text) => json!(["decimal", text]),
        ValueRef::Text(text) => json!(["text", text]),
        ValueRef::Bytes(bytes) => json!(["bytes", hex(bytes)]),
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
                .map(|element| notation(element.expect("an element")));
            json!(["array", elements.collect::<Vec<_>>()])
        }
        ValueRef::Other { text, bytes, .. } => json!(["other", [text, hex(bytes)]]),
    }
}

fn rows(packed: &Packed) -> Vec<Expected> {
    let columns = packed.columns().len();
    let cell = |row, column| notation(packed.value(row, column).expect("a value"));
    (0..packed.len())
        .map(|row| (0..columns).map(|column| cell(row, column)).collect())
        .collect()
}

#[test]
fn every_vector_is_read() {
    let vectors = vectors();
    assert!(vectors.len() > 8);
    for (mut expected, bytes) in vectors {
        let packed = Packed::parse(bytes).unwrap_or_else(|error| panic!("{error}"));
        for cell in expected
            .iter_mut()
            .flat_map(|row| row.as_array_mut().expect("a row"))
        {
            if *cell == json!(["missing"]) {
                *cell = json!(["null"]);
            }
        }
        assert_eq!(rows(&packed), expected);
    }
}

#[test]
fn columns_have_names_and_types_without_rows() {
    let (_, bytes) = vectors().swap_remove(0);
    let packed = Packed::parse(bytes).expect("a buffer");
    let columns = packed
        .columns()
        .iter()
        .map(|column| (column.name.as_str(), column.type_name.as_str()));
    assert_eq!(
        columns.collect::<Vec<_>>(),
        [("id", "int8"), ("naïve", "text")]
    );
}

#[test]
fn a_buffer_that_contradicts_itself_is_an_error_and_never_a_panic() {
    let vectors = vectors();
    let changes = list(include_str!("../../../../wit/packed-rows.malformed.json"));
    let mut refused = 0;
    for change in &changes {
        let number = |name: &str| {
            let number = change[name].as_u64().expect("a place");
            usize::try_from(number).expect("a place")
        };
        let mut buffer = vectors[number("vector") - 1].1.clone();
        let put = bytes(&change["put"]);
        buffer[number("at")..][..put.len()].copy_from_slice(&put);
        refused += usize::from(read_all(buffer).is_none());
    }
    // The rest only a host has to find, which trusts nothing.
    assert!(
        refused * 2 > changes.len(),
        "{refused} of {}",
        changes.len()
    );
}

#[test]
fn bytes_changed_at_will_never_make_it_panic() {
    for (_, buffer) in vectors() {
        for place in 0..buffer.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = buffer.clone();
                changed[place] ^= change;
                read_all(changed);
            }
        }
    }
}

/// Every value of a buffer, if all can be read.
fn read_all(buffer: Vec<u8>) -> Option<usize> {
    let packed = Packed::parse(buffer).ok()?;
    let columns = packed.columns().len();
    // A host never sends so many; rows without columns take no room in the buffer.
    for row in 0..packed.len().min(1_000) {
        for column in 0..columns {
            Value::try_from(packed.value(row, column).ok()?).ok()?;
        }
    }
    Some(packed.len())
}

#[test]
fn a_batch_is_written_as_the_page_says() {
    let mut batch = Batch::new(["id", "n"]);
    for (id, n) in [
        (1, Some(Value::Decimal("1.5".into()))),
        (2, None),
        (3, Some(Value::Null)),
    ] {
        batch.set(0, id).expect("an id");
        if let Some(n) = &n {
            batch.set(1, n).expect("a number");
        }
        batch.end_row();
    }
    let (_, bytes) = vectors().swap_remove(6);
    assert_eq!(batch.encode().expect("a buffer"), bytes);
}

/// Two values of every case.
fn cases() -> Vec<[Value; 2]> {
    let other = |text: &str| {
        Value::Other(Other {
            type_name: "inet".into(),
            text: Some(text.into()),
            bytes: vec![],
        })
    };
    vec![
        [Value::Boolean(true), Value::Boolean(false)],
        [i64::MIN.into(), i64::MAX.into()],
        [0.1.into(), f64::MAX.into()],
        [Value::Decimal("1.50".into()), Value::Decimal("-7".into())],
        ["".into(), "zoë 😀".into()],
        [Value::Bytes(vec![]), Value::Bytes(vec![0, 255])],
        [Value::Uuid("a".into()), Value::Uuid("b".into())],
        [Date(-1).into(), Date::INFINITY.into()],
        [Time(0).into(), Time(86_400_000_000).into()],
        [
            TimeTz {
                microseconds: 1,
                offset_seconds: -3600,
            }
            .into(),
            TimeTz {
                microseconds: 2,
                offset_seconds: 7,
            }
            .into(),
        ],
        [Timestamp(1).into(), Timestamp::MINUS_INFINITY.into()],
        [Timestamptz(-1).into(), Timestamptz(2).into()],
        [
            Interval {
                months: 1,
                days: -2,
                microseconds: 3,
            }
            .into(),
            Interval::default().into(),
        ],
        [Value::Json("null".into()), Value::Json("[1]".into())],
        [Value::Vector(vec![1.0, 0.5]), Value::Vector(vec![])],
        [
            Value::Array(vec![1.into(), Value::Null, "a".into()]),
            Value::Array(vec![]),
        ],
        [other("10.0.0.1"), other("::1")],
    ]
}

fn written(values: &[Value]) -> Packed {
    let mut column = ColumnWriter::default();
    for value in values {
        column.push(value.as_ref()).expect("a value");
    }
    Packed::parse(encode(&[("c".into(), column)], values.len())).expect("a buffer")
}

fn read(packed: &Packed) -> Vec<Value> {
    (0..packed.len())
        .map(|row| {
            packed
                .value(row, 0)
                .and_then(Value::try_from)
                .expect("a value")
        })
        .collect()
}

#[test]
fn every_case_is_read_as_it_was_written() {
    for [first, second] in cases() {
        for values in [
            vec![first.clone(), second.clone()],
            vec![
                Value::Null,
                first.clone(),
                Value::Null,
                Value::Null,
                second.clone(),
                Value::Null,
            ],
        ] {
            assert_eq!(read(&written(&values)), values);
        }
    }
}

#[test]
fn a_mixed_column_keeps_every_case() {
    let mut values: Vec<Value> = cases().into_iter().flatten().collect();
    values.insert(3, Value::Null);
    values.push(Value::Null);
    assert_eq!(read(&written(&values)), values);
    let elements: Vec<Value> = values
        .into_iter()
        .filter(|value| !matches!(value, Value::Array(_)))
        .collect();
    let arrays = [Value::Array(elements), Value::Null];
    assert_eq!(read(&written(&arrays)), arrays);
}

#[test]
fn only_null_needs_no_data() {
    let values = [Value::Null, Value::Null];
    assert_eq!(read(&written(&values)), values);
}

#[test]
fn a_buffer_cut_short_is_an_error_and_never_a_panic() {
    for (_, bytes) in vectors() {
        for length in 0..bytes.len() {
            let mut cut = bytes[..length].to_vec();
            assert!(Packed::parse(cut.clone()).is_err());
            if length >= 8 {
                cut[4..8].copy_from_slice(&u32::try_from(length).expect("short").to_le_bytes());
                if let Ok(packed) = Packed::parse(cut) {
                    let cells = (0..packed.len())
                        .flat_map(|row| (0..packed.columns().len()).map(move |c| (row, c)));
                    let readable = cells
                        .filter(|(row, column)| packed.value(*row, *column).is_ok())
                        .count();
                    assert!(readable <= packed.len() * packed.columns().len());
                }
            }
        }
    }
}
