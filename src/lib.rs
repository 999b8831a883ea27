//! wardwatch: staffing reports in, alerts out. This page is the map of rooms; ARCHITECTURE.md walks through them.

pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod domain;
pub mod grpc;
pub mod register;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod wire;
