//! What happens rarely and wherever: connections closed, files read again, callers refused, clocks set back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::metrics::figures::Seconds;
use crate::metrics::registered;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct What {
    what: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reload {
    what: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    result: &'static str,
}

/// A handle for whoever sees something happen. Words given to it are labels: fixed words of the code, nothing from outside.
#[derive(Debug)]
pub struct Events {
    closed: Family<Reason, Counter>,
    refused: Family<Reason, Counter>,
    reloads: Family<Reload, Counter>,
    reload_ok: Family<What, Gauge>,
    certificate: Family<What, Gauge>,
    handshakes: Family<Outcome, Counter>,
    backed_up: Gauge,
    backup_bytes: Gauge,
    backup_failures: Counter,
    scrape_errors: Counter,
    set_back: Counter,
    behind: Seconds,
    figures_age: Seconds,
    read: Arc<Mutex<Instant>>,
}

impl Events {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let closed: Family<Reason, Counter> =
            registered(registry, "wardwatch_connections_closed", "Connections that the service closed, by reason");
        for reason in ["slow_consumer", "no_preface", "no_call", "made_room", "too_many_connections"] {
            drop(closed.get_or_create(&Reason { reason }));
        }
        let help = "Calls refused because of who called, by reason";
        let refused = registered(registry, "wardwatch_access_refusals", help);
        let help = "Readings of files that may change while the service runs, by result";
        let reloads = registered(registry, "wardwatch_reloads", help);
        let help = "Whether the last reading was taken over (1) or refused (0); what was in force then still is";
        let reload_ok = registered(registry, "wardwatch_last_reload_ok", help);
        let help = "When the certificate ends, in seconds since 1970";
        let certificate = registered(registry, "wardwatch_certificate_expiry_timestamp_seconds", help);
        let help = "TLS handshakes by result: ok, or why not";
        let handshakes: Family<Outcome, Counter> = registered(registry, "wardwatch_tls_handshakes", help);
        drop(handshakes.get_or_create(&Outcome { result: "ok" }));
        let help = "When the newest copy of the database was begun, in seconds since 1970; 0: there is none";
        let backed_up = registered(registry, "wardwatch_backup_last_success_timestamp_seconds", help);
        let backup_bytes = registered(registry, "wardwatch_backup_bytes", "Bytes of the last copy of the database");
        let help = "Copies of the database that failed";
        let backup_failures = registered(registry, "wardwatch_backup_failures", help);
        let help = "Scrapes whose figures of the store could not be read: those of the reading before are shown";
        let scrape_errors = registered(registry, "wardwatch_scrape_errors", help);
        let help = "How often the clock was found behind the time that was given out before";
        let set_back = registered(registry, "wardwatch_clock_set_back", help);
        let help = "By how much the clock is behind the time that was given out before";
        let behind = registered(registry, "wardwatch_clock_behind_seconds", help);
        let help = "Age of the reading of the store that the cluster's figures come from";
        let figures_age = registered(registry, "wardwatch_figures_age_seconds", help);
        let read = Arc::new(Mutex::new(Instant::now()));
        Self {
            closed,
            refused,
            reloads,
            reload_ok,
            certificate,
            handshakes,
            backed_up,
            backup_bytes,
            backup_failures,
            scrape_errors,
            set_back,
            behind,
            figures_age,
            read,
        }
    }
    /// The service closed a connection.
    pub fn connection_closed(&self, reason: &'static str) {
        self.closed.get_or_create(&Reason { reason }).inc();
    }
    /// So many calls were refused for this reason since the start, where somebody else counts them.
    pub fn access_refusals_are(&self, reason: &'static str, all: u64) {
        let counter = self.refused.get_or_create(&Reason { reason });
        counter.inc_by(all.saturating_sub(counter.get()));
    }
    /// A file was read again: taken over, or refused.
    pub fn reloaded(&self, what: &'static str, ok: bool) {
        let result = if ok { "ok" } else { "failed" };
        self.reloads.get_or_create(&Reload { what, result }).inc();
        self.reload_ok.get_or_create(&What { what }).set(ok.into());
    }
    /// When a certificate ends, in seconds since 1970; none: there is no such certificate.
    pub fn certificate_expires(&self, what: &'static str, at: Option<i64>) {
        if let Some(at) = at {
            self.certificate.get_or_create(&What { what }).set(at);
        } else {
            self.certificate.remove(&What { what });
        }
    }
    /// So many files were read again with this result since the start, where somebody else counts them.
    pub fn reloads_are(&self, what: &'static str, (ok, failed): (u64, u64), last_ok: bool) {
        for (result, all) in [("ok", ok), ("failed", failed)] {
            let counter = self.reloads.get_or_create(&Reload { what, result });
            counter.inc_by(all.saturating_sub(counter.get()));
        }
        self.reload_ok.get_or_create(&What { what }).set(last_ok.into());
    }
    /// So many TLS handshakes ended like this since the start.
    pub fn handshakes_are(&self, result: &'static str, all: u64) {
        let counter = self.handshakes.get_or_create(&Outcome { result });
        counter.inc_by(all.saturating_sub(counter.get()));
    }
    /// How the copies of the database stand: when the last was made (seconds since 1970), its bytes, failures so far.
    pub fn backups_are(&self, last: i64, bytes: u64, failures: u64) {
        self.backed_up.set(last);
        self.backup_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.backup_failures.inc_by(failures.saturating_sub(self.backup_failures.get()));
    }
    /// The store could not be read for a scrape.
    pub fn scrape_failed(&self) {
        self.scrape_errors.inc();
    }
    /// The store was read for a scrape.
    pub fn figures_read(&self) {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
    /// By how much the clock is behind; `anew`: it was not before.
    pub fn clock_behind(&self, seconds: f64, anew: bool) {
        self.behind.set(seconds);
        if anew {
            self.set_back.inc();
        }
    }
    pub(super) fn pass_time(&self) {
        self.figures_age.set(self.read.lock().unwrap_or_else(PoisonError::into_inner).elapsed().as_secs_f64());
    }
}
