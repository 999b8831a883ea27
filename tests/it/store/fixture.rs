//! A fresh store for a test, and short ways to say what a test commits.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use sqlx::{AssertSqlSafe, Connection};
use tempfile::TempDir;
use uuid::Uuid;
use wardwatch::clock::ManualClock;
use wardwatch::domain::{AlertId, ReportId, SubjectName, Time};
use wardwatch::store::{
    AlertRow, Batch, Committed, ConfigChange, ConfigKind, ConfigOutcome, ConfigWrite, EventRow, FirstState, InputRows,
    Location, LogEntry, LogPoint, LogRead, OpenError, Options, ReportRow, Store, SubjectRow, SubjectWrite, open,
};

use crate::support::postgres::TestDatabase;

/// A new, empty database with a store on it.
#[derive(Debug)]
pub struct Fresh {
    pub store: Arc<dyn Store>,
    pub place: Place,
}

/// Where it is; gone when dropped.
#[derive(Debug)]
pub enum Place {
    Sqlite(TempDir),
    Postgres(TestDatabase),
}

impl Fresh {
    pub async fn sqlite() -> Self {
        Self::at(Place::Sqlite(TempDir::new().unwrap())).await
    }
    pub async fn postgres() -> Option<Self> {
        Some(Self::at(Place::Postgres(TestDatabase::create().await?)).await)
    }
    async fn at(place: Place) -> Self {
        Self { store: place.open().await.unwrap(), place }
    }
    /// So many stores over one database. A SQLite file has one store, which all use.
    pub async fn replicas(&self, count: usize) -> Vec<Arc<dyn Store>> {
        let mut stores = vec![self.store.clone()];
        while stores.len() < count {
            stores.push(match &self.place {
                Place::Sqlite(_) => self.store.clone(),
                Place::Postgres(_) => self.place.open().await.unwrap(),
            });
        }
        stores
    }
}

impl Place {
    pub fn file(folder: &TempDir) -> PathBuf {
        folder.path().join("wardwatch.db")
    }
    pub fn location(&self) -> Location {
        match self {
            Self::Sqlite(folder) => Location::Sqlite(Self::file(folder)),
            Self::Postgres(database) => Location::Postgres(database.url()),
        }
    }
    pub async fn open(&self) -> Result<Arc<dyn Store>, OpenError> {
        open(&options(self.location())).await
    }
    /// Runs a statement behind the store's back.
    pub async fn execute(&self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(folder) => {
                let url = format!("sqlite:{}", Self::file(folder).display());
                let mut conn = sqlx::SqliteConnection::connect(&url).await?;
                sqlx::raw_sql(sql).execute(&mut conn).await?;
                conn.close().await
            }
            Self::Postgres(database) => {
                let mut conn = database.connect().await;
                sqlx::raw_sql(sql).execute(&mut conn).await?;
                conn.close().await
            }
        }
    }
    /// One number that a statement finds behind the store's back.
    pub async fn number(&self, sql: &str) -> i64 {
        let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Sqlite(folder) => {
                let url = format!("sqlite:{}", Self::file(folder).display());
                let mut conn = sqlx::SqliteConnection::connect(&url).await.unwrap();
                query.fetch_one(&mut conn).await.unwrap()
            }
            Self::Postgres(database) => {
                let sql = AssertSqlSafe(sql.to_owned());
                sqlx::query_scalar(sql).fetch_one(&mut database.connect().await).await.unwrap()
            }
        }
    }
}

pub fn options(location: Location) -> Options {
    Options { location, migrate: true, clock: Arc::new(ManualClock::new(at(0))) }
}

/// Seconds after 08:00 on the first day of the strike of 2016.
pub fn at(seconds: i64) -> Time {
    Time::from_micros(1_461_654_000_000_000 + seconds * 1_000_000)
}

pub fn tag() -> i64 {
    fastrand::i64(1..)
}

pub fn alert_id(n: u64) -> AlertId {
    AlertId(Uuid::from_u64_pair(n << 32, 1 << 63))
}

pub fn report_id(n: u64) -> ReportId {
    ReportId(Uuid::from_u64_pair(n, 1 << 63))
}

pub fn organisation(code: &str) -> SubjectName {
    format!("organisations/{code}").parse().unwrap()
}

pub fn ward(organisation: &str, code: &str) -> SubjectName {
    format!("organisations/{organisation}/wards/{code}").parse().unwrap()
}

pub fn group(organisation: &str, code: &str) -> SubjectName {
    format!("organisations/{organisation}/coverGroups/{code}").parse().unwrap()
}

pub fn config_write(name: SubjectName, payload: &str) -> ConfigWrite {
    let kind = match name {
        SubjectName::Organisation(_) => ConfigKind::Organisation,
        SubjectName::Ward(..) => ConfigKind::Ward,
        SubjectName::CoverGroup(..) => ConfigKind::CoverGroup,
    };
    let first = FirstState {
        hot: Bytes::from_static(b"first hot"),
        cold: Bytes::from_static(b"first cold"),
        next_check: Some(at(3_600)),
    };
    ConfigWrite { kind, name, payload: payload.to_owned().into(), first }
}

