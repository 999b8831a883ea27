//! Who may come in, what they may do, and what they may see.

mod absence;
mod bounds;
mod every_method;
mod issuer;
mod jwt;
mod limits;
mod refusals;
mod rig;
mod streams;
mod tokens;
