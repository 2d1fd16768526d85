use std::borrow::Cow;

use proptest::{prelude::*, test_runner::RngSeed};

use crate::database::{Error, Interval, Other, TimeTz, Value};

use super::{MANY, Sample, read_batch, write_rows};

fn scalar(kind: usize) -> BoxedStrategy<Value<'static>> {
    let text = || "[a-zé😀]{0,6}".prop_map(Cow::<'static, str>::Owned);
    let bytes = || prop::collection::vec(any::<u8>(), 0..6).prop_map(Cow::<'static, [u8]>::Owned);
    match kind {
        0 => Just(Value::Null).boxed(),
        1 => any::<bool>().prop_map(Value::Boolean).boxed(),
        2 => any::<i64>().prop_map(Value::Int64).boxed(),
        3 => any::<f64>().prop_map(Value::Float64).boxed(),
        4 => text().prop_map(Value::Decimal).boxed(),
        5 => text().prop_map(Value::Text).boxed(),
        6 => bytes().prop_map(Value::Bytes).boxed(),
        7 => text().prop_map(Value::Uuid).boxed(),
        8 => any::<i32>().prop_map(Value::Date).boxed(),
        9 => any::<i64>().prop_map(Value::Time).boxed(),
        10 => {
            let time = |(microseconds, offset_seconds)| TimeTz {
                microseconds,
                offset_seconds,
            };
            any::<(i64, i32)>()
                .prop_map(move |it| Value::TimeTz(time(it)))
                .boxed()
        }
        11 => any::<i64>().prop_map(Value::Timestamp).boxed(),
        12 => any::<i64>().prop_map(Value::TimestampTz).boxed(),
        13 => {
            let span = |(months, days, microseconds)| Interval {
                months,
                days,
                microseconds,
            };
            any::<(i32, i32, i64)>()
                .prop_map(move |it| Value::Interval(span(it)))
                .boxed()
        }
        14 => text().prop_map(Value::Json).boxed(),
        15 => prop::collection::vec(any::<f32>(), 0..4)
            .prop_map(Value::Vector)
            .boxed(),
        _ => {
            let other = |(text, bytes)| Other {
                type_name: "t".into(),
                text,
                bytes,
            };
            let parts = (prop::option::of(text()), bytes());
            parts.prop_map(move |it| Value::Other(other(it))).boxed()
        }
    }
}

/// Values of one kind with NULLs among them, or of any kinds.
fn values(depth: usize) -> BoxedStrategy<BoxedStrategy<Value<'static>>> {
    let kinds = if depth == 0 { 0..18_usize } else { 0..17 };
    let one = move |kind| match kind {
        17 => values(1)
            .prop_flat_map(|element| prop::collection::vec(element, 0..4))
            .prop_map(Value::Array)
            .boxed(),
        kind => scalar(kind),
    };
    let uniform = kinds
        .clone()
        .prop_map(move |kind| prop_oneof![1 => Just(Value::Null), 3 => one(kind)].boxed());
    let mixed = Just(kinds.prop_flat_map(one).boxed());
    prop_oneof![3 => uniform, 1 => mixed].boxed()
}

fn tables() -> impl Strategy<Value = Vec<Vec<Value<'static>>>> {
    let column = |height| values(0).prop_flat_map(move |it| prop::collection::vec(it, height));
    (0..8_usize).prop_flat_map(move |height| prop::collection::vec(column(height), 1..4))
}

/// The table of these columns, all of one name.
fn sample(columns: &[Vec<Value<'static>>]) -> Sample {
    let height = columns.first().map_or(0, Vec::len);
    let row = |row: usize| columns.iter().map(|column| column[row].clone()).collect();
    let type_name = |column: &Vec<Value<'_>>| {
        let is_array = column.iter().any(|value| matches!(value, Value::Array(_)));
        if is_array { "t[]" } else { "t" }.to_owned()
    };
    let named = |it| ["é".to_owned(), type_name(it)];
    Sample {
        columns: columns.iter().map(named).collect(),
        rows: (0..height).map(row).collect(),
    }
}

/// The same in every run.
fn settings() -> ProptestConfig {
    ProptestConfig {
        cases: 500,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn bytes_at_random_are_refused(rest in prop::collection::vec(any::<u8>(), 0..200), columns in 0..4_u32) {
        // With a header that is sound, so that more than the header is read.
        let total = (24 + rest.len()).next_multiple_of(8);
        let mut buffer = b"CPR\x01".to_vec();
        for word in [u32::try_from(total).expect("short"), 2, columns, 24, 0] {
            buffer.extend(word.to_le_bytes());
        }
        buffer.extend(&rest);
        buffer.resize(total, 0);
        let read = read_batch(&buffer, MANY);
        prop_assert!(matches!(read, Ok(_) | Err(Error::Invalid(_) | Error::Limit(_))));
        let read = read_batch(&rest, MANY);
        prop_assert!(matches!(read, Err(Error::Invalid(_))));
    }

    #[test]
    fn what_is_written_is_read_back(columns in tables()) {
        let sample = sample(&columns);
        let buffer = write_rows(&sample).expect("any table can be written");
        let batch = read_batch(&buffer, MANY).expect("what was written can be read");
        prop_assert_eq!(batch.columns.len(), columns.len());
        let cells: Vec<Vec<_>> = sample.rows.iter().map(|row| row.iter().map(Some).collect()).collect();
        let read: Vec<Vec<_>> = batch.rows.iter().map(|row| row.iter().map(Option::as_ref).collect()).collect();
        // As text, in which NaN equals itself.
        let unnamed = |text: String| text.replace("type_name: \"t[]\"", "type_name: \"t\"");
        prop_assert_eq!(unnamed(format!("{read:?}")), unnamed(format!("{cells:?}")));
    }

    #[test]
    fn bytes_changed_at_will_are_read_or_refused(
        columns in tables(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut buffer = write_rows(&sample(&columns)).expect("any table can be written");
        for (place, byte) in changes {
            *place.get_mut(&mut buffer) = byte;
        }
        let read = read_batch(&buffer, MANY);
        prop_assert!(matches!(read, Ok(_) | Err(Error::Invalid(_) | Error::Limit(_))));
    }
}
