//! The glue between the exports and a plugin's functions. Only [`plugin!`](crate::plugin!) names it.

#![expect(clippy::same_length_and_capacity, reason = "generated")]

mod operation;
pub mod transactional;

pub use operation::{Operation, assert_distinct, dispatch, invoke, perform, perform_with};

use crate::plugin::Plugin;

wit_bindgen::generate!({
    path: "../../wit",
    world: "plugin",
    with: {
        "chitin:db/types@0.1.0": crate::bindings::chitin::db::types,
        "chitin:db/reads@0.1.0": crate::bindings::chitin::db::reads,
        "chitin:db/writes@0.1.0": crate::bindings::chitin::db::writes,
        "chitin:db/sql@0.1.0": crate::bindings::chitin::db::sql,
        "chitin:db/schema@0.1.0": crate::bindings::chitin::db::schema,
        "chitin:db/databases@0.1.0": crate::bindings::chitin::db::databases,
        "chitin:db/transactions@0.1.0": crate::bindings::chitin::db::transactions,
        "chitin:db/session@0.1.0": crate::bindings::chitin::db::session,
        "wasi:logging/logging@0.1.0-draft": crate::bindings::wasi::logging::logging,
    },
    pub_export_macro: true,
    export_macro_name: "export_plugin",
});

/// Prepares the instance, parses the input, calls the function and prints its output.
pub fn call<Signature>(plugin: impl Plugin<Signature>, input: &str) -> Result<String, String> {
    crate::init();
    plugin.call(input)
}
