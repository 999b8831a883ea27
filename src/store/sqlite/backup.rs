//! A copy of a database that is in use.

use std::io;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Error, SqliteConnection};
use tokio::fs;

use crate::domain::Time;
use crate::store::backup::{Backup, BackupError, Reach};
use crate::store::sqlite::connect_options;
use crate::store::{OpenError, migrations};

/// How far it reaches. That the log ends where the head says tells a copy of half a transaction, which must not exist.
const REACH: &str = "
SELECT log_id, position, log_time, (SELECT max(received) FROM report),
  position = coalesce((SELECT max(position) FROM event), trimmed_position)
FROM head";

pub(in crate::store) async fn backup(database: &Path, part: &Path, file: &Path) -> Result<Backup, BackupError> {
    if !fs::try_exists(database).await.unwrap_or(true) {
        return Err(BackupError::NoDatabase(shown(database)));
    }
    if fs::try_exists(file).await.unwrap_or(true) {
        return Err(BackupError::Exists(shown(file)));
    }
    discard(part).await;
    let made = make(database, part, file).await;
    if made.is_err() {
        discard(part).await;
    }
    made
}

async fn make(database: &Path, part: &Path, file: &Path) -> Result<Backup, BackupError> {
    copy(database, part).await?;
    let not_writable = |e: io::Error| BackupError::NotWritable { path: shown(file), why: e.to_string() };
    // As readable as the database itself, and no more.
    let like = fs::metadata(database).await.map_err(not_writable)?.permissions();
    fs::set_permissions(part, like).await.map_err(not_writable)?;
    flush(part).await.map_err(not_writable)?;
    let reach = inspect(part).await?;
    let bytes = fs::metadata(part).await.map_err(not_writable)?.len();
    fs::rename(part, file).await.map_err(not_writable)?;
    flush(folder(file)).await.map_err(not_writable)?;
    Ok(Backup { file: file.to_owned(), bytes, reach })
}

/// VACUUM INTO reads everything in one transaction. Under a write-ahead log that keeps no writer waiting; the log grows
/// meanwhile, because what the copy still reads cannot be moved out of it.
async fn copy(database: &Path, part: &Path) -> Result<(), BackupError> {
    let unreadable = |e: Error| BackupError::Unreadable { path: shown(database), why: e.to_string() };
    let target = std::path::absolute(part).ok().and_then(|p| p.into_os_string().into_string().ok());
    let not_text = || BackupError::NotWritable { path: shown(part), why: "its path is not text".into() };
    let target = target.ok_or_else(not_text)?;
    let mut conn = connect_options(database).read_only(true).connect().await.map_err(unreadable)?;
    let copied = sqlx::query("VACUUM INTO $1").bind(target).execute(&mut conn).await;
    // It only read.
    let _ = conn.close().await;
    copied.map(drop).map_err(|e| match super::primary_code(&e) {
        Some(super::CORRUPT | super::NOT_A_DATABASE) => unreadable(e),
        // It may be the folder of either; the database is read all the time, the folder of copies is not.
        _ => BackupError::NotWritable { path: shown(part), why: e.to_string() },
    })
}

/// Reads a whole copy: whether it is sound, of a version that is known, and how far it reaches.
pub(super) async fn inspect(copy: &Path) -> Result<Reach, BackupError> {
    let unusable = |why: String| BackupError::Unusable { path: shown(copy), why };
    // Immutable: nothing may be made beside it, and the folder may be on a disk that is read-only or far away.
    let options =
        SqliteConnectOptions::new().filename(copy).immutable(true).read_only(true).disable_statement_logging();
    let mut conn = options.connect().await.map_err(|e| unusable(e.to_string()))?;
    let found = look(&mut conn).await;
    let _ = conn.close().await;
    found.map_err(|problem| match problem {
        Problem::Sqlite(e) => unusable(e.to_string()),
        Problem::Wrong(why) | Problem::Open(OpenError::Migration(why)) => unusable(why),
        Problem::Open(e) => e.into(),
    })
}

/// What is wrong with a copy.
#[derive(Debug)]
enum Problem {
    Sqlite(Error),
    Open(OpenError),
    Wrong(String),
}

impl From<Error> for Problem {
    fn from(e: Error) -> Self {
        Self::Sqlite(e)
    }
}

async fn look(conn: &mut SqliteConnection) -> Result<Reach, Problem> {
    if !migrations::any(conn, migrations::SQLITE).await.map_err(Problem::Open)? {
        return Err(Problem::Wrong("it is no database of wardwatch".into()));
    }
    let sound: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut *conn).await?;
    if sound != "ok" {
        return Err(Problem::Wrong(format!("it is damaged ({sound})")));
    }
    let (log_id, position, log_time, received, whole): (i64, i64, i64, Option<i64>, bool) =
        sqlx::query_as(REACH).fetch_one(conn).await?;
    if !whole {
        return Err(Problem::Wrong("its log does not end where its head says".into()));
    }
    let last_event = (position > 0).then(|| Time::from_micros(log_time));
    Ok(Reach { log_id, position, last_event, last_report: received.map(Time::from_micros) })
}

/// Removes what an attempt left, and what SQLite may have kept beside it.
pub(super) async fn discard(part: &Path) {
    for path in [part.to_owned(), beside(part, "-journal"), beside(part, "-wal"), beside(part, "-shm")] {
        // Mostly there is nothing.
        let _ = fs::remove_file(path).await;
    }
}

/// What is in a file, or which files are in a folder, is on the disk when this returns.
pub(super) async fn flush(path: &Path) -> io::Result<()> {
    fs::File::open(path).await?.sync_all().await
}

pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file's name with something behind it.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}
