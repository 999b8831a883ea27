//! A store that can be taken away, held up, and swapped for another one while it is in use.

use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;
use wardwatch::domain::{AlertId, ReportId, SubjectName, Time};
use wardwatch::store::{
    ActivityChange, ActivityRow, AlertQuery, AuditQuery, AuditRow, Batch, Committed, Config, ConfigChange,
    ConfigOutcome, Connections, ContextRow, Head, ListedAlert, LogEntry, LogPoint, LogRead, PastAlerts, ReportRowKey,
    Result, Store, StoreError, StoredReport, SubjectRow, Trim,
};

/// What becomes of the feed's reads of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    Answered,
    /// Those of streams that catch up, or begin with a snapshot, wait, as behind a database that is slow; the tail's do not.
    StreamsHeld,
    /// They fail, as without a database.
    Failing,
}

/// A store in front of another.
#[derive(Debug)]
pub struct Switch {
    inner: RwLock<Arc<dyn Store>>,
    reads: watch::Sender<Reads>,
}

impl Switch {
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner: RwLock::new(inner), reads: watch::Sender::new(Reads::Answered) }
    }
    pub fn inner(&self) -> Arc<dyn Store> {
        Arc::clone(&self.inner.read().unwrap())
    }
    pub fn swap(&self, inner: Arc<dyn Store>) {
        *self.inner.write().unwrap() = inner;
    }
    pub fn reads(&self, reads: Reads) {
        self.reads.send_replace(reads);
    }
    async fn held(&self) {
        let _ = self.reads.subscribe().wait_for(|r| *r != Reads::StreamsHeld).await;
    }
    fn reading(&self) -> Result<Arc<dyn Store>> {
        let failing = *self.reads.borrow() == Reads::Failing;
        if failing { Err(StoreError::Unavailable("switched off".into())) } else { Ok(self.inner()) }
    }
}

#[async_trait]
impl Store for Switch {
    fn engine(&self) -> &'static str {
        self.inner().engine()
    }
    async fn head(&self) -> Result<Head> {
        self.reading()?.head().await
    }
    async fn load_config(&self, newer_than: i64) -> Result<Config> {
        self.inner().load_config(newer_than).await
    }
    async fn change_config(&self, change: &ConfigChange) -> Result<ConfigOutcome> {
        self.inner().change_config(change).await
    }
    async fn load_subjects(&self, numbers: &[i64]) -> Result<Vec<SubjectRow>> {
        self.inner().load_subjects(numbers).await
    }
    async fn size(&self) -> Result<u64> {
        self.reading()?.size().await
    }
    fn connections(&self) -> Connections {
        self.inner().connections()
    }
    async fn due_subjects(&self, now: Time, limit: u32) -> Result<Vec<i64>> {
        self.inner().due_subjects(now, limit).await
    }
    async fn subject_summaries(&self, organisations: &[i64]) -> Result<Vec<(i64, SubjectName, Bytes)>> {
        self.inner().subject_summaries(organisations).await
    }
    async fn summaries_of(&self, numbers: &[i64]) -> Result<Vec<(i64, SubjectName, Bytes)>> {
        self.inner().summaries_of(numbers).await
    }
    async fn survey(&self, organisations: &[i64]) -> Result<(Head, Vec<SubjectRow>)> {
        self.inner().survey(organisations).await
    }
    async fn context_versions(&self, name: &str, below_version: Option<i64>, limit: u32) -> Result<Vec<ContextRow>> {
        self.inner().context_versions(name, below_version, limit).await
    }
    async fn put_activity(&self, change: &ActivityChange) -> Result<()> {
        self.inner().put_activity(change).await
    }
    async fn activity(&self, organisations: &[i64], from_day: i64, to_day: i64) -> Result<Vec<ActivityRow>> {
        self.inner().activity(organisations, from_day, to_day).await
    }
    async fn find_reports(&self, keys: &[ReportRowKey]) -> Result<Vec<(ReportRowKey, i64)>> {
        self.inner().find_reports(keys).await
    }
    async fn commit(&self, batch: &Batch) -> Result<Committed> {
        self.inner().commit(batch).await
    }
    async fn barrier(&self) -> Result<()> {
        self.inner().barrier().await
    }
    async fn lost(&self) -> String {
        self.inner().lost().await
    }
    async fn read_log(&self, after: LogPoint, max_bytes: usize) -> Result<LogRead> {
        // The tail reads a mebibyte at a time, and a cursor is checked with a single byte.
        if (2..1 << 20).contains(&max_bytes) {
            self.held().await;
        }
        self.reading()?.read_log(after, max_bytes).await
    }
    async fn point_at(&self, time: Time) -> Result<std::result::Result<LogPoint, LogPoint>> {
        self.reading()?.point_at(time).await
    }
    async fn open_alerts(&self) -> Result<(LogPoint, Vec<ListedAlert>)> {
        self.held().await;
        self.reading()?.open_alerts().await
    }
    async fn list_alerts(&self, query: &AlertQuery) -> Result<(LogPoint, Vec<ListedAlert>)> {
        self.reading()?.list_alerts(query).await
    }
    async fn alerts_as_of(&self, query: &AlertQuery, at: LogPoint) -> Result<PastAlerts> {
        self.reading()?.alerts_as_of(query, at).await
    }
    async fn get_alert(&self, id: AlertId) -> Result<Option<Bytes>> {
        self.reading()?.get_alert(id).await
    }
    async fn alert_events(&self, id: AlertId, after: i64, limit: u32) -> Result<Vec<LogEntry>> {
        self.reading()?.alert_events(id, after, limit).await
    }
    async fn get_report(&self, key: ReportRowKey) -> Result<Option<StoredReport>> {
        self.inner().get_report(key).await
    }
    async fn list_reports(
        &self,
        subject: i64,
        from: Time,
        to: Time,
        after: Option<(Time, ReportId)>,
        limit: u32,
    ) -> Result<Vec<StoredReport>> {
        self.inner().list_reports(subject, from, to, after, limit).await
    }
    async fn list_audit(&self, query: &AuditQuery) -> Result<Vec<AuditRow>> {
        self.inner().list_audit(query).await
    }
    async fn trim(&self, trim: &Trim) -> Result<u64> {
        self.inner().trim(trim).await
    }
    async fn close(&self) {
        self.inner().close().await;
    }
}
