use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::client::{instant, pb};

/// What an alert is in Alertmanager: the same labels, the same alert.
pub(super) type Labels = BTreeMap<String, String>;

/// The alert that says that the bridge lives and hears the service; it never rests.
pub(super) const WATCHDOG: &str = "WardwatchBridgeWatchdog";

/// Who speaks, in every label set.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    /// The label `service`.
    pub(super) service: String,
    /// The label `environment`, so that training is never taken for live.
    pub(super) environment: String,
    /// Whether alerts on plans are told.
    pub(super) forecasts: bool,
    /// Since when this bridge speaks.
    pub(super) since: Timestamp,
}

/// An alert as Alertmanager takes it, without its end, which moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) labels: Labels,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) starts_at: Timestamp,
}

/// An alert as it stands in JSON, both ways.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire {
    pub(super) labels: Labels,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) starts_at: String,
    pub(super) ends_at: String,
}

impl Sender {
    /// The notice of an alert; `None` if it is not told (any more): ended, below WARNING, or on a plan unasked for.
    pub(super) fn notice(&self, alert: &pb::Alert) -> Option<Notice> {
        let severity = match alert.severity() {
            pb::Severity::Critical => "critical",
            pb::Severity::Warning => "warning",
            pb::Severity::Info | pb::Severity::Unspecified => return None,
        };
        if alert.state() == pb::AlertState::Resolved || (alert.forecast && !self.forecasts) {
            return None;
        }
        let mut labels = self.labels(&alert.rule, severity);
        let mut label = |name: &str, value: &str| {
            // An empty label is none to Alertmanager, so it would come back as another set.
            if !value.is_empty() {
                labels.insert(name.to_owned(), value.to_owned());
            }
        };
        label("organisation", code(&alert.organisation));
        label("site", &alert.site);
        label("ward", code(&alert.ward));
        label("cover_group", code(&alert.cover_group));
        label("alert", code(&alert.name));
        label("forecast", if alert.forecast { "true" } else { "" });
        let starts_at = instant(alert.raise_time).unwrap_or(self.since);
        Some(Notice { labels, annotations: annotations(alert), starts_at })
    }

    /// The alert that never rests.
    pub(super) fn watchdog(&self) -> Notice {
        let summary = "The bridge runs and hears the service.".to_owned();
        Notice {
            labels: self.labels(WATCHDOG, "none"),
            annotations: BTreeMap::from([("summary".to_owned(), summary)]),
            starts_at: self.since,
        }
    }

    fn labels(&self, name: &str, severity: &str) -> Labels {
        let labels = [
            ("alertname", name),
            ("severity", severity),
            ("service", &self.service),
            ("environment", &self.environment),
        ];
        labels.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

impl Notice {
    /// As it is sent, with an end.
    pub(super) fn until(&self, ends_at: Timestamp) -> Wire {
        // Alertmanager refuses an alert that ends before it starts, and clocks differ.
        let starts_at = self.starts_at.min(ends_at);
        Wire {
            labels: self.labels.clone(),
            annotations: self.annotations.clone(),
            starts_at: starts_at.to_string(),
            ends_at: ends_at.to_string(),
        }
    }

    /// Which alert of the service it is about; empty for the watchdog.
    pub(super) fn alert(&self) -> &str {
        self.labels.get("alert").map_or("", String::as_str)
    }
}

impl Wire {
    /// A notice that an Alertmanager has, and its end there; `None` if its times cannot be read.
    pub(super) fn read(self) -> Option<(Notice, Timestamp)> {
        let (starts_at, ends_at) = (self.starts_at.parse().ok()?, self.ends_at.parse().ok()?);
        Some((Notice { labels: self.labels, annotations: self.annotations, starts_at }, ends_at))
    }
}

/// The service's own words and facts; nothing that says what to do.
fn annotations(alert: &pb::Alert) -> BTreeMap<String, String> {
    let mut annotations = BTreeMap::from([("summary".to_owned(), alert.message.clone())]);
    let mut note = |name: &str, value: String| {
        if !value.is_empty() {
            annotations.insert(name.to_owned(), value);
        }
    };
    note("limit_source", alert.limit_source.clone());
    if alert.state() == pb::AlertState::Acknowledged {
        let until = alert.acknowledgement.as_ref().and_then(|a| instant(a.expire_time));
        note("acknowledged_until", until.map(|t| t.to_string()).unwrap_or_default());
    }
    if let Some(escalation) = &alert.escalation {
        let role = escalation.role().as_str_name().trim_start_matches("RESPONDER_ROLE_");
        note("escalated_to", role.to_lowercase());
    }
    annotations
}

/// The last part of a resource name: what people call it.
fn code(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}
