use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Error, SqlSafeStr};

use crate::store::OpenError;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/migrations.rs"));
}

pub(super) use embedded::{POSTGRES, SQLITE};

/// Version, name and text of every migration of one engine.
pub(super) type Known = &'static [(i64, &'static str, &'static str)];

/// What `wardwatch migrate` did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MigrationReport {
    /// Versions applied now, with their names.
    pub applied: Vec<(i64, String)>,
    /// Versions that were there before.
    pub present: Vec<(i64, String)>,
}

/// Brings a database up to this binary's version.
pub(super) async fn migrate(conn: &mut impl Migrate, known: Known) -> Result<MigrationReport, OpenError> {
    let before = applied(conn).await?;
    refuse_newer(&before, known)?;
    // Another replica may be at it: sqlx takes an advisory lock and looks again.
    migrator(known).run_direct(None, conn, false).await.map_err(|e| OpenError::Migration(e.to_string()))?;
    let (present, applied) = known
        .iter()
        .map(|(version, name, _)| (*version, (*name).to_owned()))
        .partition(|(version, _)| before.contains(version));
    Ok(MigrationReport { applied, present })
}

/// Refuses a database that is not of this binary's version.
pub(super) async fn check(conn: &mut impl Migrate, known: Known) -> Result<(), OpenError> {
    let there = applied(conn).await?;
    refuse_newer(&there, known)?;
    if known.iter().all(|(version, ..)| there.contains(version)) { Ok(()) } else { Err(OpenError::PendingMigrations) }
}

fn refuse_newer(there: &[i64], known: Known) -> Result<(), OpenError> {
    let newest = known.iter().map(|(version, ..)| *version).max().unwrap_or(0);
    match there.iter().max() {
        Some(found) if *found > newest => Err(OpenError::NewerVersion { found: *found, known: newest }),
        _ => Ok(()),
    }
}

async fn applied(conn: &mut impl Migrate) -> Result<Vec<i64>, OpenError> {
    let table = migrator(&[]).table_name;
    match conn.list_applied_migrations(&table).await {
        Ok(there) => Ok(there.into_iter().map(|m| m.version).collect()),
        Err(MigrateError::Execute(Error::Database(e))) if no_such_table(&*e) => Ok(vec![]),
        Err(e) => Err(OpenError::Migration(e.to_string())),
    }
}

/// PostgreSQL says so with a code (42P01, undefined_table), SQLite in words.
fn no_such_table(e: &dyn sqlx::error::DatabaseError) -> bool {
    e.code().is_some_and(|c| c == "42P01") || e.message().starts_with("no such table")
}

fn migrator(known: Known) -> Migrator {
    let migration = |(version, name, text): &(i64, &'static str, &'static str)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, (*text).into_sql_str(), false)
    };
    let mut migrator = Migrator::with_migrations(known.iter().map(migration).collect());
    migrator.set_ignore_missing(true);
    migrator
}
