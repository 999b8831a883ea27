//! Thin services: decode, call a handle, encode. The only room with tonic's Status, streams and headers.

mod acting;
mod alert_lists;
pub mod alerts;
mod audit;
mod cover_groups;
mod edge;
pub mod filter;
pub mod health;
mod keyed;
pub mod listener;
pub mod measured;
pub mod page;
mod past;
mod policy;
mod receipts;
mod register;
pub mod reporting;
mod server_info;
pub mod services;
mod situation;
mod situation_watch;
pub mod status;
mod strike_cover;
mod strikes;
pub mod subscribe;
mod watched;
