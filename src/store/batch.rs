use bytes::Bytes;

use crate::domain::{AlertId, ReportId, Time};
use crate::store::LogPoint;

/// A report's key in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReportRowKey {
    /// When it was true.
    pub observed: Time,
    /// Subject's number.
    pub subject: i64,
    /// Its id.
    pub id: ReportId,
}

/// A report to store.
#[derive(Clone, Debug)]
pub struct ReportRow {
    /// When it was true.
    pub observed: Time,
    /// Its id.
    pub id: ReportId,
    /// Digest of its canonical form.
    pub digest: i64,
    /// When it was received.
    pub received: Time,
    /// Encoded report.
    pub payload: Bytes,
}

/// A stored report.
#[derive(Clone, Debug)]
pub struct StoredReport {
    /// When it was true.
    pub observed: Time,
    /// Its id.
    pub id: ReportId,
    /// When it was received.
    pub received: Time,
    /// Encoded report.
    pub payload: Bytes,
}

/// One event to append: its alert, and its bytes without position and time, which the commit decides.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// The alert it belongs to.
    pub alert: AlertId,
    /// Encoded event.
    pub payload: Bytes,
}

/// The newest state of an alert, with what lists filter by.
#[derive(Clone, Debug)]
pub struct AlertRow {
    /// Its id.
    pub id: AlertId,
    /// Rule.
    pub rule: String,
    /// Instance.
    pub instance: String,
    /// Name of its subject.
    pub subject: String,
    /// ODS code of its organisation.
    pub organisation: String,
    /// Site code, or empty.
    pub site: String,
    /// Region code, or empty.
    pub region: String,
    /// `wardwatch.v1.AlertState` as a number.
    pub state: i32,
    /// `wardwatch.v1.AlertCondition` as a number.
    pub condition: i32,
    /// `wardwatch.v1.Severity` of the peak, as a number.
    pub peak_severity: i32,
    /// Name of the strike it belongs to, or empty.
    pub strike: String,
    /// About a plan, not about now.
    pub forecast: bool,
    /// When it was raised.
    pub raised: Time,
    /// Encoded alert.
    pub payload: Bytes,
}

impl AlertRow {
    /// The number of the state that ends an episode: `wardwatch.v1.ALERT_STATE_RESOLVED`.
    pub const RESOLVED: i32 = 3;
}

/// What one input did to a subject.
#[derive(Clone, Debug, Default)]
pub struct InputRows {
    /// Events with consecutive positions.
    pub events: Vec<EventRow>,
    /// Encoded audit entry; present when there are events. One without events is written all the same.
    pub audit: Option<Bytes>,
}

/// All that a batch does to one subject, offered with the etag it was judged on.
/// With no bytes, no reports, no events and no audit entry it is a mere check that the etag still stands.
#[derive(Clone, Debug, Default)]
pub struct SubjectWrite {
    /// Its number.
    pub subject: i64,
    /// The etag it was judged on.
    pub base: i64,
    /// New hot bytes.
    pub hot: Option<Bytes>,
    /// New cold bytes.
    pub cold: Option<Bytes>,
    /// New summary.
    pub summary: Option<Bytes>,
    /// `Some`: look at it then (`Some(None)`: never). `None`: as before.
    pub next_check: Option<Option<Time>>,
    /// Reports to store.
    pub reports: Vec<ReportRow>,
    /// Inputs in order.
    pub inputs: Vec<InputRows>,
    /// Alerts to write, each once, newest state.
    pub alerts: Vec<AlertRow>,
    /// Subjects that read this one: new etag, due now. By number.
    pub touches: Vec<i64>,
}

impl SubjectWrite {
    /// Whether it stores a report or an event, and not only what time alone will bring about again.
    pub fn tells(&self) -> bool {
        !self.reports.is_empty() || self.inputs.iter().any(|i| !i.events.is_empty())
    }

    /// Whether it changes nothing.
    pub fn is_check(&self) -> bool {
        self.hot.is_none()
            && self.cold.is_none()
            && self.summary.is_none()
            && self.next_check.is_none()
            && self.reports.is_empty()
            && self.touches.is_empty()
            && self.alerts.is_empty()
            && self.inputs.iter().all(|i| i.events.is_empty() && i.audit.is_none())
    }
}

/// One group commit.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Fresh 63-bit random number: the etag of every subject written or touched, and on every event.
    pub tag: i64,
    /// The service's time.
    pub now: Time,
    /// At most one per subject.
    pub writes: Vec<SubjectWrite>,
}

/// What a commit did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// For each write, in order: whether its etag stood and it was done.
    pub won: Vec<bool>,
    /// The log's newest event after it.
    pub point: LogPoint,
    /// The time given to its events.
    pub log_time: Time,
}
