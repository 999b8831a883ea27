//! What operators see: metrics that move when they should, documents that tell the truth about them, logs, traces.

mod calls;
mod documents;
mod logs;
mod moves;
mod promtool;
pub mod scrape;
mod traces;
