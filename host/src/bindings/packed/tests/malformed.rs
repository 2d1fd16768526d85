use crate::database::{Batch, Error, Value};

use super::{MANY, read_batch, vectors};

fn refusal(buffer: &[u8]) -> String {
    match read_batch(buffer, MANY) {
        Err(Error::Invalid(message)) => message,
        other => panic!("{other:?} for a malformed batch"),
    }
}

/// Changes of good buffers, each with what the refusal says: the vector's number, a place, and the bytes to put there.
const MALFORMED: &[(usize, usize, &[u8], &str)] = &[
    (7, 0, b"CPS", "it does not begin with `CPR` and version 1"),
    (7, 3, &[2], "it does not begin with `CPR` and version 1"),
    (
        7,
        4,
        &[112],
        "its length is 112, which must be a multiple of 8, and it is 120",
    ),
    (7, 8, &[2], "column 0 (`id`): it has 3 values in 2 rows"),
    (7, 12, &[1], "there are more names than columns"),
    (7, 12, &[0xff; 4], "kind 105 is not known"),
    (7, 16, &[57], "offset 57 is not a multiple of 8"),
    (7, 16, &[128], "offset 128 is beyond the end"),
    (7, 20, &[200], "a block reaches beyond the end"),
    (7, 20, &[5], "the last name does not end"),
    (7, 20, &[4], "there are fewer names than columns"),
    (7, 56, &[0xff], "the names are not UTF-8"),
    (7, 24, &[18], "kind 18 is not known"),
    (7, 25, &[1], "its flags 0x1 are not known"),
    (7, 41, &[2], "its flags 0x2 are not known"),
    (
        7,
        36,
        &[64, 1],
        "column 0 (`id`): offset 320 is beyond the end",
    ),
    (
        7,
        36,
        &[104],
        "column 0 (`id`): a block reaches beyond the end",
    ),
    (7, 89, &[3], "column 1 (`n`): state 3 has no meaning here"),
    (7, 96, &[1], "its offsets do not begin at 0"),
    (7, 100, &[4], "its offsets fall"),
    (7, 113, &[0xff], "its text is not UTF-8"),
    (4, 113, &[2], "its offsets do not begin at 0"),
    (2, 0xe0, &[2], "column 1 (`b`): 2 is no boolean"),
    (
        2,
        36,
        &[8],
        "column 0 (`n`): it holds only NULLs and has data",
    ),
    (4, 136, &[3], "its UTF-16 offsets contradict its text"),
    (5, 64, &[2], "its elements: state 2 has no meaning here"),
    (
        5,
        108,
        &[3],
        "its arrays have 2 elements, and their column has 3",
    ),
    (5, 104, &[16], "its elements: an array holds arrays"),
    (
        6,
        24 + 8,
        &[0],
        "it is mixed and does not say which value is of which kind",
    ),
    (6, 0x98, &[1], "a value of kind 17 is missing"),
    (
        6,
        0x9c,
        &[1],
        "the number of its parts is not followed by 0",
    ),
    (6, 0xb0, &[11], "the kinds of its parts do not ascend"),
    (6, 0xa4, &[3], "its parts have more values than it has"),
    (6, 0xa8, &[56], "a part of it has states of its own"),
    (6, 0x38, &[0], "its parts have values that it does not have"),
    (
        6,
        0xb0,
        &[255],
        "a part of a mixed column is mixed itself or holds only NULLs",
    ),
    (8, 104, &[4], "it is not made of a text and a bytes column"),
    (
        8,
        108,
        &[1],
        "its text and its bytes are not as many as its values",
    ),
];

#[test]
fn a_malformed_batch_is_refused_with_what_is_wrong() {
    let vectors = vectors();
    for (number, place, bytes, expected) in MALFORMED {
        let mut buffer = vectors[number - 1].buffer.clone();
        buffer[*place..place + bytes.len()].copy_from_slice(bytes);
        let message = refusal(&buffer);
        assert!(message.starts_with("malformed packed batch: "), "{message}");
        assert!(
            message.ends_with(expected),
            "vector {number} with {bytes:x?} at {place}: {message}"
        );
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
