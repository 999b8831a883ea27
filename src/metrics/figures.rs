//! Gauges that are set at a scrape: what the store holds, and how this replica is.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::domain::{Severity, WardStatus};
use crate::metrics::labels::{STATUSES, severity, status};
use crate::metrics::registered;

/// A gauge of seconds.
pub(super) type Seconds = Gauge<f64, AtomicU64>;

/// What one reading of the store found. The same on all replicas, but for `unheard`.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Open alerts by rule, severity and whether someone acknowledged them; forecasts are not among them.
    pub alerts: BTreeMap<(String, Severity, bool), usize>,
    /// Open forecasts.
    pub forecasts: usize,
    /// Wards by status.
    pub wards: Vec<(WardStatus, usize)>,
    /// Open wards whose figures are overdue, or never came.
    pub stale_wards: usize,
    /// Subjects whose stored state cannot be read.
    pub unreadable: usize,
    /// By organisation that has any: critical alerts that are open, unacknowledged, and in the filter of no subscriber of
    /// this replica.
    pub unheard: BTreeMap<String, usize>,
    /// Bytes the database takes.
    pub database_bytes: u64,
}

/// How things are at the moment of a scrape.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// The newest event this replica has read.
    pub head: i64,
    /// Subscribers by code.
    pub subscribers: Vec<SubscriberFigures>,
    /// Connections for reading.
    pub pool: Pool,
    /// Seconds since the oldest unacknowledged critical alert became critical; 0: there is none.
    pub oldest_critical: f64,
    /// When each source was last heard.
    pub sources: Vec<SourceAge>,
    /// Whether traffic should come.
    pub ready: bool,
    /// Seconds for which something has been waiting to be stored.
    pub storage_waiting: f64,
}

/// The subscribers of one code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriberFigures {
    /// Their code.
    pub code: String,
    /// Streams open.
    pub streams: i64,
    /// Positions that the one furthest behind has still to be shown.
    pub lag: i64,
}

/// Connections to the database for reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// In use.
    pub in_use: i64,
    /// Open and idle.
    pub idle: i64,
    /// At most.
    pub size: i64,
}

/// How long ago a source was heard.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceAge {
    /// The organisation's code.
    pub organisation: String,
    /// The source's code.
    pub source: String,
    /// Seconds.
    pub age: f64,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AlertLabels {
    rule: String,
    severity: &'static str,
    acknowledged: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Status {
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Organisation {
    organisation: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Source {
    organisation: String,
    source: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Subscriber {
    subscriber: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Debug)]
pub(super) struct Families {
    alerts: Family<AlertLabels, Gauge>,
    forecasts: Gauge,
    wards: Family<Status, Gauge>,
    stale: Gauge,
    unreadable: Gauge,
    unheard: Family<Organisation, Gauge>,
    database: Gauge,
    head: Gauge,
    subscribers: Family<Subscriber, Gauge>,
    lag: Family<Subscriber, Gauge>,
    pool: Family<State, Gauge>,
    pool_size: Gauge,
    oldest: Seconds,
    sources: Family<Source, Seconds>,
    ready: Gauge,
    waiting: Seconds,
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl Families {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let mut gauge = |name, help| registered(registry, name, help);
        let forecasts = gauge("wardwatch_open_forecasts", "Open alerts about plans");
        let stale = gauge("wardwatch_stale_wards", "Open wards whose figures are overdue or never came");
        let help = "Subjects whose stored state cannot be read: they are not judged";
        let unreadable = gauge("wardwatch_unreadable_subjects", help);
        let database = gauge("wardwatch_database_bytes", "Bytes that the database takes");
        let head = gauge("wardwatch_log_head_position", "The newest event of the alert log that this replica has read");
        let pool_size = gauge("wardwatch_pool_size", "Connections for reading at most");
        let ready = gauge("wardwatch_ready", "Whether traffic should come (1) or not (0), as /readyz says");
        let help = "Open alerts by rule, severity and whether someone acknowledged them; forecasts are not among them";
        let alerts = registered(registry, "wardwatch_open_alerts", help);
        let wards = registered(registry, "wardwatch_wards", "Wards by status");
        let help = "Unacknowledged critical alerts that no subscriber of this replica asked to see, by organisation";
        let unheard = registered(registry, "wardwatch_criticals_unheard", help);
        let subscribers = registered(registry, "wardwatch_subscribers", "Subscriptions open on this replica, by code");
        let help = "Positions that the subscriber furthest behind has still to be shown, by code";
        let lag = registered(registry, "wardwatch_subscriber_lag_positions", help);
        let pool = registered(registry, "wardwatch_pool_connections", "Connections for reading, by state");
        let help = "Age of the oldest unacknowledged critical alert; 0: there is none";
        let oldest = registered(registry, "wardwatch_oldest_unacknowledged_critical_seconds", help);
        let help = "Time since a source of an organisation was last heard";
        let sources = registered(registry, "wardwatch_source_report_age_seconds", help);
        let help = "How long something has been waiting to be stored; 0: nothing waits";
        let waiting = registered(registry, "wardwatch_storage_waiting_seconds", help);
        Self {
            alerts,
            forecasts,
            wards,
            stale,
            unreadable,
            unheard,
            database,
            head,
            subscribers,
            lag,
            pool,
            pool_size,
            oldest,
            sources,
            ready,
            waiting,
        }
    }

    pub(super) fn show(&self, figures: &Figures) {
        self.alerts.clear();
        for ((rule, level, acknowledged), number) in &figures.alerts {
            let acknowledged = if *acknowledged { "true" } else { "false" };
            let labels = AlertLabels { rule: rule.clone(), severity: severity(*level), acknowledged };
            self.alerts.get_or_create(&labels).set(count(*number));
        }
        self.forecasts.set(count(figures.forecasts));
        for each in STATUSES {
            let number = figures.wards.iter().find(|(s, _)| *s == each).map_or(0, |(_, n)| count(*n));
            self.wards.get_or_create(&Status { status: status(each) }).set(number);
        }
        self.stale.set(count(figures.stale_wards));
        self.unreadable.set(count(figures.unreadable));
        self.unheard.clear();
        for (organisation, number) in &figures.unheard {
            let labels = Organisation { organisation: organisation.clone() };
            self.unheard.get_or_create(&labels).set(count(*number));
        }
        self.database.set(i64::try_from(figures.database_bytes).unwrap_or(i64::MAX));
    }

    pub(super) fn show_live(&self, live: &Live) {
        self.head.set(live.head);
        for each in &live.subscribers {
            let labels = Subscriber { subscriber: each.code.clone() };
            self.subscribers.get_or_create(&labels).set(each.streams);
            self.lag.get_or_create(&labels).set(each.lag);
        }
        self.pool.get_or_create(&State { state: "in_use" }).set(live.pool.in_use);
        self.pool.get_or_create(&State { state: "idle" }).set(live.pool.idle);
        self.pool_size.set(live.pool.size);
        self.oldest.set(live.oldest_critical);
        self.sources.clear();
        for SourceAge { organisation, source, age } in &live.sources {
            let labels = Source { organisation: organisation.clone(), source: source.clone() };
            self.sources.get_or_create(&labels).set(*age);
        }
        self.ready.set(live.ready.into());
        self.waiting.set(live.storage_waiting);
    }
}
