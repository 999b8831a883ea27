//! Clocks: the system's, and one that a test or the demo moves by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::domain::{Clock, Time};

/// A clock one can sleep by, so that what waits for an instant also works on a clock moved by hand.
#[async_trait]
pub trait Sleep: Clock {
    /// Returns when the clock shows `until` or later.
    async fn sleep_until(&self, until: Time);

    /// Takes over another clock's time, as read just now: the database's, so that all replicas agree on "now".
    /// A clock moved by hand does not.
    fn follow(&self, _other: Time) {}
}

/// A clock shared by all rooms of one service.
pub type SharedClock = Arc<dyn Sleep>;

/// The system's clock, carried on by the monotonic clock so that it never goes back. On PostgreSQL it is set to the
/// database's time with each head poll, so that all replicas agree on "now".
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
    /// Service time at `started`, in microseconds.
    base: AtomicI64,
    /// The greatest time given out.
    last: AtomicI64,
}

impl Default for SystemClock {
    fn default() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place where the system's time comes in")]
        let now = jiff::Timestamp::now().as_microsecond();
        Self { started: Instant::now(), base: AtomicI64::new(now), last: AtomicI64::new(now) }
    }
}

impl SystemClock {
    fn elapsed(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let now = self.base.load(Ordering::Relaxed).saturating_add(self.elapsed());
        let before = self.last.fetch_max(now, Ordering::Relaxed);
        Time::from_micros(now.max(before))
    }
}

#[async_trait]
impl Sleep for SystemClock {
    async fn sleep_until(&self, until: Time) {
        let mut left = until - self.now();
        while left.as_micros() > 0 {
            // In steps, because the clock may be set meanwhile.
            tokio::time::sleep(left.to_std().min(Duration::from_secs(1))).await;
            left = until - self.now();
        }
    }

    fn follow(&self, other: Time) {
        self.base.store(other.as_micros().saturating_sub(self.elapsed()), Ordering::Relaxed);
    }
}

/// A clock that stands still until it is moved: for the demo and for tests.
#[derive(Debug)]
pub struct ManualClock(watch::Sender<Time>);

impl ManualClock {
    /// Standing at `at`.
    pub fn new(at: Time) -> Self {
        Self(watch::Sender::new(at))
    }
    /// Moves it on to `to`; it never goes back.
    pub fn advance_to(&self, to: Time) {
        self.0.send_if_modified(|now| {
            let moved = to > *now;
            *now = to.max(*now);
            moved
        });
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        *self.0.borrow()
    }
}

#[async_trait]
impl Sleep for ManualClock {
    async fn sleep_until(&self, until: Time) {
        // The sender lives in self, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|now| *now >= until).await;
    }
}
