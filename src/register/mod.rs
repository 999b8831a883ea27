//! Organisations and wards as configuration: the rulebook in force, and its changes.

mod activity;
mod change;
mod cover_groups;
mod policies;
mod policy_preview;
pub mod reading;
mod rows;
mod strike_effect;
mod strike_reads;
mod strikes;

pub use change::{RegisterError, Upserted};
pub use policies::{PolicyChanged, PolicyError, first_policy, newest_policy, policy_exists};
pub use policy_preview::PolicyPreview;
pub use strikes::{StrikeChanged, StrikeError};

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use crate::clock::SharedClock;
use crate::domain::{Rulebook, Time};
use crate::store::{Store, StoreError};

/// The register: the rulebook in force on this replica, kept in step with the store.
#[derive(Debug)]
pub struct Register {
    store: Arc<dyn Store>,
    clock: SharedClock,
    rulebook: ArcSwap<Rulebook>,
    /// One refresh at a time, so that an older view never replaces a newer one.
    refreshing: Mutex<()>,
}

impl Register {
    /// A register over a store; empty until it is refreshed.
    pub fn new(store: Arc<dyn Store>, clock: SharedClock) -> Self {
        Self { store, clock, rulebook: ArcSwap::default(), refreshing: Mutex::default() }
    }

    /// Now, by the clock that changes are recorded by.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// The rulebook in force.
    pub fn rulebook(&self) -> Arc<Rulebook> {
        self.rulebook.load_full()
    }

    /// Takes over what the store has that this replica does not know yet.
    ///
    /// # Errors
    /// When the store cannot be read, or holds an entry that cannot.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.refreshing.lock().await;
        let known = self.rulebook.load_full();
        let config = self.store.load_config(known.generation).await?;
        if config.generation < known.generation {
            // A restored backup: what is known here may never have happened.
            self.read_anew().await?;
        } else if config.generation > known.generation {
            self.rulebook.store(Arc::new(rows::applied(&known, config)?));
        }
        Ok(())
    }

    /// Forgets what is known and takes over all that the store has: the log has another history, and what is known here may
    /// never have happened in it, whatever the generation.
    ///
    /// # Errors
    /// As [`Self::refresh`].
    pub async fn reload(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.refreshing.lock().await;
        self.read_anew().await
    }

    async fn read_anew(&self) -> Result<(), StoreError> {
        let config = self.store.load_config(0).await?;
        self.rulebook.store(Arc::new(rows::applied(&Rulebook::default(), config)?));
        Ok(())
    }

    /// As [`Self::refresh`], when the store's generation is seen to be another one.
    ///
    /// # Errors
    /// As [`Self::refresh`].
    pub async fn refresh_to(&self, generation: i64) -> Result<(), StoreError> {
        if self.rulebook.load().generation == generation { Ok(()) } else { self.refresh().await }
    }
}
