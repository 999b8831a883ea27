use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{FromRow, PgPool, query_as};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use crate::domain::Time;
use crate::store::calls::{Arg, READ_DEADLINE, Reader, Row, Statements, owned};
use crate::store::postgres::line::Line;
use crate::store::postgres::{cancelled, read_error, sql};
use crate::store::{Connections, Result, StoreError};

/// Connections for reading.
const READERS: u32 = 4;
/// How long a read waits for a connection; less than its deadline, so that it can say so.
const ACQUIRE_DEADLINE: Duration = Duration::from_secs(5);

/// How long a read may take altogether: longer than the server's own limit, which says so by itself.
const FETCH_DEADLINE: Duration = Duration::from_secs(9);

/// The server's limits for a read.
const SETTINGS: [(&str, &str); 3] =
    [("default_transaction_read_only", "on"), ("lock_timeout", "5s"), ("statement_timeout", "8s")];

/// The reading side of a PostgreSQL database. While the server is not there reads wait for it, as long as their deadline
/// lasts, and one that was under way when it was lost is made anew: reading changes nothing.
#[derive(Debug)]
pub(super) struct PgReader {
    shared: Arc<Shared>,
    watcher: AbortOnDropHandle<()>,
}

/// What reads under way have of it. The pool is thrown away after any failure of a connection, and when the server was found
/// anew: sqlx 0.9 leaks the place of a connection whose peer is silently gone (issue 4349).
#[derive(Debug)]
struct Shared {
    options: PgConnectOptions,
    line: Line,
    pool: ArcSwap<Pool>,
    /// How many pools there were.
    pools: AtomicU64,
    closed: AtomicBool,
}

/// Some connections, until one of them fails.
#[derive(Debug)]
struct Pool {
    connections: PgPool,
    /// How often the server had been found anew when it was made.
    found: u64,
}

impl PgReader {
    pub(super) fn new(options: PgConnectOptions, line: Line) -> Self {
        let options = options.options(SETTINGS);
        let pool = ArcSwap::from_pointee(Pool::new(&options, &line));
        let watcher = AbortOnDropHandle::new(tokio::spawn(line.clone().watch(options.clone())));
        Self {
            shared: Arc::new(Shared { options, line, pool, pools: AtomicU64::new(1), closed: AtomicBool::new(false) }),
            watcher,
        }
    }
}

impl Shared {
    async fn rows<T: Row>(&self, sql: &'static str, args: Vec<Arg>) -> Result<Vec<T>> {
        let mut again = true;
        loop {
            if self.closed.load(Ordering::Acquire) {
                return Err(StoreError::Unavailable("the store is closed".into()));
            }
            self.line.up().await;
            let pool = self.pool();
            let fetched = async {
                let fetched = timeout(FETCH_DEADLINE, fetch(&pool.connections, sql, args.clone())).await;
                fetched.unwrap_or_else(|_| Err(Failure::Connection("no answer, not even that it took too long".into())))
            };
            match self.line.while_up(fetched).await {
                Some(Ok(rows)) => return Ok(rows),
                Some(Err(Failure::Statement(error))) => return Err(error),
                Some(Err(Failure::Connection(why))) => {
                    self.replace(&pool);
                    // Once more: connections that were idle while the server was restarted fail when they are used.
                    if !std::mem::take(&mut again) {
                        return Err(StoreError::Unavailable(why));
                    }
                }
                None => {}
            }
        }
    }

    /// The pool, a fresh one if the server was found anew since it was made.
    fn pool(&self) -> Arc<Pool> {
        let pool = self.pool.load_full();
        if pool.found == self.line.found() {
            return pool;
        }
        self.replace(&pool);
        self.pool.load_full()
    }

    /// Puts a fresh pool in the place of the one that failed, unless another caller has done so.
    fn replace(&self, failed: &Arc<Pool>) {
        if self.closed.load(Ordering::Acquire) {
            return;
        }
        let before = self.pool.compare_and_swap(failed, Arc::new(Pool::new(&self.options, &self.line)));
        if Arc::ptr_eq(&before, failed) {
            self.pools.fetch_add(1, Ordering::AcqRel);
            tracing::debug!("reading over fresh connections to PostgreSQL");
            let failed = Arc::clone(failed);
            // It waits for the calls still under way, which have deadlines.
            tokio::spawn(async move { failed.connections.close().await });
        }
    }
}

impl Pool {
    fn new(options: &PgConnectOptions, line: &Line) -> Self {
        let connections = PgPoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(ACQUIRE_DEADLINE)
            .test_before_acquire(false)
            .connect_lazy_with(options.clone());
        Self { connections, found: line.found() }
    }
}

impl Reader for PgReader {
    const NAME: &'static str = "postgres";
    const SQL: Statements = sql::READS;

    fn clock(&self) -> Option<Time> {
        None
    }

    async fn rows<T: Row>(&self, sql: &'static str, args: Vec<Arg>) -> Result<Vec<T>> {
        let shared = Arc::clone(&self.shared);
        owned(READ_DEADLINE, async move { shared.rows(sql, args).await }).await
    }

    fn connections(&self) -> Connections {
        let pool = self.shared.pool.load_full();
        let pool = &pool.connections;
        Connections { open: pool.size(), idle: u32::try_from(pool.num_idle()).unwrap_or_default(), most: READERS }
    }

    fn connected(&self) -> u64 {
        self.shared.line.found() + self.shared.pools.load(Ordering::Acquire)
    }

    async fn close(&self) {
        self.shared.closed.store(true, Ordering::Release);
        self.watcher.abort();
        self.shared.pool.load_full().connections.close().await;
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
