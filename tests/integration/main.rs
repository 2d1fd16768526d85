//! The promises of the host, a module for each.

mod batch_insert;
mod batch_update;
mod commands;
mod connect;
mod contract;
mod cursors;
mod databases;
mod development;
mod exit_codes;
mod faults;
mod functions;
mod guest_sql;
mod guests;
mod layering;
mod operations;
mod plugins;
mod programs;
mod reset;
mod retries;
mod schema;
mod select;
mod sql_batch;
mod statements;
mod types;
mod upsert;
mod writing;
