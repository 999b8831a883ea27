//! The control room's view: one reading of the store made into counts. Everything after the reading is a pure computation,
//! so that what is shown belongs to one position of the log.

mod absence;
mod activity;
mod block;
mod census;
mod holes;
mod known;
mod material;
mod nurses;
mod part;
mod seen;
mod strikes;
#[cfg(test)]
mod tests;

pub use block::situation;
pub use census::{Census, census};
pub use material::{Ask, Material, Unreadable, read};

/// A count on the wire; none of ours comes near the limit.
fn int<N>(n: N) -> i32
where
    i32: TryFrom<N>,
{
    i32::try_from(n).unwrap_or(i32::MAX)
}
