use host::database::Value;
use proptest::prelude::*;

use super::{Kind, kind};
use crate::operations::decimal;

/// A decimal of so many digits before and after the point, of which none is a zero.
fn long_decimal(whole: usize, fraction: usize) -> Value<'static> {
    let digits = |count| "123456789".chars().cycle().take(count).collect::<String>();
    let point = if fraction == 0 { "" } else { "." };
    Value::Decimal(format!("{}{point}{}", digits(whole), digits(fraction)).into())
}

pub(super) fn numbers() -> Vec<Kind> {
    let float = |number| Value::Float64(number);
    let digits = "(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?";
    vec![
        kind(
            "bool",
            "bool",
            [Value::Boolean(false)],
            any::<bool>().prop_map(Value::Boolean),
        ),
        kind(
            "int2",
            "int2",
            [i16::MIN, i16::MAX].map(|n| Value::Int64(n.into())),
            any::<i16>().prop_map(|n| Value::Int64(n.into())),
        ),
        kind(
            "int4",
            "int4",
            [i32::MIN, i32::MAX].map(|n| Value::Int64(n.into())),
            any::<i32>().prop_map(|n| Value::Int64(n.into())),
        ),
        kind(
            "int8",
            "int8",
            [i64::MIN, i64::MAX].map(Value::Int64),
            any::<i64>().prop_map(Value::Int64),
        ),
        kind(
            "oid",
            "oid",
            [0, u32::MAX].map(|n| Value::Int64(n.into())),
            any::<u32>().prop_map(|n| Value::Int64(n.into())),
        ),
        kind(
            "float4",
            "float4",
            [
                f32::MIN,
                f32::MAX,
                f32::MIN_POSITIVE,
                1e-45,
                -0.0,
                f32::NAN,
                f32::INFINITY,
                f32::NEG_INFINITY,
                0.1,
            ]
            .map(|n| float(n.into())),
            any::<f32>().prop_map(|n| Value::Float64(n.into())),
        ),
        kind(
            "float8",
            "float8",
            [
                f64::MIN,
                f64::MAX,
                f64::MIN_POSITIVE,
                5e-324,
                -0.0,
                f64::NAN,
                f64::INFINITY,
                f64::NEG_INFINITY,
                0.1,
                1e21,
                1e-7,
            ]
            .map(float),
            (prop::num::f64::ANY | prop::num::f64::NORMAL).prop_map(Value::Float64),
        ),
        kind(
            "numeric",
            "numeric",
            [
                "NaN",
                "Infinity",
                "-Infinity",
                "0",
                "0.000",
                "10.50",
                "100000000",
                "0.00000001",
                "-12345678.9000",
                "1.50000000000000000000000000000000000000000000",
            ]
            .map(decimal)
            .into_iter()
            .chain([
                long_decimal(6_000, 6_000),
                long_decimal(1, 16_383),
                long_decimal(131_072, 0),
            ]),
            ("-?", digits).prop_map(|(sign, digits)| {
                let is_zero = digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
                Value::Decimal(
                    if is_zero {
                        digits
                    } else {
                        format!("{sign}{digits}")
                    }
                    .into(),
                )
            }),
        ),
    ]
}
