//! What the tests share.

pub mod acting;
pub mod hospital;
pub mod postgres;
pub mod process;
pub mod service;
