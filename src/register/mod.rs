//! Organisations and wards as configuration: the rulebook in force, and its changes.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::domain::Rulebook;
use crate::store::Store;

/// The register: the rulebook in force on this replica, kept in step with the store.
#[derive(Debug)]
pub struct Register {
    store: Arc<dyn Store>,
    rulebook: ArcSwap<Rulebook>,
}

impl Register {
    /// A register over a store; empty until it is refreshed.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, rulebook: ArcSwap::default() }
    }
    /// The rulebook in force.
    pub fn rulebook(&self) -> Arc<Rulebook> {
        self.rulebook.load_full()
    }
    /// Where it is kept.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }
}
