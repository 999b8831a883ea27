use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::domain::{Subject, SubjectName};
use crate::register::{Register, reading};
use crate::store::{Store, StoreError};

/// Most subjects kept in memory, about 1 KB each.
const KEPT: usize = 200_000;

/// The subjects this replica knows: a hint, proved by the etag at each commit (engine.md section 5).
#[derive(Debug)]
pub(super) struct Subjects {
    store: Arc<dyn Store>,
    register: Arc<Register>,
    cached: HashMap<i64, Subject>,
}

impl Subjects {
    pub(super) fn new(store: Arc<dyn Store>, register: Arc<Register>) -> Self {
        Self { store, register, cached: HashMap::new() }
    }

    /// Asks the store once whether the register changed when one of these is not known here: only then may it be refused
    /// as unknown.
    pub(super) async fn know(&self, names: impl Iterator<Item = &SubjectName>) -> Result<(), StoreError> {
        let book = self.register.rulebook();
        let mut unknown = names.filter(|name| book.number(name).is_none());
        if unknown.next().is_none() {
            return Ok(());
        }
        let head = self.store.head().await?;
        self.register.refresh_to(head.generation).await
    }

    /// Makes sure that those that exist are in memory, and that the rulebook is not older than any of them.
    pub(super) async fn load(&mut self, numbers: impl Iterator<Item = i64>) -> Result<(), StoreError> {
        let wanted: BTreeSet<i64> = numbers.collect();
        let mut missing: Vec<i64> = wanted.iter().copied().filter(|n| !self.cached.contains_key(n)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        if self.cached.len() + missing.len() > KEPT {
            self.cached.clear();
            missing = wanted.into_iter().collect();
        }
        let subjects = loop {
            let book = self.register.rulebook();
            let subjects = reading::subjects(self.store.as_ref(), &book, &missing, self.register.now()).await?;
            let newest = subjects.iter().map(|s| s.generation).max().unwrap_or_default();
            if newest <= book.generation {
                break subjects;
            }
            // What they read depends on the rulebook: with the newer one they are read again.
            self.register.refresh_to(newest).await?;
        };
        self.cached.extend(subjects.into_iter().map(|s| (s.number, s)));
        Ok(())
    }

    pub(super) fn get(&self, number: i64) -> Option<&Subject> {
        self.cached.get(&number)
    }

    /// Takes one out to be judged; it comes back only after its commit.
    pub(super) fn take(&mut self, number: i64) -> Option<Subject> {
        self.cached.remove(&number)
    }

    /// Puts a committed one back. Organisations are read anew each time, with all that they read.
    pub(super) fn put(&mut self, subject: Subject) {
        if !matches!(subject.name, SubjectName::Organisation(_)) {
            self.cached.insert(subject.number, subject);
        }
    }

    pub(super) fn forget(&mut self, number: i64) {
        self.cached.remove(&number);
    }

    /// The rulebook, and where it comes from.
    pub(super) fn register(&self) -> &Register {
        &self.register
    }
}
