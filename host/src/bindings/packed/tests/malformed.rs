use crate::database::{Batch, Error, Value};

use super::{Json, MANY, long, read_batch, vectors};

fn refusal(buffer: &[u8]) -> String {
    match read_batch(buffer, MANY) {
        Err(Error::Invalid(message)) => message,
        other => panic!("{other:?} for a malformed batch"),
    }
}

/// Good buffers, each with a change that makes it malformed, and the end of the refusal.
fn changed() -> Vec<(Vec<u8>, String)> {
    let text = include_str!("../../../../../wit/packed-rows.malformed.json");
    let changes: Vec<Json> = serde_json::from_str(text).expect("the changes are JSON");
    let vectors = vectors();
    let changed = |change: &Json| {
        let number = |name: &str| usize::try_from(long(&change[name])).expect("a place");
        let mut buffer = vectors[number("vector") - 1].buffer.clone();
        let put = hex::decode(super::text(&change["put"])).expect("hexadecimal");
        buffer[number("at")..][..put.len()].copy_from_slice(&put);
        (buffer, super::text(&change["reason"]))
    };
    changes.iter().map(changed).collect()
}

#[test]
fn a_malformed_batch_is_refused_with_what_is_wrong() {
    let changed = changed();
    assert!(changed.len() >= 38);
    for (buffer, reason) in changed {
        let message = refusal(&buffer);
        assert!(message.starts_with("malformed packed batch: "), "{message}");
        assert!(message.ends_with(&reason), "{reason}: {message}");
    }
}

#[test]
fn a_batch_that_is_cut_off_is_refused() {
    for vector in vectors() {
        for length in 0..vector.buffer.len() {
            refusal(&vector.buffer[..length]);
        }
        let mut longer = vector.buffer.clone();
        longer.extend([0; 8]);
        refusal(&longer);
    }
}

/// A header, one entry a column, names without type names, and data at the end.
fn buffer(rows: u32, entries: &[[u32; 4]], data: &[u8]) -> Vec<u8> {
    let count = u32::try_from(entries.len()).expect("few");
    let names = 24 + 16 * count;
    let mut buffer = b"CPR\x01".to_vec();
    for word in [0, rows, count, names, 3 * count]
        .iter()
        .chain(entries.iter().flatten())
    {
        buffer.extend(word.to_le_bytes());
    }
    (0..count).for_each(|_| buffer.extend(b"c\0\0"));
    buffer.resize(buffer.len().next_multiple_of(8), 0);
    buffer.extend(data);
    buffer.resize(buffer.len().next_multiple_of(8), 0);
    let length = u32::try_from(buffer.len()).expect("short");
    buffer[4..8].copy_from_slice(&length.to_le_bytes());
    buffer
}

#[test]
fn columns_that_share_their_data_are_refused() {
    // Each of them is sound; together they hold more than the buffer does.
    let [first, shared] = [24 + 16 * 8, 24 + 16 * 8 + 24];
    let entry = [2, 16, 0, shared];
    let buffer = buffer(16, &[entry; 8], &[7; 16 * 8]);
    assert_eq!(buffer.len(), first as usize + 24 + 16 * 8);
    let message = refusal(&buffer);
    assert!(
        message.ends_with("blocks overlap: together they are longer than the buffer"),
        "{message}"
    );
}

#[test]
fn text_that_is_cut_through_a_character_is_refused() {
    let data = [&[0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0], "é".as_bytes()].concat();
    let message = refusal(&buffer(2, &[[5, 2, 0, 48]], &data));
    assert!(
        message.ends_with("its offsets cut through a character"),
        "{message}"
    );
}

#[test]
fn values_that_take_no_room_are_counted() {
    let million_rows = buffer(1_000_000, &[[0, 1_000_000, 0, 0]; 3], &[]);
    let no_columns = buffer(u32::MAX, &[], &[]);
    // Two arrays of together 4,294,967,295 NULLs.
    let elements = [
        0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0,
    ];
    let entry = [[0, 0, 0, 0], [255, 255, 255, 255], [0; 4], [0; 4]].concat();
    let arrays = buffer(2, &[[16, 2, 0, 48]], &[&elements[..], &entry].concat());
    for (buffer, counted) in [
        (million_rows, 3_000_000),
        (no_columns, u64::from(u32::MAX)),
        (arrays, u64::from(u32::MAX) + 2),
    ] {
        match read_batch(&buffer, 1_000_000) {
            Err(Error::Limit(limit)) => {
                assert_eq!((limit.name, limit.used), ("batch-values", counted));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_column_of_kind_0_tells_what_is_left_out() {
    let buffer = buffer(3, &[[0, 3, 48, 0]], &[0, 1, 2]);
    let batch = read_batch(&buffer, MANY).expect("a sound batch");
    assert_eq!(
        batch.rows,
        [[Some(Value::Null)], [Some(Value::Null)], [None]]
    );
}

/// Everything that was allocated for the values of a batch, in bytes.
fn held(batch: &Batch<'_>) -> usize {
    fn inside(value: &Value<'_>) -> usize {
        if let Value::Vector(numbers) = value {
            numbers.len() * 4
        } else if let Value::Array(elements) = value {
            elements.iter().map(|e| 80 + inside(e)).sum()
        } else {
            0
        }
    }
    let cells = batch.rows.iter().flatten().flatten();
    cells.map(|value| 80 + inside(value)).sum()
}

#[test]
fn no_change_of_a_byte_makes_the_host_panic_or_hold_much() {
    let mut refused = 0;
    for vector in vectors() {
        for place in 0..vector.buffer.len() {
            for change in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff] {
                let mut buffer = vector.buffer.clone();
                buffer[place] ^= change;
                match read_batch(&buffer, MANY) {
                    Ok(batch) => assert!(held(&batch) < 80 * 10_000 + 4 * buffer.len()),
                    Err(Error::Invalid(_) | Error::Limit(_)) => refused += 1,
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    }
    assert!(refused > 3_000, "only {refused}");
}
