//! Judgement, tested in the words of a hospital.

mod any;
mod courses;
mod cover;
mod doubt;
mod ends;
pub(crate) mod fixture;
mod flags;
mod lifecycle;
mod messages;
mod overdue;
mod plans;
mod policy;
mod properties;
mod ratio;
mod receipts;
mod response;
mod round_trips;
mod second_day;
mod shift;
mod silence;
mod staffing;
mod standing;
mod status;
mod strike_cover;
pub(crate) mod trust;
mod updates;
mod windows;
