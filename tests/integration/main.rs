//! The promises of the host, a module for each.

mod connect;
mod contract;
mod cursors;
mod development;
mod exit_codes;
mod functions;
mod guest_sql;
mod guests;
mod layering;
mod operations;
mod plugins;
mod programs;
mod sql_batch;
mod values;
