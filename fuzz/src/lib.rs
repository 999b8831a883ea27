//! The pure rooms of wardwatch under their own names, taken from its sources file by file: the package `wardwatch` links
//! a database and TLS, which a fuzzer must not carry. The properties are in `properties`, and the service's own suite
//! runs them over the kept inputs.
#![expect(dead_code, reason = "a target uses a part of each room")]

#[path = "../../src/config/mod.rs"]
pub mod config;
#[path = "../../src/domain/mod.rs"]
pub mod domain;
pub mod properties;
#[path = "../../src/wire/mod.rs"]
pub mod wire;

/// The reader of CSV and NDJSON, without commands.
#[path = "../../src/cli"]
mod cli {
    mod figures;
    mod grades;
    mod table;
    pub(crate) mod replay {
        pub(crate) mod rows;
    }
}

/// The JSON mapping, without a connection.
#[path = "../../src/client"]
mod client {
    pub(crate) mod json;
    pub(crate) use crate::wire::pb;
}

/// Cursors, without streams.
#[path = "../../src/feed"]
mod feed {
    pub(crate) mod cursor;
}

/// A place in the log, without a database.
#[path = "../../src/store"]
mod store {
    mod log;
    pub(crate) use log::LogPoint;
}
