use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::domain::{Subject, SubjectName};
use crate::register::Register;
use crate::store::{Store, StoreError, SubjectRow};
use crate::wire;

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
        let rows = self.store.load_subjects(&missing).await?;
        let newest = rows.iter().map(|r| r.generation).max().unwrap_or_default();
        if newest > self.register.rulebook().generation {
            self.register.refresh().await?;
        }
        let mut found = rows.into_iter().filter_map(subject).map(|s| (s.number, s)).collect();
        self.with_children(&mut found).await?;
        self.cached.extend(found);
        Ok(())
    }

    /// An organisation is judged on what its wards' sources do, read with it.
    async fn with_children(&self, found: &mut HashMap<i64, Subject>) -> Result<(), StoreError> {
        let is_organisation = |s: &&Subject| matches!(s.name, SubjectName::Organisation(_));
        let organisations: Vec<i64> = found.values().filter(is_organisation).map(|s| s.number).collect();
        if organisations.is_empty() {
            return Ok(());
        }
        for (organisation, ward, summary) in self.store.subject_summaries(&organisations).await? {
            match (wire::summary_from(&summary), found.get_mut(&organisation)) {
                (Ok(summary), Some(subject)) => subject.reads.push((ward, summary)),
                (Err(error), _) => tracing::error!(%ward, %error, "a ward is left out of its organisation's judgement"),
                (Ok(_), None) => {}
            }
        }
        Ok(())
    }

    pub(super) fn get(&self, number: i64) -> Option<&Subject> {
        self.cached.get(&number)
    }

    /// Takes one out to be judged; it comes back only after its commit.
    pub(super) fn take(&mut self, number: i64) -> Option<Subject> {
        self.cached.remove(&number)
    }

    /// Puts a committed one back. Organisations are read anew each time, with their wards.
    pub(super) fn put(&mut self, subject: Subject) {
        if matches!(subject.name, SubjectName::Ward(..)) {
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

/// A row as a subject. One that cannot be read is logged and left out: its reports are refused, the others go on.
fn subject(row: SubjectRow) -> Option<Subject> {
    let SubjectRow { number, name, etag, generation, next_check, .. } = row;
    let state = wire::state_from(&row.hot, &row.cold, &row.summary);
    let state = state.inspect_err(|error| tracing::error!(%name, %error, "a subject cannot be read")).ok()?;
    Some(Subject { number, name, etag, generation, next_check, state, reads: Vec::new(), activity: Vec::new() })
}
