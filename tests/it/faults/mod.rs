//! The promises under faults: the real binary and real databases are broken in every way we know, and what writers and
//! subscribers recorded is checked against contract.md section 2. `docs/reliability.md` says which test is for which.

mod checked;
mod checker;
mod clocks;
mod cluster;
mod failover;
mod files;
mod history;
mod load;
mod nemesis;
mod partition;
mod people;
mod points;
mod proxy;
mod reading;
mod replicas;
mod run;
mod server;
mod storage;
mod storm;
mod upgrades;
