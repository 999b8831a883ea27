//! A batch into the store, through its three kinds of failure (engine.md section 3).

use std::collections::HashSet;
use std::time::Instant;

use crate::domain::Subject;
use crate::faults::{self, Point};
use crate::intake::engine::Engine;
use crate::store::{Batch, Committed, StoreError, SubjectWrite};

/// What became of each subject of a batch, by number. Those in neither set must be judged again.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) won: HashSet<i64>,
    pub(super) refused: HashSet<i64>,
    /// Subjects that read a summary which changed. What is kept of them in memory has the one before, and one that was
    /// written in the same batch cannot be told from the stored one by its etag.
    pub(super) touched: HashSet<i64>,
}

impl Engine {
    /// Commits a batch, waiting for storage while it is away; `None` when the service was cut down meanwhile.
    pub(super) async fn commit(&mut self, batch: Batch) -> Option<Outcome> {
        loop {
            self.outage.offered();
            let began = Instant::now();
            match self.parts.store.commit(&batch).await {
                Ok(committed) => {
                    self.parts.meter.committed(began.elapsed());
                    if batch.writes.iter().any(SubjectWrite::tells) {
                        faults::point(Point::AfterCommit).await;
                    }
                    return Some(self.committed(&batch.writes, &committed));
                }
                Err(StoreError::Unavailable(why)) => self.wait_for_storage(&StoreError::Unavailable(why)).await?,
                Err(StoreError::Unknown(why)) => return self.look(&batch, &StoreError::Unknown(why)).await,
                Err(StoreError::Refused(why)) if batch.writes.len() == 1 => return Some(self.refused(&batch, &why)),
                Err(StoreError::Refused(_)) => return self.one_by_one(batch).await,
            }
        }
    }

    fn committed(&mut self, writes: &[SubjectWrite], committed: &Committed) -> Outcome {
        self.outage.over();
        // Woken at once, whether or not there are events: a waking that finds nothing costs one read.
        if writes.iter().any(|w| !w.inputs.is_empty()) {
            self.parts.committed.send_replace(committed.point.position);
        }
        let won = writes.iter().zip(&committed.won).filter(|(_, won)| **won).map(|(w, _)| w.subject);
        Outcome { won: won.collect(), refused: HashSet::new(), touched: touched(writes) }
    }

    /// After an unknown outcome the etags tell: our tag means that it was committed. Only behind a barrier: a commit that
    /// still waits for a standby cannot be seen yet, and one that a restart made visible may not have reached the standby.
    async fn look(&mut self, batch: &Batch, error: &StoreError) -> Option<Outcome> {
        self.wait_for_storage(error).await?;
        let numbers: Vec<i64> = batch.writes.iter().filter(|w| !w.is_check()).map(|w| w.subject).collect();
        let rows = loop {
            let looked = match self.parts.store.barrier().await {
                Ok(()) => self.parts.store.load_subjects(&numbers).await,
                Err(error) => Err(error),
            };
            match looked {
                Ok(rows) => break rows,
                Err(error) => self.wait_for_storage(&error).await?,
            }
        };
        let won: HashSet<i64> = rows.into_iter().filter(|r| r.etag == batch.tag).map(|r| r.number).collect();
        // A full disk may have room for a barrier and none for the batch: then it is not over.
        if won.len() == numbers.len() {
            self.outage.over();
        }
        tracing::debug!(of = numbers.len(), stored = won.len(), "a commit in doubt was looked up");
        self.parts.committed.send_modify(|_| {});
        Some(Outcome { won, refused: HashSet::new(), touched: touched(&batch.writes) })
    }

    /// So that one row the database refuses does not look like an outage of all.
    async fn one_by_one(&mut self, batch: Batch) -> Option<Outcome> {
        let mut all = Outcome::default();
        for write in batch.writes {
            let one = Batch { tag: batch.tag, now: batch.now, writes: vec![write] };
            let outcome = Box::pin(self.commit(one)).await?;
            all.won.extend(outcome.won);
            all.refused.extend(outcome.refused);
            all.touched.extend(outcome.touched);
        }
        Some(all)
    }

    /// What the database refuses it has looked at: it is not away.
    fn refused(&mut self, batch: &Batch, why: &str) -> Outcome {
        self.outage.over();
        let numbers: HashSet<i64> = batch.writes.iter().map(|w| w.subject).collect();
        tracing::error!(?numbers, why, "the database refused a subject's write");
        Outcome { won: HashSet::new(), refused: numbers, touched: HashSet::new() }
    }

    /// Puts committed subjects back into memory and forgets the others; returns the numbers of those that lost.
    pub(super) fn keep(&mut self, subjects: Vec<Subject>, outcome: &Outcome) -> Vec<i64> {
        let mut lost = Vec::new();
        for subject in subjects {
            if outcome.won.contains(&subject.number) {
                self.subjects.put(subject);
            } else {
                self.subjects.forget(subject.number);
                lost.push(subject.number);
            }
        }
        for number in &outcome.touched {
            self.subjects.forget(*number);
        }
        lost
    }

    /// Waits a moment, longer each time storage stays away; `None` when the service is being cut down.
    pub(super) async fn wait_for_storage(&mut self, error: &StoreError) -> Option<()> {
        let pause = self.outage.failed(error);
        self.parts.hard.run_until_cancelled(tokio::time::sleep(pause)).await
    }
}

fn touched(writes: &[SubjectWrite]) -> HashSet<i64> {
    writes.iter().flat_map(|w| w.touches.iter().copied()).collect()
}
