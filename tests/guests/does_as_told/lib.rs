//! Does what its input tells it, through every function of the contract.
//!
//! The input is a list of operations, `{"call": "select", "table": "t", ...}`, and the output a list with an answer to each:
//! `{"ok": ...}`, or `{"error": {"case": "database", ...}}` after which it goes on with the next. Values are written as a
//! list of their case and what it holds, `["int64", 7]` and `["null"]`; given as anything else, a JSON value is the case
//! that is obvious. Rows come back as they are, whatever the result format: `{"columns": [["n", "int8"]], "rows":
//! [[["int64", 7]]]}`.

mod answer;
mod operation;
mod parse;
mod perform;
mod value;

use operation::Operation;
use perform::Guest;

chitin::plugin!(run);

fn run(operations: Vec<Operation>) -> Result<Vec<serde_json::Value>, String> {
    let mut guest = Guest::default();
    operations
        .into_iter()
        .map(|operation| {
            Ok(match guest.perform(operation)? {
                Ok(answer) => serde_json::json!({ "ok": answer }),
                Err(error) => serde_json::json!({ "error": answer::error(error) }),
            })
        })
        .collect()
}
