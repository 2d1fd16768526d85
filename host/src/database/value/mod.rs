//! Values: ours, and what becomes of them on the wire.
//!
//! Results arrive in the database's binary form and are read by [`Shape`]; parameters leave as text in the database's own notation,
//! which it reads as whatever type the place of the parameter has. Both directions are exact or an error.

mod array;
mod calendar;
mod decode;
mod encode;
#[cfg(test)]
mod fuzz;
mod loss;
mod modifier;
mod network;
mod numeric;
mod shape;

use std::borrow::Cow;

pub(super) use decode::{decode, text_bytes};
pub(super) use encode::{Unfit, declared_type, encode, encode_list, push_element};
pub(super) use loss::{loss, may_lose};
pub(super) use modifier::does_not_fit;
pub(super) use shape::{Scalar, Shape};

/// One SQL value, as a parameter or in a result: the same cases as `value` in the contract.
///
/// A value of a result borrows from the row it was read from.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// SQL NULL. The JSON value null is `Json("null")`.
    Null,
    /// A truth value.
    Boolean(bool),
    /// An integer of any width.
    Int64(i64),
    /// A float of either width, with NaN and both infinities.
    Float64(f64),
    /// An exact decimal of any length in plain or exponent notation, `NaN`, `Infinity` or `-Infinity`.
    Decimal(Cow<'a, str>),
    /// Text of any character type.
    Text(Cow<'a, str>),
    /// A string of bytes.
    Bytes(Cow<'a, [u8]>),
    /// A UUID, in a result 36 characters in lower case.
    Uuid(Cow<'a, str>),
    /// Days since 1970-01-01. `i32::MAX` is infinity, `i32::MIN` minus infinity.
    Date(i32),
    /// Microseconds since midnight, 0 to 86,400,000,000.
    Time(i64),
    /// A time of day with an offset from UTC.
    TimeTz(TimeTz),
    /// Microseconds since 1970-01-01T00:00:00 on a clock without a time zone. `i64::MAX` is infinity, `i64::MIN` minus infinity.
    Timestamp(i64),
    /// Microseconds since 1970-01-01T00:00:00Z. `i64::MAX` is infinity, `i64::MIN` minus infinity.
    TimestampTz(i64),
    /// A span of time.
    Interval(Interval),
    /// JSON text, exactly as the database writes it.
    Json(Cow<'a, str>),
    /// A vector of the VECTOR type.
    Vector(Vec<f32>),
    /// A one-dimensional array. Its elements are never arrays themselves.
    Array(Vec<Self>),
    /// A value of a type without a case of its own, or outside the range of its case.
    Other(Other<'a>),
}

/// A time of day and where on Earth it is that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeTz {
    /// Microseconds since midnight, 0 to 86,400,000,000.
    pub microseconds: i64,
    /// Seconds east of UTC: 3600 for `+01:00`.
    pub offset_seconds: i32,
}

/// A span of time, its three parts apart: a month has no fixed number of days, nor a day of hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Whole months.
    pub months: i32,
    /// Whole days.
    pub days: i32,
    /// Microseconds.
    pub microseconds: i64,
}

/// A value of a type without a case of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other<'a> {
    /// The name of the type. Empty in a parameter: the place where the value is used decides.
    pub type_name: Cow<'a, str>,
    /// The type's text notation. Required in a parameter; absent in a result where the host does not know it.
    pub text: Option<Cow<'a, str>>,
    /// The database's binary form, as it came. Ignored in a parameter.
    pub bytes: Cow<'a, [u8]>,
}
