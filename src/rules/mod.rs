//! Pure judgement: a rulebook, a subject, an input and the time make a decision. No I/O, no clock, no floats.

mod all;
mod apply;
mod capacity;
mod care_level;
mod catalogue;
mod cover;
mod cover_view;
mod due;
mod elective;
mod forecasts;
mod group;
mod hours;
mod inputs;
mod judge;
mod lifecycle;
mod minimum;
mod organisation;
mod overdue;
mod plausible;
mod ratio;
mod red_flags;
mod refusal;
mod response;
mod returns;
mod settle;
mod showing;
mod silence;
mod skill_mix;
mod standing;
mod status;
mod strike_cover;
mod strike_ward;
mod switches;
mod verdict;
mod view;
mod ward;
pub mod windows;
mod words;

#[cfg(test)]
pub(crate) mod tests;

pub use catalogue::{OPTIONAL, RULES, nearest};
pub use cover_view::{CoverView, cover_overdue_time, shifts, struck};
pub use due::{ever_reported, overdue_time};
pub use group::standing as group_status;
pub use judge::{Decision, Input, judge};
pub use response::Request;
pub use standing::{Standing, standing};
pub use status::{Answer, Evaluation, evaluate, evaluate_group, status};
pub use strike_cover::{CoverBasis, CoverRow, CoverSource, TierRow, TierStanding, strike_cover};
