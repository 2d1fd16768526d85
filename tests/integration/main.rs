//! The promises of the host, a module for each.

mod commands;
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
mod retries;
mod schema;
mod select;
mod types;
