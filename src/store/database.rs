use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::domain::{AlertId, ReportId, SubjectName, Time};
use crate::store::calls::{Arg, Reader};
use crate::store::writer::Writer;
use crate::store::{
    ActivityChange, ActivityRow, AlertQuery, AuditQuery, AuditRow, Batch, Committed, Config, ConfigChange,
    ConfigOutcome, Connections, ContextRow, Head, ListedAlert, LogEntry, LogPoint, LogRead, PastAlerts, ReportRowKey,
    Result, Store, StoredReport, SubjectRow, Trim, rows, sql, survey,
};

/// Rows of the log read at least and at most in one call. The database looks at every row it may take, so a small read must
/// not ask for many.
const LOG_ROWS: (i64, i64) = (16, 2_048);
/// Hardly an event is smaller; if events are, a read brings fewer bytes than it might.
const EVENT_BYTES: i64 = 256;

/// How long reads under way are waited for at the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// A store over one engine: reads through its reader, writes through the one task that owns the writing connection.
#[derive(Debug)]
pub(super) struct Database<R> {
    pub reader: R,
    pub writer: Writer,
    /// For which count of connections a barrier was passed: what is read of the log since then will not be lost. Held
    /// while one is passed, so that all who resume after a failover share it.
    pub proven: Mutex<u64>,
}

impl<R: Reader> Database<R> {
    /// What a read of the log finds, behind a barrier if the database was connected to anew: nobody is shown events that
    /// may be lost with a primary that crashed.
    async fn proven<T, F: Future<Output = Result<T>> + Send>(&self, read: impl Fn() -> F + Send + Sync) -> Result<T> {
        loop {
            let connected = self.reader.connected();
            let mut proven = self.proven.lock().await;
            if *proven != connected {
                self.writer.barrier().await?;
                *proven = connected;
            }
            drop(proven);
            let found = read().await?;
            if self.reader.connected() == connected {
                return Ok(found);
            }
        }
    }
}

