//! What the attribute [`operation`](macro@crate::operation) expands to, on both sides of a call.

use std::fmt::Display;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::chitin::db::transactions;
use crate::{Error, TransactionOptions};

/// An operation by its name.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The name of the function.
    pub name: &'static str,
    /// From JSON to JSON, in the instance that the host made for it.
    pub perform: fn(&str) -> Result<String, String>,
}

/// Refuses, when the plugin is compiled, operations that cannot be told apart.
pub const fn assert_distinct(operations: &[Operation]) {
    let mut one = 0;
    while one < operations.len() {
        let mut other = one + 1;
        while other < operations.len() {
            assert!(
                !is_equal(
                    operations[one].name.as_bytes(),
                    operations[other].name.as_bytes()
                ),
                "two operations of this plugin have the same name"
            );
            other += 1;
        }
        one += 1;
    }
}

const fn is_equal(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut place = 0;
    while place < one.len() {
        if one[place] != other[place] {
            return false;
        }
        place += 1;
    }
    true
}

/// Performs the operation of this name.
pub fn dispatch(operations: &[Operation], name: &str, input: &str) -> Result<String, String> {
    let Some(operation) = operations.iter().find(|operation| operation.name == name) else {
        let known: Vec<_> = operations.iter().map(|operation| operation.name).collect();
        return Err(format!(
            "there is no operation `{name}` in the list of `chitin::plugin!`, which has: {}",
            known.join(", ")
        ));
    };
    crate::init();
    (operation.perform)(input)
}

/// Performs an operation without input.
pub fn perform<Output, E>(
    name: &str,
    operation: impl FnOnce() -> Result<Output, E>,
    _input: &str,
) -> Result<String, String>
where
    Output: Serialize + DeserializeOwned,
    E: Display,
{
    print(name, operation())
}

/// Performs an operation with an input.
pub fn perform_with<Input, Output, E>(
    name: &str,
    operation: impl FnOnce(Input) -> Result<Output, E>,
    input: &str,
) -> Result<String, String>
where
    Input: DeserializeOwned,
    Output: Serialize + DeserializeOwned,
    E: Display,
{
    let input = serde_json::from_str(input)
        .map_err(|error| format!("operation `{name}` got an input that it cannot read: {error}"))?;
    print(name, operation(input))
}

/// An output that the caller could not read must be found before it is committed.
fn print<Output, E>(name: &str, result: Result<Output, E>) -> Result<String, String>
where
    Output: Serialize + DeserializeOwned,
    E: Display,
{
    let output = result.map_err(|error| format!("{error:#}"))?;
    let json = serde_json::to_string(&output).map_err(|error| {
        format!("the output of operation `{name}` cannot be written as JSON: {error}")
    })?;
    match serde_json::from_str::<Output>(&json) {
        Ok(_) => Ok(json),
        Err(error) => Err(format!(
            "the output of operation `{name}` cannot be read back from its JSON: {error}"
        )),
    }
}

/// Calls an operation, which the host performs in an instance of its own.
pub fn invoke<Input, Output, E>(
    name: &str,
    options: Option<TransactionOptions>,
    input: &Input,
) -> Result<Output, E>
where
    Input: Serialize,
    Output: DeserializeOwned,
    E: From<Error>,
{
    let call = || {
        let input = serde_json::to_string(input).map_err(|error| {
            Error::Invalid(format!(
                "the input of operation `{name}` cannot be written as JSON: {error}"
            ))
        })?;
        let output =
            transactions::run(name, &input, options.map(TransactionOptions::into_contract))?;
        serde_json::from_str(&output).map_err(|error| {
            Error::message(format_args!(
                "operation `{name}` was committed, but its output cannot be read: {error}"
            ))
        })
    };
    call().map_err(E::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATIONS: &[Operation] = &[
        Operation {
            name: "halve",
            perform: |input| perform_with("halve", halve, input),
        },
        Operation {
            name: "nothing",
            perform: |input| perform("nothing", || Ok::<_, Error>(()), input),
        },
        Operation {
            name: "not_a_number",
            perform: |input| perform("not_a_number", || Ok::<_, Error>(f64::NAN), input),
        },
    ];

    const _: () = assert_distinct(OPERATIONS);

    fn halve(number: u32) -> crate::Result<u32> {
        if number % 2 == 1 {
            return Err(format!("{number} is odd").into());
        }
        Ok(number / 2)
    }

    fn call(name: &str, input: &str) -> Result<String, String> {
        let operation = OPERATIONS
            .iter()
            .find(|operation| operation.name == name)
            .expect("it is there");
        (operation.perform)(input)
    }

    #[test]
    fn an_operation_goes_from_json_to_json() {
        assert_eq!(call("halve", "8"), Ok("4".to_owned()));
        assert_eq!(call("halve", "7"), Err("7 is odd".to_owned()));
        assert_eq!(call("nothing", "null"), Ok("null".to_owned()));
    }

    #[test]
    fn an_input_of_another_type_names_the_operation() {
        let error = call("halve", "\"many\"").expect_err("it is text");
        assert!(
            error.contains("`halve`") && error.contains("line 1"),
            "{error}"
        );
    }

    #[test]
    fn an_output_that_nobody_could_read_is_an_error_before_the_commit() {
        let error = call("not_a_number", "null").expect_err("NaN is null in JSON");
        assert!(error.contains("cannot be read back"), "{error}");
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = dispatch(OPERATIONS, "double", "8").expect_err("there is none");
        assert_eq!(
            error,
            "there is no operation `double` in the list of `chitin::plugin!`, which has: halve, nothing, not_a_number"
        );
    }

    #[test]
    #[should_panic(expected = "the same name")]
    fn operations_of_the_same_name_are_refused() {
        assert_distinct(&[OPERATIONS[0], OPERATIONS[1], OPERATIONS[0]]);
    }
}
