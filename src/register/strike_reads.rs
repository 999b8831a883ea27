//! Former versions of strikes, and what a strike comes to.

use crate::domain::{Strike, StrikeId};
use crate::register::Register;
use crate::register::strike_effect::effect;
use crate::store::{ContextRow, StoreError};
use crate::wire::{self, pb};

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
