//! The documents: API.md is made from the protos, and what the others say of files, commands and tests is so.

mod alerts;
mod api;
mod commands;
mod hazards;
mod links;
mod markdown;
mod proto;
mod reasons;
mod roles;
mod snippets;
