//! wardwatch: staffing reports in, alerts out. This page is the map of rooms; ARCHITECTURE.md walks through them.

pub mod access;
pub mod admin;
pub mod backup;
pub mod bridge;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod domain;
pub mod faults;
pub mod feed;
pub mod gauges;
pub mod grpc;
pub mod intake;
pub mod lifecycle;
pub mod metrics;
pub mod register;
pub mod retention;
pub mod rules;
pub mod server;
pub mod situation;
pub mod store;
pub mod telemetry;
pub mod wire;

/// What the fuzzer tries (`fuzz/`), over its kept inputs.
#[cfg(test)]
#[path = "../fuzz/src/properties/mod.rs"]
mod properties;
