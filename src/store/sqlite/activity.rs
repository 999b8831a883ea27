use sqlx::SqliteConnection;

use crate::store::sqlite::bulk::no_lead;
use crate::store::sqlite::{at_commit, before_commit, sql};
use crate::store::{ActivityChange, Result};

/// Stores activity in one transaction. An error leaves the transaction to the caller, who drops the connection.
pub(super) async fn put(conn: &mut SqliteConnection, change: &ActivityChange) -> Result<()> {
    write(conn, change).await.map_err(before_commit)?;
    sqlx::query(sql::COMMIT).execute(conn).await.map_err(at_commit)?;
    Ok(())
}

async fn write(conn: &mut SqliteConnection, change: &ActivityChange) -> Result<(), sqlx::Error> {
    sqlx::query(sql::BEGIN_WRITE).execute(&mut *conn).await?;
    let (latest, entry) = (change.latest(), [change]);
    let rows = sql::WRITE_ACTIVITY.run(conn, &latest, no_lead, |call, row| {
        let call = call.bind(row.organisation).bind(row.day).bind(row.category);
        let call = call.bind(row.planned).bind(row.delivered).bind(row.postponed);
        call.bind(&*row.source).bind(row.received.as_micros())
    });
    rows.await?;
    let touched = serde_json::to_string(&change.touched).map_err(|e| sqlx::Error::Encode(e.into()))?;
    let touch = sqlx::query(sql::TOUCH).bind(touched).bind(change.tag).bind(change.now.as_micros());
    touch.execute(&mut *conn).await?;
    let audit = sql::WRITE_AUDIT.run(conn, &entry, no_lead, |call, change| {
        let call = call.bind(change.now.as_micros()).bind(change.tag).bind(change.subject());
        call.bind(0_i64).bind(&change.audit[..])
    });
    audit.await
}
