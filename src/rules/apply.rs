//! A report laid over a subject's current blocks.

use crate::domain::{BlockKey, BlockKind, BlockReceipt, Current, Doubt, Report, SourceCode, SubjectState, Time};
use crate::rules::plausible;
use crate::rules::standing::key_of;

/// What a report brings to each of its blocks.
struct Arriving<'a> {
    key: BlockKey,
    digest: i64,
    source: &'a SourceCode,
    now: Time,
}

/// What laying a report over a state did.
#[derive(Debug, Default)]
pub struct Applied {
    /// One per block of the report.
    pub blocks: Vec<BlockReceipt>,
    /// Blocks that were corrected.
    pub corrected: Vec<BlockKind>,
}

/// Lays a report over `state`: a block with a greater key becomes current, whole; an absent block says nothing.
pub fn apply(state: &mut SubjectState, report: &Report, digest: i64, now: Time) -> Applied {
    let arriving = Arriving { key: key_of(report), digest, source: &report.source, now };
    let mut done = Applied::default();
    let patients = |old: &Current<_>, new: &_, at| {
        plausible::doubt(old, new, at, plausible::patients_jump, plausible::patients_still)
    };
    let nursing =
        |old: &Current<_>, new: &_, at| plausible::doubt(old, new, at, plausible::nurses_jump, plausible::nurses_still);
    arriving.lay(&mut done, BlockKind::Patients, &mut state.patients, report.patients, patients);
    arriving.lay(&mut done, BlockKind::LevelsOfCare, &mut state.levels_of_care, report.levels_of_care, |_, _, _| None);
    arriving.lay(&mut done, BlockKind::Nursing, &mut state.nursing, report.nursing, nursing);
    arriving.lay(&mut done, BlockKind::NursingHours, &mut state.nursing_hours, report.nursing_hours, |_, _, _| None);
    arriving.lay(&mut done, BlockKind::ProfessionalJudgement, &mut state.judgement, report.judgement, |_, _, _| None);
    state.recent.push(report.key.id);
    done
}

impl Arriving<'_> {
    fn lay<B>(
        &self,
        done: &mut Applied,
        kind: BlockKind,
        slot: &mut Option<Current<B>>,
        body: Option<B>,
        doubt: impl Fn(&Current<B>, &B, Time) -> Option<Doubt>,
    ) {
        let Some(body) = body else { return };
        if let Some(current) = slot.as_mut().filter(|c| c.key > self.key) {
            current.heard = current.heard.max(self.now);
            done.blocks.push(BlockReceipt { block: kind, applied: false, current: current.key.observed });
            return;
        }
        let old = slot.as_ref();
        let correction = old.is_some_and(|o| o.key.observed == self.key.observed && o.key.revision < self.key.revision);
        let doubt = old.and_then(|old| doubt(old, &body, self.key.observed));
        if correction {
            done.corrected.push(kind);
        }
        done.blocks.push(BlockReceipt { block: kind, applied: true, current: self.key.observed });
        let source = self.source.clone();
        *slot = Some(Current { key: self.key, digest: self.digest, source, heard: self.now, correction, doubt, body });
    }
}
