//! Does what its input tells it, through every function of the contract.
//!
//! The input is a list of operations, `{"call": "select", "table": "t", ...}`, and the output a list with an answer to each:
//! `{"ok": ...}`, or `{"error": {"case": "database", ...}}` after which it goes on with the next. Values are written as a
//! list of their case and what it holds, `["int64", 7]` and `["null"]`; given as anything else, a JSON value is the case
//! that is obvious. Rows come back as they are, whatever the result format: `{"columns": [["n", "int8"]], "rows":
//! [[["int64", 7]]]}`.
//!
//! The export `operation` does the same, whatever its name: `{"call": "run", "operations": [...], "options":
//! {"max-retries": 1}}` has the answers to these operations as its answer. Handles of transactions are told apart by their
//! place, `{"call": "commit", "transaction": 0}`; without it the innermost open one is meant.

mod answer;
mod operation;
mod parse;
mod perform;
mod transaction;
mod value;
mod world;

use chitin::export::{call, transactional};
use operation::Operation;
use perform::Guest;

struct DoesAsTold;

impl transactional::Guest for DoesAsTold {
    fn run(input: String) -> Result<String, String> {
        call(perform, &input)
    }

    fn operation(_name: String, input: String) -> Result<String, String> {
        call(perform, &input)
    }
}

transactional::export!(DoesAsTold with_types_in transactional);

fn perform(operations: Vec<Operation>) -> Result<Vec<serde_json::Value>, String> {
    let mut guest = Guest::default();
    let answers = guest.perform_all(operations);
    guest.end();
    answers
}
