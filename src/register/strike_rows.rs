//! Versions of strikes from the store into a rulebook.

use std::sync::Arc;

use crate::domain::{Rulebook, Strike, StrikeId};
use crate::register::Register;
use crate::register::strike_effect::effect;
use crate::store::{ContextKind, ContextRow, StoreError};
use crate::wire::{self, pb};

/// Takes over the strikes among newer rows, which come by name and then version. An organisation that a version left out
/// of the scope is remembered with its generation, so that the tick which ends its alerts knows why.
pub(super) fn take_over(book: &mut Rulebook, rows: &[ContextRow]) -> Result<(), StoreError> {
    for row in rows.iter().filter(|r| r.kind == ContextKind::Strike) {
        let strike = Arc::new(decode(row)?);
        let former = book.strikes.insert(strike.id.clone(), (row.generation, Arc::clone(&strike)));
        let Some((_, former)) = former else { continue };
        let left = book.organisations.values().filter(|(_, o)| former.scope.covers(o) && !strike.scope.covers(o));
        for (_, organisation) in left {
            let generation = book.left_scope.entry(organisation.code.clone()).or_default();
            *generation = row.generation.max(*generation);
        }
    }
    Ok(())
}

fn decode(row: &ContextRow) -> Result<Strike, StoreError> {
    wire::decode_strike(&row.payload)
        .map_err(|_| StoreError::Refused(format!("version {} of {} cannot be read", row.version, row.name)))
}

impl Register {
    /// A former version of a strike; `None` when there is none of that number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn strike_version(&self, id: &StrikeId, version: i64) -> Result<Option<Strike>, StoreError> {
        let below = version.checked_add(1);
        let rows = self.store.context_versions(&id.to_string(), below, 1).await?;
        rows.first().filter(|r| r.version == version).map(decode).transpose()
    }

    /// What a strike comes to now.
    pub fn strike_effect(&self, strike: &Strike) -> pb::StrikeEffect {
        effect(&self.rulebook(), strike, self.clock.now())
    }
}
