use std::future::Future;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Error, Executor, PgConnection};
use tokio::time::timeout;

use crate::store::calls::Scribe;
use crate::store::postgres::line::Line;
use crate::store::postgres::{activity, commit, notices, register, sql, unreachable, write_error};
use crate::store::{ActivityChange, Batch, Committed, ConfigChange, ConfigOutcome, Result, StoreError, Trim};

/// How long connecting may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// How long a write may take. Longer than the server's own limits, so that it usually says itself what happened.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// The server's limits for a write, and how it shall plan. Every row is reached by its key and every list is short, but
/// the planner cannot know that of arrays it has not seen: a general plan, joined by hashing, is right for one report
/// and for thousands, and is made once.
const SETTINGS: [(&str, &str); 8] = [
    ("default_transaction_isolation", "read committed"),
    ("lock_timeout", "5s"),
    ("statement_timeout", "20s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_nestloop", "off"),
    ("enable_seqscan", "off"),
    ("jit", "off"),
];

/// The writing side of a PostgreSQL database.
#[derive(Debug)]
pub(super) struct PgScribe {
    options: PgConnectOptions,
    line: Line,
    /// None at first and after an error, until the next order. With how often the server had been found anew when it was
    /// made.
    conn: Option<(u64, PgConnection)>,
}

impl PgScribe {
    pub(super) fn new(options: PgConnectOptions, line: Line) -> Self {
        Self { options: options.options(SETTINGS), line, conn: None }
    }

    async fn connection(&mut self) -> Result<&mut PgConnection> {
        let found = self.line.found();
        let conn = match self.conn.take().filter(|(made, _)| *made == found) {
            Some((_, conn)) => conn,
            None => match self.line.answer(timeout(CONNECT_DEADLINE, connect(&self.options))).await {
                Some(Ok(connected)) => connected.map_err(|e| unreachable(&e))?,
                Some(Err(_)) | None => {
                    return Err(StoreError::Unavailable("connecting to PostgreSQL took too long".into()));
                }
            },
        };
        Ok(&mut self.conn.insert((found, conn)).1)
    }

    /// After anything but a refusal the connection goes: dropped, not cancelled, because a cancel request may end a
    /// wait for replication and be taken for a commit.
    fn settle<T>(&mut self, done: Result<T>) -> Result<T> {
        if matches!(done, Err(StoreError::Unavailable(_) | StoreError::Unknown(_))) {
            self.conn = None;
        }
        done
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, Error> {
    let mut conn = options.connect().await?;
    conn.execute(sql::DURABLE).await?;
    Ok(conn)
}

impl Scribe for PgScribe {
    async fn commit(&mut self, batch: &Batch) -> Result<Committed> {
        let line = self.line.clone();
        let done = answered(&line, commit::commit(self.connection().await?, batch)).await;
        self.settle(done)
    }
    async fn barrier(&mut self) -> Result<()> {
        let line = self.line.clone();
        let done = answered(&line, self.connection().await?.execute(sql::BARRIER)).await;
        self.settle(done.map(drop))
    }
    async fn change_config(&mut self, change: &ConfigChange) -> Result<ConfigOutcome> {
        let line = self.line.clone();
        let done = answered(&line, register::change_config(self.connection().await?, change)).await;
        self.settle(done)
    }
    async fn put_activity(&mut self, change: &ActivityChange) -> Result<()> {
        let line = self.line.clone();
        let done = answered(&line, activity::put(self.connection().await?, change)).await;
        self.settle(done)
    }
    async fn trim(&mut self, trim: &Trim) -> Result<u64> {
        let line = self.line.clone();
        let (reports, events) = (trim.reports_before.as_micros(), trim.events_before.as_micros());
        let call = sqlx::query_scalar(sql::TRIM).bind(reports).bind(events).bind(i64::from(trim.limit));
        let done: Result<i64> = answered(&line, call.fetch_one(self.connection().await?)).await;
        self.settle(done.map(|gone| u64::try_from(gone).unwrap_or(0)))
    }
    async fn close(&mut self) {
        if let Some((_, conn)) = self.conn.take() {
            // A farewell; the server notices either way.
            let _ = timeout(CONNECT_DEADLINE, conn.close()).await;
        }
    }
}

/// What the server answers to a write; without an answer nobody knows whether it was done.
async fn answered<T>(line: &Line, call: impl Future<Output = Result<T, Error>>) -> Result<T> {
    let warnings = notices::heard();
    match line.answer(timeout(WRITE_DEADLINE, call)).await {
        Some(Ok(Ok(_))) if notices::heard() != warnings => {
            Err(StoreError::Unknown("PostgreSQL warned that it may not have reached the standby".into()))
        }
        Some(Ok(done)) => done.map_err(|e| write_error(&e)),
        Some(Err(_)) => Err(StoreError::Unknown(format!("no answer within {} s", WRITE_DEADLINE.as_secs()))),
        None => Err(StoreError::Unknown("no answer, while the server was reached over another connection".into())),
    }
}