pub fn change(base: i64, rows: Vec<ConfigWrite>) -> ConfigChange {
    let audit = Bytes::from_static(b"register");
    ConfigChange { base, rows, context: vec![], touched: vec![], tag: tag(), now: at(0), audit }
}

/// Registers an organisation and its wards, and returns the wards' subjects in the order given.
pub async fn registered(store: &dyn Store, code: &str, wards: &[&str]) -> Vec<SubjectRow> {
    let base = store.head().await.unwrap().generation;
    let mut rows = vec![config_write(organisation(code), "organisation")];
    rows.extend(wards.iter().map(|w| config_write(ward(code, w), "ward")));
    let changed = store.change_config(&change(base, rows)).await.unwrap();
    assert_eq!(changed, ConfigOutcome::Changed(base + 1));
    let rows = store.load_config(base).await.unwrap().rows;
    let number = |w: &&str| rows.iter().find(|r| r.name == ward(code, w)).unwrap().number;
    subjects(store, &wards.iter().map(number).collect::<Vec<_>>()).await
}

/// The subjects with these numbers, in this order.
pub async fn subjects(store: &dyn Store, numbers: &[i64]) -> Vec<SubjectRow> {
    let mut found = store.load_subjects(numbers).await.unwrap();
    found.sort_by_key(|s| numbers.iter().position(|n| *n == s.number));
    found
}

pub async fn subject(store: &dyn Store, number: i64) -> SubjectRow {
    subjects(store, &[number]).await.remove(0)
}

/// A write that changes only the hot bytes.
pub fn write(subject: &SubjectRow) -> SubjectWrite {
    SubjectWrite {
        subject: subject.number,
        base: subject.etag,
        hot: Some(Bytes::from_static(b"hot")),
        ..SubjectWrite::default()
    }
}

pub fn report(observed: Time, n: u64) -> ReportRow {
    let payload = Bytes::from(format!("report {n}"));
    ReportRow { observed, id: report_id(n), digest: i64::try_from(n).unwrap(), received: observed, payload }
}

/// One input that makes an event of each of these alerts.
pub fn input(alerts: &[u64]) -> InputRows {
    let event = |n: &u64| EventRow { alert: alert_id(*n), payload: format!("event of {n}").into() };
    InputRows { events: alerts.iter().map(event).collect(), audit: Some(Bytes::from_static(b"audit")) }
}

pub const OPEN: i32 = 1;
pub const ACKNOWLEDGED: i32 = 2;
pub const RESOLVED: i32 = AlertRow::RESOLVED;

/// An open alert number `n`, raised n seconds after the start.
pub fn alert(n: u64, state: i32) -> AlertRow {
    AlertRow {
        id: alert_id(n),
        rule: "ratio.over_limit".into(),
        instance: n.to_string(),
        subject: "organisations/RJ1/wards/A1".into(),
        organisation: "RJ1".into(),
        site: "RJ121".into(),
        region: "Y56".into(),
        state,
        condition: 1,
        peak_severity: 2,
        strike: String::new(),
        forecast: false,
        raised: at(i64::try_from(n).unwrap()),
        payload: format!("alert {n} in state {state}").into(),
    }
}

/// A write with an event and the new state of each of these alerts.
pub fn raising(subject: &SubjectRow, alerts: Vec<AlertRow>) -> SubjectWrite {
    let events = alerts.iter().map(|a| EventRow { alert: a.id, payload: a.payload.clone() }).collect();
    let inputs = vec![InputRows { events, audit: Some(Bytes::from_static(b"audit")) }];
    SubjectWrite { inputs, alerts, ..write(subject) }
}

pub fn batch(now: Time, writes: Vec<SubjectWrite>) -> Batch {
    Batch { tag: tag(), now, writes }
}

/// Commits one write, which must win.
pub async fn commit(store: &dyn Store, now: Time, write: SubjectWrite) -> Committed {
    let done = store.commit(&batch(now, vec![write])).await.unwrap();
    assert_eq!(done.won, [true]);
    done
}

/// All entries after a place, read in steps.
pub async fn read_all(store: &dyn Store, after: LogPoint, max_bytes: usize) -> Vec<LogEntry> {
    let mut entries: Vec<LogEntry> = Vec::new();
    loop {
        let from = entries.last().map_or(after, |e| e.point);
        match store.read_log(from, max_bytes).await.unwrap() {
            LogRead::Entries(more) if more.is_empty() => return entries,
            LogRead::Entries(more) => entries.extend(more),
            other => panic!("reading after {from:?} gave {other:?}"),
        }
    }
}
