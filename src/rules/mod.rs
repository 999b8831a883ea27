//! Pure judgement: a rulebook, a subject, an input and the time make a decision. No I/O, no clock, no floats.

mod all;
mod apply;
mod capacity;
mod care_level;
mod catalogue;
mod due;
mod hours;
mod judge;
mod lifecycle;
mod minimum;
mod overdue;
mod plausible;
mod ratio;
mod red_flags;
mod silence;
mod skill_mix;
mod standing;
mod status;
mod verdict;
mod view;
pub mod windows;
mod words;

#[cfg(test)]
mod tests;

pub use catalogue::{OPTIONAL, POLICY_VERSION, RULES, nearest_ward};
pub use due::overdue_time;
pub use judge::{Decision, Input, judge};
pub use standing::{Standing, standing};
pub use status::{Answer, Evaluation, evaluate, status};
