use crate::domain::{BlockKey, BlockKind, Blocks, Plan, Report, SubjectState};

/// How a report stands against what is current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A block of it is newer than the current one, so it was never stored.
    Fresh,
    /// It is current already.
    Duplicate,
    /// Its id stands for another report.
    IdReused,
    /// None of its blocks is newer: the store knows whether it was stored before.
    Older,
}

/// Decides it (engine.md section 4): a stored report left each of its blocks' currents at or above its own key.
pub fn standing(state: &SubjectState, report: &Report, digest: i64) -> Standing {
    let Some(plan) = report.plan else { return against(&state.blocks, state, report, digest) };
    // Of a plan whose period is over, or that was never there, only the store knows.
    let Some(known) = state.plan(plan.period) else { return Standing::Older };
    if plan.withdrawn { withdrawal(known, report, digest) } else { against(&known.blocks, state, report, digest) }
}

fn withdrawal(plan: &Plan, report: &Report, digest: i64) -> Standing {
    let key = key_of(report);
    match plan.withdrawn {
        Some((known, same)) if known == key && same == digest => Standing::Duplicate,
        Some((known, _)) if known.report == key.report => Standing::IdReused,
        Some((known, _)) if known > key => Standing::Older,
        _ => Standing::Fresh,
    }
}

fn against(currents: &Blocks, state: &SubjectState, report: &Report, digest: i64) -> Standing {
    let key = key_of(report);
    let mut newer = false;
    for kind in blocks(report) {
        match currents.current(kind) {
            Some((current, ..)) if current == key => {
                let same = currents.digest(kind) == Some(digest);
                return if same { Standing::Duplicate } else { Standing::IdReused };
            }
            // The id of the current block's report, with another time or revision: it names that report.
            Some((current, ..)) if current.report == key.report => return Standing::IdReused,
            Some((current, ..)) if current > key => {}
            // What a withdrawal took away may have been stored.
            None if report.plan.is_some() => {}
            _ => newer = true,
        }
    }
    match newer {
        true if state.recent.contains(report.key.id) => Standing::IdReused,
        true => Standing::Fresh,
        false => Standing::Older,
    }
}

/// What orders a report's blocks.
pub fn key_of(report: &Report) -> BlockKey {
    BlockKey { observed: report.key.observed, revision: report.revision, report: report.key.id }
}

/// The blocks a report has.
pub fn blocks(report: &Report) -> impl Iterator<Item = BlockKind> {
    [
        report.patients.is_some().then_some(BlockKind::Patients),
        report.levels_of_care.is_some().then_some(BlockKind::LevelsOfCare),
        report.nursing.is_some().then_some(BlockKind::Nursing),
        report.nursing_hours.is_some().then_some(BlockKind::NursingHours),
        report.medical_cover.is_some().then_some(BlockKind::MedicalCover),
        report.judgement.is_some().then_some(BlockKind::ProfessionalJudgement),
    ]
    .into_iter()
    .flatten()
}
