//! From a function to the export `run`: [`plugin!`](crate::plugin!), and what the function may look like.

use std::fmt::Display;
use std::sync::Once;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::chitin::db::session::{ResultFormat, set_result_format};

/// Makes a function the plugin of this crate, which must be a `cdylib`.
///
/// The function takes one input, any type that serde can read from JSON, or nothing. It returns a `Result` of any
/// output that serde can write and any error that can be displayed:
///
/// - An input that is not the JSON that was expected ends the run with an error that says so. Without input
///   (`host run` without `--input`) the function gets what JSON `null` or, if the type does not take that, `{}` stands
///   for: `()`, `None`, or a struct whose fields all have defaults.
/// - The output is printed as JSON, a `String` therefore in quotation marks. An output that is JSON `null`, such as
///   `()`, prints nothing.
/// - An error is the message the run ends with, causes included. A panic is a trap instead, with its message on
///   standard error.
///
/// ```
/// use serde::Deserialize;
///
/// chitin::plugin!(run);
///
/// #[derive(Deserialize)]
/// struct Input {
///     minimum_age: i64,
/// }
///
/// fn run(input: Input) -> chitin::Result<u64> {
///     chitin::table("users").filter(chitin::ge("age", input.minimum_age)).count()
/// }
/// # fn main() {}
/// ```
///
/// A plugin with [operations](macro@crate::operation) lists them: `chitin::plugin!(run, operations: [transfer, open_account]);`. Of a
/// function in the list that lacks the attribute the compiler says `expected type, found function`.
#[macro_export]
macro_rules! plugin {
    ($run:path, operations: [$($operation:path),+ $(,)?] $(,)?) => {
        const _: () = {
            struct Exported;

            const OPERATIONS: &[$crate::export::Operation] = &[$(<$operation>::OPERATION),+];
            const _: () = $crate::export::assert_distinct(OPERATIONS);

            impl $crate::export::transactional::Guest for Exported {
                fn run(input: String) -> Result<String, String> {
                    $crate::export::call($run, &input)
                }

                fn operation(name: String, input: String) -> Result<String, String> {
                    $crate::export::dispatch(OPERATIONS, &name, &input)
                }
            }

            $crate::export::transactional::export!(Exported with_types_in $crate::export::transactional);
        };
    };
    ($run:path $(,)?) => {
        const _: () = {
            struct Exported;

            impl $crate::export::Guest for Exported {
                fn run(input: String) -> Result<String, String> {
                    $crate::export::call($run, &input)
                }
            }

            $crate::export::export_plugin!(Exported with_types_in $crate::export);
        };
    };
}

/// Prepares this instance: results come packed, and the [`log`] macros write to the operator's log, from `info` upwards.
///
/// [`plugin!`](crate::plugin!) does it. An ordinary program calls it first in its `main`; calling it again does nothing.
/// For more or fewer messages set [`log::set_max_level`] afterwards.
pub fn init() {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(|| {
        set_result_format(ResultFormat::Packed);
        crate::logging::install();
    });
}

/// A function that can be a plugin. See [`plugin!`](crate::plugin!); it is implemented for all that fit.
#[diagnostic::on_unimplemented(
    message = "a plugin is a function of nothing, or of one input that can be deserialized, that returns a `Result`",
    note = "its output must implement `serde::Serialize` and its error `std::fmt::Display`"
)]
pub trait Plugin<Signature> {
    /// Calls the function with JSON and prints what it returns as JSON.
    fn call(self, input: &str) -> Result<String, String>;
}

impl<F, Output, Error> Plugin<()> for F
where
    F: Fn() -> Result<Output, Error>,
    Output: Serialize,
    Error: Display,
{
    fn call(self, _input: &str) -> Result<String, String> {
        print(self())
    }
}

impl<F, Input, Output, Error> Plugin<(Input,)> for F
where
    F: Fn(Input) -> Result<Output, Error>,
    Input: DeserializeOwned,
    Output: Serialize,
    Error: Display,
{
    fn call(self, input: &str) -> Result<String, String> {
        print(self(parse(input)?))
    }
}

fn parse<Input: DeserializeOwned>(input: &str) -> Result<Input, String> {
    if matches!(input.trim(), "" | "null") {
        return serde_json::from_str("null")
            .or_else(|_| serde_json::from_str("{}"))
            .map_err(|error| format!("this plugin needs an input: {}", without_position(&error)));
    }
    serde_json::from_str(input)
        .map_err(|error| format!("the input is not what this plugin expects: {error}"))
}

/// A position in a text that the caller did not write helps nobody.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split_once(" at line ")
        .map_or(text.clone(), |(message, _)| message.to_owned())
}

fn print<Output: Serialize, Error: Display>(
    result: Result<Output, Error>,
) -> Result<String, String> {
    let output = result.map_err(|error| format!("{error:#}"))?;
    match serde_json::to_string(&output) {
        Ok(json) if json == "null" => Ok(String::new()),
        Ok(json) => Ok(json),
        Err(error) => Err(format!("the output cannot be written as JSON: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Named {
        name: String,
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Optional {
        times: u32,
    }

    fn nothing() -> Result<(), std::num::ParseIntError> {
        "1".parse::<u8>().map(drop)
    }

    fn name(input: Named) -> Result<String, String> {
        if input.name.is_empty() {
            Err("no name".to_owned())
        } else {
            Ok(input.name)
        }
    }

    fn times(Optional { times }: Optional) -> Result<u8, std::num::TryFromIntError> {
        times.try_into()
    }

    fn call<Signature>(plugin: impl Plugin<Signature>, input: &str) -> Result<String, String> {
        plugin.call(input)
    }

    #[test]
    fn input_is_parsed_and_output_printed() {
        assert_eq!(call(name, r#"{"name": "Ada"}"#), Ok(r#""Ada""#.to_owned()));
        assert_eq!(call(times, r#"{"times": 3}"#), Ok("3".to_owned()));
    }

    #[test]
    fn nothing_prints_nothing() {
        assert_eq!(call(nothing, "whatever"), Ok(String::new()));
    }

    #[test]
    fn no_input_is_null_or_an_empty_object() {
        assert_eq!(call(times, " "), Ok("0".to_owned()));
        assert_eq!(call(times, "null"), Ok("0".to_owned()));
        assert_eq!(
            call(name, ""),
            Err("this plugin needs an input: missing field `name`".to_owned())
        );
    }

    #[test]
    fn bad_input_says_where() {
        let error = call(name, "{").expect_err("cut off");
        assert!(
            error.contains("not what this plugin expects") && error.contains("line 1"),
            "{error}"
        );
    }

    #[test]
    fn the_plugins_own_error_is_its_message() {
        assert_eq!(call(name, r#"{"name": ""}"#), Err("no name".to_owned()));
    }
}
