//! The promises of the host, a module for each.

mod layering;