#[async_trait]
impl<R: Reader> Store for Database<R> {
    fn engine(&self) -> &'static str {
        R::NAME
    }

    async fn head(&self) -> Result<Head> {
        let row = rows::one(self.reader.rows(R::SQL.head, vec![]).await?)?;
        Ok(rows::head(row, self.reader.clock()))
    }

    async fn load_config(&self, newer_than: i64) -> Result<Config> {
        rows::config(self.reader.rows(sql::LOAD_CONFIG, vec![Arg::Int(newer_than)]).await?)
    }

    async fn change_config(&self, change: &ConfigChange) -> Result<ConfigOutcome> {
        self.writer.change_config(change.clone()).await
    }

    async fn load_subjects(&self, numbers: &[i64]) -> Result<Vec<SubjectRow>> {
        let found = self.reader.rows(R::SQL.load_subjects, vec![Arg::Ints(numbers.to_vec())]).await?;
        found.into_iter().map(rows::subject).collect()
    }

    async fn due_subjects(&self, now: Time, limit: u32) -> Result<Vec<i64>> {
        let args = vec![Arg::Int(now.as_micros()), Arg::Int(limit.into())];
        let found: Vec<(i64,)> = self.reader.rows(sql::DUE_SUBJECTS, args).await?;
        Ok(found.into_iter().map(|(number,)| number).collect())
    }

    async fn subject_summaries(&self, organisations: &[i64]) -> Result<Vec<(i64, SubjectName, Bytes)>> {
        let args = vec![Arg::Ints(organisations.to_vec())];
        let found = self.reader.rows(R::SQL.subject_summaries, args).await?;
        found.into_iter().map(rows::summary).collect()
    }

    async fn summaries_of(&self, numbers: &[i64]) -> Result<Vec<(i64, SubjectName, Bytes)>> {
        let found = self.reader.rows(R::SQL.summaries_of, vec![Arg::Ints(numbers.to_vec())]).await?;
        found.into_iter().map(rows::summary).collect()
    }

    async fn survey(&self, organisations: &[i64]) -> Result<(Head, Vec<SubjectRow>)> {
        let found = self.reader.rows(R::SQL.survey, vec![Arg::Ints(organisations.to_vec())]).await?;
        survey::survey(found, self.reader.clock())
    }

    async fn context_versions(&self, name: &str, below_version: Option<i64>, limit: u32) -> Result<Vec<ContextRow>> {
        let below = below_version.unwrap_or(i64::MAX);
        let args = vec![Arg::Text(name.to_owned()), Arg::Int(below), Arg::Int(limit.into())];
        let found: Vec<rows::ContextColumns> = self.reader.rows(sql::CONTEXT_VERSIONS, args).await?;
        Ok(found.into_iter().filter_map(rows::context).collect())
    }

    async fn put_activity(&self, change: &ActivityChange) -> Result<()> {
        self.writer.put_activity(change.clone()).await
    }

    async fn activity(&self, organisations: &[i64], from_day: i64, to_day: i64) -> Result<Vec<ActivityRow>> {
        let args = vec![Arg::Ints(organisations.to_vec()), Arg::Int(from_day), Arg::Int(to_day)];
        Ok(self.reader.rows(R::SQL.activity, args).await?.into_iter().map(rows::activity).collect())
    }

    async fn find_reports(&self, keys: &[ReportRowKey]) -> Result<Vec<(ReportRowKey, i64)>> {
        let found: Vec<(i64, i64, Vec<u8>, i64)> =
            self.reader.rows(R::SQL.find_reports, vec![Arg::Keys(keys.to_vec())]).await?;
        found.into_iter().map(|(at, subject, id, digest)| Ok((rows::report_key(at, subject, &id)?, digest))).collect()
    }

    async fn commit(&self, batch: &Batch) -> Result<Committed> {
        self.writer.commit(batch.clone()).await
    }

    async fn barrier(&self) -> Result<()> {
        self.writer.barrier().await
    }

    async fn size(&self) -> Result<u64> {
        let found: Vec<(i64,)> = self.reader.rows(R::SQL.size, vec![]).await?;
        Ok(found.first().and_then(|(bytes,)| u64::try_from(*bytes).ok()).unwrap_or_default())
    }

    fn connections(&self) -> Connections {
        self.reader.connections()
    }

    async fn lost(&self) -> String {
        self.reader.lost().await
    }

    async fn read_log(&self, after: LogPoint, max_bytes: usize) -> Result<LogRead> {
        let bytes = i64::try_from(max_bytes).unwrap_or(i64::MAX);
        let rows = (bytes / EVENT_BYTES).clamp(LOG_ROWS.0, LOG_ROWS.1);
        let args = || vec![Arg::Int(after.position), Arg::Int(after.tag), Arg::Int(rows), Arg::Int(bytes)];
        Ok(rows::log(self.proven(|| self.reader.rows(sql::READ_LOG, args())).await?))
    }

    async fn point_at(&self, time: Time) -> Result<Result<LogPoint, LogPoint>> {
        let args = vec![Arg::Int(time.as_micros())];
        let found: Vec<(i64, i64, i64, i64, Option<i64>)> = self.reader.rows(sql::POINT_AT, args).await?;
        let (position, tag, trimmed_time, low, low_tag) = rows::one(found)?;
        let trimmed = LogPoint { position, tag };
        if position > 0 && time.as_micros() <= trimmed_time {
            return Ok(Err(trimmed));
        }
        Ok(Ok(low_tag.map_or(trimmed, |tag| LogPoint { position: low, tag })))
    }

    async fn open_alerts(&self) -> Result<(LogPoint, Vec<ListedAlert>)> {
        rows::alerts(self.proven(|| self.reader.rows(sql::OPEN_ALERTS, vec![])).await?)
    }

    async fn list_alerts(&self, query: &AlertQuery) -> Result<(LogPoint, Vec<ListedAlert>)> {
        let sql = if query.descending { R::SQL.list_alerts_newest_first } else { R::SQL.list_alerts };
        rows::alerts(self.reader.rows(sql, query.args()).await?)
    }

    async fn alerts_as_of(&self, query: &AlertQuery, at: LogPoint) -> Result<PastAlerts> {
        let (sql, args) = R::SQL.alerts_as_of.call(query, at);
        rows::past(self.reader.rows(sql, args).await?)
    }

    async fn get_alert(&self, id: AlertId) -> Result<Option<Bytes>> {
        let found: Vec<(Vec<u8>,)> = self.reader.rows(sql::GET_ALERT, vec![blob(id.0)]).await?;
        Ok(found.into_iter().next().map(|(payload,)| payload.into()))
    }

    async fn alert_events(&self, id: AlertId, after: i64, limit: u32) -> Result<Vec<LogEntry>> {
        let args = vec![blob(id.0), Arg::Int(after), Arg::Int(limit.into())];
        let found: Vec<rows::EntryColumns> = self.reader.rows(sql::ALERT_EVENTS, args).await?;
        Ok(found.into_iter().map(rows::entry).collect())
    }

    async fn get_report(&self, key: ReportRowKey) -> Result<Option<StoredReport>> {
        let args = vec![Arg::Int(key.observed.as_micros()), Arg::Int(key.subject), blob(key.id.0)];
        let found = self.reader.rows(sql::GET_REPORT, args).await?;
        found.into_iter().next().map(rows::report).transpose()
    }

    async fn list_reports(
        &self,
        subject: i64,
        from: Time,
        to: Time,
        after: Option<(Time, ReportId)>,
        limit: u32,
    ) -> Result<Vec<StoredReport>> {
        // Every id is greater than no bytes at all.
        let (at, id) = after.map_or((from, Arg::Blob(vec![])), |(at, id)| (at.max(from), blob(id.0)));
        let args =
            vec![Arg::Int(subject), Arg::Int(to.as_micros()), Arg::Int(at.as_micros()), id, Arg::Int(limit.into())];
        self.reader.rows(sql::LIST_REPORTS, args).await?.into_iter().map(rows::report).collect()
    }

    async fn list_audit(&self, query: &AuditQuery) -> Result<Vec<AuditRow>> {
        let (sql, args) = query.call(R::SQL.list_audit_of_subjects);
        Ok(self.reader.rows(sql, args).await?.into_iter().map(rows::audit).collect())
    }

    async fn trim(&self, trim: &Trim) -> Result<u64> {
        self.writer.trim(*trim).await
    }

    async fn close(&self) {
        // The last connection of a SQLite file to close moves the write-ahead log into the file, if it may write: then a
        // copy of the file alone is a whole backup.
        // A read that takes long must not keep the writer from its end.
        let _ = timeout(FAREWELL, self.reader.close()).await;
        self.writer.close().await;
    }
}

fn blob(id: uuid::Uuid) -> Arg {
    Arg::Blob(id.as_bytes().to_vec())
}
