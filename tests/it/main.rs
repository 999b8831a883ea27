//! One integration binary: the store's suite, the feed's promises, the client and the command line.
#![cfg(test)]

mod cli;
mod client;
mod commands;
mod demo;
mod fake;
mod faults;
mod feed;
mod readers;
mod service;
mod store;
mod support;
mod tls;
mod walls;
