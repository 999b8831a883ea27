//! Changes of the register: all rows of a call, or none.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::access::Caller;
use crate::domain::{Cause, Organisation, OrganisationCode, Rulebook, SubjectName, Ward, Zone};
use crate::register::{Register, cover_groups};
use crate::rules;
use crate::store::{ConfigChange, ConfigKind, ConfigOutcome, ConfigWrite, FirstState, StoreError};
use crate::wire::{self, InvalidFields, Violations, pb};

/// Most rows in one call (contract.md section 1).
const MOST_ROWS: usize = 1_000;
/// How often a change is made anew when another replica was first.
pub(super) const TRIES: usize = 10;

/// Why the register was not changed.
#[derive(Clone, Debug)]
pub enum RegisterError {
    /// Fields of the call are wrong.
    Invalid(InvalidFields),
    /// It is about an organisation that the caller is not bound to.
    Foreign,
    /// The store failed.
    Store(StoreError),
    /// Others changed the register at every try.
    Contended,
}

/// What a change did, or with `validate_only` would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upserted {
    /// Rows that are new.
    pub created: usize,
    /// Rows that changed.
    pub updated: usize,
    /// Rows that were so already.
    pub unchanged: usize,
    /// Organisations created because a ward named them.
    pub organisations: usize,
}

/// What a call asks for, and how many rows of what kind it will write.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub rows: Vec<ConfigWrite>,
    pub touched: Vec<i64>,
    pub upserted: Upserted,
}

impl From<StoreError> for RegisterError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Register {
    /// Creates or replaces organisations.
    ///
    /// # Errors
    /// Every wrong field with its path, or the store's failure; nothing was written.
    pub async fn upsert_organisations(
        &self,
        rows: Vec<pb::Organisation>,
        validate_only: bool,
        by: &Caller,
    ) -> Result<Upserted, RegisterError> {
        let rows = parsed("organisations", rows, wire::organisation_from, |o| o.code.to_string())?;
        own(by, rows.iter().map(|o| &o.code))?;
        self.change("UpsertOrganisations", by, validate_only, |book, first| Ok(plan_organisations(book, &rows, first)))
            .await
    }

    /// Creates or replaces wards, and the organisations they name that are not there yet.
    ///
    /// # Errors
    /// As [`Self::upsert_organisations`].
    pub async fn upsert_wards(
        &self,
        rows: Vec<pb::Ward>,
        validate_only: bool,
        by: &Caller,
    ) -> Result<Upserted, RegisterError> {
        let read = |v: &mut Violations, ward| wire::ward_from(v, ward, rules::OPTIONAL);
        let rows = parsed("wards", rows, read, |w: &Ward| format!("{}/{}", w.organisation, w.code))?;
        own(by, rows.iter().map(|w| &w.organisation))?;
        self.change("UpsertWards", by, validate_only, |book, first| Ok(plan_wards(book, &rows, first))).await
    }

    /// Creates or replaces cover groups of registered organisations, over registered wards.
    ///
    /// # Errors
    /// As [`Self::upsert_organisations`].
    pub async fn upsert_cover_groups(
        &self,
        rows: Vec<pb::CoverGroup>,
        validate_only: bool,
        by: &Caller,
    ) -> Result<Upserted, RegisterError> {
        let read = |v: &mut Violations, message: pb::CoverGroup| {
            let sent = message.wards.clone();
            Some(cover_groups::Row { group: wire::cover_group_from(v, message)?, sent })
        };
        let rows = parsed("cover_groups", rows, read, |row| row.group.name().to_string())?;
        own(by, rows.iter().map(|row| &row.group.organisation))?;
        self.change("UpsertCoverGroups", by, validate_only, |book, first| cover_groups::plan(book, &rows, first, by))
            .await
    }

    async fn change(
        &self,
        method: &str,
        by: &Caller,
        validate_only: bool,
        plan: impl Fn(&Rulebook, &FirstState) -> Result<Plan, RegisterError>,
    ) -> Result<Upserted, RegisterError> {
        for _ in 0..TRIES {
            self.refresh().await?;
            let book = self.rulebook();
            let now = self.clock.now();
            let (hot, cold) = wire::first_state(now);
            let Plan { rows, touched, upserted } = plan(&book, &FirstState { hot, cold, next_check: Some(now) })?;
            if rows.is_empty() || validate_only {
                return Ok(upserted);
            }
            let names = rows.iter().map(|r| r.name.to_string()).collect();
            let audited = wire::Audited {
                method: method.to_owned(),
                actor: by.name().to_owned(),
                generation: book.generation + 1,
                changed: names,
                ..wire::Audited::default()
            };
            let audit = wire::audit_entry(&Cause::Register, audited);
            let tag = fastrand::i64(1..i64::MAX);
            let change = ConfigChange { base: book.generation, rows, context: vec![], touched, tag, now, audit };
            if let ConfigOutcome::Changed(generation) = self.store.change_config(&change).await? {
                self.refresh_to(generation).await?;
                return Ok(upserted);
            }
        }
        Err(RegisterError::Contended)
    }
}

