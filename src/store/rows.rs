use bytes::Bytes;
use uuid::Uuid;

use crate::domain::{AlertId, ReportId, Time};
use crate::store::calls::subject_name;
use crate::store::{
    ActivityRow, AuditRow, Config, ConfigKind, ConfigRow, ContextKind, ContextRow, Head, ListedAlert, LogEntry,
    LogPoint, LogRead, PastAlert, PastAlerts, ReportRowKey, Result, Shown, StoreError, StoredReport, SubjectRow,
};

/// Columns of `head`: log, position, tag, time, generation, trimmed position and tag, the database's clock.
pub(super) type HeadColumns = (i64, i64, i64, i64, i64, i64, i64, i64);
/// The register's generation; then a row's source, kind, number, name, generation, time of record and payload.
/// Source 0: the register; 1: context, which has a version for a number.
pub(super) type ConfigColumns =
    (i64, Option<i32>, Option<i32>, Option<i64>, Option<String>, Option<i64>, Option<i64>, Option<Vec<u8>>);
/// Name, version, kind, generation, time of record, payload.
pub(super) type ContextColumns = (String, i64, i32, i64, i64, Vec<u8>);
/// Number, organisation, name, etag, generation, next check, hot, cold, summary.
pub(super) type SubjectColumns = (i64, i64, String, i64, i64, Option<i64>, Vec<u8>, Vec<u8>, Vec<u8>);
/// Position, tag, time, end of input, payload.
pub(super) type EntryColumns = (i64, i64, i64, bool, Vec<u8>);
/// Verdict, trimmed position and tag; then an entry.
pub(super) type LogColumns = (i64, i64, i64, Option<i64>, Option<i64>, Option<i64>, Option<bool>, Option<Vec<u8>>);
/// The log's place; then raise time, id and payload of an alert.
pub(super) type AlertColumns = (i64, i64, Option<i64>, Option<Vec<u8>>, Option<Vec<u8>>);
/// Verdict, trimmed position and tag; then raise time and id of an alert, position and time of its event, and a payload.
pub(super) type PastColumns = (i64, i64, i64, Option<i64>, Option<Vec<u8>>, Option<i64>, Option<i64>, Option<Vec<u8>>);
/// Organisation, day, category, planned, delivered, postponed, source, received.
pub(super) type ActivityColumns = (i64, i64, i32, Option<i64>, Option<i64>, Option<i64>, String, i64);
/// Number, time, subject, position, entry.
pub(super) type AuditColumns = (i64, i64, Option<i64>, i64, Vec<u8>);
/// Observed, id, received, payload.
pub(super) type ReportColumns = (i64, Vec<u8>, i64, Vec<u8>);

const fn time(micros: i64) -> Time {
    Time::from_micros(micros)
}

fn uuid(bytes: &[u8]) -> Result<Uuid> {
    Uuid::from_slice(bytes).map_err(|e| StoreError::Refused(format!("a stored id is damaged: {e}")))
}

/// The one row of a statement that always has one.
pub(super) fn one<T>(rows: Vec<T>) -> Result<T> {
    rows.into_iter().next().ok_or_else(|| StoreError::Refused("the database has no head row".into()))
}

pub(super) fn head(row: HeadColumns, clock: Option<Time>) -> Head {
    let (log_id, position, tag, log_time, generation, trimmed_position, trimmed_tag, now) = row;
    Head {
        log_id,
        point: LogPoint { position, tag },
        log_time: time(log_time),
        generation,
        trimmed: LogPoint { position: trimmed_position, tag: trimmed_tag },
        now: clock.unwrap_or(time(now)),
    }
}

/// Rows of a kind that only a later version knows are left out: they are for rules this one does not have.
pub(super) fn config(found: Vec<ConfigColumns>) -> Result<Config> {
    let mut config = Config { generation: found.first().map_or(0, |row| row.0), ..Config::default() };
    for row in found {
        let (_, Some(source), Some(kind), Some(number), Some(name), Some(generation), Some(at), Some(payload)) = row
        else {
            continue;
        };
        if source == 1 {
            config.context.extend(context((name, number, kind, generation, at, payload)));
        } else if let Some(kind) = ConfigKind::from_number(kind) {
            let name = subject_name(&name)?;
            config.rows.push(ConfigRow { kind, name, number, generation, payload: payload.into() });
        }
    }
    // Not by the database, whose order of texts depends on its locale.
    config.context.sort_by(|a, b| (&a.name, a.version).cmp(&(&b.name, b.version)));
    Ok(config)
}

