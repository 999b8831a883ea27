//! The feed and AlertService: a real listener, a real store, the generated client.

mod connections;
mod ends;
mod lists;
mod promises;
mod proxy;
mod reader;
pub mod rig;
mod starts;
mod switch;
