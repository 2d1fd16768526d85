//! The sandbox: what it takes to run code that nobody trusts.
//!
//! [`Engine`] is made once per process: the settings, the pool of memories, and the tick that interrupts guests. [`Compiler`]
//! turns bytes into code, by way of a [`Cache`] on disk. A [`Budget`] is what one run may use, over all its stores; a `Guard`
//! charges one store against it. [`World`] is all that a guest sees besides its imports: arguments, standard streams, a clock
//! and random numbers. [`Fault`] is why a guest was stopped.
//!
//! Invariants: knows nothing of what plugins are for: no database, no tenant, no contract. Whatever a guest can make grow has a
//! limit here. A guest gets no file, no environment variable and no socket. Nothing but what this host compiled itself is ever
//! loaded as machine code, and that is the only unsafe code.

mod anatomy;
mod budget;
mod cache;
mod check;
mod compile;
mod engine;
mod fault;
mod limits;
mod lines;
mod output;
mod private_directory;
mod store;
mod wasi;

#[cfg(test)]
mod tests;

pub use anatomy::{Anatomy, Tool, anatomy, digest};
pub use budget::Budget;
pub use cache::{Cache, CacheError};
pub use check::{Defect, Interface, check_bytes, exports, imports, signature};
pub use compile::{CompileError, Compiled, Compiler, Kept};
pub use engine::{ENGINE, Engine, EngineError};
pub use fault::{Fault, Frame, LimitReached, Stop, StopKind, classify, describe};
pub use limits::Limits;
pub use lines::{LineSink, Lines};
pub use output::{Output, OutputFailed};
pub use store::{Guard, watch_store};
pub use wasi::{Seed, Seeds, Stdin, Stdout, World, add_wasi};
