//! Servers that do what real ones do rarely or never: one that answers as a test tells it, and a proxy before a real one that spoils what
//! passes.

mod client;
mod frames;
mod proxy;
mod server;

pub use client::Asked;
use frames::error_with_hint;
pub use frames::{
    Relation, command_complete, data_row, error, frame, notice, parameter_status, ready,
    row_description, serve,
};
pub use proxy::{Action, Chaos, Failure, Gate, Proxy, Side, Statement, Trigger, Which};
pub use server::{Answer, FakeServer, Product, greeting};
