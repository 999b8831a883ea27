//! What the tests share.

pub mod postgres;
pub mod process;
pub mod service;
