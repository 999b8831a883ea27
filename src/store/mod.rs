//! One atomic unit per method; SQLite and PostgreSQL behind one trait. Payloads are opaque bytes here.

use async_trait::async_trait;
use bytes::Bytes;

use crate::domain::{AlertId, ReportId, SubjectName, Time};

/// Why a store did not do as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It could not be reached; nothing was done. Try again.
    #[error("storage is unavailable: {0}")]
    Unavailable(String),
    /// It may or may not have been done. Look before trying again.
    #[error("the outcome in storage is unknown: {0}")]
    Unknown(String),
    /// The database understood and said no. Trying again will not help.
    #[error("storage refused: {0}")]
    Refused(String),
}

/// What a store answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A place in the log that also names its history: the position and the tag of the commit that wrote it.
/// Position 0 with tag 0 is before the first event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPoint {
    /// Position of an event.
    pub position: i64,
    /// Tag of the commit that wrote it.
    pub tag: i64,
}

/// The one row every write takes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Names the log; drawn when the database was made.
    pub log_id: i64,
    /// The newest event.
    pub point: LogPoint,
    /// Its time; the log's time never falls.
    pub log_time: Time,
    /// Counts changes of the register.
    pub generation: i64,
    /// The newest event that retention removed.
    pub trimmed: LogPoint,
    /// The database's clock (SQLite: the process's).
    pub now: Time,
}

/// Kinds of register rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConfigKind {
    /// An organisation.
    Organisation,
    /// A ward.
    Ward,
}

/// A register row as stored, with its subject's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigRow {
    /// What it is.
    pub kind: ConfigKind,
    /// Its subject's name.
    pub name: SubjectName,
    /// Its subject's number.
    pub number: i64,
    /// Encoded entry.
    pub payload: Bytes,
}

/// A register row to write; its subject is created with it when it is new.
#[derive(Clone, Debug)]
pub struct ConfigWrite {
    /// What it is.
    pub kind: ConfigKind,
    /// Its subject's name.
    pub name: SubjectName,
    /// Encoded entry.
    pub payload: Bytes,
    /// First state of its subject, used only when there is none yet.
    pub first: FirstState,
}

/// What a subject starts with.
#[derive(Clone, Debug, Default)]
pub struct FirstState {
    /// Hot bytes.
    pub hot: Bytes,
    /// Cold bytes.
    pub cold: Bytes,
    /// When the sweep first looks at it.
    pub next_check: Option<Time>,
}

/// A change of the register: all of it or nothing.
#[derive(Clone, Debug)]
pub struct ConfigChange {
    /// The generation it was made from; another one is a conflict.
    pub base: i64,
    /// Rows to write. Existing subjects among them are touched: new etag, new generation, due now.
    /// An organisation stands before its wards.
    pub rows: Vec<ConfigWrite>,
    /// Further subjects to touch, by number.
    pub touched: Vec<i64>,
    /// Fresh 63-bit random number.
    pub tag: i64,
    /// The service's time.
    pub now: Time,
    /// Encoded audit entry.
    pub audit: Bytes,
}

/// What became of a change of the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigOutcome {
    /// Done; the register's generation is now this.
    Changed(i64),
    /// Someone else changed the register first.
    Conflict,
}

/// A subject's two rows.
#[derive(Clone, Debug)]
pub struct SubjectRow {
    /// Its number.
    pub number: i64,
    /// Number of its organisation's subject; its own for an organisation.
    pub organisation: i64,
    /// Its name.
    pub name: SubjectName,
    /// Tag of the commit that last wrote or touched it.
    pub etag: i64,
    /// Generation of the register that last touched it.
    pub generation: i64,
    /// When the sweep looks at it.
    pub next_check: Option<Time>,
    /// Written with each report.
    pub hot: Bytes,
    /// Written only when changed.
    pub cold: Bytes,
    /// What its organisation reads of it.
    pub summary: Bytes,
}

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
    /// When it was raised.
    pub raised: Time,
    /// Encoded alert.
    pub payload: Bytes,
}

/// What one input did to a subject.
#[derive(Clone, Debug, Default)]
pub struct InputRows {
    /// Events with consecutive positions.
    pub events: Vec<EventRow>,
    /// Encoded audit entry; present when there are events.
    pub audit: Option<Bytes>,
}

/// All that a batch does to one subject, offered with the etag it was judged on.
/// With no bytes, no reports and no events it is a mere check that the etag still stands.
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
    /// Whether it changes nothing.
    pub fn is_check(&self) -> bool {
        self.hot.is_none()
            && self.cold.is_none()
            && self.summary.is_none()
            && self.next_check.is_none()
            && self.reports.is_empty()
            && self.touches.is_empty()
            && self.alerts.is_empty()
            && self.inputs.iter().all(|i| i.events.is_empty())
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

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Where and of which commit.
    pub point: LogPoint,
    /// Its time.
    pub time: Time,
    /// False: the next entry belongs to the same input.
    pub ends_input: bool,
    /// Encoded event without position and time.
    pub payload: Bytes,
}

