use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use sqlx::postgres::PgConnectOptions;

use crate::domain::Clock;
use crate::store::{MigrationReport, Store, postgres, sqlite};

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database, as a URL.
    Postgres(String),
}

/// Text that is no database's location.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{given}' is not a database: {why}; write sqlite:PATH or postgres://USER@HOST/NAME")]
pub struct InvalidLocation {
    /// The text; passwords are not repeated.
    pub given: String,
    /// What is wrong with it.
    pub why: String,
}

/// How to open a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which database.
    pub location: Location,
    /// Whether to bring it up to this version first. Otherwise pending migrations are an error.
    pub migrate: bool,
    /// The service's clock; SQLite has none of its own.
    pub clock: Arc<dyn Clock>,
}

/// Why a database could not be opened, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Another process has the SQLite file.
    #[error(
        "{0} is in use by another process: stop that one, or give this one another file with --database sqlite:PATH"
    )]
    Locked(String),
    /// Made by a later version of wardwatch.
    #[error(
        "the database is of a newer version ({found}) than this binary knows ({known}): \
         start a newer wardwatch, or restore a backup made before the upgrade"
    )]
    NewerVersion {
        /// Newest migration in the database.
        found: i64,
        /// Newest migration in the binary.
        known: i64,
    },
    /// Older than this version, and not to be migrated.
    #[error("the database is of an older version: run `wardwatch migrate` first")]
    PendingMigrations,
    /// On a file system that would corrupt it.
    #[error(
        "{path} is on a network file system ({kind}), where SQLite corrupts: \
         give it a local disk with --database sqlite:PATH, or use postgres://"
    )]
    NetworkFileSystem {
        /// The file.
        path: String,
        /// The file system.
        kind: &'static str,
    },
    /// PostgreSQL does not answer, or not us.
    #[error("PostgreSQL at {place} cannot be used: {why}; check the address, the name, the password and that it runs")]
    Unreachable {
        /// Where, without the password.
        place: String,
        /// What it said.
        why: String,
    },
    /// The file cannot be made or written.
    #[error("{path} cannot be written: {why}; check that its folder exists, its permissions and the free space")]
    NotWritable {
        /// The file.
        path: String,
        /// What the system said.
        why: String,
    },
    /// Not a database, or a damaged one.
    #[error("{path} is damaged or no SQLite database ({why}): restore a backup, or give another file")]
    Corrupt {
        /// The file.
        path: String,
        /// What SQLite said.
        why: String,
    },
    /// A migration failed.
    #[error("the database could not be migrated: {0}; restore a backup if this persists")]
    Migration(String),
}

/// Opens a store.
pub async fn open(options: &Options) -> Result<Arc<dyn Store>, OpenError> {
    match &options.location {
        Location::Sqlite(path) => sqlite::open(path, options.migrate, options.clock.clone()).await,
        Location::Postgres(url) => postgres::open(url, options.migrate).await,
    }
}

/// Brings a database up to this version: which migrations were applied, and which were there already.
pub async fn migrate(location: &Location) -> Result<MigrationReport, OpenError> {
    match location {
        Location::Sqlite(path) => sqlite::migrate(path).await,
        Location::Postgres(url) => postgres::migrate(url).await,
    }
}

impl FromStr for Location {
    type Err = InvalidLocation;
    fn from_str(text: &str) -> Result<Self, InvalidLocation> {
        let invalid = |why: &str| InvalidLocation { given: without_password(text), why: why.to_owned() };
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err(invalid("the path is missing")) } else { Ok(Self::Sqlite(path.into())) };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let parsed = PgConnectOptions::from_str(text);
            return parsed.map(|_| Self::Postgres(text.to_owned())).map_err(|e| invalid(&e.to_string()));
        }
        Err(invalid("it begins with neither sqlite: nor postgres://"))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&without_password(url)),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A URL as it may stand in a log: everything but the password, whether given before the @ or as a parameter.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (main, query) = rest.split_once('?').unwrap_or((rest, ""));
    let main = match main.rsplit_once('@') {
        Some((user, host)) => format!("{}@{host}", user.split(':').next().unwrap_or_default()),
        None => main.to_owned(),
    };
    let query: Vec<&str> = query.split('&').filter(|p| !p.is_empty() && !p.starts_with("password=")).collect();
    if query.is_empty() { format!("{scheme}://{main}") } else { format!("{scheme}://{main}?{}", query.join("&")) }
}
