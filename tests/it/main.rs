//! One integration binary.

mod feed;
mod store;
mod support;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod client;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod fake;
