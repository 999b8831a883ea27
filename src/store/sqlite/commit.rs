use std::collections::HashSet;

use sqlx::SqliteConnection;

use crate::domain::Time;
use crate::faults::{self, Point};
use crate::store::plan::Plan;
use crate::store::sqlite::bulk::no_lead;
use crate::store::sqlite::{at_commit, before_commit, json, sql};
use crate::store::{Batch, Committed, LogPoint, Result, rows};

type HeadRow = (i64, i64, i64, Option<i64>);

/// Carries out a batch in one transaction. An error leaves the transaction to the caller, who drops the connection.
pub(super) async fn commit(conn: &mut SqliteConnection, batch: &Batch) -> Result<Committed> {
    let bases: Vec<(i64, i64)> = batch.writes.iter().map(|w| (w.subject, w.base)).collect();
    let begin = sqlx::query_as(sql::BEGIN).bind(json(&bases)?);
    let rows: Vec<HeadRow> = begin.fetch_all(&mut *conn).await.map_err(before_commit)?;
    let lost: HashSet<i64> = rows.iter().filter_map(|row| row.3).collect();
    let (position, tag, log_time, _) = rows::one(rows)?;
    let won: Vec<bool> = (0..).zip(&batch.writes).map(|(i, _)| !lost.contains(&i)).collect();
    let winners = batch.writes.iter().zip(&won).filter_map(|(write, won)| won.then_some(write));

    let plan = Plan::of(winners);
    let mut write = Write {
        tag: batch.tag,
        now: batch.now,
        before: LogPoint { position, tag },
        log_time: Time::from_micros(log_time),
    };
    if plan.event_count() > 0 {
        write.log_time = write.log_time.max(batch.now);
    }
    write.rows(conn, &plan).await.map_err(before_commit)?;
    if plan.tells() {
        faults::point(Point::BeforeCommit).await;
    }
    let point = write.finish(conn, plan.event_count()).await.map_err(at_commit)?;
    Ok(Committed { won, point, log_time: write.log_time })
}

/// What all rows of a commit share.
#[derive(Debug)]
struct Write {
    tag: i64,
    now: Time,
    before: LogPoint,
    log_time: Time,
}

impl Write {
    async fn rows(&self, conn: &mut SqliteConnection, plan: &Plan<'_>) -> Result<(), sqlx::Error> {
        let hot = sql::WRITE_HOT.run(
            conn,
            &plan.hot,
            |call| call.bind(self.tag),
            |call, (number, hot)| call.bind(*number).bind(hot.map(|h| &h[..])),
        );
        hot.await?;
        let reports = sql::WRITE_REPORTS.run(conn, &plan.reports, no_lead, |call, (subject, r)| {
            let call = call.bind(r.observed.as_micros()).bind(*subject).bind(&r.id.0.as_bytes()[..]);
            call.bind(r.digest).bind(r.received.as_micros()).bind(&r.payload[..])
        });
        reports.await?;
        let cold = sql::WRITE_COLD.run(conn, &plan.cold, no_lead, |call, w| {
            let call = call.bind(w.subject).bind(w.cold.as_deref()).bind(w.summary.as_deref());
            call.bind(w.next_check.is_some()).bind(w.next_check.flatten().map(Time::as_micros))
        });
        cold.await?;
        self.events(conn, plan).await?;
        self.touch(conn, plan).await
    }

    async fn events(&self, conn: &mut SqliteConnection, plan: &Plan<'_>) -> Result<(), sqlx::Error> {
        let numbered: Vec<_> = (self.before.position + 1..).zip(&plan.events).collect();
        let events = sql::WRITE_EVENTS.run(conn, &numbered, no_lead, |call, (position, e)| {
            let call = call.bind(*position).bind(self.tag).bind(self.log_time.as_micros()).bind(e.ends_input);
            call.bind(&e.alert.0.as_bytes()[..]).bind(&e.payload[..])
        });
        events.await?;
        let alerts = sql::WRITE_ALERTS.run(conn, &plan.alerts, no_lead, |call, a| {
            let row = a.row;
            let call = call.bind(&row.id.0.as_bytes()[..]).bind(a.subject).bind(&*row.subject);
            let call = call.bind(&*row.organisation).bind(&*row.site).bind(&*row.region).bind(&*row.rule);
            let call = call.bind(&*row.instance).bind(row.state).bind(row.condition).bind(row.peak_severity);
            let call = call.bind(row.raised.as_micros()).bind(self.position(a.last)).bind(&row.payload[..]);
            call.bind(&*row.strike).bind(row.forecast)
        });
        alerts.await?;
        let audit = sql::WRITE_AUDIT.run(conn, &plan.audits, no_lead, |call, a| {
            let call = call.bind(self.log_time.max(self.now).as_micros()).bind(self.tag).bind(a.subject);
            call.bind(self.position(a.last)).bind(&a.entry[..])
        });
        audit.await
    }

    /// The position of the plan's event with this number; 0 for none.
    fn position(&self, number: i64) -> i64 {
        if number == 0 { 0 } else { self.before.position + number }
    }

    async fn touch(&self, conn: &mut SqliteConnection, plan: &Plan<'_>) -> Result<(), sqlx::Error> {
        if plan.touches.is_empty() {
            return Ok(());
        }
        let touched: HashSet<i64> = plan.touches.iter().map(|(_, touched)| *touched).collect();
        let list = serde_json::to_string(&touched).map_err(|e| sqlx::Error::Encode(e.into()))?;
        let touch = sqlx::query(sql::TOUCH).bind(list).bind(self.tag).bind(self.now.as_micros());
        touch.execute(conn).await.map(|_| ())
    }

    async fn finish(&self, conn: &mut SqliteConnection, events: i64) -> Result<LogPoint, sqlx::Error> {
        if events == 0 {
            sqlx::query(sql::COMMIT).execute(conn).await?;
            return Ok(self.before);
        }
        let point = LogPoint { position: self.before.position + events, tag: self.tag };
        let commit = sqlx::query(sql::COMMIT_EVENTS).bind(point.position).bind(point.tag);
        commit.bind(self.log_time.as_micros()).execute(conn).await?;
        Ok(point)
    }
}
