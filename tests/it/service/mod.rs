//! The whole service over real connections, on each store: what a hospital may rely on.

mod activity;
mod bad_input;
mod drain;
mod fatigue;
mod foreign;
mod intake;
mod pressure;
mod promises;
mod reads;
mod register;
mod situation;
mod situation_cli;
mod strikes;
mod strikes_cli;
