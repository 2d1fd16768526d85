//! The promises of the host, a module for each.

mod connect;
mod contract;
mod databases;
mod development;
mod exit_codes;
mod functions;
mod guests;
mod layering;
mod operations;
mod plugins;
mod programs;
mod schema;
mod select;
mod values;
