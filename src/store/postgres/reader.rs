use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{FromRow, PgPool, query_as};
use tokio_util::sync::CancellationToken;

use crate::domain::Time;
use crate::store::calls::{Arg, Reader, Row, Statements, owned};
use crate::store::postgres::line::Line;
use crate::store::postgres::{cancelled, read_error, sql};
use crate::store::{Result, StoreError};

/// Connections for reading.
const READERS: u32 = 4;
/// How long a read waits for a connection; less than its deadline, so that it can say so.
const ACQUIRE_DEADLINE: Duration = Duration::from_secs(5);

/// The server's limits for a read.
const SETTINGS: [(&str, &str); 3] =
    [("default_transaction_read_only", "on"), ("lock_timeout", "5s"), ("statement_timeout", "8s")];

/// The reading side of a PostgreSQL database. The pool is thrown away after any failure of a connection: sqlx 0.9 has
/// no keepalive, and a pool leaks the place of a connection whose peer is silently gone (sqlx issues 3540, 4349).
#[derive(Debug)]
pub(super) struct PgReader {
    options: PgConnectOptions,
    line: Line,
    pool: ArcSwap<Pool>,
    closed: AtomicBool,
}

/// Some connections, until one of them fails.
#[derive(Debug)]
struct Pool {
    connections: PgPool,
    /// Cancelled when it is replaced: what is still read over it is not waited for.
    failed: CancellationToken,
    /// It took the place of one that failed, and nothing was read over it yet.
    unproven: AtomicBool,
}

impl PgReader {
    pub(super) fn new(options: PgConnectOptions, line: Line) -> Self {
        let options = options.options(SETTINGS);
        let pool = ArcSwap::from_pointee(Pool::new(&options, false));
        Self { options, line, pool, closed: AtomicBool::new(false) }
    }

    /// Puts a fresh pool in the place of the one that failed, unless another caller has done so.
    fn replace(&self, failed: &Arc<Pool>) {
        if self.closed.load(Ordering::Acquire) {
            return;
        }
        let before = self.pool.compare_and_swap(failed, Arc::new(Pool::new(&self.options, true)));
        if Arc::ptr_eq(&before, failed) {
            // Said once: as long as the server is away each fresh pool fails like the one before.
            if !failed.unproven.load(Ordering::Relaxed) {
                tracing::warn!("a connection to PostgreSQL failed: connecting anew");
            }
            failed.failed.cancel();
            let failed = Arc::clone(failed);
            // It waits for the calls still under way, which have been told.
            tokio::spawn(async move { failed.connections.close().await });
        }
    }
}

impl Pool {
    fn new(options: &PgConnectOptions, unproven: bool) -> Self {
        let connections = PgPoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(ACQUIRE_DEADLINE)
            .test_before_acquire(false)
            .connect_lazy_with(options.clone());
        Self { connections, failed: CancellationToken::new(), unproven: AtomicBool::new(unproven) }
    }
}

impl Reader for PgReader {
    const NAME: &'static str = "postgres";
    const SQL: Statements = sql::READS;

    fn clock(&self) -> Option<Time> {
        None
    }

    async fn rows_within<T: Row>(&self, deadline: Duration, sql: &'static str, args: Vec<Arg>) -> Result<Vec<T>> {
        let pool = self.pool.load_full();
        let used = Arc::clone(&pool);
        let reading = async move {
            let fetched = fetch(&used.connections, sql, args);
            let cut = || Err(Failure::Connection("another call found the connection dead".into()));
            Ok(used.failed.run_until_cancelled(fetched).await.unwrap_or_else(cut))
        };
        let found = owned(deadline, reading).await.unwrap_or_else(|e| Err(Failure::Connection(e.to_string())));
        match found {
            Ok(rows) => {
                if pool.unproven.swap(false, Ordering::Relaxed) {
                    self.line.renewed();
                }
                Ok(rows)
            }
            Err(Failure::Connection(why)) => {
                self.replace(&pool);
                Err(StoreError::Unavailable(why))
            }
            Err(Failure::Statement(error)) => Err(error),
        }
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.pool.load_full().connections.close().await;
    }
}

/// What a read failed by.
enum Failure {
    /// The way to the server: the pool goes.
    Connection(String),
    /// The server understood and said no, or not now: its connections are good.
    Statement(StoreError),
}

async fn fetch<T>(pool: &PgPool, sql: &'static str, args: Vec<Arg>) -> Result<Vec<T>, Failure>
where
    T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let mut query = query_as(sql);
    for arg in args {
        query = match arg {
            Arg::Int(n) => query.bind(n),
            Arg::Blob(bytes) => query.bind(bytes),
            Arg::Text(text) => query.bind(text),
            Arg::Ints(list) => query.bind(list),
            Arg::Texts(list) => query.bind(list),
            Arg::Keys(keys) => query
                .bind(keys.iter().map(|k| k.observed.as_micros()).collect::<Vec<_>>())
                .bind(keys.iter().map(|k| k.subject).collect::<Vec<_>>())
                .bind(keys.iter().map(|k| k.id.0.as_bytes().to_vec()).collect::<Vec<_>>()),
        };
    }
    query.fetch_all(pool).await.map_err(|e| match read_error(&e) {
        StoreError::Unavailable(why) if !cancelled(&e) => Failure::Connection(why),
        error => Failure::Statement(error),
    })
}
