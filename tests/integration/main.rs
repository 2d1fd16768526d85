//! The promises of the host, a module for each.

mod batch_insert;
mod batch_update;
mod connect;
mod contract;
mod development;
mod exit_codes;
mod functions;
mod guests;
mod layering;
mod operations;
mod plugins;
mod programs;
mod upsert;
mod values;
mod writing;
