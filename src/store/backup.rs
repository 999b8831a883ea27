//! Copies of a database that is in use, and putting one back. Not part of the trait: whoever asks need not have a store open.

use std::path::{Path, PathBuf};

use crate::domain::Time;
use crate::store::{Location, OpenError, sqlite};

/// How far a database reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Names the log.
    pub log_id: i64,
    /// The newest event.
    pub position: i64,
    /// Its time; `None` when there is no event.
    pub last_event: Option<Time>,
    /// When the newest report was received; `None` when there is none.
    pub last_report: Option<Time>,
}

/// A copy that was made and read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Where.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// What it holds.
    pub reach: Reach,
}

/// A copy that was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the database holds now; the log id is a new one.
    pub reach: Reach,
    /// Where the database is that was there before, if one was.
    pub before: Option<PathBuf>,
}

/// Why a copy was not made, or not put back. One line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// PostgreSQL has its own ways.
    #[error("this is for SQLite; PostgreSQL has pg_dump, pg_basebackup and its archive: docs/backup.md")]
    Postgres,
    /// Nothing to copy.
    #[error("there is no database {0}: name another with --database sqlite:PATH")]
    NoDatabase(String),
    /// The database cannot be copied.
    #[error("{path} cannot be copied: {why}")]
    Unreadable {
        /// The database.
        path: String,
        /// What the system or SQLite said.
        why: String,
    },
    /// A copy is never written over anything.
    #[error("{0} exists: name another file, or a folder, with --to")]
    Exists(String),
    /// The copy cannot be written.
    #[error("{path} cannot be written: {why}; check that its folder exists, its permissions and the free space")]
    NotWritable {
        /// The file.
        path: String,
        /// What the system said.
        why: String,
    },
    /// The copy is not good.
    #[error("{path} cannot be used as a backup: {why}; use another one")]
    Unusable {
        /// The copy.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is a database where the copy should go.
    #[error("{0} exists: --replace keeps it beside the restored one, or name another with --database sqlite:PATH")]
    Occupied(String),
    /// The database cannot be opened, or the copy is of a newer version.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Copies a SQLite database, whether a service runs on it or not, into `part`; when that is whole, read back and on the
/// disk, it becomes `file`. A `part` of an earlier attempt goes.
///
/// # Errors
/// Nothing is left behind then.
pub async fn backup(location: &Location, part: &Path, file: &Path) -> Result<Backup, BackupError> {
    match location {
        Location::Sqlite(path) => sqlite::backup::backup(path, part, file).await,
        Location::Postgres(_) => Err(BackupError::Postgres),
    }
}

/// Puts a copy in a SQLite database's place, under a new log id: every cursor of before is refused. What was there is kept
/// under `keep_as` (beside it, its name with this behind), or is an error without one.
///
/// # Errors
/// The database that was there is untouched then, unless its own files cannot be moved.
pub async fn restore(copy: &Path, location: &Location, keep_as: Option<&str>) -> Result<Restored, BackupError> {
    match location {
        Location::Sqlite(path) => sqlite::restore::restore(copy, path, keep_as).await,
        Location::Postgres(_) => Err(BackupError::Postgres),
    }
}
