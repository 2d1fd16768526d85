//! Dates, times and spans as the database keeps them: whole days and whole microseconds.
//!
//! They need no feature and lose nothing, infinities included. With the feature `chrono`, its types can be used instead.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::bindings::chitin::db::types as contract;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A day of the calendar: days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub i32);

impl Date {
    /// Later than every day.
    pub const INFINITY: Self = Self(i32::MAX);
    /// Earlier than every day.
    pub const MINUS_INFINITY: Self = Self(i32::MIN);
}

/// A time of day: microseconds since midnight, 24:00:00 included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// A time of day with an offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeTz {
    /// Microseconds since midnight, there.
    pub microseconds: i64,
    /// Seconds east of UTC.
    pub offset_seconds: i32,
}

/// A date and a time without a time zone: microseconds since 1970-01-01T00:00:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Later than every time.
    pub const INFINITY: Self = Self(i64::MAX);
    /// Earlier than every time.
    pub const MINUS_INFINITY: Self = Self(i64::MIN);
}

/// An instant: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamptz(pub i64);

impl Timestamptz {
    /// Later than every instant.
    pub const INFINITY: Self = Self(i64::MAX);
    /// Earlier than every instant.
    pub const MINUS_INFINITY: Self = Self(i64::MIN);
}

/// A span of time. A month has no fixed number of days, nor a day of hours: the three parts are kept apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename = "$chitin::interval")]
pub struct Interval {
    /// Months; a year has twelve.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Microseconds.
    pub microseconds: i64,
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::INFINITY => f.write_str("infinity"),
            Self::MINUS_INFINITY => f.write_str("-infinity"),
            Self(days) => write_date(f, i64::from(days), ""),
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_time(f, self.0)
    }
}

impl fmt::Display for TimeTz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_time(f, self.microseconds)?;
        let sign = if self.offset_seconds < 0 { '-' } else { '+' };
        let offset = self.offset_seconds.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", offset / 3600, offset / 60 % 60)?;
        if offset.is_multiple_of(60) {
            Ok(())
        } else {
            write!(f, ":{:02}", offset % 60)
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_instant(f, self.0, "")
    }
}

impl fmt::Display for Timestamptz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_instant(f, self.0, "Z")
    }
}

/// In the notation of ISO 8601: `P1M-2DT0.000003S`.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.microseconds < 0 { "-" } else { "" };
        let microseconds = self.microseconds.unsigned_abs();
        let (seconds, fraction) = (
            microseconds / SECOND.unsigned_abs(),
            microseconds % SECOND.unsigned_abs(),
        );
        write!(
            f,
            "P{}M{}DT{sign}{seconds}.{fraction:06}S",
            self.months, self.days
        )
    }
}

fn write_instant(f: &mut fmt::Formatter<'_>, microseconds: i64, zone: &str) -> fmt::Result {
    match microseconds {
        i64::MAX => f.write_str("infinity"),
        i64::MIN => f.write_str("-infinity"),
        _ => {
            let time = microseconds.rem_euclid(DAY);
            write_date(
                f,
                microseconds.div_euclid(DAY),
                &format!("T{}{zone}", Time(time)),
            )
        }
    }
}

/// The date, what follows it, and the era where it is not ours.
fn write_date(f: &mut fmt::Formatter<'_>, days: i64, rest: &str) -> fmt::Result {
    let (year, month, day) = civil(days);
    if year > 0 {
        write!(f, "{year:04}-{month:02}-{day:02}{rest}")
    } else {
        write!(f, "{:04}-{month:02}-{day:02}{rest} BC", 1 - year)
    }
}

fn write_time(f: &mut fmt::Formatter<'_>, microseconds: i64) -> fmt::Result {
    let (seconds, fraction) = (microseconds / SECOND, microseconds % SECOND);
    write!(
        f,
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )?;
    if fraction == 0 {
        Ok(())
    } else {
        write!(f, ".{fraction:06}")
    }
}

/// Year, month and day of the proleptic Gregorian calendar. Years are counted in eras of 400 that begin on 1 March, so
/// that the leap day is the last one of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

macro_rules! serialize_as_text {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

serialize_as_text!(Date, Time, TimeTz, Timestamp, Timestamptz);

impl From<contract::TimeWithOffset> for TimeTz {
    fn from(time: contract::TimeWithOffset) -> Self {
        Self {
            microseconds: time.microseconds,
            offset_seconds: time.offset_seconds,
        }
    }
}

impl From<TimeTz> for contract::TimeWithOffset {
    fn from(time: TimeTz) -> Self {
        Self {
            microseconds: time.microseconds,
            offset_seconds: time.offset_seconds,
        }
    }
}

impl From<contract::Interval> for Interval {
    fn from(interval: contract::Interval) -> Self {
        Self {
            months: interval.months,
            days: interval.days,
            microseconds: interval.microseconds,
        }
    }
}

impl From<Interval> for contract::Interval {
    fn from(interval: Interval) -> Self {
        Self {
            months: interval.months,
            days: interval.days,
            microseconds: interval.microseconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_the_database_reads_them() {
        assert_eq!(Date(0).to_string(), "1970-01-01");
        assert_eq!(Date(-1).to_string(), "1969-12-31");
        assert_eq!(Date(19_782).to_string(), "2024-02-29");
        assert_eq!(Date(-719_163).to_string(), "0001-12-31 BC");
        assert_eq!(Date::INFINITY.to_string(), "infinity");
        assert_eq!(Date::MINUS_INFINITY.to_string(), "-infinity");
    }

    #[test]
    fn times_keep_their_microseconds() {
        assert_eq!(Time(DAY).to_string(), "24:00:00");
        assert_eq!(Time(1).to_string(), "00:00:00.000001");
        assert_eq!(
            TimeTz {
                microseconds: 0,
                offset_seconds: -16_200
            }
            .to_string(),
            "00:00:00-04:30"
        );
        assert_eq!(Timestamp(-1).to_string(), "1969-12-31T23:59:59.999999");
        assert_eq!(Timestamptz(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamptz::INFINITY.to_string(), "infinity");
    }

    #[test]
    fn intervals_keep_their_parts() {
        let interval = Interval {
            months: 1,
            days: -2,
            microseconds: -3,
        };
        assert_eq!(interval.to_string(), "P1M-2DT-0.000003S");
    }
}
