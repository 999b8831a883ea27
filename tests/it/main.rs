//! One integration binary.

mod feed;
mod store;
mod support;
