//! Dates and times of chrono. Infinities and years beyond chrono's are a mismatch.
//!
//! The database counts microseconds and chrono nanoseconds: what is less than a microsecond is cut off on the way into the database.

use chrono::{
    DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc,
};

use super::{FromValue, Mismatch};
use crate::time::{Date, Time, Timestamp, Timestamptz};
use crate::value::{Value, ValueRef};

const EPOCH: NaiveDate = DateTime::UNIX_EPOCH.naive_utc().date();

impl FromValue<'_> for NaiveDate {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        let date = Date::from_value(value)?;
        EPOCH
            .checked_add_signed(TimeDelta::days(date.0.into()))
            .ok_or_else(|| Mismatch::new(format_args!("{date} does not fit into a NaiveDate")))
    }
}

impl FromValue<'_> for NaiveTime {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        let time = Time::from_value(value)?;
        let (seconds, fraction) = (time.0.div_euclid(1_000_000), time.0.rem_euclid(1_000_000));
        let (seconds, fraction) = (u32::try_from(seconds).ok(), u32::try_from(fraction).ok());
        seconds
            .zip(fraction)
            .and_then(|(seconds, fraction)| {
                Self::from_num_seconds_from_midnight_opt(seconds, fraction * 1_000)
            })
            .ok_or_else(|| Mismatch::new(format_args!("{time} does not fit into a NaiveTime")))
    }
}

impl FromValue<'_> for NaiveDateTime {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        let timestamp = Timestamp::from_value(value)?;
        DateTime::from_timestamp_micros(timestamp.0)
            .map(|instant| instant.naive_utc())
            .ok_or_else(|| {
                Mismatch::new(format_args!(
                    "{timestamp} does not fit into a NaiveDateTime"
                ))
            })
    }
}

impl FromValue<'_> for DateTime<Utc> {
    fn from_value(value: ValueRef<'_>) -> Result<Self, Mismatch> {
        let instant = Timestamptz::from_value(value)?;
        Self::from_timestamp_micros(instant.0)
            .ok_or_else(|| Mismatch::new(format_args!("{instant} does not fit into a DateTime")))
    }
}

impl From<NaiveDate> for Date {
    fn from(date: NaiveDate) -> Self {
        let days = date.signed_duration_since(EPOCH).num_days();
        Self(i32::try_from(days).unwrap_or(i32::MAX - 1))
    }
}

/// A leap second is the second after it, as in the database.
impl From<NaiveTime> for Time {
    fn from(time: NaiveTime) -> Self {
        Self(
            i64::from(time.num_seconds_from_midnight()) * 1_000_000
                + i64::from(time.nanosecond()) / 1_000,
        )
    }
}

impl From<NaiveDateTime> for Timestamp {
    fn from(time: NaiveDateTime) -> Self {
        Self(time.and_utc().timestamp_micros())
    }
}

impl From<DateTime<Utc>> for Timestamptz {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(instant.timestamp_micros())
    }
}

impl From<DateTime<FixedOffset>> for Timestamptz {
    fn from(instant: DateTime<FixedOffset>) -> Self {
        Self(instant.timestamp_micros())
    }
}

macro_rules! parameters {
    ($($type:ty => $own:ident),*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$own(value.into())
            }
        }

        impl From<$type> for ValueRef<'_> {
            fn from(value: $type) -> Self {
                Self::$own(value.into())
            }
        }
    )*};
}

parameters! {
    NaiveDate => Date,
    NaiveTime => Time,
    NaiveDateTime => Timestamp,
    DateTime<Utc> => Timestamptz,
    DateTime<FixedOffset> => Timestamptz
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_go_there_and_back() {
        let instant: DateTime<Utc> = "1969-12-31T23:59:59.999999Z".parse().expect("an instant");
        assert_eq!(Value::from(instant), Value::Timestamptz(Timestamptz(-1)));
        assert_eq!(
            DateTime::from_value(ValueRef::Timestamptz(Timestamptz(-1))),
            Ok(instant)
        );
        assert!(DateTime::<Utc>::from_value(ValueRef::Timestamptz(Timestamptz::INFINITY)).is_err());
    }

    #[test]
    fn the_extremes_of_chrono_go_there_and_back() {
        for day in [NaiveDate::MIN, NaiveDate::MAX] {
            assert_eq!(NaiveDate::from_value(Value::from(day).as_ref()), Ok(day));
        }
        for time in [NaiveDateTime::MIN, NaiveDateTime::MAX] {
            let micros = time.with_nanosecond(time.nanosecond() / 1_000 * 1_000);
            let back = NaiveDateTime::from_value(Value::from(time).as_ref());
            assert_eq!(back.ok(), micros);
        }
        let instant: DateTime<FixedOffset> = "2024-02-29T01:00:00.000001+02:00"
            .parse()
            .expect("an instant");
        let back = DateTime::<Utc>::from_value(Value::from(instant).as_ref());
        assert_eq!(back, Ok(instant.to_utc()));
    }

    #[test]
    fn days_go_there_and_back() {
        let day = NaiveDate::from_ymd_opt(2024, 2, 29).expect("a leap day");
        assert_eq!(Value::from(day), Value::Date(Date(19_782)));
        assert_eq!(NaiveDate::from_value(ValueRef::Date(Date(19_782))), Ok(day));
        assert!(NaiveDate::from_value(ValueRef::Date(Date::MINUS_INFINITY)).is_err());
    }

    #[test]
    fn the_end_of_the_day_is_no_time_of_chrono() {
        assert!(NaiveTime::from_value(ValueRef::Time(Time(86_400_000_000))).is_err());
        let noon = NaiveTime::from_hms_micro_opt(12, 0, 0, 1).expect("noon");
        assert_eq!(NaiveTime::from_value(Value::from(noon).as_ref()), Ok(noon));
    }
}
