use sqlx::Error;
use sqlx::postgres::{PgBindIterExt, PgConnection};

use crate::domain::{SubjectName, Time};
use crate::store::postgres::sql;
use crate::store::register::subject_kind;
use crate::store::{ConfigChange, ConfigOutcome};

/// Changes the register in one statement.
pub(super) async fn change_config(conn: &mut PgConnection, change: &ConfigChange) -> Result<ConfigOutcome, Error> {
    let rows = || change.rows.iter();
    let context = || change.context.iter();
    let organisation = |name: &SubjectName| SubjectName::Organisation(name.organisation().clone()).to_string();
    let call = sqlx::query(sql::CHANGE_CONFIG)
        .bind(change.base)
        .bind(change.tag)
        .bind(change.now.as_micros())
        .bind(&change.audit[..])
        .bind(&change.touched)
        .bind(rows().map(|r| r.name.to_string()).bind_iter())
        .bind(rows().map(|r| organisation(&r.name)).bind_iter())
        .bind(rows().map(|r| subject_kind(&r.name)).bind_iter())
        .bind(rows().map(|r| r.kind.number()).bind_iter())
        .bind(rows().map(|r| &r.payload[..]).bind_iter())
        .bind(rows().map(|r| &r.first.hot[..]).bind_iter())
        .bind(rows().map(|r| &r.first.cold[..]).bind_iter())
        .bind(rows().map(|r| r.first.next_check.map(Time::as_micros)).bind_iter())
        .bind(context().map(|c| &*c.name).bind_iter())
        .bind(context().map(|c| c.version).bind_iter())
        .bind(context().map(|c| c.kind.number()).bind_iter())
        .bind(context().map(|c| &c.payload[..]).bind_iter());
    let changed = call.try_map(|row| sqlx::Row::try_get(&row, 0)).fetch_optional(conn).await?;
    Ok(changed.map_or(ConfigOutcome::Conflict, ConfigOutcome::Changed))
}
