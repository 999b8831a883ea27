//! Bytes to meaning and back: the only room that knows protobuf.

/// The generated messages and service traits.
#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    missing_docs,
    reason = "generated code"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/pb.rs"));
}

pub use generated::wardwatch::stored::v1 as stored;
pub use generated::wardwatch::v1 as pb;

/// The API's descriptors, for reflection and the JSON mapping.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/wardwatch.fds"));
