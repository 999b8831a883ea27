//! What the tests share.

pub mod hospital;
pub mod postgres;
pub mod process;
pub mod service;
