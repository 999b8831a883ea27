//! The embedded store: one file, one writer, a few readers.

mod activity;
pub(super) mod backup;
mod bulk;
mod commit;
mod reader;
mod register;
pub(super) mod restore;
mod scribe;
mod sql;
mod trim;

use std::fs::{File, Metadata, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Error, SqliteConnection};
use tokio::sync::{Mutex, watch};
use tokio::time::MissedTickBehavior;

use crate::domain::Clock;
use crate::store::database::Database;
use crate::store::writer::Writer;
use crate::store::{MigrationReport, OpenError, Result, Store, StoreError, filesystem, migrations};

use reader::SqliteReader;
use scribe::SqliteScribe;

/// How often the file at the path is compared with the open one: a loss is noticed within a second.
const WATCH: Duration = Duration::from_millis(500);

/// Pages of 4 KiB in the write-ahead log before they are moved into the file. At SQLite's 1,000 a busy service does so
/// after every other commit; 32 MiB saved about a fifth of the time of a saturated run.
const CHECKPOINT_PAGES: u32 = 8_000;

/// What the write-ahead log keeps of the disk once it is moved into the file: a copy of the database holds it up, and it
/// may then have grown to gigabytes.
const WAL_BYTES: u32 = 64 << 20;

/// How an error begins that will not go away by itself.
const DAMAGED: &str = "the database file is damaged: restore a backup";

/// Set, with the reason, when the open file is no longer the one at its path, or damaged.
#[derive(Clone, Debug, Default)]
struct Lost(watch::Sender<Option<String>>);

impl Lost {
    fn set(&self, why: String) {
        tracing::error!("{why}: nothing can be stored until the service is started again");
        // The first reason is the one that counts.
        self.0.send_if_modified(|lost| lost.is_none() && lost.replace(why).is_none());
    }
    /// A damaged file does not mend itself: the process had better say so by its end than wait for ever.
    fn note<T>(&self, done: &Result<T>) {
        if let Err(StoreError::Unavailable(why) | StoreError::Unknown(why)) = done
            && why.starts_with(DAMAGED)
        {
            self.set(why.clone());
        }
    }
    fn check(&self) -> Result<()> {
        self.0.borrow().as_ref().map_or(Ok(()), |why| Err(StoreError::Unavailable(why.clone())))
    }
    async fn reason(&self) -> String {
        let mut lost = self.0.subscribe();
        // The sender lives in self, so waiting cannot fail.
        lost.wait_for(Option::is_some).await.ok().and_then(|why| why.clone()).unwrap_or_default()
    }
}

pub(super) async fn open(path: &Path, migrate: bool, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, OpenError> {
    let (mut conn, lock) = prepare(path).await?;
    if migrate {
        migrations::migrate(&mut conn, migrations::SQLITE).await?;
    } else {
        migrations::check(&mut conn, migrations::SQLITE).await?;
    }
    sync_log(path).map_err(|e| open_error(path, &Error::Io(e)))?;
    let reader = SqliteReader::new(path.to_path_buf(), clock);
    let writer = Writer::start(SqliteScribe::new(connect_options(path), conn, reader.lost(), lock));
    Ok(Arc::new(Database { reader, writer, proven: Mutex::default() }))
}

pub(super) async fn migrate(path: &Path) -> Result<MigrationReport, OpenError> {
    let (mut conn, _lock) = prepare(path).await?;
    let report = migrations::migrate(&mut conn, migrations::SQLITE).await?;
    conn.close().await.map_err(|e| open_error(path, &e))?;
    Ok(report)
}

/// What a process wrote and was killed before it could sync is seen by the next, and may be lost with the power. From now on
/// it is answered for. Without a write: the disk may be full.
fn sync_log(path: &Path) -> io::Result<()> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    match File::open(PathBuf::from(log)) {
        Ok(log) => log.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Takes the file for this process and connects to it, making it if it is not there.
async fn prepare(path: &Path) -> Result<(SqliteConnection, File), OpenError> {
    if let Some(kind) = filesystem::of_path(path) {
        return Err(OpenError::NetworkFileSystem { path: path.display().to_string(), kind });
    }
    let lock = lock(path)?;
    let options = connect_options(path).create_if_missing(true).journal_mode(SqliteJournalMode::Wal);
    let conn = options.connect().await.map_err(|e| open_error(path, &e))?;
    Ok((conn, lock))
}

/// SQLite's own locks let two processes take turns; ours keeps the second one out. It ends with the process.
fn lock(path: &Path) -> Result<File, OpenError> {
    let not_writable = |e: io::Error| OpenError::NotWritable { path: path.display().to_string(), why: e.to_string() };
    let mut side = path.as_os_str().to_owned();
    side.push(".lock");
    let file =
        File::options().create(true).truncate(false).write(true).open(PathBuf::from(side)).map_err(not_writable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(path.display().to_string())),
        Err(TryLockError::Error(e)) => Err(not_writable(e)),
    }
}

/// A receipt promises durability, hence FULL: NORMAL may lose the last commits when the power fails.
fn connect_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(false)
        .busy_timeout(Duration::from_secs(5))
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string())
        .pragma("journal_size_limit", WAL_BYTES.to_string())
        .disable_statement_logging()
}

