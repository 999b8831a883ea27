use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{FromRow, PgPool, query_as};

use crate::domain::Time;
use crate::store::calls::{Arg, READ_DEADLINE, Reader, Row, Statements, owned};
use crate::store::postgres::{read_error, sql};
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
    pool: ArcSwap<PgPool>,
    closed: AtomicBool,
}

impl PgReader {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        let options = options.options(SETTINGS);
        let pool = ArcSwap::from_pointee(pool(&options));
        Self { options, pool, closed: AtomicBool::new(false) }
    }

    /// Puts a fresh pool in the place of the one that failed, unless another caller has done so.
    fn replace(&self, failed: &Arc<PgPool>) {
        if self.closed.load(Ordering::Acquire) {
            return;
        }
        let before = self.pool.compare_and_swap(failed, Arc::new(pool(&self.options)));
        if Arc::ptr_eq(&before, failed) {
            tracing::warn!("a connection to PostgreSQL failed: connecting anew");
            let failed = Arc::clone(failed);
            // It waits for the calls still under way, which have deadlines.
            tokio::spawn(async move { failed.close().await });
        }
    }
}

fn pool(options: &PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(ACQUIRE_DEADLINE)
        .test_before_acquire(false)
        .connect_lazy_with(options.clone())
}

impl Reader for PgReader {
    const NAME: &'static str = "postgres";
    const SQL: Statements = sql::READS;

    fn clock(&self) -> Option<Time> {
        None
    }

    async fn rows<T: Row>(&self, sql: &'static str, args: Vec<Arg>) -> Result<Vec<T>> {
        let pool = self.pool.load_full();
        let used = Arc::clone(&pool);
        let found = owned(READ_DEADLINE, async move { fetch(&used, sql, args).await }).await;
        if let Err(StoreError::Unavailable(_)) = found {
            self.replace(&pool);
        }
        found
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.pool.load_full().close().await;
    }
}

async fn fetch<T>(pool: &PgPool, sql: &'static str, args: Vec<Arg>) -> Result<Vec<T>>
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
    query.fetch_all(pool).await.map_err(|e| read_error(&e))
}
