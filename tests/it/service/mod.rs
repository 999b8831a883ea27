//! The whole service over real connections, on each store: what a hospital may rely on.

mod bad_input;
mod cover_groups;
mod cover_groups_cli;
mod drain;
mod fatigue;
mod foreign;
mod intake;
mod pressure;
mod promises;
mod reads;
mod register;
mod strike_cover;
mod strike_day;
mod strikes;
mod strikes_cli;
