//! Dates and instants in the notation of ISO 8601, strictly: what is not one is left to be text.

const SECOND: i64 = 1_000_000;

/// Days since 1970-01-01 of `2013-01-31`.
pub(crate) fn parse_date(text: &str) -> Option<i32> {
    days(text.as_bytes().as_array()?)
}

/// Microseconds since 1970-01-01T00:00:00 of `2013-01-31 05:00:00.5`, and since that instant at Greenwich with `Z` or an
/// offset after it; says whether there was one.
pub(crate) fn parse_instant(text: &str) -> Option<(i64, bool)> {
    let (date, rest) = text.as_bytes().split_first_chunk()?;
    let ([b' ' | b'T'], rest) = rest.split_first_chunk()? else {
        return None;
    };
    let ([h1, h2, b':', m1, m2, b':', s1, s2], rest) = rest.split_first_chunk()? else {
        return None;
    };
    let time = below(24, *h1, *h2)? * 3600 + below(60, *m1, *m2)? * 60 + below(60, *s1, *s2)?;
    let (fraction, rest) = fraction(rest)?;
    let offset = match rest {
        [] => None,
        [b'Z'] => Some(0),
        [sign @ (b'+' | b'-'), zone @ ..] => Some(if *sign == b'-' {
            -offset(zone)?
        } else {
            offset(zone)?
        }),
        _ => return None,
    };
    let seconds = i64::from(days(date)?) * 86_400 + time - offset.unwrap_or(0);
    Some((seconds * SECOND + fraction, offset.is_some()))
}

/// The microseconds of a fraction, if there is one, and what follows. More than six digits would be lost.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let length = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (digits, rest) = digits.split_at(length);
    let unit = 10_i64.pow(6_u32.checked_sub(u32::try_from(length).ok()?)?);
    let number = digits
        .iter()
        .fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
    if length == 0 {
        None
    } else {
        Some((number * unit, rest))
    }
}

/// The seconds of `02`, `0200` or `02:00`.
fn offset(text: &[u8]) -> Option<i64> {
    match text {
        [h1, h2] => Some(below(16, *h1, *h2)? * 3600),
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => {
            Some(below(16, *h1, *h2)? * 3600 + below(60, *m1, *m2)? * 60)
        }
        _ => None,
    }
}

fn days(text: &[u8; 10]) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else {
        return None;
    };
    let year = below(100, *y1, *y2)? * 100 + below(100, *y3, *y4)?;
    let (month, day) = (below(13, *m1, *m2)?, below(32, *d1, *d2)?);
    if year == 0 || month == 0 || day == 0 || day > month_length(year, month) {
        return None;
    }
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let leap_days = year / 4 - year / 100 + year / 400;
    i32::try_from(365 * year + leap_days + day_of_year - 719_468).ok()
}

fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The number of two digits, if it is below a bound.
fn below(bound: i64, tens: u8, ones: u8) -> Option<i64> {
    if !tens.is_ascii_digit() || !ones.is_ascii_digit() {
        return None;
    }
    Some(i64::from(tens - b'0') * 10 + i64::from(ones - b'0')).filter(|number| *number < bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days() {
        assert_eq!(parse_date("1970-01-01"), Some(0));
        assert_eq!(parse_date("1969-12-31"), Some(-1));
        assert_eq!(parse_date("2024-02-29"), Some(19_782));
        assert_eq!(parse_date("0001-01-01"), Some(-719_162));
        assert_eq!(parse_date("9999-12-31"), Some(2_932_896));
        for wrong in [
            "2023-02-29",
            "1900-02-29",
            "2013-13-01",
            "2013-00-01",
            "0000-01-01",
            "2013-1-1",
            "2013/01/01",
            "",
        ] {
            assert_eq!(parse_date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn instants_are_microseconds() {
        assert_eq!(parse_instant("1970-01-01 00:00:01"), Some((SECOND, false)));
        assert_eq!(
            parse_instant("1969-12-31T23:59:59.999999"),
            Some((-1, false))
        );
        assert_eq!(
            parse_instant("1970-01-01T00:00:00.5Z"),
            Some((SECOND / 2, true))
        );
        assert_eq!(
            parse_instant("1970-01-01 00:00:00-01:30"),
            Some((5_400 * SECOND, true))
        );
        assert_eq!(parse_instant("1970-01-01 02:00:00+0200"), Some((0, true)));
        for wrong in [
            "1970-01-01",
            "1970-01-01 24:00:00",
            "1970-01-01 00:00",
            "1970-01-01 00:00:00.",
            "1970-01-01 00:00:00.1234567",
            "1970-01-01 00:00:00 UTC",
            "1970-01-01 00:00:00+99",
        ] {
            assert_eq!(parse_instant(wrong), None, "{wrong}");
        }
    }
}
