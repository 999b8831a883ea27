//! TLS as clients and operators meet it: who is let in and who is not, certificates that are replaced while it serves, and
//! clients that misbehave before they have said a word.

mod abuse;
pub mod authority;
mod binary;
mod clients;
mod handshakes;
mod house;
mod peers;
mod reload;
