use std::fs::File;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::store::calls::Scribe;
use crate::store::sqlite::{Lost, activity, at_commit, before_commit, commit, register, sql, trim};
use crate::store::{ActivityChange, Batch, Committed, ConfigChange, ConfigOutcome, Result, Trim};

/// The writing side of a SQLite file.
#[derive(Debug)]
pub(super) struct SqliteScribe {
    options: SqliteConnectOptions,
    /// None after an error, until the next order.
    conn: Option<SqliteConnection>,
    lost: Lost,
    /// Held until the store is closed: no second process may open the file.
    lock: Option<File>,
}

impl SqliteScribe {
    pub(super) fn new(options: SqliteConnectOptions, conn: SqliteConnection, lost: Lost, lock: File) -> Self {
        Self { options, conn: Some(conn), lost, lock: Some(lock) }
    }

    async fn connection(&mut self) -> Result<&mut SqliteConnection> {
        self.lost.check()?;
        if let Some(conn) = self.conn.take() {
            return Ok(self.conn.insert(conn));
        }
        let connected = self.options.connect().await.map_err(before_commit);
        self.lost.note(&connected);
        Ok(self.conn.insert(connected?))
    }

    /// After an error the connection goes, and with it whatever transaction it was left in.
    async fn settle<T>(&mut self, done: Result<T>) -> Result<T> {
        self.lost.note(&done);
        if let (Err(_), Some(conn)) = (&done, self.conn.take_if(|_| done.is_err())) {
            // What failed before may well fail again here; the file handles are gone either way.
            let _ = conn.close().await;
        }
        done
    }
}

impl Scribe for SqliteScribe {
    async fn commit(&mut self, batch: &Batch) -> Result<Committed> {
        let done = commit::commit(self.connection().await?, batch).await;
        self.settle(done).await
    }
    async fn barrier(&mut self) -> Result<()> {
        let done = sqlx::raw_sql(sql::BARRIER).execute(self.connection().await?).await;
        self.settle(done.map(drop).map_err(at_commit)).await
    }
    async fn change_config(&mut self, change: &ConfigChange) -> Result<ConfigOutcome> {
        let done = register::change_config(self.connection().await?, change).await;
        self.settle(done).await
    }
    async fn put_activity(&mut self, change: &ActivityChange) -> Result<()> {
        let done = activity::put(self.connection().await?, change).await;
        self.settle(done).await
    }
    async fn trim(&mut self, trim: &Trim) -> Result<u64> {
        let done = trim::trim(self.connection().await?, trim).await;
        self.settle(done).await
    }
    async fn close(&mut self) {
        if let Some(conn) = self.conn.take() {
            // Everything acknowledged is in the write-ahead log already.
            let _ = conn.close().await;
        }
        self.lock = None;
    }
}
