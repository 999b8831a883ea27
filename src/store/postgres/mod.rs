//! The shared store: any number of replicas over one PostgreSQL.

mod activity;
mod commit;
mod line;
mod notices;
mod reader;
mod register;
mod scribe;
mod sql;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Error, PgConnection};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::store::database::Database;
use crate::store::open::without_password;
use crate::store::writer::Writer;
use crate::store::{MigrationReport, OpenError, Store, StoreError, migrations};

pub use notices::warnings_heard;

use line::Line;
use reader::PgReader;
use scribe::PgScribe;

/// How long opening waits for the server.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

pub(super) async fn open(url: &str, migrate: bool) -> Result<Arc<dyn Store>, OpenError> {
    let options = connect_options(url)?;
    let mut conn = connect(url, &options).await?;
    if migrate {
        migrations::migrate(&mut conn, migrations::POSTGRES).await?;
    } else {
        migrations::check(&mut conn, migrations::POSTGRES).await?;
    }
    conn.close().await.map_err(|e| cannot_open(url, &e))?;
    let line = Line::default();
    let writer = Writer::start(PgScribe::new(options.clone(), line.clone()));
    Ok(Arc::new(Database { reader: PgReader::new(options, line), writer, proven: Mutex::default() }))
}

pub(super) async fn migrate(url: &str) -> Result<MigrationReport, OpenError> {
    let mut conn = connect(url, &connect_options(url)?).await?;
    let report = migrations::migrate(&mut conn, migrations::POSTGRES).await?;
    conn.close().await.map_err(|e| cannot_open(url, &e))?;
    Ok(report)
}

/// A connection of its own for migrations, which lock for as long as it lives.
async fn connect(url: &str, options: &PgConnectOptions) -> Result<PgConnection, OpenError> {
    let connected = timeout(CONNECT_DEADLINE, options.connect()).await;
    connected
        .map_err(|_| OpenError::Unreachable { place: without_password(url), why: "no answer".into() })?
        .map_err(|e| cannot_open(url, &e))
}

fn connect_options(url: &str) -> Result<PgConnectOptions, OpenError> {
    let options = PgConnectOptions::from_str(url).map_err(|e| cannot_open(url, &e))?;
    // A slow statement would be logged with its whole text; how long commits take is for the metrics to say.
    Ok(options.application_name("wardwatch").disable_statement_logging())
}

fn cannot_open(url: &str, e: &Error) -> OpenError {
    OpenError::Unreachable { place: without_password(url), why: e.to_string() }
}

/// What a code (SQLSTATE) says of the statement it ended.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It did nothing and may be tried again.
    Again,
    /// The connection ended under it; it may have been committed just before.
    Unknown,
    /// It did nothing, and never will.
    Refused,
}

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn verdict(code: &str) -> Verdict {
    match code {
        // Serialisation, deadlock, lock or statement timeout, a standby, starting up or recovering.
        "40001" | "40P01" | "55P03" | "57014" | "25006" | "57P03" | "57P05" | "58030" => Verdict::Again,
        // The server is going down or crashed under us; 40003 says it in so many words.
        "40003" | "57P01" | "57P02" => Verdict::Unknown,
        // Out of space, memory or connections.
        _ if code.starts_with("53") => Verdict::Again,
        _ if code.starts_with("08") => Verdict::Unknown,
        // A password or role that was taken away may be given back: an outage, not a poisoned row.
        _ if code.starts_with("28") || code.starts_with("3D") => Verdict::Again,
        _ => Verdict::Refused,
    }
}

/// An error of connecting: nothing was sent.
fn unreachable(e: &Error) -> StoreError {
    StoreError::Unavailable(e.to_string())
}

/// An error of a write.
fn write_error(e: &Error) -> StoreError {
    let why = e.to_string();
    match e {
        Error::Database(db) => match verdict(db.code().as_deref().unwrap_or_default()) {
            Verdict::Again => StoreError::Unavailable(why),
            Verdict::Unknown => StoreError::Unknown(why),
            Verdict::Refused => StoreError::Refused(why),
        },
        Error::Encode(_) | Error::InvalidArgument(_) => StoreError::Refused(why),
        // Whatever else went wrong did so while the statement was out of our hands.
        _ => StoreError::Unknown(why),
    }
}

/// Whether the server ended the statement at a limit of ours: a slow answer, and no dead connection.
fn cancelled(e: &Error) -> bool {
    // lock_not_available, query_canceled
    e.as_database_error().and_then(DatabaseError::code).is_some_and(|code| matches!(&*code, "55P03" | "57014"))
}

/// An error of a read, which changes nothing and so is never in doubt.
fn read_error(e: &Error) -> StoreError {
    match (e, write_error(e)) {
        (Error::Decode(_) | Error::ColumnDecode { .. } | Error::ColumnNotFound(_), error) => {
            StoreError::Refused(error.to_string())
        }
        (_, StoreError::Unknown(why)) => StoreError::Unavailable(why),
        (_, error) => error,
    }
}