/// An answer to reading the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogRead {
    /// Whole inputs in position order; empty: nothing newer.
    Entries(Vec<LogEntry>),
    /// The place asked for is gone; this is the oldest to resume after.
    Expired(LogPoint),
    /// The log has another event there: a restored backup, or a lost tail.
    OtherHistory,
}

/// Which alerts, from where. An empty list means any.
#[derive(Clone, Debug, Default)]
pub struct AlertQuery {
    /// ODS codes.
    pub organisations: Vec<String>,
    /// Site codes.
    pub sites: Vec<String>,
    /// Region codes.
    pub regions: Vec<String>,
    /// Subject names.
    pub subjects: Vec<String>,
    /// Rule ids.
    pub rules: Vec<String>,
    /// States as numbers.
    pub states: Vec<i32>,
    /// Condition as a number; 0: any.
    pub condition: i32,
    /// Least peak severity as a number; 0: any.
    pub min_severity: i32,
    /// First hexadecimal digits of the id, without hyphens; empty: any.
    pub id_prefix: String,
    /// Newest first.
    pub descending: bool,
    /// Go on after this alert of the page before.
    pub after: Option<(Time, AlertId)>,
    /// At most so many.
    pub limit: u32,
}

/// An alert with what the next page starts after.
#[derive(Clone, Debug)]
pub struct ListedAlert {
    /// When it was raised.
    pub raised: Time,
    /// Its id.
    pub id: AlertId,
    /// Encoded alert.
    pub payload: Bytes,
}

/// Left edges for retention, and how much to remove at most in one call.
#[derive(Clone, Copy, Debug)]
pub struct Trim {
    /// Reports observed before go.
    pub reports_before: Time,
    /// Events before go, but never the newest one.
    pub events_before: Time,
    /// Rows of each kind a call.
    pub limit: u32,
}

/// The durable store. One method is one atomic unit.
#[async_trait]
pub trait Store: std::fmt::Debug + Send + Sync + 'static {
    /// "sqlite" or "postgres".
    fn engine(&self) -> &'static str;
    /// The head row.
    async fn head(&self) -> Result<Head>;
    /// Register rows newer than a generation, and the register's generation, in one view.
    async fn load_config(&self, newer_than: i64) -> Result<(i64, Vec<ConfigRow>)>;
    /// Changes the register.
    async fn change_config(&self, change: &ConfigChange) -> Result<ConfigOutcome>;
    /// Subjects by number; those that do not exist are left out.
    async fn load_subjects(&self, numbers: &[i64]) -> Result<Vec<SubjectRow>>;
    /// Numbers of subjects whose next check is not after `now`, longest due first.
    async fn due_subjects(&self, now: Time, limit: u32) -> Result<Vec<i64>>;
    /// Summaries of all wards of the organisations with these numbers: (organisation's number, ward, summary).
    async fn subject_summaries(&self, organisations: &[i64]) -> Result<Vec<(i64, SubjectName, Bytes)>>;
    /// Digests of those of these reports that are stored.
    async fn find_reports(&self, keys: &[ReportRowKey]) -> Result<Vec<(ReportRowKey, i64)>>;
    /// Commits a batch: each write whose etag stands, and none whose does not.
    async fn commit(&self, batch: &Batch) -> Result<Committed>;
    /// Reads on after a place: whole inputs, about `max_bytes` (at least one input).
    async fn read_log(&self, after: LogPoint, max_bytes: usize) -> Result<LogRead>;
    /// The place after which the first event at or after `time` stands; `Expired` when that event may be trimmed.
    async fn point_at(&self, time: Time) -> Result<std::result::Result<LogPoint, LogPoint>>;
    /// The open alerts in raise time then id, and the place they stood at, in one view.
    async fn open_alerts(&self) -> Result<(LogPoint, Vec<ListedAlert>)>;
    /// Alerts by query, and the place of the log in the same view.
    async fn list_alerts(&self, query: &AlertQuery) -> Result<(LogPoint, Vec<ListedAlert>)>;
    /// One alert.
    async fn get_alert(&self, id: AlertId) -> Result<Option<Bytes>>;
    /// Events of an alert after a position.
    async fn alert_events(&self, id: AlertId, after: i64, limit: u32) -> Result<Vec<LogEntry>>;
    /// One report.
    async fn get_report(&self, key: ReportRowKey) -> Result<Option<StoredReport>>;
    /// Reports of a subject observed in [`from`, `to`), after a key of the page before.
    async fn list_reports(
        &self,
        subject: i64,
        from: Time,
        to: Time,
        after: Option<(Time, ReportId)>,
        limit: u32,
    ) -> Result<Vec<StoredReport>>;
    /// Removes what retention lets go; returns how many rows went.
    async fn trim(&self, trim: &Trim) -> Result<u64>;
    /// Ends all use of the database; afterwards every call is `Unavailable`.
    async fn close(&self);
}
