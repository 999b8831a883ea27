//! Cover groups: what a change of them writes, and whom it concerns.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use crate::access::Caller;
use crate::domain::{CoverGroup, OrganisationCode, Rulebook, SubjectName, WardCode, WardState};
use crate::register::change::{Plan, RegisterError};
use crate::rules;
use crate::store::{ConfigKind, ConfigWrite, FirstState};
use crate::wire::{self, InvalidFields};

/// A group to write, and the names of its wards as they were sent, for the path of a wrong one.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub group: CoverGroup,
    pub sent: Vec<String>,
}

/// The row of the group that stands for an organisation which has registered none, unless it is there already.
pub(super) fn implicit_row(book: &Rulebook, code: &OrganisationCode, first: &FirstState) -> Option<ConfigWrite> {
    let all = CoverGroup::implicit_all(code.clone());
    book.group(&all.name()).is_none().then(|| write(&all, first.clone()))
}

pub(super) fn plan(book: &Rulebook, rows: &[Row], first: &FirstState, by: &Caller) -> Result<Plan, RegisterError> {
    let wrong: Vec<_> = rows.iter().enumerate().flat_map(|(n, row)| unknown(book, n, row, by)).collect();
    if !wrong.is_empty() {
        return Err(RegisterError::Invalid(InvalidFields(wrong)));
    }
    let mut plan = Plan::default();
    let changed: Vec<&CoverGroup> = rows
        .iter()
        .map(|row| &row.group)
        .filter(|group| plan.upserted.count(book.group(&group.name()).map(|f| Arc::as_ref(&f.group)), group))
        .collect();
    plan.rows.extend(changed.iter().map(|group| write(group, first.clone())));
    plan.touched = touched(book, &changed).into_iter().collect();
    Ok(plan)
}

fn write(group: &CoverGroup, first: FirstState) -> ConfigWrite {
    ConfigWrite { kind: ConfigKind::CoverGroup, name: group.name(), payload: wire::encode_cover_group(group), first }
}

/// What a row names that is not registered.
fn unknown(book: &Rulebook, n: usize, row: &Row, by: &Caller) -> Vec<(String, String)> {
    let missing = |field: String, name: SubjectName| {
        let nearest =
            rules::nearest(book, &name, |o| by.sees(o)).map(|n| format!(" (nearest: {n})")).unwrap_or_default();
        (field, format!("{name} is not registered{nearest}: register it first"))
    };
    let organisation = &row.group.organisation;
    if !book.organisations.contains_key(organisation) {
        return vec![missing(format!("cover_groups[{n}].name"), SubjectName::Organisation(organisation.clone()))];
    }
    let wards = row.group.wards.iter().map(|ward| SubjectName::Ward(organisation.clone(), ward.clone()));
    wards
        .filter(|ward| book.ward(ward).is_none())
        .map(|ward| {
            let name = ward.to_string();
            let at = row.sent.iter().position(|sent| *sent == name).unwrap_or_default();
            missing(format!("cover_groups[{n}].wards[{at}]"), ward)
        })
        .collect()
}

/// Existing subjects that a change concerns: the wards that were covered and that will be, the organisation, and the
/// group ALL with all it covers when it comes into force or goes out of it.
fn touched(book: &Rulebook, changed: &[&CoverGroup]) -> BTreeSet<i64> {
    let mut of: BTreeMap<&OrganisationCode, Vec<&CoverGroup>> = BTreeMap::new();
    for group in changed {
        of.entry(&group.organisation).or_default().push(group);
    }
    let mut touched = BTreeSet::new();
    for (code, groups) in of {
        let concerned = concerned(book, code, &groups);
        let wards = book.wards.values().filter(|f| f.ward.organisation == *code && concerned.ward(&f.ward.code));
        touched.extend(wards.map(|facts| facts.number));
        touched.extend(book.organisations.get(code).map(|(number, _)| *number));
        let all = book.group(&CoverGroup::implicit_all(code.clone()).name());
        touched.extend(all.filter(|f| concerned.everything && f.group.implicit).map(|facts| facts.number));
    }
    touched
}

/// Which wards of an organisation a change concerns.
struct Concerned {
    everything: bool,
    wards: HashSet<WardCode>,
}

impl Concerned {
    fn ward(&self, code: &WardCode) -> bool {
        self.everything || self.wards.contains(code)
    }
}

fn concerned(book: &Rulebook, code: &OrganisationCode, changed: &[&CoverGroup]) -> Concerned {
    let is_registered = |group: &CoverGroup| !group.implicit && group.state == WardState::Open;
    let names: HashSet<SubjectName> = changed.iter().map(|group| group.name()).collect();
    let known = book.groups.iter().filter(|(_, f)| f.group.organisation == *code && is_registered(&f.group));
    let (replaced, kept): (Vec<_>, Vec<_>) = known.partition(|(name, _)| names.contains(*name));
    let before = !replaced.is_empty() || !kept.is_empty();
    let after = !kept.is_empty() || changed.iter().any(|group| is_registered(group));
    let old = replaced.iter().map(|(_, facts)| Arc::as_ref(&facts.group));
    let both = || old.clone().chain(changed.iter().copied());
    Concerned {
        everything: before != after || both().any(CoverGroup::covers_all),
        wards: both().flat_map(|group| group.wards.iter().cloned()).collect(),
    }
}
