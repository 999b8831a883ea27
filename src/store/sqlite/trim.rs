use sqlx::SqliteConnection;

use crate::store::sqlite::{at_commit, before_commit, sql};
use crate::store::{Result, Trim};

/// Removes what retention lets go, in one transaction. An error leaves it to the caller, who drops the connection.
pub(super) async fn trim(conn: &mut SqliteConnection, trim: &Trim) -> Result<u64> {
    let gone = remove(conn, trim).await.map_err(before_commit)?;
    sqlx::query(sql::COMMIT).execute(conn).await.map_err(at_commit)?;
    Ok(gone)
}

async fn remove(conn: &mut SqliteConnection, trim: &Trim) -> Result<u64, sqlx::Error> {
    let before = trim.events_before.as_micros();
    // By itself: SQLite's count of changes still stands at the last write's after it.
    sqlx::query(sql::BEGIN_WRITE).execute(&mut *conn).await?;
    let reports = sqlx::query(sql::TRIM_REPORTS).bind(trim.reports_before.as_micros()).bind(trim.limit);
    let mut gone = reports.execute(&mut *conn).await?.rows_affected();
    let edge = sqlx::query_as(sql::TRIM_EDGE).bind(before).bind(trim.limit);
    let edge: Option<(i64, i64, i64)> = edge.fetch_optional(&mut *conn).await?;
    if let Some((position, tag, time)) = edge {
        let events = sqlx::query(sql::TRIM_EVENTS).bind(position).bind(tag).bind(time);
        // The head row is among those affected.
        gone += events.execute(&mut *conn).await?.rows_affected() - 1;
    }
    let alerts = sqlx::query(sql::TRIM_ALERTS).bind(trim.limit).execute(conn).await?;
    Ok(gone + alerts.rows_affected())
}
