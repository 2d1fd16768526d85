use host::database::{Interval, TimeTz, Value};
use proptest::prelude::*;

use super::{Kind, kind};

pub(super) fn times() -> Vec<Kind> {
    const DAY: i64 = 86_400_000_000;
    const FIRST_DAY: i32 = -2_440_588;
    let first = i64::from(FIRST_DAY) * DAY;
    let time_tz = |(microseconds, offset_seconds)| {
        Value::TimeTz(TimeTz {
            microseconds,
            offset_seconds,
        })
    };
    let interval = |(months, days, microseconds)| {
        Value::Interval(Interval {
            months,
            days,
            microseconds,
        })
    };
    let stamps = || first..i64::MAX;
    vec![
        kind(
            "date",
            "date",
            [
                i32::MIN,
                i32::MAX,
                FIRST_DAY,
                2_145_042_905,
                -719_163,
                -719_162,
                0,
                -1,
            ]
            .map(Value::Date),
            (FIRST_DAY..2_145_042_905).prop_map(Value::Date),
        ),
        kind(
            "time",
            "time",
            [0, DAY, 1, DAY - 1].map(Value::Time),
            (0..=DAY).prop_map(Value::Time),
        ),
        kind(
            "timetz",
            "timetz",
            [(0, 57_599), (DAY, -57_599), (1, -1), (DAY - 1, 3_600)].map(time_tz),
            (0..=DAY, -57_599..=57_599).prop_map(time_tz),
        ),
        kind(
            "timestamp",
            "timestamp",
            [i64::MIN, i64::MAX, first, i64::MAX - 1, 0, -1, 1].map(Value::Timestamp),
            stamps().prop_map(Value::Timestamp),
        ),
        kind(
            "timestamptz",
            "timestamptz",
            [i64::MIN, i64::MAX, first, i64::MAX - 1, 0, -1, 1].map(Value::TimestampTz),
            stamps().prop_map(Value::TimestampTz),
        ),
        kind(
            "interval",
            "interval",
            [
                (i32::MIN, i32::MIN, i64::MIN),
                (i32::MAX, i32::MAX, i64::MAX),
                (i32::MIN, i32::MAX, -1),
                (0, 0, 0),
                (13, -40, 90_000_000_001),
                (-1, 1, -1),
            ]
            .map(interval),
            any::<(i32, i32, i64)>().prop_map(interval),
        ),
    ]
}
