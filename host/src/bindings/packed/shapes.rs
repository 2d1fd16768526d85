//! The columns that have no other columns inside, by how their data is laid out.

use std::borrow::Cow;

use crate::database::{Interval, TimeTz, Value};

use super::{
    UTF16_FLAG,
    column::utf16_units,
    source::{Cell, Entry, Refusal, Source, States, malformed},
    state,
};

type Cells<'a> = Result<Vec<Cell<'a>>, Refusal>;

/// Nothing but NULLs, and what was left out.
pub(super) fn nulls<'a>(entry: &Entry, states: States<'a>) -> Cells<'a> {
    if entry.data != 0 {
        return malformed("it holds only NULLs and has data");
    }
    let cell = |state| (state != state::LEFT_OUT).then_some(Value::Null);
    Ok(states.iter().take(entry.count).map(cell).collect())
}

/// A byte each.
pub(super) fn booleans<'a>(
    source: &mut Source<'a>,
    entry: &Entry,
    states: States<'a>,
) -> Cells<'a> {
    let mut block = source.block(entry.data)?;
    let places = source.take(&mut block, entry.count)?;
    states.cells(places.iter(), |byte| match byte {
        0 => Ok(Value::Boolean(false)),
        1 => Ok(Value::Boolean(true)),
        other => malformed(format!("{other} is no boolean")),
    })
}

/// So many bytes each.
pub(super) fn fixed<'a, const BYTES: usize>(
    source: &mut Source<'a>,
    entry: &Entry,
    states: States<'a>,
    value: impl Fn([u8; BYTES]) -> Value<'a>,
) -> Cells<'a> {
    let mut block = source.block(entry.data)?;
    let places = source.numbers(&mut block, entry.count)?;
    states.cells(places.iter(), |bytes| Ok(value(*bytes)))
}

/// All times, then all offsets.
pub(super) fn times_with_offset<'a>(
    source: &mut Source<'a>,
    entry: &Entry,
    states: States<'a>,
) -> Cells<'a> {
    let mut block = source.block(entry.data)?;
    let times = source.numbers(&mut block, entry.count)?;
    let offsets = source.numbers(&mut block, entry.count)?;
    states.cells(times.iter().zip(offsets), |(time, offset)| {
        Ok(Value::TimeTz(TimeTz {
            microseconds: i64::from_le_bytes(*time),
            offset_seconds: i32::from_le_bytes(*offset),
        }))
    })
}

/// All microseconds, then all days, then all months.
pub(super) fn intervals<'a>(
    source: &mut Source<'a>,
    entry: &Entry,
    states: States<'a>,
) -> Cells<'a> {
    let mut block = source.block(entry.data)?;
    let microseconds = source.numbers(&mut block, entry.count)?;
    let days = source.numbers(&mut block, entry.count)?;
    let months = source.numbers(&mut block, entry.count)?;
    let places = microseconds.iter().zip(days).zip(months);
    states.cells(places, |((microseconds, days), months)| {
        Ok(Value::Interval(Interval {
            months: i32::from_le_bytes(*months),
            days: i32::from_le_bytes(*days),
            microseconds: i64::from_le_bytes(*microseconds),
        }))
    })
}

/// Offsets, perhaps the same in UTF-16 code units, and the text that they cut.
pub(super) fn texts<'a>(
    source: &mut Source<'a>,
    entry: &Entry,
    states: States<'a>,
    value: impl Fn(Cow<'a, str>) -> Value<'a>,
) -> Cells<'a> {
    let mut block = source.block(entry.data)?;
    let offsets = source.offsets(&mut block, entry.count)?;
    let utf16 = match entry.flags {
        UTF16_FLAG => Some(source.offsets(&mut block, entry.count)?),
        _ => None,
    };
    let Ok(text) = str::from_utf8(source.take(&mut block, offsets.end())?) else {
        return malformed("its text is not UTF-8");
    };
    if let Some(utf16) = utf16 {
        let mut units = 0;
        for (piece, end) in offsets.pieces().zip(utf16.ends()) {
            let bytes = text.as_bytes().get(piece).unwrap_or_default().iter();
            units = bytes.fold(units, |sum: usize, byte| {
                sum.saturating_add(utf16_units(*byte))
            });
            if units != end {
                return malformed("its UTF-16 offsets contradict its text");
            }
        }
    }
    states.cells(offsets.pieces(), |piece| match text.get(piece) {
        Some(piece) => Ok(value(Cow::Borrowed(piece))),
        None => malformed("its offsets cut through a character"),
    })
}

/// Offsets, and the bytes that they cut.
pub(super) fn bytes<'a>(source: &mut Source<'a>, entry: &Entry, states: States<'a>) -> Cells<'a> {
    let mut block = source.block(entry.data)?;
    let offsets = source.offsets(&mut block, entry.count)?;
    let bytes = source.take(&mut block, offsets.end())?;
    states.cells(offsets.pieces(), |piece| {
        let piece = bytes.get(piece).unwrap_or_default();
        Ok(Value::Bytes(Cow::Borrowed(piece)))
    })
}

/// Offsets, and the numbers that they cut.
pub(super) fn vectors<'a>(source: &mut Source<'a>, entry: &Entry, states: States<'a>) -> Cells<'a> {
    let mut block = source.block(entry.data)?;
    let offsets = source.offsets(&mut block, entry.count)?;
    let numbers = source.numbers(&mut block, offsets.end())?;
    states.cells(offsets.pieces(), |piece| {
        let numbers = numbers.get(piece).unwrap_or_default().iter();
        Ok(Value::Vector(
            numbers.map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        ))
    })
}
