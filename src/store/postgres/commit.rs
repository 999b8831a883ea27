use std::collections::HashSet;

use sqlx::postgres::{PgArguments, PgBindIterExt, PgConnection};
use sqlx::query::Query;
use sqlx::{Error, FromRow, Postgres};

use crate::domain::Time;
use crate::faults::{self, Point};
use crate::store::plan::Plan;
use crate::store::postgres::sql;
use crate::store::{Batch, Committed, LogPoint, SubjectWrite};

type Call = Query<'static, Postgres, PgArguments>;

/// Carries out a batch in one statement.
pub(super) async fn commit(conn: &mut PgConnection, batch: &Batch) -> Result<Committed, Error> {
    let plan = Plan::of(batch.writes.iter());
    if plan.tells() {
        faults::point(Point::BeforeCommit).await;
    }
    let call = sqlx::query(sql::COMMIT).bind(batch.tag).bind(batch.now.as_micros());
    let call = reports(cold(writes(call, batch), &plan), &plan);
    let call = marks(touches(audits(alerts(events(call, &plan), &plan), &plan), &plan), &plan);
    let row = call.fetch_one(conn).await?;
    let (position, tag, log_time, won): (i64, i64, i64, Vec<i64>) = FromRow::from_row(&row)?;
    let won: HashSet<i64> = won.into_iter().collect();
    Ok(Committed {
        won: batch.writes.iter().map(|w| won.contains(&w.subject)).collect(),
        point: LogPoint { position, tag },
        log_time: Time::from_micros(log_time),
    })
}

/// $3 to $6.
fn writes(call: Call, batch: &Batch) -> Call {
    let rows = || batch.writes.iter();
    call.bind(rows().map(|w| w.subject).bind_iter())
        .bind(rows().map(|w| w.base).bind_iter())
        .bind(rows().map(|w| w.hot.as_deref()).bind_iter())
        .bind(rows().map(SubjectWrite::is_check).bind_iter())
}

/// $7 to $11.
fn cold(call: Call, plan: &Plan<'_>) -> Call {
    let rows = || plan.cold.iter();
    call.bind(rows().map(|w| w.subject).bind_iter())
        .bind(rows().map(|w| w.cold.as_deref()).bind_iter())
        .bind(rows().map(|w| w.summary.as_deref()).bind_iter())
        .bind(rows().map(|w| w.next_check.is_some()).bind_iter())
        .bind(rows().map(|w| w.next_check.flatten().map(Time::as_micros)).bind_iter())
}

/// $12 to $17.
fn reports(call: Call, plan: &Plan<'_>) -> Call {
    let rows = || plan.reports.iter().map(|(_, report)| *report);
    call.bind(plan.reports.iter().map(|(subject, _)| *subject).bind_iter())
        .bind(rows().map(|r| r.observed.as_micros()).bind_iter())
        .bind(rows().map(|r| &r.id.0.as_bytes()[..]).bind_iter())
        .bind(rows().map(|r| r.digest).bind_iter())
        .bind(rows().map(|r| r.received.as_micros()).bind_iter())
        .bind(rows().map(|r| &r.payload[..]).bind_iter())
}

/// $18 to $21.
fn events(call: Call, plan: &Plan<'_>) -> Call {
    let rows = || plan.events.iter();
    call.bind(rows().map(|e| e.subject).bind_iter())
        .bind(rows().map(|e| e.ends_input).bind_iter())
        .bind(rows().map(|e| &e.alert.0.as_bytes()[..]).bind_iter())
        .bind(rows().map(|e| &e.payload[..]).bind_iter())
}

/// $22 to $35.
fn alerts(call: Call, plan: &Plan<'_>) -> Call {
    let rows = || plan.alerts.iter().map(|a| a.row);
    call.bind(plan.alerts.iter().map(|a| a.subject).bind_iter())
        .bind(plan.alerts.iter().map(|a| a.last).bind_iter())
        .bind(rows().map(|a| &a.id.0.as_bytes()[..]).bind_iter())
        .bind(rows().map(|a| &*a.subject).bind_iter())
        .bind(rows().map(|a| &*a.organisation).bind_iter())
        .bind(rows().map(|a| &*a.site).bind_iter())
        .bind(rows().map(|a| &*a.region).bind_iter())
        .bind(rows().map(|a| &*a.rule).bind_iter())
        .bind(rows().map(|a| &*a.instance).bind_iter())
        .bind(rows().map(|a| a.state).bind_iter())
        .bind(rows().map(|a| a.condition).bind_iter())
        .bind(rows().map(|a| a.peak_severity).bind_iter())
        .bind(rows().map(|a| a.raised.as_micros()).bind_iter())
        .bind(rows().map(|a| &a.payload[..]).bind_iter())
}

/// $41 and $42: of the alerts too.
fn marks(call: Call, plan: &Plan<'_>) -> Call {
    let rows = || plan.alerts.iter().map(|a| a.row);
    call.bind(rows().map(|a| &*a.strike).bind_iter()).bind(rows().map(|a| a.forecast).bind_iter())
}

/// $36 to $38.
fn audits(call: Call, plan: &Plan<'_>) -> Call {
    let rows = || plan.audits.iter();
    call.bind(rows().map(|a| a.subject).bind_iter())
        .bind(rows().map(|a| a.last).bind_iter())
        .bind(rows().map(|a| &a.entry[..]).bind_iter())
}

/// $39 and $40.
fn touches(call: Call, plan: &Plan<'_>) -> Call {
    let rows = || plan.touches.iter();
    call.bind(rows().map(|(by, _)| *by).bind_iter()).bind(rows().map(|(_, touched)| *touched).bind_iter())
}
