//! The same with the export `operation`.

wit_bindgen::generate!({
    path: "../../wit",
    world: "transactional-plugin",
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
    export_macro_name: "export_transactional_plugin",
});

pub use export_transactional_plugin as export;