/// That all organisations are ones that the caller is bound to, before anything is said of what there is.
pub(super) fn own<'a>(
    by: &Caller,
    mut organisations: impl Iterator<Item = &'a OrganisationCode>,
) -> Result<(), RegisterError> {
    if organisations.all(|code| by.sees(code)) { Ok(()) } else { Err(RegisterError::Foreign) }
}

/// All rows of a call, or every wrong field of any.
fn parsed<M, T>(
    field: &str,
    rows: Vec<M>,
    read: impl Fn(&mut Violations, M) -> Option<T>,
    key: impl Fn(&T) -> String,
) -> Result<Vec<T>, RegisterError> {
    let mut wrong = Vec::new();
    if rows.len() > MOST_ROWS {
        let text = format!("{} rows: at most {MOST_ROWS} in one call", rows.len());
        return Err(RegisterError::Invalid(InvalidFields(vec![(field.to_owned(), text)])));
    }
    let (mut good, mut seen) = (Vec::new(), HashSet::new());
    for (n, row) in rows.into_iter().enumerate() {
        let mut v = Violations::at(format!("{field}[{n}]."));
        let row = read(&mut v, row);
        wrong.extend(v.into_fields());
        let Some(row) = row else { continue };
        if !seen.insert(key(&row)) {
            wrong.push((format!("{field}[{n}].name"), "is named twice in this call".to_owned()));
        }
        good.push(row);
    }
    if wrong.is_empty() { Ok(good) } else { Err(RegisterError::Invalid(InvalidFields(wrong))) }
}

fn plan_organisations(book: &Rulebook, rows: &[Organisation], first: &FirstState) -> Plan {
    let mut plan = Plan::default();
    let mut changed = HashSet::new();
    for row in rows {
        let before = book.organisations.get(&row.code).map(|(_, o)| Arc::as_ref(o));
        if plan.upserted.count(before, row) {
            changed.insert(&row.code);
            plan.rows.push(organisation_write(row, first.clone()));
        }
        plan.rows.extend(cover_groups::implicit_row(book, &row.code, first));
    }
    // What an organisation says (its zone, its region) holds for its wards and cover groups.
    let wards = book.wards.values().filter(|w| changed.contains(&w.ward.organisation)).map(|w| w.number);
    let groups = book.groups.values().filter(|g| changed.contains(&g.group.organisation)).map(|g| g.number);
    plan.touched.extend(wards.chain(groups));
    plan
}

fn plan_wards(book: &Rulebook, rows: &[Ward], first: &FirstState) -> Plan {
    let mut plan = Plan::default();
    let organisations: BTreeSet<&OrganisationCode> = rows.iter().map(|row| &row.organisation).collect();
    for code in organisations {
        if !book.organisations.contains_key(code) {
            plan.upserted.organisations += 1;
            plan.rows.push(organisation_write(&unnamed(code), first.clone()));
        }
        plan.rows.extend(cover_groups::implicit_row(book, code, first));
    }
    for row in rows {
        let name = SubjectName::Ward(row.organisation.clone(), row.code.clone());
        let before = book.ward(&name).map(|f| Arc::as_ref(&f.ward));
        if plan.upserted.count(before, row) {
            plan.rows.push(ConfigWrite {
                kind: ConfigKind::Ward,
                name,
                payload: wire::encode_ward(row),
                first: first.clone(),
            });
        }
    }
    plan
}

impl Upserted {
    /// Counts a row; true when it must be written.
    pub(super) fn count<T: PartialEq>(&mut self, before: Option<&T>, row: &T) -> bool {
        match before {
            None => self.created += 1,
            Some(before) if before == row => self.unchanged += 1,
            Some(_) => self.updated += 1,
        }
        before != Some(row)
    }
}

fn organisation_write(row: &Organisation, first: FirstState) -> ConfigWrite {
    let payload = wire::encode_organisation(row);
    let name = SubjectName::Organisation(row.code.clone());
    ConfigWrite { kind: ConfigKind::Organisation, name, payload, first }
}

/// An organisation known only by its code.
fn unnamed(code: &OrganisationCode) -> Organisation {
    Organisation {
        code: code.clone(),
        display_name: code.to_string(),
        region: None,
        region_name: String::new(),
        icb: None,
        zone: Zone::london(),
    }
}
