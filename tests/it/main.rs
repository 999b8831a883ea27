//! One integration binary.

#[cfg(test)]
mod cli;
#[cfg(test)]
mod client;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod fake;
mod feed;
mod store;
mod support;
