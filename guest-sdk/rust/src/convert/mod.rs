//! Between SQL values and Rust types: [`FromValue`] for results, `Into<Value>` for parameters.

#[cfg(feature = "chrono")]
mod chrono;
#[cfg(feature = "decimal")]
mod decimal;
mod from;
mod into;
#[cfg(feature = "uuid")]
mod uuid;

pub(crate) use from::whole;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::value::ValueRef;

/// A type that a value of a result can be read as.
///
/// Nothing is lost on the way: a number that does not fit is a [`Mismatch`], and so is NULL for anything but `Option`.
/// The exceptions are asked for by name: `f64` and `f32` read decimals and floats as nearly as they can, and refuse what is beyond them.
pub trait FromValue<'a>: Sized {
    /// Reads the value, or says why it cannot be.
    fn from_value(value: ValueRef<'a>) -> Result<Self, Mismatch>;
}

/// Why a value could not be read or written. The caller adds which column it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch(String);

impl Mismatch {
    /// In one's own words.
    pub fn new(message: impl fmt::Display) -> Self {
        Self(message.to_string())
    }

    /// The value is of another kind than was asked for.
    pub fn expected(expected: &str, found: ValueRef<'_>) -> Self {
        let found_as = found.describe();
        let remedy = if found.is_null() {
            ": read it as an `Option`"
        } else {
            ""
        };
        Self(format!(
            "is {found_as} where {expected} was asked for{remedy}"
        ))
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Mismatch {}

impl serde::ser::Error for Mismatch {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message)
    }
}

impl serde::de::Error for Mismatch {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message)
    }
}

/// Anything that serde can write or read, kept in a column of JSON.
///
/// A struct or a map in a record is JSON by itself; lists, numbers and text need this around them to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename = "$chitin::json")]
pub struct Json<T>(pub T);
