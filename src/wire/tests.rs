//! Messages to meaning and back.

mod policy;
mod strike;
