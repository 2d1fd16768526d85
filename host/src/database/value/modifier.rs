//! The size of a column, such as the 5 of `varchar(5)`, and whether a value is too large for it.

use tokio_postgres::types::{Kind, Oid, Type};

/// Whether a column of this type and size refuses this notation of ours for being too long or too large. Asked only to find out which
/// value an error of the database is about.
pub(in crate::database) fn does_not_fit(oid: Oid, modifier: i32, notation: &str) -> bool {
    let Some(of_type) = Type::from_oid(oid) else {
        return false;
    };
    if let Kind::Array(element) = of_type.kind() {
        return elements(notation)
            .iter()
            .any(|text| is_too_large(element, modifier, text));
    }
    is_too_large(&of_type, modifier, notation)
}

fn is_too_large(of_type: &Type, modifier: i32, text: &str) -> bool {
    // What PostgreSQL adds to most sizes.
    const OFFSET: i32 = 4;
    let size = |modifier: i32| usize::try_from(modifier).ok();
    match *of_type {
        // Spaces beyond the end are cut off without an error.
        Type::VARCHAR | Type::BPCHAR => size(modifier - OFFSET)
            .is_some_and(|size| text.chars().skip(size).any(|character| character != ' ')),
        Type::BIT => size(modifier).is_some_and(|size| text.chars().count() != size),
        Type::VARBIT => size(modifier).is_some_and(|size| text.chars().count() > size),
        Type::NUMERIC if modifier >= OFFSET => {
            let packed = modifier - OFFSET;
            // The scale is a number of eleven bits with a sign.
            let (precision, scale) = (packed >> 16, ((packed & 0x7ff) ^ 0x400) - 0x400);
            overflows(text, precision.into(), scale.into())
        }
        _ => false,
    }
}

/// Whether a decimal, rounded to so many digits after the point, has more digits in all than the precision.
fn overflows(text: &str, precision: i64, scale: i64) -> bool {
    let Some(digits) = Digits::read(text) else {
        return text.contains("Infinity");
    };
    let room = precision - scale;
    let is_rounded_up = || {
        let kept = usize::try_from(precision).unwrap_or(0);
        let (kept, rest) = digits
            .digits
            .split_at_checked(kept)
            .unwrap_or((&digits.digits, ""));
        kept.bytes().all(|digit| digit == b'9') && rest.as_bytes().first() >= Some(&b'5')
    };
    digits.exponent > room || (digits.exponent == room && is_rounded_up())
}

/// A decimal number: `0.digits` times ten to the power of the exponent. Equal numbers are equal here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Digits {
    is_negative: bool,
    /// Neither begins nor ends with a zero.
    digits: String,
    exponent: i64,
}

impl Digits {
    /// Reads plain and exponent notation; `None` is no number.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, power) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole, fraction].concat();
        if all.is_empty() || !all.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let significant = all.trim_start_matches('0');
        let zeros = all.len() - significant.len();
        let digits = significant.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self {
                is_negative: false,
                digits,
                exponent: 0,
            });
        }
        let exponent = i64::try_from(whole.len()).ok()? - i64::try_from(zeros).ok()?;
        Some(Self {
            is_negative: text.starts_with('-'),
            digits,
            exponent: exponent.checked_add(power.parse().ok()?)?,
        })
    }
}

/// The elements of an array literal as `encode` writes it, without NULLs.
fn elements(literal: &str) -> Vec<String> {
    let mut elements = Vec::new();
    let mut characters = literal.chars();
    while characters.by_ref().any(|character| character == '"') {
        let mut element = String::new();
        while let Some(character) = characters.next() {
            match character {
                '"' => break,
                '\\' => element.extend(characters.next()),
                character => element.push(character),
            }
        }
        elements.push(element);
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::{Digits, Type, does_not_fit};

    fn refuses(of_type: &Type, modifier: i32, text: &str) -> bool {
        does_not_fit(of_type.oid(), modifier, text)
    }

    #[test]
    fn texts_and_bits_have_a_length() {
        for (of_type, modifier, text, expected) in [
            (Type::VARCHAR, 7, "éééé", true),
            (Type::VARCHAR, 7, "ééé", false),
            (Type::VARCHAR, 7, "ééé  ", false),
            (Type::VARCHAR, -1, "anything", false),
            (Type::BPCHAR, 5, "ab", true),
            (Type::BIT, 3, "10", true),
            (Type::BIT, 3, "101", false),
            (Type::VARBIT, 3, "10", false),
            (Type::VARBIT, 3, "1010", true),
            (Type::VARCHAR_ARRAY, 7, r#"{NULL,"abc","a\"b"}"#, false),
            (Type::VARCHAR_ARRAY, 7, r#"{"a\\bc",NULL}"#, true),
            (Type::TEXT, -1, "anything", false),
        ] {
            assert_eq!(refuses(&of_type, modifier, text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_too_large_after_rounding() {
        let modifier = |precision: i32, scale: i32| ((precision << 16) | (scale & 0x7ff)) + 4;
        for (precision, scale, text, expected) in [
            (5, 2, "999.99", false),
            (5, 2, "999.994", false),
            (5, 2, "999.995", true),
            (5, 2, "-1000", true),
            (5, 2, "1e3", true),
            (5, 2, "0.00001e8", true),
            (5, 2, "000999", false),
            (5, 2, "0.0000001", false),
            (5, 2, "NaN", false),
            (5, 2, "-Infinity", true),
            (2, 2, "0.994", false),
            (2, 2, "0.995", true),
            (2, 5, "0.00099", false),
            (2, 5, "0.001", true),
            (2, -3, "99499", false),
            (2, -3, "99500", true),
        ] {
            let modifier = modifier(precision, scale);
            assert_eq!(refuses(&Type::NUMERIC, modifier, text), expected, "{text}");
        }
        assert!(!refuses(&Type::NUMERIC, -1, "1e1000"));
    }

    #[test]
    fn equal_numbers_have_equal_digits() {
        let read = |text| Digits::read(text).expect("a number");
        for (one, other) in [
            ("1.50", "+15e-1"),
            ("0.00", "-0"),
            ("100", "1e2"),
            (".5", "5E-1"),
        ] {
            assert_eq!(read(one), read(other));
        }
        assert_ne!(read("1"), read("-1"));
        for text in ["", ".", "e5", "NaN", "1.2.3", "1e", "0x1"] {
            assert_eq!(Digits::read(text), None, "{text}");
        }
    }
}
