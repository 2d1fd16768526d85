//! The promises of the host, a module for each.

mod connect;
mod contract;
mod development;
mod exit_codes;
mod faults;
mod functions;
mod guests;
mod layering;
mod operations;
mod plugins;
mod programs;
mod reset;
mod statements;
mod values;
