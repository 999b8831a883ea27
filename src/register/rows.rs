//! Register rows from the store into a rulebook.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::domain::{Organisation, OrganisationCode, Rulebook, SubjectName, Ward, WardFacts};
use crate::rules;
use crate::store::{Config, ConfigKind, ConfigRow, StoreError};
use crate::wire;

/// `known` with newer rows laid over it.
pub(super) fn applied(known: &Rulebook, config: Config) -> Result<Rulebook, StoreError> {
    // Cover groups, strikes and policies have no place in the rulebook yet.
    let Config { generation, rows, context: _ } = config;
    let mut book = Rulebook { generation, ..known.clone() };
    let (organisations, others): (Vec<_>, Vec<_>) = rows.into_iter().partition(|r| r.kind == ConfigKind::Organisation);
    let wards = others.into_iter().filter(|r| r.kind == ConfigKind::Ward);
    let mut changed = HashSet::new();
    for row in organisations {
        let organisation = decode_organisation(&row)?;
        changed.insert(organisation.code.clone());
        book.organisations.insert(organisation.code.clone(), (row.number, Arc::new(organisation)));
    }
    for row in wards {
        let ward = Arc::new(decode_ward(&row)?);
        let organisation = organisation_of(&book, &ward.organisation)?;
        book.wards.insert(row.name, WardFacts { number: row.number, ward, organisation });
    }
    renew(&book.organisations.clone().into_iter().map(|(c, (_, o))| (c, o)).collect(), &changed, &mut book.wards);
    Ok(book)
}

/// Wards hold their organisation; those of a changed one take the new one.
fn renew(
    organisations: &HashMap<OrganisationCode, Arc<Organisation>>,
    changed: &HashSet<OrganisationCode>,
    wards: &mut HashMap<SubjectName, WardFacts>,
) {
    if changed.is_empty() {
        return;
    }
    for facts in wards.values_mut().filter(|f| changed.contains(&f.ward.organisation)) {
        if let Some(organisation) = organisations.get(&facts.ward.organisation) {
            facts.organisation = Arc::clone(organisation);
        }
    }
}

fn organisation_of(book: &Rulebook, code: &OrganisationCode) -> Result<Arc<Organisation>, StoreError> {
    let found = book.organisations.get(code).map(|(_, organisation)| Arc::clone(organisation));
    found.ok_or_else(|| StoreError::Refused(format!("the register has wards of {code}, but not {code} itself")))
}

fn decode_organisation(row: &ConfigRow) -> Result<Organisation, StoreError> {
    wire::decode_organisation(&row.payload).map_err(|_| unreadable(row))
}

fn decode_ward(row: &ConfigRow) -> Result<Ward, StoreError> {
    wire::decode_ward(&row.payload, rules::OPTIONAL).map_err(|_| unreadable(row))
}

fn unreadable(row: &ConfigRow) -> StoreError {
    StoreError::Refused(format!("the register entry of {} cannot be read", row.name))
}
