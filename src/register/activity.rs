//! Planned work of organisations: stored whole, and read by the rules of strikes.

use std::collections::{BTreeSet, HashSet};

use crate::access::Caller;
use crate::domain::{Activity, Cause, Day, Rulebook, Subject, SubjectName, Time, Zone};
use crate::register::change::own;
use crate::register::{Register, RegisterError};
use crate::store::{ActivityChange, ActivityRow, Store, StoreError};
use crate::wire::{self, InvalidFields, SubmittedActivity, Violations, pb};

/// Most rows in one call (contract.md section 1).
const MOST_ROWS: usize = 1_000;
/// The rules read so many days before and after today: figures of a strike are judged until the day after it.
const DAYS_READ: i64 = 40;

impl Register {
    /// Stores planned work: all rows or none; how many.
    ///
    /// # Errors
    /// Every wrong field with its path, or the store's failure; nothing was written.
    pub async fn submit_activity(
        &self,
        rows: Vec<pb::Activity>,
        validate_only: bool,
        by: &Caller,
    ) -> Result<usize, RegisterError> {
        let now = self.clock.now();
        if rows.len() > MOST_ROWS {
            let text = format!("{} rows: at most {MOST_ROWS} in one call", rows.len());
            return Err(RegisterError::Invalid(InvalidFields(vec![("activities".to_owned(), text)])));
        }
        let named = rows.iter().filter_map(|row| match row.organisation.parse() {
            Ok(SubjectName::Organisation(code)) => Some(code),
            _ => None,
        });
        own(by, named.collect::<Vec<_>>().iter())?;
        let mut found = checked(&self.rulebook(), rows.clone(), now);
        if found.is_err() {
            // Another replica may have registered the organisation a moment ago.
            self.refresh().await?;
            found = checked(&self.rulebook(), rows, now);
        }
        let rows = found.map_err(RegisterError::Invalid)?;
        if !validate_only && !rows.is_empty() {
            self.store.put_activity(&self.activity_change(&rows, now, by)).await?;
        }
        Ok(rows.len())
    }

    fn activity_change(&self, rows: &[(i64, SubmittedActivity)], now: Time, by: &Caller) -> ActivityChange {
        let organisations: BTreeSet<_> = rows.iter().map(|(_, row)| &row.organisation).collect();
        let touched: BTreeSet<i64> = rows.iter().map(|(number, _)| *number).collect();
        let audited = wire::Audited {
            method: "SubmitActivity".to_owned(),
            actor: by.name().to_owned(),
            generation: self.rulebook().generation,
            changed: organisations.into_iter().map(|o| format!("organisations/{o}")).collect(),
            ..wire::Audited::default()
        };
        ActivityChange {
            rows: rows.iter().map(|(number, row)| stored(*number, row, now)).collect(),
            touched: touched.into_iter().collect(),
            tag: fastrand::i64(1..i64::MAX),
            now,
            audit: wire::audit_entry(&Cause::Register, audited),
        }
    }
}

/// All rows with their organisation's number, or every wrong field of any.
fn checked(
    book: &Rulebook,
    rows: Vec<pb::Activity>,
    now: Time,
) -> Result<Vec<(i64, SubmittedActivity)>, InvalidFields> {
    let (mut good, mut wrong, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for (n, row) in rows.into_iter().enumerate() {
        let at = |field: &str| format!("activities[{n}]{field}");
        let mut v = Violations::at(at("."));
        let row = wire::activity_from(&mut v, row, now);
        wrong.extend(v.into_fields());
        let Some(row) = row else { continue };
        let Activity { day, category, .. } = row.activity;
        if !seen.insert((row.organisation.clone(), day, category)) {
            wrong.push((at(""), "has the organisation, day and category of a row before it".to_owned()));
        }
        if let Some(number) = book.number(&SubjectName::Organisation(row.organisation.clone())) {
            good.push((number, row));
        } else {
            wrong.push((at(".organisation"), format!("organisations/{} is not registered", row.organisation)));
        }
    }
    if wrong.is_empty() { Ok(good) } else { Err(InvalidFields(wrong)) }
}

fn stored(organisation: i64, row: &SubmittedActivity, received: Time) -> ActivityRow {
    let Activity { day, category, planned, delivered, postponed } = row.activity;
    ActivityRow {
        organisation,
        day: day.number(),
        category: pb::ActivityCategory::from(category).into(),
        planned: planned.map(i64::from),
        delivered: delivered.map(i64::from),
        postponed: postponed.map(i64::from),
        source: row.source.to_string(),
        received,
    }
}

/// Gives organisations in strikes the planned work of the days around today. Without a strike no rule reads it.
pub(super) async fn read(
    store: &dyn Store,
    book: &Rulebook,
    subjects: &mut [Subject],
    now: Time,
) -> Result<(), StoreError> {
    let in_strike = |s: &&mut Subject| match &s.name {
        SubjectName::Organisation(code) => !book.context(code).strikes.is_empty(),
        _ => false,
    };
    let mut organisations: Vec<&mut Subject> = subjects.iter_mut().filter(in_strike).collect();
    if organisations.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = organisations.iter().map(|s| s.number).collect();
    let today = Day::of(now, &Zone::london()).number();
    let rows = store.activity(&numbers, today - DAYS_READ, today + DAYS_READ).await?;
    for subject in &mut organisations {
        let of = rows.iter().filter(|row| row.organisation == subject.number);
        subject.activity = of.filter_map(|row| wire::activity_of(row.day, row.category, figures(row))).collect();
    }
    Ok(())
}

/// Planned, delivered, postponed.
fn figures(row: &ActivityRow) -> [Option<i64>; 3] {
    [row.planned, row.delivered, row.postponed]
}
