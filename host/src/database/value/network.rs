//! The text of types that have no case of their own but are common: addresses and strings of bits.

use std::{fmt::Write as _, net::IpAddr};

use super::decode::{Malformed, take};

/// An address, with its network where it is not a single host.
pub(super) fn address(mut bytes: &[u8]) -> Result<String, Malformed> {
    let [_family, bits, is_network, length] = take(&mut bytes)?;
    let address = match length {
        4 => IpAddr::from(take::<4>(&mut bytes)?),
        16 => IpAddr::from(take::<16>(&mut bytes)?),
        _ => return Err(Malformed("an address of neither 4 nor 16 bytes")),
    };
    Ok(
        if is_network == 0 && u16::from(bits) == u16::from(length) * 8 {
            address.to_string()
        } else {
            format!("{address}/{bits}")
        },
    )
}

/// The address of a network card, of 6 or 8 bytes.
pub(super) fn hardware(bytes: &[u8]) -> Result<String, Malformed> {
    if !matches!(bytes.len(), 6 | 8) {
        return Err(Malformed("a hardware address of neither 6 nor 8 bytes"));
    }
    let mut text = String::new();
    for (place, byte) in bytes.iter().enumerate() {
        let separator = if place == 0 { "" } else { ":" };
        // Writing to a String cannot fail.
        write!(text, "{separator}{byte:02x}").ok();
    }
    Ok(text)
}

/// Zeros and ones.
pub(super) fn bits(mut bytes: &[u8]) -> Result<String, Malformed> {
    let count = i32::from_be_bytes(take(&mut bytes)?);
    let count = usize::try_from(count).map_err(|_| Malformed("a negative number of bits"))?;
    if bytes.len() != count.div_ceil(8) {
        return Err(Malformed("more or fewer bits than it says"));
    }
    let all = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |place| byte >> place & 1));
    Ok(all
        .take(count)
        .map(|bit| if bit == 1 { '1' } else { '0' })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::{address, bits, hardware};

    #[test]
    fn addresses_and_bits_are_written_as_the_database_reads_them() {
        assert_eq!(
            address(&[2, 32, 0, 4, 10, 0, 0, 1]).expect("an address"),
            "10.0.0.1"
        );
        assert_eq!(
            address(&[2, 8, 0, 4, 10, 0, 0, 1]).expect("an address"),
            "10.0.0.1/8"
        );
        assert_eq!(
            address(&[2, 32, 1, 4, 10, 0, 0, 1]).expect("a network"),
            "10.0.0.1/32"
        );
        assert_eq!(
            bits(&[0, 0, 0, 10, 0b1010_0000, 0b0100_0000]).expect("bits"),
            "1010000001"
        );
        assert_eq!(
            hardware(&[8, 0, 0x2b, 1, 2, 0xff]).expect("six bytes"),
            "08:00:2b:01:02:ff"
        );
        assert!(hardware(&[8, 0, 0x2b, 1, 2]).is_err());
        assert!(address(&[2, 32, 0, 5, 1, 2, 3, 4, 5]).is_err());
        assert!(bits(&[0, 0, 0, 10, 1]).is_err());
        assert!(bits(&[0xff, 0, 0, 0]).is_err());
    }
}
