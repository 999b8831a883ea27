//! What is old goes, a little at a time, by any replica.

use std::sync::Arc;

use crate::clock::SharedClock;
use crate::domain::Span;
use crate::store::{Store, Trim};

/// Between two rounds.
const EVERY: Span = Span::minutes(10);
/// Rows of each kind in one commit (engine.md section 7).
const ROWS: u32 = 5_000;

/// How long things are kept (architecture.md section 3: reports 35 days, events 400).
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Reports, by observed time.
    pub reports: Span,
    /// Events, by time.
    pub events: Span,
}

/// Trims until it is stopped.
pub async fn run(store: Arc<dyn Store>, clock: SharedClock, keep: Retention) {
    loop {
        let now = clock.now();
        let trim = Trim { reports_before: now - keep.reports, events_before: now - keep.events, limit: ROWS };
        match store.trim(&trim).await {
            Ok(rows) if rows >= u64::from(ROWS) => continue,
            Ok(rows) => tracing::debug!(rows, "retention trimmed"),
            Err(error) => tracing::warn!(%error, "retention could not trim; it tries again later"),
        }
        clock.sleep_until(now + EVERY).await;
    }
}
