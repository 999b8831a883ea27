//! Thin services: decode, call a handle, encode. The only room with tonic's Status, streams and headers.

mod alert_lists;
pub mod alerts;
pub mod filter;
pub mod listener;
pub mod page;
pub mod status;
pub mod subscribe;
mod watched;
