use std::collections::{HashMap, HashSet};

use sqlx::SqliteConnection;

use crate::domain::{SubjectName, Time};
use crate::store::register::subject_kind;
use crate::store::sqlite::bulk::no_lead;
use crate::store::sqlite::{at_commit, before_commit, json, sql};
use crate::store::{ConfigChange, ConfigOutcome, ConfigWrite, Result, StoreError, rows};

/// A row with the numbers of its subject and its organisation's.
struct Placed<'a> {
    number: i64,
    organisation: i64,
    fresh: bool,
    write: &'a ConfigWrite,
}

/// Changes the register in one transaction. An error leaves the transaction to the caller, who drops the connection.
pub(super) async fn change_config(conn: &mut SqliteConnection, change: &ConfigChange) -> Result<ConfigOutcome> {
    let begin = sqlx::query_as(sql::BEGIN_CHANGE).fetch_all(&mut *conn).await.map_err(before_commit)?;
    let (generation, top): (i64, i64) = rows::one(begin)?;
    if generation != change.base {
        sqlx::query(sql::ROLLBACK).execute(conn).await.map_err(before_commit)?;
        return Ok(ConfigOutcome::Conflict);
    }
    let generation = generation + 1;
    let numbers = numbers(conn, change).await?;
    let placed = place(change, numbers, top)?;
    write(conn, change, &placed, generation).await.map_err(before_commit)?;
    let commit = sqlx::query(sql::COMMIT_CHANGE).bind(generation).execute(conn);
    commit.await.map_err(at_commit)?;
    Ok(ConfigOutcome::Changed(generation))
}

/// Numbers of the subjects that exist among the rows and their organisations.
async fn numbers(conn: &mut SqliteConnection, change: &ConfigChange) -> Result<HashMap<String, i64>> {
    let mut names = HashSet::new();
    for row in &change.rows {
        names.insert(row.name.to_string());
        names.insert(SubjectName::Organisation(row.name.organisation().clone()).to_string());
    }
    let found = sqlx::query_as(sql::SUBJECTS_NAMED).bind(json(&names)?).fetch_all(conn).await;
    let found: Vec<(String, i64)> = found.map_err(before_commit)?;
    Ok(found.into_iter().collect())
}

/// Gives each row its subject's number: the one it has, or the next free one.
fn place(change: &ConfigChange, mut numbers: HashMap<String, i64>, top: i64) -> Result<Vec<Placed<'_>>> {
    let mut placed = Vec::with_capacity(change.rows.len());
    let mut next = top;
    for write in &change.rows {
        let known = numbers.get(&write.name.to_string()).copied();
        let number = known.unwrap_or(next + 1);
        next = next.max(number);
        numbers.insert(write.name.to_string(), number);
        let organisation = SubjectName::Organisation(write.name.organisation().clone()).to_string();
        let organisation = *numbers
            .get(&organisation)
            .ok_or_else(|| StoreError::Refused(format!("{} stands before {organisation}", write.name)))?;
        placed.push(Placed { number, organisation, fresh: known.is_none(), write });
    }
    Ok(placed)
}

async fn write(
    conn: &mut SqliteConnection,
    change: &ConfigChange,
    placed: &[Placed<'_>],
    generation: i64,
) -> Result<(), sqlx::Error> {
    let (fresh, known): (Vec<&Placed>, Vec<&Placed>) = placed.iter().partition(|p| p.fresh);
    let subjects = sql::ADD_SUBJECTS.run(conn, &fresh, no_lead, |call, p| {
        let call = call.bind(p.number).bind(p.organisation).bind(subject_kind(&p.write.name));
        call.bind(p.write.name.to_string()).bind(change.tag).bind(generation).bind(&p.write.first.hot[..])
    });
    subjects.await?;
    let cold = sql::ADD_COLD.run(conn, &fresh, no_lead, |call, p| {
        let first = &p.write.first;
        call.bind(p.number).bind(first.next_check.map(Time::as_micros)).bind(&first.cold[..]).bind(&[][..])
    });
    cold.await?;
    let rows = sql::WRITE_CONFIG.run(conn, placed, no_lead, |call, p| {
        call.bind(p.number).bind(p.write.kind.number()).bind(generation).bind(&p.write.payload[..])
    });
    rows.await?;
    let context = sql::WRITE_CONTEXT.run(conn, &change.context, no_lead, |call, c| {
        let call = call.bind(&*c.name).bind(c.version).bind(c.kind.number()).bind(generation);
        call.bind(change.now.as_micros()).bind(&c.payload[..])
    });
    context.await?;
    let touched: Vec<i64> = known.iter().map(|p| p.number).chain(change.touched.iter().copied()).collect();
    let touched = serde_json::to_string(&touched).map_err(|e| sqlx::Error::Encode(e.into()))?;
    let touch = sqlx::query(sql::TOUCH_REGISTERED).bind(touched).bind(change.tag).bind(change.now.as_micros());
    touch.bind(generation).execute(&mut *conn).await?;
    let entry = [change];
    let audit = sql::WRITE_AUDIT.run(conn, &entry, no_lead, |call, change| {
        let call = call.bind(change.now.as_micros()).bind(change.tag).bind(None::<i64>);
        call.bind(0_i64).bind(&change.audit[..])
    });
    audit.await
}
