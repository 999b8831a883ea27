//! Thin services: decode, call a handle, encode. The only room with tonic's Status, streams and headers.

pub mod status;