/// None for a kind that only a later version knows.
pub(super) fn context((name, version, kind, generation, at, payload): ContextColumns) -> Option<ContextRow> {
    let kind = ContextKind::from_number(kind)?;
    Some(ContextRow { kind, name, version, generation, recorded: time(at), payload: payload.into() })
}

pub(super) fn subject(row: SubjectColumns) -> Result<SubjectRow> {
    let (number, organisation, name, etag, generation, next_check, hot, cold, summary) = row;
    Ok(SubjectRow {
        number,
        organisation,
        name: subject_name(&name)?,
        etag,
        generation,
        next_check: next_check.map(time),
        hot: hot.into(),
        cold: cold.into(),
        summary: summary.into(),
    })
}

pub(super) fn entry((position, tag, at, ends_input, payload): EntryColumns) -> LogEntry {
    LogEntry { point: LogPoint { position, tag }, time: time(at), ends_input, payload: payload.into() }
}

pub(super) fn log(rows: Vec<LogColumns>) -> LogRead {
    let mut entries = Vec::with_capacity(rows.len());
    for (verdict, trimmed_position, trimmed_tag, position, tag, at, ends_input, payload) in rows {
        match verdict {
            0 => {}
            1 => return LogRead::Expired(LogPoint { position: trimmed_position, tag: trimmed_tag }),
            _ => return LogRead::OtherHistory,
        }
        if let (Some(position), Some(tag), Some(at), Some(ends_input), Some(payload)) =
            (position, tag, at, ends_input, payload)
        {
            entries.push(entry((position, tag, at, ends_input, payload)));
        }
    }
    // Whole inputs only: what follows the last end is read next time.
    let whole = entries.iter().rposition(|e| e.ends_input).map_or(0, |last| last + 1);
    entries.truncate(whole);
    LogRead::Entries(entries)
}

pub(super) fn alerts(rows: Vec<AlertColumns>) -> Result<(LogPoint, Vec<ListedAlert>)> {
    let mut point = LogPoint::default();
    let mut alerts = Vec::with_capacity(rows.len());
    for (position, tag, raised, id, payload) in rows {
        point = LogPoint { position, tag };
        if let (Some(raised), Some(id), Some(payload)) = (raised, id, payload) {
            alerts.push(ListedAlert { raised: time(raised), id: AlertId(uuid(&id)?), payload: payload.into() });
        }
    }
    Ok((point, alerts))
}

pub(super) fn past(rows: Vec<PastColumns>) -> Result<PastAlerts> {
    let mut alerts = Vec::with_capacity(rows.len());
    for (verdict, trimmed_position, trimmed_tag, raised, id, position, at, payload) in rows {
        match verdict {
            0 => {}
            1 => return Ok(PastAlerts::Expired(LogPoint { position: trimmed_position, tag: trimmed_tag })),
            _ => return Ok(PastAlerts::OtherHistory),
        }
        let (Some(raised), Some(id), Some(payload)) = (raised, id, payload) else { continue };
        let shown = match position.zip(at) {
            Some((position, at)) => Shown::Event { position, log_time: time(at), payload: payload.into() },
            None => Shown::Alert(payload.into()),
        };
        alerts.push(PastAlert { raised: time(raised), id: AlertId(uuid(&id)?), shown });
    }
    Ok(PastAlerts::Alerts(alerts))
}

pub(super) fn activity(row: ActivityColumns) -> ActivityRow {
    let (organisation, day, category, planned, delivered, postponed, source, received) = row;
    let received = time(received);
    ActivityRow { organisation, day, category, planned, delivered, postponed, source, received }
}

pub(super) fn audit((sequence, at, subject, position, entry): AuditColumns) -> AuditRow {
    AuditRow { sequence, recorded: time(at), subject, position, entry: entry.into() }
}

pub(super) fn report((observed, id, received, payload): ReportColumns) -> Result<StoredReport> {
    Ok(StoredReport {
        observed: time(observed),
        id: ReportId(uuid(&id)?),
        received: time(received),
        payload: payload.into(),
    })
}

pub(super) fn report_key(observed: i64, subject: i64, id: &[u8]) -> Result<ReportRowKey> {
    Ok(ReportRowKey { observed: time(observed), subject, id: ReportId(uuid(id)?) })
}

pub(super) fn summary(
    (number, name, bytes): (i64, String, Vec<u8>),
) -> Result<(i64, crate::domain::SubjectName, Bytes)> {
    Ok((number, subject_name(&name)?, bytes.into()))
}
