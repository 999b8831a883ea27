//! `wardwatch bridge alertmanager` against the real Alertmanager of Debian's package, broken on every side.

mod alertmanager;
mod ends;
mod pager;
mod refusals;
mod restarts;
mod rig;
mod sending;
