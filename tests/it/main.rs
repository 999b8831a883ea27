//! One integration binary: the store's suite, the feed's promises, the client and the command line.
#![cfg(test)]

mod access;
mod backup;
mod bridge;
mod cli;
mod client;
mod commands;
mod demo;
mod docs;
mod doctor;
mod fake;
mod faults;
mod feed;
mod metrics;
mod readers;
mod service;
mod store;
mod support;
mod tls;
mod walls;
