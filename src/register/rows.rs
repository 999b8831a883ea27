//! Rows of the register, of strikes and of policies from the store into a rulebook.

use std::sync::Arc;

use crate::domain::{GroupFacts, Organisation, OrganisationCode, Rulebook, Strike, WardFacts};
use crate::rules;
use crate::store::{Config, ConfigKind, ConfigRow, ContextKind, ContextRow, StoreError};
use crate::wire::{self, CorruptState};

/// `known` with newer rows laid over it.
pub(super) fn applied(known: &Rulebook, config: Config) -> Result<Rulebook, StoreError> {
    let Config { generation, mut rows, context } = config;
    let mut book = Rulebook { generation, ..known.clone() };
    // Organisations stand before what belongs to them.
    rows.sort_by_key(|row| row.kind != ConfigKind::Organisation);
    for row in rows {
        lay(&mut book, row)?;
    }
    for row in context {
        lay_context(&mut book, &row)?;
    }
    Ok(book.linked())
}

fn lay(book: &mut Rulebook, row: ConfigRow) -> Result<(), StoreError> {
    let number = row.number;
    match row.kind {
        ConfigKind::Organisation => {
            let organisation = readable(&row, wire::decode_organisation(&row.payload))?;
            book.organisations.insert(organisation.code.clone(), (number, Arc::new(organisation)));
        }
        ConfigKind::Ward => {
            let ward = Arc::new(readable(&row, wire::decode_ward(&row.payload, rules::OPTIONAL))?);
            let organisation = organisation_of(book, &ward.organisation)?;
            let facts = WardFacts { number, ward, organisation, context: Arc::default(), groups: Vec::new() };
            book.wards.insert(row.name, facts);
        }
        ConfigKind::CoverGroup => {
            let group = Arc::new(readable(&row, wire::decode_cover_group(&row.payload))?);
            let organisation = organisation_of(book, &group.organisation)?;
            let (context, wards) = (Arc::default(), Vec::new());
            let facts = GroupFacts { number, group, organisation, context, wards, in_force: true };
            book.groups.insert(row.name, facts);
        }
    }
    Ok(())
}

fn lay_context(book: &mut Rulebook, row: &ContextRow) -> Result<(), StoreError> {
    match row.kind {
        ContextKind::Strike => {
            let strike = wire::decode_strike(&row.payload).map_err(|_| unreadable(&row.name))?;
            leave(book, &strike, row.generation);
            book.strikes.insert(strike.id.clone(), (row.generation, Arc::new(strike)));
        }
        ContextKind::Policy => {
            let version = wire::decode_policy(&row.payload, row.version, row.recorded);
            let version = version.map_err(|_| unreadable(&row.name))?;
            book.policy_changes.insert(version.name.clone(), row.generation);
            book.policies.entry(version.name.clone()).or_default().push(version);
        }
    }
    Ok(())
}

/// Notes who was in a strike's former scope: of those no longer in it, too, the strike changed.
fn leave(book: &mut Rulebook, strike: &Strike, generation: i64) {
    let Some((_, former)) = book.strikes.get(&strike.id) else { return };
    let former = Arc::clone(former);
    let left = |o: &&Arc<Organisation>| former.scope.covers(o) && !strike.scope.covers(o);
    for organisation in book.organisations.values().map(|(_, o)| o).filter(left) {
        let newest = book.left_scope.entry(organisation.code.clone()).or_default();
        *newest = generation.max(*newest);
    }
}

fn organisation_of(book: &Rulebook, code: &OrganisationCode) -> Result<Arc<Organisation>, StoreError> {
    let found = book.organisations.get(code).map(|(_, organisation)| Arc::clone(organisation));
    found.ok_or_else(|| StoreError::Refused(format!("the register has entries of {code}, but not {code} itself")))
}

fn readable<T>(row: &ConfigRow, read: Result<T, CorruptState>) -> Result<T, StoreError> {
    read.map_err(|_| unreadable(&row.name.to_string()))
}

fn unreadable(name: &str) -> StoreError {
    StoreError::Refused(format!("the register entry of {name} cannot be read"))
}
