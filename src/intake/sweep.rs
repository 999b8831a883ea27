//! Time acts alone: subjects whose next check has come are judged without a report.

use std::collections::HashSet;

use crate::intake::draft::Draft;
use crate::intake::engine::Engine;
use crate::store::{Batch, StoreError};

/// Most subjects a round.
const ROUND: u32 = 1_000;
/// Most rounds in a row, so that reports are not kept waiting.
const ROUNDS: usize = 64;

impl Engine {
    /// Judges what is due until nothing is; whether that could be found out. What conflicts is dropped: the winner has set
    /// the next check.
    pub(super) async fn sweep(&mut self) -> bool {
        let mut refused = HashSet::new();
        for _ in 0..ROUNDS {
            match self.round(&mut refused).await {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "a sweep failed; the next one will find what it left");
                    return false;
                }
            }
        }
        true
    }

    /// Judges some of what is due; how many. Whom the database refuses stays due: one of them must not hold up the others.
    async fn round(&mut self, refused: &mut HashSet<i64>) -> Result<usize, StoreError> {
        let most = ROUND.saturating_add(u32::try_from(refused.len()).unwrap_or(u32::MAX));
        let mut due = self.parts.store.due_subjects(self.parts.clock.now(), most).await?;
        due.retain(|number| !refused.contains(number));
        if due.is_empty() {
            // Whatever waited was answered before a sweep, or another replica has done it: nothing waits here.
            self.outage.over();
            return Ok(0);
        }
        self.subjects.load(due.iter().copied()).await?;
        let book = self.subjects.register().rulebook();
        // Only now, because what was loaded may be newer than the time that was asked with.
        let now = self.parts.clock.now();
        let tag = fastrand::i64(1..i64::MAX);
        let (mut writes, mut subjects) = (Vec::new(), Vec::new());
        for number in &due {
            let Some(subject) = self.subjects.take(*number) else { continue };
            let mut draft = Draft::new(&book, subject, now, self.parts.settings.report_retention);
            draft.tick();
            let (write, subject) = draft.finish(tag);
            writes.push(write);
            subjects.push(subject);
        }
        let judged = writes.len();
        let Some(outcome) = self.commit(Batch { tag, now, writes }).await else { return Ok(0) };
        self.keep(subjects, &outcome);
        refused.extend(outcome.refused);
        Ok(judged)
    }
}
