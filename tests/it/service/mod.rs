//! The whole service over real connections, on each store: what a hospital may rely on.

mod intake;
mod promises;
mod register;
