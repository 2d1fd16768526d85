//! Chitin's host: runs sandboxed WebAssembly plugins next to CockroachDB.
//!
//! The layers, from the top; each may name only those below it that the layering test allows:
//!
//! - `cli`: commands, flags, exit codes
//! - `operate`: what an operator does with no guest involved, such as the development database
//! - `config`: the resolved configuration
//! - `runtime`: one plugin, one tenant, start to outcome
//! - `bindings`: the contract, marshalled to and from the database layer
//! - `sandbox`: the engine, its limits, WASI, compiled code
//! - `database`: connections, statements, values, errors, with no guest in sight
//! - `telemetry`: where logs go
//! - `tenancy`: whose data it is, and what a plugin may ask for

pub mod bindings;
pub mod cli;
pub mod config;
pub mod database;
pub mod operate;
pub mod runtime;
pub mod sandbox;
pub mod telemetry;
pub mod tenancy;

/// Instances come and go by the thousand a second, and with them hundreds of small objects and a few large futures: it spends less time on
/// those than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