fn open_error(path: &Path, e: &Error) -> OpenError {
    let path = path.display().to_string();
    let why = e.to_string();
    match primary_code(e) {
        Some(BUSY | LOCKED) => OpenError::Locked(path),
        Some(CORRUPT | NOT_A_DATABASE) => OpenError::Corrupt { path, why },
        _ => OpenError::NotWritable { path, why },
    }
}

/// Returns, with what happened, when the file at the path is another one than now, or none. Only looked at, never
/// opened: closing any handle on the file would drop this process's SQLite locks on it (POSIX).
async fn watch_file(path: &Path) -> String {
    let identity = |m: Metadata| (m.dev(), m.ino());
    let first = std::fs::metadata(path).map(identity).ok();
    let mut look = tokio::time::interval(WATCH);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        match tokio::fs::metadata(path).await.map(identity) {
            Ok(now) if first.is_none_or(|first| first == now) => {}
            Ok(_) => return format!("the database file {} was replaced while it was open", path.display()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return format!("the database file {} was moved or deleted while it was open", path.display());
            }
            // Not a reason to believe that it is gone.
            Err(_) => {}
        }
    }
}

// Primary result codes, sqlite.org/rescode.html.
const ERROR: i32 = 1;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const CORRUPT: i32 = 11;
const TOO_BIG: i32 = 18;
const CONSTRAINT: i32 = 19;
const MISMATCH: i32 = 20;
const MISUSE: i32 = 21;
const RANGE: i32 = 25;
const NOT_A_DATABASE: i32 = 26;

/// The lowest byte of the extended code.
fn primary_code(e: &Error) -> Option<i32> {
    let code: i32 = e.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// An error in a transaction that was not yet told to commit: it did nothing.
#[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn before_commit(e: Error) -> StoreError {
    match (&e, primary_code(&e)) {
        (_, Some(ERROR | TOO_BIG | CONSTRAINT | MISMATCH | MISUSE | RANGE)) => StoreError::Refused(e.to_string()),
        (Error::Encode(_) | Error::Decode(_) | Error::ColumnDecode { .. } | Error::ColumnNotFound(_), _) => {
            StoreError::Refused(e.to_string())
        }
        (_, Some(CORRUPT | NOT_A_DATABASE)) => StoreError::Unavailable(format!("{DAMAGED} ({e})")),
        _ => StoreError::Unavailable(e.to_string()),
    }
}

/// An error of the commit itself: the log may have reached the disk before the failure was noticed.
fn at_commit(e: Error) -> StoreError {
    match before_commit(e) {
        StoreError::Unavailable(why) => StoreError::Unknown(why),
        other => other,
    }
}

/// A list as a parameter.
fn json(list: &impl Serialize) -> Result<String> {
    serde_json::to_string(list).map_err(|e| StoreError::Refused(format!("a list cannot be written as JSON: {e}")))
}
