//! Subscribers that misbehave: they never read, drip, vanish, come in thousands or in storms. The others do not notice, and
//! memory stays within what docs/reliability.md says.

mod abuse;
mod house;
mod limits;
mod memory;
mod proxy;
pub mod raw;
mod retention;
mod storm;
mod stuck;
