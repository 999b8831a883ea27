//! A PostgreSQL database per test, on the private server that `tests/run` starts.

use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A database of one test's own; dropped with it.
#[derive(Debug)]
pub struct TestDatabase {
    server: String,
    name: String,
}

impl TestDatabase {
    /// An empty database; `None`, said aloud, when PostgreSQL was switched off with WARDWATCH_TEST_PG=off.
    ///
    /// # Panics
    /// When there is no PostgreSQL and nobody switched it off: a store that is not tested is a failure.
    pub async fn create() -> Option<Self> {
        let Ok(server) = std::env::var("WARDWATCH_TEST_POSTGRES") else {
            if std::env::var("WARDWATCH_TEST_PG").is_ok_and(|v| v == "off") {
                eprintln!("NOT TESTED ON POSTGRESQL: WARDWATCH_TEST_PG=off");
                return None;
            }
            panic!(
                "no PostgreSQL to test on: run tests/run, which starts a private one (or set WARDWATCH_TEST_POSTGRES \
                 to the URL of a server where databases may be made, or WARDWATCH_TEST_PG=off to leave it out)"
            );
        };
        let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let sql = format!("CREATE DATABASE {name} TEMPLATE template0");
        connect(&server).await.execute(AssertSqlSafe(sql)).await.expect("a test's database can be made");
        Some(Self { server, name })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        let (base, query) =
            self.server.split_once('?').map_or((&*self.server, String::new()), |(b, q)| (b, format!("?{q}")));
        let (server, _) = base.rsplit_once('/').expect("the server's URL ends in a database's name");
        format!("{server}/{}{query}", self.name)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements on the server, not connected to this database.
    pub async fn on_server(&self, sql: &str) {
        for statement in sql.split(';') {
            connect(&self.server).await.execute(AssertSqlSafe(statement.to_owned())).await.expect("the server obeys");
        }
    }

    /// A connection for looking behind the store's back.
    pub async fn connect(&self) -> PgConnection {
        connect(&self.url()).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A thread with a runtime of its own, because the test's may be ending.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let mut conn = connect(&server).await;
                let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                if let Err(e) = conn.execute(AssertSqlSafe(sql)).await {
                    eprintln!("the test database {name} stays behind: {e}");
                }
                let _ = conn.close().await;
            });
        });
        let _ = dropping.join();
    }
}

async fn connect(url: &str) -> PgConnection {
    let options = PgConnectOptions::from_str(url).expect("WARDWATCH_TEST_POSTGRES is a postgres:// URL");
    options.connect().await.expect("the test server of WARDWATCH_TEST_POSTGRES answers")
}
