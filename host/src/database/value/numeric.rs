//! The binary form of NUMERIC: digits to the base of 10,000, a weight, a sign and the number of decimals to show.

use std::fmt::Write as _;

use super::decode::{Malformed, take};

/// More decimals than this cannot be told by the format.
const MAXIMUM_SCALE: u16 = 0x3fff;

struct Header {
    digits: usize,
    /// The power of 10,000 that the first digit counts.
    weight: i16,
    sign: u16,
    scale: u16,
}

impl Header {
    fn read(buffer: &mut &[u8]) -> Result<Self, Malformed> {
        let digits = u16::from_be_bytes(take(buffer)?);
        let header = Self {
            digits: digits.into(),
            weight: i16::from_be_bytes(take(buffer)?),
            sign: u16::from_be_bytes(take(buffer)?),
            scale: u16::from_be_bytes(take(buffer)?),
        };
        if header.scale > MAXIMUM_SCALE {
            return Err(Malformed("more decimals than a numeric can have"));
        }
        Ok(header)
    }
}

/// The exact text, with trailing zeros up to the scale, as the database itself writes it.
pub(super) fn read(mut bytes: &[u8]) -> Result<String, Malformed> {
    let header = Header::read(&mut bytes)?;
    let mut text = match header.sign {
        0x0000 => String::new(),
        0x4000 => "-".to_owned(),
        0xc000 => return Ok("NaN".to_owned()),
        0xd000 => return Ok("Infinity".to_owned()),
        0xf000 => return Ok("-Infinity".to_owned()),
        _ => return Err(Malformed("an unknown sign of a numeric")),
    };
    if bytes.len() != header.digits * 2 {
        return Err(Malformed(
            "a numeric with more or fewer digits than it says",
        ));
    }
    let digit = |weight: i32| -> u16 {
        let place = usize::try_from(i32::from(header.weight) - weight).ok();
        place
            .and_then(|place| bytes.get(place * 2..place * 2 + 2)?.try_into().ok())
            .map_or(0, u16::from_be_bytes)
    };
    if bytes
        .chunks_exact(2)
        .any(|pair| u16::from_be_bytes([pair[0], pair[1]]) > 9_999)
    {
        return Err(Malformed("a digit of a numeric above 9999"));
    }

    let highest = (0..=i32::from(header.weight))
        .rev()
        .find(|&weight| digit(weight) != 0);
    let highest = highest.unwrap_or(0);
    // Writing to a String cannot fail.
    write!(text, "{}", digit(highest)).ok();
    for weight in (0..highest).rev() {
        write!(text, "{:04}", digit(weight)).ok();
    }
    if header.scale > 0 {
        text.push('.');
        let end = text.len() + usize::from(header.scale);
        for weight in 1..=i32::from(header.scale.div_ceil(4)) {
            write!(text, "{:04}", digit(-weight)).ok();
        }
        text.truncate(end);
    }
    Ok(text)
}

/// How long the text of a numeric is at most, which its bytes do not tell: `1e100000` has ten of them.
pub(super) fn text_bytes(mut bytes: &[u8]) -> u64 {
    Header::read(&mut bytes).map_or(0, |header| {
        let whole = u64::try_from(header.weight).map_or(1, |weight| (weight + 1) * 4);
        whole + u64::from(header.scale) + 2
    })
}

#[cfg(test)]
mod tests {
    use super::{read, text_bytes};

    fn numeric(weight: i16, sign: u16, scale: u16, digits: &[u16]) -> Vec<u8> {
        let count = u16::try_from(digits.len()).expect("few digits");
        let mut bytes = Vec::new();
        bytes.extend(count.to_be_bytes());
        bytes.extend(weight.to_be_bytes());
        bytes.extend(sign.to_be_bytes());
        bytes.extend(scale.to_be_bytes());
        bytes.extend(digits.iter().flat_map(|digit| digit.to_be_bytes()));
        bytes
    }

    #[test]
    fn every_digit_and_every_trailing_zero_is_kept() {
        for (weight, sign, scale, digits, text) in [
            (0, 0, 0, &[][..], "0"),
            (0, 0, 3, &[], "0.000"),
            (0, 0, 2, &[10, 5_000], "10.50"),
            (1, 0x4000, 0, &[1, 2], "-10002"),
            (2, 0, 0, &[1], "100000000"),
            (-1, 0, 4, &[1], "0.0001"),
            (-2, 0, 8, &[1], "0.00000001"),
            (-3, 0x4000, 11, &[1_230], "-0.00000000123"),
            (0, 0xc000, 0, &[], "NaN"),
            (0, 0xd000, 0, &[], "Infinity"),
            (0, 0xf000, 0, &[], "-Infinity"),
        ] {
            let bytes = numeric(weight, sign, scale, digits);
            assert_eq!(read(&bytes).expect("well formed"), text);
            if sign <= 0x4000 {
                assert!(text_bytes(&bytes) >= text.len() as u64, "{text}");
            }
        }
        let huge = numeric(i16::MAX, 0, 0, &[9_999]);
        assert_eq!(read(&huge).expect("well formed").len(), 131_072);
        assert_eq!(text_bytes(&huge), 131_074);
        // As many groups of digits as there can be, which is more than an `i16` counts.
        let full = numeric(i16::MAX, 0, 0, &vec![1_234; 32_768]);
        assert_eq!(read(&full).expect("well formed"), "1234".repeat(32_768));
    }

    #[test]
    fn a_malformed_numeric_is_an_error() {
        assert!(read(&numeric(0, 0, 0, &[10_000])).is_err());
        assert!(read(&numeric(0, 0x1234, 0, &[])).is_err());
        assert!(read(&numeric(0, 0, 0x4000, &[])).is_err());
        assert!(read(&numeric(0, 0, 0, &[1])[..9]).is_err());
        assert!(read(&[0, 1]).is_err());
        assert!(read(&[0xff; 8]).is_err());
    }
}
