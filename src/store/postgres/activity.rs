use sqlx::Error;
use sqlx::postgres::{PgBindIterExt, PgConnection};

use crate::store::ActivityChange;
use crate::store::postgres::sql;

/// Stores activity in one statement.
pub(super) async fn put(conn: &mut PgConnection, change: &ActivityChange) -> Result<(), Error> {
    let latest = change.latest();
    let rows = || latest.iter();
    let call = sqlx::query(sql::PUT_ACTIVITY)
        .bind(change.tag)
        .bind(change.now.as_micros())
        .bind(&change.touched)
        .bind(change.subject())
        .bind(&change.audit[..])
        .bind(rows().map(|r| r.organisation).bind_iter())
        .bind(rows().map(|r| r.day).bind_iter())
        .bind(rows().map(|r| r.category).bind_iter())
        .bind(rows().map(|r| r.planned).bind_iter())
        .bind(rows().map(|r| r.delivered).bind_iter())
        .bind(rows().map(|r| r.postponed).bind_iter())
        .bind(rows().map(|r| &*r.source).bind_iter())
        .bind(rows().map(|r| r.received.as_micros()).bind_iter());
    call.execute(conn).await.map(|_| ())
}
