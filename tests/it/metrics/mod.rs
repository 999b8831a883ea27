//! What operators see: metrics that move when they should, documents that tell the truth about them, logs, traces.
#![expect(clippy::float_cmp, reason = "what is compared are counts, which are whole numbers")]

mod calls;
mod documents;
mod logs;
mod moves;
mod promtool;
pub mod scrape;
mod traces;
