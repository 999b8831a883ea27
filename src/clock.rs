//! Clocks: the system's, and one that a test or the demo moves by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::domain::{Clock, Span, Time};

/// A clock one can sleep by, so that what waits for an instant also works on a clock moved by hand.
#[async_trait]
pub trait Sleep: Clock {
    /// Returns when the clock shows `until` or later, or when as much time has passed as was left: a clock that was set
    /// back must not keep anybody asleep.
    async fn sleep_until(&self, until: Time);

    /// Takes over another clock's time, as read just now: the database's, so that all replicas agree on "now".
    /// A clock moved by hand does not.
    fn follow(&self, _other: Time) {}

    /// By how much the time it goes by is behind what it has given out: it was set back, and stands still meanwhile.
    fn behind(&self) -> Span {
        Span::ZERO
    }
}

/// A clock shared by all rooms of one service.
pub type SharedClock = Arc<dyn Sleep>;

/// The system's clock, which never goes back within a process. Once it follows a database's, it is that one's, carried on
/// by the monotonic clock between two readings, so that all replicas agree on "now".
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
    /// The followed clock's time at `started`, in microseconds; [`SYSTEM`] while none is followed.
    base: AtomicI64,
    /// The greatest time given out.
    last: AtomicI64,
}

/// No clock is followed: the system's own time counts, and with it every correction of it.
const SYSTEM: i64 = i64::MIN;

impl Default for SystemClock {
    fn default() -> Self {
        Self { started: Instant::now(), base: AtomicI64::new(SYSTEM), last: AtomicI64::new(SYSTEM) }
    }
}

impl SystemClock {
    fn elapsed(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}

impl SystemClock {
    /// The time it goes by, which may have been set back.
    fn bare(&self) -> i64 {
        match self.base.load(Ordering::Relaxed) {
            #[expect(clippy::disallowed_methods, reason = "the one place where the system's time comes in")]
            SYSTEM => jiff::Timestamp::now().as_microsecond(),
            base => base.saturating_add(self.elapsed()),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let now = self.bare();
        let before = self.last.fetch_max(now, Ordering::Relaxed);
        Time::from_micros(now.max(before))
    }
}

#[async_trait]
impl Sleep for SystemClock {
    async fn sleep_until(&self, until: Time) {
        let began = Instant::now();
        let most = (until - self.now()).to_std();
        while self.now() < until && began.elapsed() < most {
            // In steps, because the clock may be set on meanwhile.
            let left = (until - self.now()).to_std().min(most.saturating_sub(began.elapsed()));
            tokio::time::sleep(left.min(Duration::from_secs(1))).await;
        }
    }

    fn follow(&self, other: Time) {
        self.base.store(other.as_micros().saturating_sub(self.elapsed()), Ordering::Relaxed);
    }

    fn behind(&self) -> Span {
        Span::micros(self.last.load(Ordering::Relaxed).saturating_sub(self.bare()).max(0))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_follows_another_takes_its_time_and_never_goes_back() {
        let clock = SystemClock::default();
        let start = clock.now();
        let ahead = start + Span::hours(1);
        clock.follow(ahead);
        assert_eq!(clock.behind(), Span::ZERO);
        assert!(clock.now() >= ahead && clock.now() < ahead + Span::minutes(1));
        let shown = clock.now();
        clock.follow(start);
        assert!(clock.now() >= shown, "it stands still until the other has caught up");
        assert!(clock.behind() > Span::minutes(59), "and says so");
    }

    #[test]
    fn a_clock_moved_by_hand_follows_nobody() {
        let clock = ManualClock::new(Time::from_micros(7));
        clock.follow(Time::from_micros(9));
        assert_eq!(clock.now(), Time::from_micros(7));
        clock.advance_to(Time::from_micros(3));
        assert_eq!(clock.now(), Time::from_micros(7));
    }
}
