//! Amounts as people write them: durations, sizes, counts.

/// What an amount is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things: 10000.
    Count,
    /// Bytes: 65536, 64KiB.
    Bytes,
    /// Time: 500ms, 30s.
    Duration,
}

impl Unit {
    /// How such an amount is written.
    fn example(self) -> &'static str {
        match self {
            Self::Count => "write a whole number above 0, such as 10000",
            Self::Bytes => "write bytes, KiB, MiB or GiB, such as 256MiB",
            Self::Duration => "write ms, s, m or h, such as 500ms, 30s or 5m",
        }
    }

    /// Reads an amount above zero: durations in milliseconds.
    pub(super) fn parse(self, text: &str) -> Result<u64, InvalidAmount> {
        let invalid = || InvalidAmount {
            text: text.to_owned(),
            unit: self,
        };
        let text = text.trim();
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '_')
            .unwrap_or(text.len());
        let (digits, suffix) = text.split_at(end);
        let number: u64 = digits.replace('_', "").parse().map_err(|_| invalid())?;
        let factor = self.factor(suffix.trim_start()).ok_or_else(invalid)?;
        number
            .checked_mul(factor)
            .filter(|&amount| amount > 0)
            .ok_or_else(invalid)
    }

    /// An amount as it could have been written.
    pub(super) fn display(self, amount: u64) -> String {
        let suffixes: &[(&str, u64)] = match self {
            Self::Count => &[],
            Self::Bytes => &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)],
            Self::Duration => &[("m", 60_000), ("s", 1_000), ("ms", 1)],
        };
        let largest = suffixes
            .iter()
            .find(|(_, factor)| amount >= *factor && amount.is_multiple_of(*factor));
        match largest {
            Some((suffix, factor)) => format!("{}{suffix}", amount / factor),
            None => amount.to_string(),
        }
    }

    fn factor(self, suffix: &str) -> Option<u64> {
        match (self, suffix) {
            (Self::Count | Self::Bytes, "") | (Self::Bytes, "B") | (Self::Duration, "ms") => {
                Some(1)
            }
            (Self::Bytes, "KiB") => Some(1 << 10),
            (Self::Bytes, "MiB") => Some(1 << 20),
            (Self::Bytes, "GiB") => Some(1 << 30),
            (Self::Duration, "s") => Some(1_000),
            (Self::Duration, "m" | "min") => Some(60_000),
            (Self::Duration, "h") => Some(3_600_000),
            _ => None,
        }
    }
}

/// A text that is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an amount that can be used: {}{}", unit.example(), self.meant().map_or_else(String::new, |meant| format!("; did you mean `{meant}`?")))]
pub struct InvalidAmount {
    text: String,
    unit: Unit,
}

impl InvalidAmount {
    /// The amount that was probably meant: one without its unit, or with that of thousands.
    fn meant(&self) -> Option<String> {
        let text = self.text.trim();
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let suffix = text.strip_prefix(digits)?.trim().to_ascii_lowercase();
        let suffix = match (self.unit, suffix.as_str()) {
            (Unit::Duration, "" | "sec" | "secs" | "second" | "seconds") => "s",
            (Unit::Duration, "mins" | "minute" | "minutes") => "m",
            (Unit::Duration, "hour" | "hours") => "h",
            (Unit::Bytes, "k" | "kb" | "kib") => "KiB",
            (Unit::Bytes, "m" | "mb" | "mib") => "MiB",
            (Unit::Bytes, "g" | "gb" | "gib") => "GiB",
            _ => return None,
        };
        let meant = format!("{digits}{suffix}");
        self.unit.parse(&meant).is_ok().then_some(meant)
    }
}

#[cfg(test)]
mod tests {
    use super::Unit;

    #[test]
    fn amounts_are_read_and_written_the_same() {
        for (unit, text, amount) in [
            (Unit::Duration, "500ms", 500),
            (Unit::Duration, "30s", 30_000),
            (Unit::Duration, "5m", 300_000),
            (Unit::Bytes, "256MiB", 256 << 20),
            (Unit::Bytes, "1000", 1000),
            (Unit::Count, "10000", 10_000),
        ] {
            assert_eq!(unit.parse(text), Ok(amount), "{text}");
            assert_eq!(unit.display(amount), text);
        }
        assert_eq!(Unit::Duration.parse("2h"), Ok(7_200_000));
        assert_eq!(Unit::Bytes.parse(" 64 KiB "), Ok(65_536));
        assert_eq!(Unit::Count.parse("10_000"), Ok(10_000));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for (unit, text) in [
            (Unit::Duration, "30"),
            (Unit::Duration, "1.5s"),
            (Unit::Duration, "-1s"),
            (Unit::Duration, "0s"),
            (Unit::Duration, ""),
            (Unit::Bytes, "256MB"),
            (Unit::Bytes, "99999999999GiB"),
            (Unit::Count, "10k"),
            (Unit::Count, "0"),
        ] {
            assert!(unit.parse(text).is_err(), "{text} was accepted");
        }
        assert_eq!(
            Unit::Duration.parse("30").expect_err("no unit").to_string(),
            "`30` is not an amount that can be used: write ms, s, m or h, such as 500ms, 30s or 5m; did you mean `30s`?"
        );
        for (unit, text, meant) in [
            (Unit::Bytes, "256 mb", Some("256MiB")),
            (Unit::Duration, "5 minutes", Some("5m")),
            (Unit::Duration, "-1", None),
            (Unit::Duration, "0", None),
            (Unit::Count, "10k", None),
        ] {
            let error = unit.parse(text).expect_err(text);
            assert_eq!(error.meant().as_deref(), meant, "{text}");
        }
    }
}
