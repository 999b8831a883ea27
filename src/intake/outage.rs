//! Storage that is away: how long it has been, and how long to wait before it is asked again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::store::StoreError;

/// The first pause, and the longest: what waits shall go on within 2 s of storage's return.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(250));

/// What the intake knows of storage being away.
#[derive(Debug)]
pub(super) struct Outage {
    /// Since when something waits to be stored.
    waiting: watch::Sender<Option<Instant>>,
    /// The pauses of the outage that is on.
    pauses: Option<ExponentialBackoff>,
}

impl Outage {
    /// None is on; `waiting` tells others since when something waits to be stored.
    pub(super) fn new(waiting: watch::Sender<Option<Instant>>) -> Self {
        Self { waiting, pauses: None }
    }

    /// Something is offered to storage.
    pub(super) fn offered(&self) {
        self.waiting.send_if_modified(|since| since.replace(since.unwrap_or_else(Instant::now)).is_none());
    }

    /// Storage failed: how long to wait before it is asked again.
    pub(super) fn failed(&mut self, error: &StoreError) -> Duration {
        self.offered();
        if self.pauses.is_none() {
            tracing::warn!(%error, "storage is away: nothing is receipted until it is back");
        } else {
            tracing::debug!(%error, "storage is still away");
        }
        let (first, longest) = PAUSES;
        let begin = || {
            let pauses = ExponentialBuilder::default().with_min_delay(first).with_max_delay(longest);
            pauses.without_max_times().with_jitter().build()
        };
        self.pauses.get_or_insert_with(begin).next().unwrap_or(longest)
    }

    /// Storage took what was offered.
    pub(super) fn over(&mut self) {
        let waited = self.waiting.send_replace(None).map(|since| since.elapsed());
        if self.pauses.take().is_some() {
            let seconds = waited.unwrap_or_default().as_secs_f32();
            tracing::info!(seconds, "storage is back");
        }
    }
}
