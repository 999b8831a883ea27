//! The service's clock against its own past: what it gave out before, and what it wrote into the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::clock::SharedClock;
use crate::domain::Span;
use crate::metrics::Metrics;
use crate::store::Head;

/// Corrections smaller than this are everyday ones.
const TOLERATED: Span = Span::seconds(1);

/// Looks at every head of the log that is read, ten times a second.
#[derive(Debug)]
pub struct ClockWatch {
    clock: SharedClock,
    metrics: Arc<Metrics>,
    behind: AtomicBool,
}

impl ClockWatch {
    /// Watches a clock.
    pub fn new(clock: SharedClock, metrics: Arc<Metrics>) -> Self {
        Self { clock, metrics, behind: AtomicBool::new(false) }
    }
    /// A head was read. The log's time never falls, so it is behind also when it was set back before a restart.
    pub fn look(&self, head: &Head) {
        let behind = self.clock.behind().max(head.log_time - self.clock.now());
        let (far, seconds) = (behind > TOLERATED, behind.to_std().as_secs_f64());
        let before = self.behind.swap(far, Ordering::Relaxed);
        self.metrics.events.clock_behind(seconds, far && !before);
        if far && !before {
            tracing::warn!(seconds, "the clock was set back: time stands still until it has caught up");
        } else if before && !far {
            tracing::info!("the clock has caught up");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::domain::Time;
    use crate::metrics::Format;
    use crate::store::LogPoint;

    #[test]
    fn a_clock_that_is_behind_the_log_is_counted_once() {
        let (metrics, clock) = (Arc::new(Metrics::default()), Arc::new(ManualClock::new(Time::from_micros(0))));
        let watch = ClockWatch::new(clock.clone(), Arc::clone(&metrics));
        let head = |seconds| Head {
            log_id: 1,
            point: LogPoint::default(),
            log_time: Time::from_micros(0) + Span::seconds(seconds),
            generation: 0,
            trimmed: LogPoint::default(),
            now: Time::from_micros(0),
        };
        let shown = |line: &str| metrics.text(Format::Text).lines().any(|l| l == line);
        watch.look(&head(1));
        assert!(shown("wardwatch_clock_set_back_total 0") && shown("wardwatch_clock_behind_seconds 1.0"));
        watch.look(&head(90));
        watch.look(&head(90));
        assert!(shown("wardwatch_clock_set_back_total 1") && shown("wardwatch_clock_behind_seconds 90.0"));
        clock.advance_to(Time::from_micros(0) + Span::seconds(90));
        watch.look(&head(90));
        assert!(shown("wardwatch_clock_behind_seconds 0.0"));
        watch.look(&head(200));
        assert!(shown("wardwatch_clock_set_back_total 2"));
    }
}
