//! What is not of the contract: clocks, randomness, and ways to end.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "this file performs its own kind of operation"
)]

use std::time::{Duration, SystemTime};

use chitin::bindings::chitin::db::{session, sql};
use serde_json::{Value as Json, json};
use wasip2::clocks::monotonic_clock;
use wasip2::random::{insecure, insecure_seed, random};

use crate::operation::Operation;
use crate::perform::Answer;
use crate::value::hexadecimal;

#[expect(
    clippy::disallowed_methods,
    clippy::exit,
    clippy::panic,
    reason = "to wait, to panic and to leave is what it was told"
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
        Operation::Remember {} => return remember(),
        Operation::Spin {} => {
            let mut turns = 0_u64;
            loop {
                turns = std::hint::black_box(turns.wrapping_add(1));
            }
        }
        Operation::Hoard {} => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(vec![1_u8; 1 << 20]);
                std::hint::black_box(&hoard);
            }
        }
        Operation::Exit { code } => std::process::exit(code),
        Operation::Fail { message } => return Err(message),
        Operation::Panic { message } => panic!("{message}"),
        _ => return Err("this is no operation on the world".to_owned()),
    }))
}

fn remember() -> Result<Answer, String> {
    let attempt = session::info().attempt;
    let clock = SystemTime::UNIX_EPOCH
        .elapsed()
        .map_err(|error| error.to_string())?;
    let values = [
        ("random", u128::from(random::get_random_u64() >> 2)),
        ("clock", clock.as_millis()),
    ];
    for (name, value) in values {
        let text = format!("SELECT setval('{name}_{attempt}', {value})");
        if let Err(error) = sql::query(&text, &[]) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(Json::Null))
}
