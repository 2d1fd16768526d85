//! What is not of the contract: clocks, randomness, and ways to end.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "this file performs its own kind of operation"
)]

use std::time::{Duration, SystemTime};

use serde_json::{Value as Json, json};
use wasip2::clocks::monotonic_clock;
use wasip2::random::{insecure, insecure_seed, random};

use crate::operation::Operation;
use crate::perform::Answer;
use crate::value::hexadecimal;

#[expect(
    clippy::disallowed_methods,
    clippy::panic,
    reason = "to wait and to panic is what it was told"
)]
pub(crate) fn perform(operation: Operation) -> Result<Answer, String> {
    Ok(Ok(match operation {
        Operation::Clock {} => {
            let wall = SystemTime::UNIX_EPOCH
                .elapsed()
                .map_err(|error| error.to_string())?;
            json!({ "wall": wall.as_micros(), "monotonic": monotonic_clock::now() })
        }
        Operation::Random {} => {
            let (high, low) = insecure_seed::insecure_seed();
            json!({
                "random": hexadecimal(&random::get_random_bytes(16)),
                "insecure": hexadecimal(&insecure::get_insecure_random_bytes(16)),
                "seed": format!("{high:016x}{low:016x}"),
            })
        }
        Operation::Sleep { milliseconds } => {
            std::thread::sleep(Duration::from_millis(milliseconds));
            Json::Null
        }
        Operation::Fail { message } => return Err(message),
        Operation::Panic { message } => panic!("{message}"),
        _ => return Err("this is no operation on the world".to_owned()),
    }))
}
