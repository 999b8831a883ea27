//! A report laid over a subject's current blocks.

use crate::domain::{
    BlockKey, BlockKind, BlockReceipt, Blocks, Current, Doubt, Period, Plan, Report, SourceCode, Span, SubjectState,
    Time,
};
use crate::rules::plausible;
use crate::rules::standing::{blocks, key_of};

/// What a report brings to each of its blocks.
struct Arriving<'a> {
    key: BlockKey,
    digest: i64,
    source: &'a SourceCode,
    now: Time,
    /// How long a doubtful figure must stand before a second one may agree.
    clear_after: Span,
}

/// What laying a report over a state did.
#[derive(Debug, Default)]
pub struct Applied {
    /// One per block of the report.
    pub blocks: Vec<BlockReceipt>,
    /// Blocks that were corrected.
    pub corrected: Vec<BlockKind>,
    /// A plan was taken back.
    pub withdrew: bool,
}

/// Lays a report over `state`: a block with a greater key becomes current, whole; an absent block says nothing. A plan
/// is laid over the plan for the same period.
pub fn apply(state: &mut SubjectState, report: &Report, digest: i64, clear_after: Span, now: Time) -> Applied {
    let arriving = Arriving { key: key_of(report), digest, source: &report.source, now, clear_after };
    state.recent.push(report.key.id);
    match report.plan {
        None => arriving.actual(&mut state.blocks, report),
        Some(plan) => arriving.planned(plan_of(state, plan.period), report, plan.withdrawn),
    }
}

/// The plan for a period; plans are kept in the order of their periods.
fn plan_of(state: &mut SubjectState, period: Period) -> &mut Plan {
    let place = state.plans.binary_search_by_key(&period, |p| p.period).unwrap_or_else(|place| {
        state.plans.insert(place, Plan::new(period));
        place
    });
    &mut state.plans[place]
}

impl Arriving<'_> {
    fn actual(&self, blocks: &mut Blocks, report: &Report) -> Applied {
        let mut done = Applied::default();
        let patients = |old: &Current<_>, new: &_, at| {
            plausible::doubt(old, new, (at, self.clear_after), plausible::patients_jump, plausible::patients_still)
        };
        let nursing = |old: &Current<_>, new: &_, at| {
            plausible::doubt(old, new, (at, self.clear_after), plausible::nurses_jump, plausible::nurses_still)
        };
        self.lay(&mut done, BlockKind::Patients, &mut blocks.patients, report.patients, patients);
        self.lay(&mut done, BlockKind::Nursing, &mut blocks.nursing, report.nursing, nursing);
        self.others(&mut done, blocks, report);
        done
    }

    /// A plan believes every figure: nobody has counted anything yet.
    fn planned(&self, plan: &mut Plan, report: &Report, withdrawn: bool) -> Applied {
        let mut done = Applied::default();
        if withdrawn {
            let newer = plan.withdrawn.is_none_or(|(key, _)| key < self.key);
            done.withdrew = newer;
            if newer {
                plan.withdrawn = Some((self.key, self.digest));
                plan.blocks.keep_newer_than(self.key);
            }
            return done;
        }
        if let Some((key, _)) = plan.withdrawn.filter(|(key, _)| *key > self.key) {
            let superseded = |block| BlockReceipt { block, applied: false, current: key.observed };
            done.blocks = blocks(report).map(superseded).collect();
            return done;
        }
        self.lay(&mut done, BlockKind::Patients, &mut plan.blocks.patients, report.patients, |_, _, _| None);
        self.lay(&mut done, BlockKind::Nursing, &mut plan.blocks.nursing, report.nursing, |_, _, _| None);
        self.others(&mut done, &mut plan.blocks, report);
        done
    }

    fn others(&self, done: &mut Applied, blocks: &mut Blocks, report: &Report) {
        let Blocks { levels_of_care, nursing_hours, medical_cover, judgement, patients: _, nursing: _ } = blocks;
        self.lay(done, BlockKind::LevelsOfCare, levels_of_care, report.levels_of_care, |_, _, _| None);
        self.lay(done, BlockKind::NursingHours, nursing_hours, report.nursing_hours, |_, _, _| None);
        self.lay(done, BlockKind::MedicalCover, medical_cover, report.medical_cover.clone(), |_, _, _| None);
        self.lay(done, BlockKind::ProfessionalJudgement, judgement, report.judgement, |_, _, _| None);
        done.blocks.sort_by_key(|b| b.block);
    }

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
