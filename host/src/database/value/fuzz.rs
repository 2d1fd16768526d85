//! Bytes of any kind are read or refused: without a panic, and without holding much more than came.

use proptest::{prelude::*, sample::Index, test_runner::RngSeed};

use super::{Scalar, Shape, Value, decode, text_bytes};

const SCALARS: [Scalar; 29] = [
    Scalar::Boolean,
    Scalar::Int16,
    Scalar::Int32,
    Scalar::Int64,
    Scalar::Oid,
    Scalar::Float32,
    Scalar::Float64,
    Scalar::Numeric,
    Scalar::Text,
    Scalar::Bytes,
    Scalar::Uuid,
    Scalar::Date,
    Scalar::Time,
    Scalar::TimeTz,
    Scalar::Timestamp,
    Scalar::TimestampTz,
    Scalar::Interval,
    Scalar::Json,
    Scalar::Jsonb,
    Scalar::Vector,
    Scalar::Label,
    Scalar::VersionedLabel,
    Scalar::Number32,
    Scalar::Number64,
    Scalar::Hardware,
    Scalar::LogPlace,
    Scalar::Network,
    Scalar::Bits,
    Scalar::Opaque,
];

/// The same in every run.
fn settings() -> ProptestConfig {
    ProptestConfig {
        cases: 2_000,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A sound value of each type, as the database sends it.
fn sound(scalar: Scalar) -> Vec<u8> {
    match scalar {
        Scalar::Boolean => vec![1],
        Scalar::Int16 => vec![0, 1],
        Scalar::Int32 | Scalar::Oid | Scalar::Float32 | Scalar::Date | Scalar::Number32 => {
            vec![0, 0, 0, 1]
        }
        Scalar::Int64
        | Scalar::Float64
        | Scalar::Time
        | Scalar::Timestamp
        | Scalar::TimestampTz
        | Scalar::Number64
        | Scalar::Hardware
        | Scalar::LogPlace => vec![0, 0, 0, 0, 0, 0, 0, 1],
        Scalar::Numeric => vec![0, 2, 0, 1, 0, 0, 0, 3, 0, 1, 0x27, 0x0f],
        Scalar::Text | Scalar::Bytes | Scalar::Label | Scalar::Opaque => "é".into(),
        Scalar::Uuid | Scalar::Interval => vec![7; 16],
        Scalar::TimeTz => vec![7; 12],
        Scalar::Json => b"{}".to_vec(),
        Scalar::Jsonb | Scalar::VersionedLabel => b"\x01{}".to_vec(),
        Scalar::Vector => vec![0, 2, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8],
        Scalar::Network => vec![2, 8, 0, 4, 10, 0, 0, 1],
        Scalar::Bits => vec![0, 0, 0, 10, 0xff, 0xc0],
    }
}

/// Elements of an array as the database sends it.
fn array(elements: &[Option<Vec<u8>>]) -> Vec<u8> {
    let length = i32::try_from(elements.len()).expect("few");
    let mut bytes: Vec<u8> = [1, 1, 0, length, 1]
        .into_iter()
        .flat_map(i32::to_be_bytes)
        .collect();
    for element in elements {
        let length = element
            .as_ref()
            .map_or(-1, |element| i32::try_from(element.len()).expect("short"));
        bytes.extend(length.to_be_bytes());
        bytes.extend(element.iter().flatten());
    }
    bytes
}

/// What a value holds besides itself.
fn held(value: &Value<'_>) -> usize {
    match value {
        Value::Decimal(text) | Value::Text(text) | Value::Uuid(text) | Value::Json(text) => {
            text.len()
        }
        Value::Bytes(bytes) => bytes.len(),
        Value::Vector(numbers) => size_of_val(numbers.as_slice()),
        Value::Array(elements) => {
            size_of_val(elements.as_slice()) + elements.iter().map(held).sum::<usize>()
        }
        Value::Other(other) => other.bytes.len() + other.text.as_ref().map_or(0, |it| it.len()),
        Value::Null
        | Value::Boolean(_)
        | Value::Int64(_)
        | Value::Float64(_)
        | Value::Date(_)
        | Value::Time(_)
        | Value::TimeTz(_)
        | Value::Timestamp(_)
        | Value::TimestampTz(_)
        | Value::Interval(_) => 0,
    }
}

fn read_or_refused(shape: Shape, bytes: &[u8]) -> Result<bool, TestCaseError> {
    let as_text = text_bytes(shape, bytes);
    let Ok(value) = decode(shape, "type[]", Some(bytes)) else {
        return Ok(false);
    };
    let bound = as_text + 64 + 40 * bytes.len() as u64;
    let held = held(&value) as u64;
    prop_assert!(
        held <= bound,
        "{held} bytes of {} and {as_text}",
        bytes.len()
    );
    Ok(true)
}

#[test]
fn every_type_has_a_sound_value() {
    for scalar in SCALARS {
        let one = sound(scalar);
        let many = array(&[Some(one.clone()), None]);
        for (is_array, bytes) in [(false, one), (true, many)] {
            let shape = Shape { scalar, is_array };
            assert!(
                matches!(read_or_refused(shape, &bytes), Ok(true)),
                "{scalar:?}"
            );
        }
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn bytes_of_any_kind_are_read_or_refused(
        scalar in prop::sample::select(&SCALARS[..]), is_array: bool, bytes: Vec<u8>,
    ) {
        read_or_refused(Shape { scalar, is_array }, &bytes)?;
    }

    #[test]
    fn arrays_with_any_contents_are_read_or_refused(
        scalar in prop::sample::select(&SCALARS[..]), length in 0..4_i32, contents: Vec<u8>,
    ) {
        let header = [1, 0, 0, length, 1].into_iter().flat_map(i32::to_be_bytes);
        let bytes: Vec<u8> = header.chain(contents).collect();
        read_or_refused(Shape { scalar, is_array: true }, &bytes)?;
    }

    #[test]
    fn sound_values_with_changed_bytes_are_read_or_refused(
        scalar in prop::sample::select(&SCALARS[..]),
        is_array: bool,
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
        length in any::<Index>(),
    ) {
        let one = sound(scalar);
        let mut bytes = if is_array { array(&[Some(one), None]) } else { one };
        for (place, byte) in changes {
            *place.get_mut(&mut bytes) = byte;
        }
        let shape = Shape { scalar, is_array };
        read_or_refused(shape, &bytes)?;
        bytes.truncate(length.index(bytes.len() + 1));
        read_or_refused(shape, &bytes)?;
    }
}
