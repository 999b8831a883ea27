//! Storage that is away in every way it can be: streams wait, nothing is claimed, and all goes on when it is back.

use sqlx::Connection as _;

use super::cluster::{Base, Cluster};

/// The lock that every write takes first, held by another one until released.
#[derive(Debug)]
pub enum Lock {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

/// Takes the lock; returns when it is held.
pub async fn lock(cluster: &Cluster) -> Lock {
    match &cluster.base {
        Base::Sqlite(_) => {
            let mut conn = sqlx::SqliteConnection::connect(&cluster.url(0)).await.unwrap();
            // It waits for whoever has it, as long as SQLite's own patience lasts.
            sqlx::raw_sql("PRAGMA busy_timeout = 60000; BEGIN IMMEDIATE").execute(&mut conn).await.unwrap();
            Lock::Sqlite(conn)
        }
        Base::Postgres { primary, .. } => {
            let mut conn = sqlx::PgConnection::connect(&primary.url("ward")).await.unwrap();
            sqlx::raw_sql("BEGIN; SELECT position FROM head FOR UPDATE").execute(&mut conn).await.unwrap();
            Lock::Postgres(conn)
        }
    }
}

impl Lock {
    pub async fn release(self) {
        match self {
            Self::Sqlite(conn) => conn.close().await.unwrap(),
            Self::Postgres(conn) => conn.close().await.unwrap(),
        }
    }
}
