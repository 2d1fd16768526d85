//! Amounts as people read them.

use std::time::Duration;

use crate::config::Unit;

/// An amount of a limit.
pub(super) fn of_unit(unit: Unit, amount: u64) -> String {
    match unit {
        Unit::Count => number(amount),
        Unit::Bytes => size(amount),
        Unit::Duration => duration(Duration::from_millis(amount)),
    }
}

/// A number with its thousands apart.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Bytes in the largest unit that they fill.
pub(super) fn size(bytes: u64) -> String {
    let tenths = |unit: u64| u128::from(bytes) * 10 / u128::from(unit);
    let units = [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) if bytes.is_multiple_of(unit) => format!("{} {name}", bytes / unit),
        Some((unit, name)) => format!("{}.{} {name}", tenths(unit) / 10, tenths(unit) % 10),
        None => format!("{bytes} B"),
    }
}

/// Time in the unit that people count it in.
pub(super) fn duration(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_micros().div_ceil(1000)),
        seconds @ 1..=59 if time.subsec_millis() == 0 => format!("{seconds} s"),
        seconds @ 1..=59 => format!("{seconds}.{:02} s", time.subsec_millis() / 10),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Unit, duration, number, of_unit, size};

    #[test]
    fn amounts_are_short() {
        assert_eq!(number(1_000), "1,000");
        assert_eq!(size(1_300), "1.2 KiB");
        assert_eq!(size(5 << 30), "5 GiB");
        assert_eq!(duration(Duration::from_micros(300)), "1 ms");
        assert_eq!(duration(Duration::from_millis(1_240)), "1.24 s");
        assert_eq!(duration(Duration::from_secs(90)), "1 min 30 s");
    }

    #[test]
    fn an_amount_of_a_limit_has_its_unit() {
        assert_eq!(of_unit(Unit::Bytes, 256 << 20), "256 MiB");
        assert_eq!(of_unit(Unit::Duration, 30_000), "30 s");
        assert_eq!(of_unit(Unit::Count, 10_001), "10,001");
    }
}
