//! A copy takes a database's place.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteJournalMode;
use sqlx::{ConnectOptions, Connection, Error, SqliteConnection};
use tokio::fs;

use super::backup::{beside, discard, flush, folder, inspect, shown};
use crate::store::OpenError;
use crate::store::backup::{BackupError, Reach, Restored};
use crate::store::sqlite::{connect_options, filesystem, lock};

/// Another log: whoever comes with a cursor of before is told so, instead of missing what the copy does not hold.
const NEW_LOG: &str = "UPDATE head SET log_id = (random() & 9223372036854775807) | 1 RETURNING log_id";

/// What SQLite keeps beside a database. A write-ahead log that stayed would be played into the copy.
const SIDES: [&str; 2] = ["-wal", "-shm"];

pub(in crate::store) async fn restore(
    copy: &Path,
    database: &Path,
    keep_as: Option<&str>,
) -> Result<Restored, BackupError> {
    if let Some(kind) = filesystem::of_path(database) {
        return Err(OpenError::NetworkFileSystem { path: shown(database), kind }.into());
    }
    // Held until all is done: nobody may start on half of it.
    let _lock = lock(database)?;
    if keep_as.is_none() && is_there(database) {
        return Err(BackupError::Occupied(shown(database)));
    }
    whole_by_itself(copy).await?;
    let reach = inspect(copy).await?;
    let part = beside(database, ".restoring");
    discard(&part).await;
    let done = replace(copy, &part, database, keep_as).await;
    if done.is_err() {
        discard(&part).await;
    }
    let (log_id, before) = done?;
    Ok(Restored { reach: Reach { log_id, ..reach }, before })
}

/// Whether a database is there, or what was beside one.
fn is_there(database: &Path) -> bool {
    database.exists() || beside(database, "-wal").exists()
}

/// A database that was in use when it was copied as a file has a part of its content in its write-ahead log.
async fn whole_by_itself(copy: &Path) -> Result<(), BackupError> {
    let unusable = |why: String| BackupError::Unusable { path: shown(copy), why };
    let found = fs::metadata(copy).await.map_err(|e| unusable(e.to_string()))?;
    if !found.is_file() {
        return Err(unusable("it is no file".into()));
    }
    if fs::metadata(beside(copy, "-wal")).await.is_ok_and(|wal| wal.len() > 0) {
        let why = format!("a part of it is in {}-wal: make one of it with 'wardwatch backup'", shown(copy));
        return Err(unusable(why));
    }
    Ok(())
}

async fn replace(
    copy: &Path,
    part: &Path,
    database: &Path,
    keep_as: Option<&str>,
) -> Result<(i64, Option<PathBuf>), BackupError> {
    let not_writable = |e: io::Error| BackupError::NotWritable { path: shown(database), why: e.to_string() };
    fs::copy(copy, part).await.map_err(not_writable)?;
    allow_writing(part).await.map_err(not_writable)?;
    let log_id = begin_log(part).await.map_err(|e| not_writable(io::Error::other(e)))?;
    flush(part).await.map_err(not_writable)?;
    let before = match keep_as {
        Some(suffix) if is_there(database) => Some(set_aside(database, suffix).await.map_err(not_writable)?),
        _ => None,
    };
    fs::rename(part, database).await.map_err(not_writable)?;
    flush(folder(database)).await.map_err(not_writable)?;
    Ok((log_id, before))
}

/// A copy in an archive may be read-only, and that is copied too.
async fn allow_writing(part: &Path) -> io::Result<()> {
    let mut permissions = fs::metadata(part).await?.permissions();
    permissions.set_mode(permissions.mode() | 0o600);
    fs::set_permissions(part, permissions).await
}

async fn begin_log(part: &Path) -> Result<i64, Error> {
    let options = connect_options(part).journal_mode(SqliteJournalMode::Delete);
    let mut conn: SqliteConnection = options.connect().await?;
    let log_id = sqlx::query_scalar(NEW_LOG).fetch_one(&mut conn).await?;
    conn.close().await?;
    Ok(log_id)
}

/// Keeps the database and what belongs to it under another name. The database's own name stays until the copy takes it: a
/// service that is started after a power cut must not find nothing, and begin anew.
async fn set_aside(database: &Path, suffix: &str) -> io::Result<PathBuf> {
    let before = beside(database, suffix);
    if before.exists() {
        return Err(io::Error::other(format!("{} exists", shown(&before))));
    }
    for side in SIDES.iter().filter(|side| beside(database, side).exists()) {
        fs::rename(beside(database, side), beside(&before, side)).await?;
    }
    if database.exists() && fs::hard_link(database, &before).await.is_err() {
        // A file system without links.
        fs::rename(database, &before).await?;
    }
    Ok(before)
}
