//! What the tests share.

pub mod acting;
pub mod disk;
pub mod hospital;
pub mod postgres;
pub mod process;
pub mod service;
