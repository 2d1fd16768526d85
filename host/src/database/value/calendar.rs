//! The proleptic Gregorian calendar, as both databases count it: without a year 0, with years before it marked `BC`.

/// A day of the calendar; the year before 1 is 0, as astronomers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    year: i64,
    month: i64,
    day: i64,
}

impl Day {
    /// The day that many days after 1970-01-01. Right for every day that the microseconds of an `i64` or the days of an `i32` reach.
    pub(super) fn after_1970(days: i64) -> Self {
        // Eras of 400 years begin on 1 March, so that the leap day is the last one of its year.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        Self { year, month, day }
    }

    /// The day and whatever belongs to it, such as a time, in the notation of the databases.
    pub(super) fn notation(self, rest: &str) -> String {
        let Self { year, month, day } = self;
        if year > 0 {
            format!("{year:04}-{month:02}-{day:02}{rest}")
        } else {
            format!("{:04}-{month:02}-{day:02}{rest} BC", 1 - year)
        }
    }
}

/// Microseconds of a day as a time of day; all of them are `24:00:00`.
pub(super) fn time_notation(microseconds: i64) -> String {
    let seconds = microseconds / 1_000_000;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match microseconds % 1_000_000 {
        0 => format!("{hour:02}:{minute:02}:{second:02}"),
        fraction => format!("{hour:02}:{minute:02}:{second:02}.{fraction:06}"),
    }
}

/// Microseconds since 1970 as a day and a time; `zone` follows the time.
pub(super) fn timestamp_notation(microseconds: i64, zone: &str) -> String {
    const DAY: i64 = 86_400_000_000;
    let time = time_notation(microseconds.rem_euclid(DAY));
    Day::after_1970(microseconds.div_euclid(DAY)).notation(&format!(" {time}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::{Day, time_notation, timestamp_notation};

    #[test]
    fn days_are_counted_as_the_databases_count_them() {
        for (days, notation) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (-25_509, "1900-02-28"),
            (-719_162, "0001-01-01"),
            (-719_163, "0001-12-31 BC"),
            (-2_440_588, "4714-11-24 BC"),
            (2_932_897, "10000-01-01"),
            (2_145_042_905, "5874897-12-31"),
        ] {
            assert_eq!(Day::after_1970(days).notation(""), notation);
        }
    }

    #[test]
    fn microseconds_are_written_only_where_there_are_any() {
        assert_eq!(time_notation(86_400_000_000), "24:00:00");
        assert_eq!(time_notation(1), "00:00:00.000001");
        assert_eq!(
            timestamp_notation(-1, "+00"),
            "1969-12-31 23:59:59.999999+00"
        );
        assert_eq!(
            timestamp_notation(-62_135_596_800_000_001, "+00"),
            "0001-12-31 23:59:59.999999+00 BC"
        );
    }
}
