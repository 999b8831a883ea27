use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use super::Error;

/// First wait, doubled with each failure; jitter adds up to as much again, so that a thousand clients do not come back
/// in step.
const FIRST: Duration = Duration::from_millis(100);
/// Longest wait before jitter.
const LONGEST: Duration = Duration::from_secs(5);

/// How long to wait before the next attempt, and when to give up.
#[derive(Debug)]
pub(super) struct Retry {
    delays: ExponentialBackoff,
    failing_since: Option<Instant>,
    give_up_after: Option<Duration>,
    /// Something went well before: the service knew who asked.
    known: bool,
}

impl Retry {
    /// Gives up when nothing has succeeded for that long; never when `None`.
    pub(super) fn new(give_up_after: Option<Duration>) -> Self {
        Self { delays: delays(), failing_since: None, give_up_after, known: false }
    }

    /// Something went well.
    pub(super) fn succeeded(&mut self) {
        self.known = true;
        if self.failing_since.take().is_some() {
            self.delays = delays();
        }
    }

    /// Whether to try again after an error. Who was known to the service until now has had a token that ended: sooner or later
    /// another lies in its file.
    pub(super) fn helps(&self, error: &Error) -> bool {
        error.is_transient() || error.is_unauthenticated() && self.known
    }

    /// Something failed: how long to wait, at least as long as the service asked; `None`: give up.
    pub(super) fn failed(&mut self, asked: Option<Duration>) -> Option<Duration> {
        self.failed_at(asked, Instant::now())
    }

    fn failed_at(&mut self, asked: Option<Duration>, now: Instant) -> Option<Duration> {
        let since = *self.failing_since.get_or_insert(now);
        if self.give_up_after.is_some_and(|limit| now.duration_since(since) >= limit) {
            return None;
        }
        let delay = self.delays.next().unwrap_or(LONGEST);
        Some(asked.map_or(delay, |asked| asked.max(delay)))
    }
}

fn delays() -> ExponentialBackoff {
    let builder = ExponentialBuilder::new().with_min_delay(FIRST).with_max_delay(LONGEST);
    builder.with_jitter().without_max_times().build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_a_success_starts_over() {
        let mut retry = Retry::new(None);
        let waits: Vec<_> = (0..10).filter_map(|_| retry.failed(None)).collect();
        assert!(waits[0] <= 2 * FIRST && waits[9] >= LONGEST && waits[9] <= 2 * LONGEST, "{waits:?}");
        retry.succeeded();
        assert!(retry.failed(None).is_some_and(|w| w <= 2 * FIRST));
        assert_eq!(retry.failed(Some(Duration::from_mins(1))), Some(Duration::from_mins(1)));
    }

    #[test]
    fn a_token_that_has_ended_will_be_replaced_and_one_that_was_never_good_will_not() {
        let refused = |status: tonic::Status| Error::from_status("http://localhost:1", &status, false);
        let unknown = refused(tonic::Status::unauthenticated("no"));
        let mut retry = Retry::new(None);
        assert!(!retry.helps(&unknown), "it was never good");
        retry.succeeded();
        assert!(retry.helps(&unknown), "it was good until now");
        assert!(!retry.helps(&refused(tonic::Status::permission_denied("no"))));
    }

    #[test]
    fn it_gives_up_when_nothing_succeeds_for_too_long() {
        let mut retry = Retry::new(Some(Duration::from_secs(30)));
        let start = Instant::now();
        assert!(retry.failed_at(None, start).is_some());
        assert!(retry.failed_at(None, start + Duration::from_secs(29)).is_some());
        assert!(retry.failed_at(None, start + Duration::from_secs(31)).is_none());
    }
}
