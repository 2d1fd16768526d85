//! The contract, marshalled: what a guest calls is converted, asked of the database layer, and converted back.
//!
//! [`add_to_linker`] is the front door. The generated traits are implemented by [`View`], a handful of borrows from the store's
//! data that lives for one call; there is one file for each interface. `convert` and `error` turn the contract's types into ours and
//! back, `packed` reads and writes rows as bytes, `log_sink` hands a guest's messages to the log.
//!
//! Invariants: decides nothing, knows no SQL, opens no connection and starts no instance. Whatever a guest sends is answered by a typed
//! error at worst; only a bug of the host is a trap. What a call may cost the host is bounded by its own size and by [`Limits`].

// Guests choose the numbers here; tests choose their own.
#![cfg_attr(
    not(test),
    warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

use wasmtime::component::{HasData, Linker};

mod convert;
mod databases;
mod error;
mod limits;
mod log_sink;
mod logging;
mod packed;
mod reads;
mod schema;
mod session;
mod sql;
mod table;
mod transactions;
mod view;
mod writes;

pub use error::{AttemptOver, Failure, HostBug};
pub use limits::Limits;
pub use log_sink::{LogLevel, LogSink};
pub use sql::Cursor;
pub use transactions::{Operations, Transaction};
pub use view::{Meter, ResultFormat, RunInfo, View};

mod generated {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "imports",
        imports: {
            "chitin:db/session": trappable,
            "wasi:logging/logging": trappable,
            default: async | trappable,
        },
        with: {
            "chitin:db/sql.cursor": super::Cursor,
            "chitin:db/transactions.transaction": super::Transaction,
        },
        trappable_error_type: {
            "chitin:db/types.error" => super::Failure,
        },
    });
}

use generated::{
    Imports,
    chitin::db::{
        databases as databases_wit, reads as reads_wit, schema as schema_wit,
        session as session_wit, sql as sql_wit, transactions as transactions_wit, types as wit,
        writes as writes_wit,
    },
    wasi::logging::logging as logging_wit,
};

/// Tells the generated code that what answers a guest is a [`View`] of the store's data.
struct Viewed;

impl HasData for Viewed {
    type Data<'a> = View<'a>;
}

/// Lets guests call every interface of the contract. Which of them a plugin may import at all is decided before it is linked.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_>,
) -> wasmtime::Result<()> {
    Imports::add_to_linker::<T, Viewed>(linker, view)
}
