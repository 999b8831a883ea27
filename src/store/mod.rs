//! One atomic unit per method; SQLite and PostgreSQL behind one trait. Payloads are opaque bytes here.

mod activity;
mod audit;
mod backup;
mod batch;
mod calls;
mod context;
mod database;
mod error;
mod filesystem;
mod log;
mod migrations;
mod open;
mod past;
mod plan;
mod postgres;
mod query;
mod register;
mod rows;
mod sql;
mod sqlite;
mod survey;
mod writer;

use async_trait::async_trait;
use bytes::Bytes;

use crate::domain::{AlertId, ReportId, SubjectName, Time};

pub use activity::{ActivityChange, ActivityRow};
pub use audit::{AuditQuery, AuditRow};
pub use backup::{Backup, BackupError, Reach, Restored, backup, restore};
pub use batch::{AlertRow, Batch, Committed, EventRow, InputRows, ReportRow, ReportRowKey, StoredReport, SubjectWrite};
pub use context::{ContextKind, ContextRow, ContextWrite};
pub use error::{Result, StoreError};
pub use filesystem::network_file_system;
pub use log::{Head, LogEntry, LogPoint, LogRead, Trim};
pub use migrations::MigrationReport;
pub use open::{InvalidLocation, Location, OpenError, Options, migrate, open};
pub use past::{PastAlert, PastAlerts, Shown};
pub use postgres::warnings_heard;
pub use query::{AlertQuery, ListedAlert};
pub use register::{Config, ConfigChange, ConfigKind, ConfigOutcome, ConfigRow, ConfigWrite, FirstState, SubjectRow};

/// Connections for reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// Open now.
    pub open: u32,
    /// Of these, in nobody's use.
    pub idle: u32,
    /// At most.
    pub most: u32,
}

/// The durable store. One method is one atomic unit.
#[async_trait]
pub trait Store: std::fmt::Debug + Send + Sync + 'static {
    /// "sqlite" or "postgres".
    fn engine(&self) -> &'static str;
    /// The head row.
    async fn head(&self) -> Result<Head>;
    /// What of the register is newer than a generation, strikes and policies with it, in one view.
    async fn load_config(&self, newer_than: i64) -> Result<Config>;
    /// Changes the register, strikes or policies: one change, one generation.
    async fn change_config(&self, change: &ConfigChange) -> Result<ConfigOutcome>;
    /// Subjects by number; those that do not exist are left out.
    async fn load_subjects(&self, numbers: &[i64]) -> Result<Vec<SubjectRow>>;
    /// Numbers of subjects whose next check is not after `now`, longest due first.
    async fn due_subjects(&self, now: Time, limit: u32) -> Result<Vec<i64>>;
    /// Summaries of all wards and cover groups of the organisations with these numbers: (organisation's number, name,
    /// summary).
    async fn subject_summaries(&self, organisations: &[i64]) -> Result<Vec<(i64, SubjectName, Bytes)>>;
    /// Summaries of the subjects with these numbers, of whatever kind: (its number, name, summary). Those that do not
    /// exist are left out.
    async fn summaries_of(&self, numbers: &[i64]) -> Result<Vec<(i64, SubjectName, Bytes)>>;
    /// All subjects of the organisations with these numbers, themselves included (empty: of all organisations), by
    /// number, and the head in the same view.
    async fn survey(&self, organisations: &[i64]) -> Result<(Head, Vec<SubjectRow>)>;
    /// Versions of a strike or a policy below a version (none: all), newest first.
    async fn context_versions(&self, name: &str, below_version: Option<i64>, limit: u32) -> Result<Vec<ContextRow>>;
    /// Stores activity.
    async fn put_activity(&self, change: &ActivityChange) -> Result<()>;
    /// Activity of the organisations with these numbers (empty: of all) from one day to another, both included, by
    /// organisation, day and category.
    async fn activity(&self, organisations: &[i64], from_day: i64, to_day: i64) -> Result<Vec<ActivityRow>>;
    /// Digests of those of these reports that are stored.
    async fn find_reports(&self, keys: &[ReportRowKey]) -> Result<Vec<(ReportRowKey, i64)>>;
    /// Commits a batch: each write whose etag stands, and none whose does not.
    async fn commit(&self, batch: &Batch) -> Result<Committed>;
    /// Returns when every commit that the database was carrying out when it was called has ended, and all that can be read
    /// from then on is as durable as a commit: what to ask for before an unknown outcome is looked up. A commit that is
    /// still on its way to the database, and arrives later, finds its etags gone if anything was done meanwhile.
    async fn barrier(&self) -> Result<()>;
    /// Reads on after a place: whole inputs, about `max_bytes` (at least one input).
    async fn read_log(&self, after: LogPoint, max_bytes: usize) -> Result<LogRead>;
    /// The place after which the first event at or after `time` stands; `Expired` when that event may be trimmed.
    async fn point_at(&self, time: Time) -> Result<Result<LogPoint, LogPoint>>;
    /// The open alerts in raise time then id, and the place they stood at, in one view.
    async fn open_alerts(&self) -> Result<(LogPoint, Vec<ListedAlert>)>;
    /// Alerts by query, and the place of the log in the same view.
    async fn list_alerts(&self, query: &AlertQuery) -> Result<(LogPoint, Vec<ListedAlert>)>;
    /// Alerts by query as of a place of the log: every one that existed then, with its last event by then. The query's
    /// states and condition are not compared, because only the payload has them as of then, except that without
    /// `RESOLVED` among the states what had ended by then is left out. `min_severity` is compared with the peak of today,
    /// which is not lower. An alert that lost its last event by then to retention, and has later ones, is left out.
    async fn alerts_as_of(&self, query: &AlertQuery, at: LogPoint) -> Result<PastAlerts>;
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
    /// Entries of the audit, in the order they were made.
    async fn list_audit(&self, query: &AuditQuery) -> Result<Vec<AuditRow>>;
    /// Removes what retention lets go: reports, events and ended alerts, nothing else; returns how many rows went.
    async fn trim(&self, trim: &Trim) -> Result<u64>;
    /// Bytes the database takes on its disk, as far as the database knows.
    async fn size(&self) -> Result<u64>;
    /// How its connections for reading are used at this moment.
    fn connections(&self) -> Connections;
    /// Returns, with the reason, when nothing can be stored any more until the process is started anew: the SQLite file was
    /// moved, replaced, deleted or damaged. On PostgreSQL it never returns.
    async fn lost(&self) -> String;
    /// Ends all use of the database; afterwards every call is `Unavailable`.
    async fn close(&self);
}
