use std::path::PathBuf;
use std::sync::Arc;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqlitePoolOptions, SqliteRow};
use sqlx::{FromRow, query_as};
use tokio_util::task::AbortOnDropHandle;

use crate::domain::{Clock, Time};
use crate::store::calls::{Arg, READ_DEADLINE, Reader, Row, Statements, owned};
use crate::store::sqlite::{Lost, before_commit, connect_options, json, sql};
use crate::store::{Connections, Result, StoreError};

/// Readers at once; each is a thread of its own.
const READERS: u32 = 3;

/// The reading side of a SQLite file; also watches the file.
#[derive(Debug)]
pub(super) struct SqliteReader {
    pool: SqlitePool,
    clock: Arc<dyn Clock>,
    lost: Lost,
    watcher: AbortOnDropHandle<()>,
}

impl SqliteReader {
    pub(super) fn new(path: PathBuf, clock: Arc<dyn Clock>) -> Self {
        let options = connect_options(&path).read_only(true);
        let pool = SqlitePoolOptions::new()
            .max_connections(READERS)
            .max_lifetime(None)
            .idle_timeout(None)
            .test_before_acquire(false)
            .acquire_timeout(READ_DEADLINE)
            .connect_lazy_with(options);
        let lost = Lost::default();
        let watcher = AbortOnDropHandle::new(tokio::spawn(report_loss(path, lost.clone())));
        Self { pool, clock, lost, watcher }
    }
    pub(super) fn lost(&self) -> Lost {
        self.lost.clone()
    }
}

async fn report_loss(path: PathBuf, lost: Lost) {
    lost.set(super::watch_file(&path).await);
}

impl Reader for SqliteReader {
    const NAME: &'static str = "sqlite";
    const SQL: Statements = sql::READS;

    fn clock(&self) -> Option<Time> {
        Some(self.clock.now())
    }

    async fn rows<T: Row>(&self, sql: &'static str, args: Vec<Arg>) -> Result<Vec<T>> {
        self.lost.check()?;
        let pool = self.pool.clone();
        let found = owned(READ_DEADLINE, async move { fetch(&pool, sql, args).await }).await;
        self.lost.note(&found);
        found
    }

    fn connections(&self) -> Connections {
        let pool = &self.pool;
        Connections { open: pool.size(), idle: u32::try_from(pool.num_idle()).unwrap_or_default(), most: READERS }
    }

    async fn lost(&self) -> String {
        self.lost.reason().await
    }

    async fn close(&self) {
        self.watcher.abort();
        self.pool.close().await;
    }
}

async fn fetch<T>(pool: &SqlitePool, sql: &'static str, args: Vec<Arg>) -> Result<Vec<T>>
where
    T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
{
    let mut query = query_as(sql);
    for arg in args {
        query = match arg {
            Arg::Int(n) => query.bind(n),
            Arg::Blob(bytes) => query.bind(bytes),
            Arg::Text(text) => query.bind(text),
            Arg::Ints(list) => query.bind(json(&list)?),
            Arg::Texts(list) => query.bind(json(&list)?),
            Arg::Keys(keys) => {
                let hex = |k: &crate::store::ReportRowKey| k.id.0.simple().to_string();
                let keys: Vec<_> = keys.iter().map(|k| (k.observed.as_micros(), k.subject, hex(k))).collect();
                query.bind(json(&keys)?)
            }
        };
    }
    // A read that fails changed nothing, so its outcome is never in doubt.
    query.fetch_all(pool).await.map_err(before_commit).map_err(|e| match e {
        StoreError::Unknown(why) => StoreError::Unavailable(why),
        other => other,
    })
}
