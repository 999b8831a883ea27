//! The whole service over real connections, on each store: what a hospital may rely on.

mod acting;
mod acting_cli;
mod activity;
mod audit;
mod bad_input;
mod cover_groups;
mod cover_groups_cli;
mod drain;
mod fatigue;
pub mod foreign;
mod healthcheck;
mod intake;
mod past;
mod policies;
mod policies_cli;
mod pressure;
mod promises;
mod reads;
mod register;
mod situation;
mod situation_cli;
mod strike_cover;
mod strike_day;
mod strikes;
mod strikes_cli;
mod sweeps;
