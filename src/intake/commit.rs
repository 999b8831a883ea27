//! A batch into the store, through its three kinds of failure (engine.md section 3).

use std::collections::HashSet;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use crate::domain::Subject;
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
            match self.parts.store.commit(&batch).await {
                Ok(committed) => return Some(self.committed(&batch.writes, &committed)),
                Err(StoreError::Unavailable(why)) => self.wait_for_storage(&StoreError::Unavailable(why)).await?,
                Err(StoreError::Unknown(why)) => return self.look(&batch, &StoreError::Unknown(why)).await,
                Err(StoreError::Refused(why)) if batch.writes.len() == 1 => return Some(refused(&batch, &why)),
                Err(StoreError::Refused(_)) => return self.one_by_one(batch).await,
            }
        }
    }

    fn committed(&self, writes: &[SubjectWrite], committed: &Committed) -> Outcome {
        // Woken at once, whether or not there are events: a waking that finds nothing costs one read.
        if writes.iter().any(|w| !w.inputs.is_empty()) {
            self.parts.committed.send_replace(committed.point.position);
        }
        let won = writes.iter().zip(&committed.won).filter(|(_, won)| **won).map(|(w, _)| w.subject);
        Outcome { won: won.collect(), refused: HashSet::new(), touched: touched(writes) }
    }

    /// After an unknown outcome the etags tell: our tag means that it was committed.
    async fn look(&mut self, batch: &Batch, error: &StoreError) -> Option<Outcome> {
        self.wait_for_storage(error).await?;
        let numbers: Vec<i64> = batch.writes.iter().filter(|w| !w.is_check()).map(|w| w.subject).collect();
        loop {
            match self.parts.store.load_subjects(&numbers).await {
                Ok(rows) => {
                    let won = rows.into_iter().filter(|r| r.etag == batch.tag).map(|r| r.number);
                    self.parts.committed.send_modify(|_| {});
                    let touched = touched(&batch.writes);
                    return Some(Outcome { won: won.collect(), refused: HashSet::new(), touched });
                }
                Err(error) => self.wait_for_storage(&error).await?,
            }
        }
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
        tracing::warn!(%error, "waiting for storage");
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(50))
            .with_max_delay(Duration::from_secs(1))
            .without_max_times()
            .with_jitter()
            .build();
        loop {
            let pause = pauses.next().unwrap_or(Duration::from_secs(1));
            tokio::select! {
                () = self.parts.hard.cancelled() => return None,
                () = tokio::time::sleep(pause) => {}
            }
            match self.parts.store.head().await {
                Ok(_) => return Some(()),
                Err(error) => tracing::debug!(%error, "storage is still away"),
            }
        }
    }
}

fn touched(writes: &[SubjectWrite]) -> HashSet<i64> {
    writes.iter().flat_map(|w| w.touches.iter().copied()).collect()
}

fn refused(batch: &Batch, why: &str) -> Outcome {
    let numbers: HashSet<i64> = batch.writes.iter().map(|w| w.subject).collect();
    tracing::error!(?numbers, why, "the database refused a subject's write");
    Outcome { won: HashSet::new(), refused: numbers, touched: HashSet::new() }
}
