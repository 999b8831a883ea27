//! What a scrape shows of the store, of the feed and of the clock. The store is read at a scrape, at most once in ten
//! seconds, whoever asks and however often; a scrape is answered whether or not the store is.

mod reading;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch as channel};
use tokio::time::{Instant, timeout};

use crate::clock::SharedClock;
use crate::domain::{Span, Time};
use crate::feed::Feed;
use crate::lifecycle::Readiness;
use crate::metrics::{Format, Live, Metrics, Pool, SourceAge, SubscriberFigures};
use crate::register::Register;
use crate::store::Store;

pub use watch::ClockWatch;

use reading::Reading;

/// The store is not read again before this, by either clock: one that is moved by hand, or stands still because it was set
/// back, must not keep old figures in place.
const FRESH: Span = Span::seconds(10);
/// How long a scrape waits for the store; Prometheus waits for 10 s.
const PATIENCE: Duration = Duration::from_secs(4);
/// Subscriber codes that have series of their own; all further ones are "other".
const CODES: usize = 100;
/// What subscribers that gave no code are called, and those whose code came too late.
const UNNAMED: &str = "unnamed";
const OTHER: &str = "other";
/// Sources shown; beyond it those that have been silent for longest are left out, as they are likeliest to be gone.
const SOURCES: usize = 1_000;

/// What gauges are read from.
#[derive(Debug)]
pub struct Parts {
    /// Where they are shown.
    pub metrics: Arc<Metrics>,
    /// What is stored.
    pub store: Arc<dyn Store>,
    /// The rulebook in force.
    pub register: Arc<Register>,
    /// Who listens.
    pub feed: Arc<Feed>,
    /// Now.
    pub clock: SharedClock,
    /// Whether traffic should come.
    pub readiness: Readiness,
    /// Since when something waits to be stored.
    pub waiting: channel::Receiver<Option<Instant>>,
}

/// Answers scrapes.
#[derive(Debug)]
pub struct Gauges {
    parts: Parts,
    /// Held while a scrape is answered: one at a time, so that none sees half of another's figures.
    last: Mutex<Last>,
}

/// What the scrapes before leave.
#[derive(Debug, Default)]
struct Last {
    tried: Option<(Instant, Time)>,
    reading: Reading,
    /// Subscribers' codes that have series, in the order they were first seen.
    codes: Vec<String>,
}

impl Gauges {
    /// Nothing is read before the first scrape.
    pub fn new(parts: Parts) -> Self {
        Self { parts, last: Mutex::default() }
    }

    /// The answer to a scrape.
    pub async fn scrape(&self, format: Format) -> String {
        let mut last = self.last.lock().await;
        if last.is_due(self.parts.clock.now()) {
            self.read(&mut last).await;
        }
        self.parts.metrics.show_live(&self.live(&mut last));
        self.parts.metrics.text(format)
    }

    /// Reads the store. When it fails, the figures of the reading before stay, with their age and a count of failures.
    async fn read(&self, last: &mut Last) {
        let metrics = &self.parts.metrics;
        last.tried = Some((Instant::now(), self.parts.clock.now()));
        match timeout(PATIENCE, Reading::read(&self.parts)).await {
            Ok(Ok((reading, figures))) => {
                metrics.show(&figures);
                metrics.events.figures_read();
                last.reading = reading;
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "the store cannot be read for the metrics");
                metrics.events.scrape_failed();
            }
            Err(_) => metrics.events.scrape_failed(),
        }
    }

    fn live(&self, last: &mut Last) -> Live {
        let now = self.parts.clock.now();
        let head = self.parts.feed.head().map_or(0, |point| point.position);
        let connections = self.parts.store.connections();
        let open = i64::from(connections.open);
        let idle = i64::from(connections.idle).min(open);
        Live {
            head,
            subscribers: self.subscribers(&mut last.codes, head),
            pool: Pool { in_use: open - idle, idle, size: connections.most.into() },
            oldest_critical: last.reading.oldest_critical.map_or(0.0, |since| seconds(now - since)),
            sources: sources(&last.reading, now),
            ready: self.parts.readiness.get(),
            storage_waiting: self.parts.waiting.borrow().map_or(0.0, |since| since.elapsed().as_secs_f64()),
        }
    }

    /// Subscribers by code. A code that was seen stays, so that who has gone is a 0 and not a gap.
    fn subscribers(&self, codes: &mut Vec<String>, head: i64) -> Vec<SubscriberFigures> {
        let figures = |code: &str| SubscriberFigures { code: code.to_owned(), ..SubscriberFigures::default() };
        let mut found: Vec<SubscriberFigures> = codes.iter().map(|code| figures(code)).collect();
        for listener in self.parts.feed.audience().listeners() {
            let code = if listener.code.is_empty() { UNNAMED } else { listener.code.as_str() };
            let full = found.iter().filter(|f| f.code != OTHER).count() >= CODES;
            let code = if full && !found.iter().any(|f| f.code == code) { OTHER } else { code };
            let place = found.iter().position(|f| f.code == code).unwrap_or_else(|| {
                found.push(figures(code));
                found.len() - 1
            });
            found[place].streams += 1;
            found[place].lag = found[place].lag.max(head - listener.position());
        }
        *codes = found.iter().map(|f| f.code.clone()).collect();
        found
    }
}

impl Last {
    fn is_due(&self, now: Time) -> bool {
        self.tried.is_none_or(|(at, time)| now - time >= FRESH || at.elapsed() >= FRESH.to_std())
    }
}

/// The sources heard last.
fn sources(reading: &Reading, now: Time) -> Vec<SourceAge> {
    let mut heard: Vec<_> = reading.sources.iter().collect();
    heard.sort_by_key(|(_, at)| std::cmp::Reverse(**at));
    let shown = heard.into_iter().take(SOURCES);
    shown
        .map(|((organisation, source), at)| SourceAge {
            organisation: organisation.clone(),
            source: source.clone(),
            age: seconds(now - *at),
        })
        .collect()
}

/// Never negative: what was heard in the future was heard now.
fn seconds(span: Span) -> f64 {
    span.to_std().as_secs_f64()
}
