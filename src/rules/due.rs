//! When figures are due again, and when they are overdue.

use crate::domain::{BlockKind, Blocks, Policy, Span, Time, WardFacts};
use crate::rules::inputs::Inputs;
use crate::rules::view::View;

/// Blocks whose figures age (domain.md section 2).
pub const AGEING: [BlockKind; 3] = [BlockKind::Patients, BlockKind::LevelsOfCare, BlockKind::Nursing];

/// When a block observed at `observed` is due again.
pub fn due_time(facts: &WardFacts, policy: &Policy, observed: Time) -> Option<Time> {
    if let Some(minutes) = facts.ward.report_every_minutes {
        return Some(observed + Span::minutes(i64::from(minutes)));
    }
    let times = if facts.ward.census_times.is_empty() { &policy.census_times } else { &facts.ward.census_times };
    observed.next_local(times, &facts.organisation.zone)
}

/// When a block observed at `observed` falls overdue: half its interval (at least the policy's grace) after it was due, or
/// the policy's grace after the next census. `None` for blocks that do not age.
pub fn overdue_time(facts: &WardFacts, policy: &Policy, kind: BlockKind, observed: Time) -> Option<Time> {
    if !AGEING.contains(&kind) {
        return None;
    }
    let due = due_time(facts, policy, observed)?;
    let half = |every: u16| Span::micros(Span::minutes(i64::from(every)).as_micros() / 2);
    let every = facts.ward.report_every_minutes;
    let grace = every.map_or(policy.census_grace, |every| half(every).max(policy.least_grace));
    Some(due + grace)
}

/// When silence about a block began: nothing about it was received since its figures, or since it was last heard of.
pub fn silent_since(view: &View<'_>, kind: BlockKind) -> Option<Time> {
    let (key, _, heard) = view.blocks.current(kind)?;
    view.overdue_time(kind, key.observed.max(heard))
}

/// Whether any ageing block ever came.
pub fn ever_reported(blocks: &Blocks) -> bool {
    AGEING.into_iter().any(|kind| blocks.current(kind).is_some())
}
