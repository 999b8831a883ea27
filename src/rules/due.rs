//! When figures are due again, and when they are overdue.

use crate::domain::{BlockKind, Blocks, Policy, Span, Time, WardFacts};
use crate::rules::inputs::Inputs;
use crate::rules::view::View;

/// Blocks whose figures age (domain.md section 2).
pub const AGEING: [BlockKind; 3] = [BlockKind::Patients, BlockKind::LevelsOfCare, BlockKind::Nursing];

/// Local census times of a ward that names neither times nor an interval: 07:30, 14:00, 20:00 (domain.md section 7).
const CENSUS: [u16; 3] = [7 * 60 + 30, 14 * 60, 20 * 60];
/// A census figure is overdue so long after the census.
const AFTER_CENSUS: Span = Span::minutes(60);
/// The least grace after an interval.
const LEAST_GRACE: Span = Span::minutes(15);

/// When a block observed at `observed` is due again.
pub fn due_time(facts: &WardFacts, _policy: &Policy, observed: Time) -> Option<Time> {
    if let Some(minutes) = facts.ward.report_every_minutes {
        return Some(observed + Span::minutes(i64::from(minutes)));
    }
    let times = if facts.ward.census_times.is_empty() { &CENSUS[..] } else { &facts.ward.census_times };
    observed.next_local(times, &facts.organisation.zone)
}

/// When a block observed at `observed` falls overdue: half its interval (at least 15 min) after it was due, or an hour
/// after the next census. `None` for blocks that do not age.
pub fn overdue_time(facts: &WardFacts, policy: &Policy, kind: BlockKind, observed: Time) -> Option<Time> {
    if !AGEING.contains(&kind) {
        return None;
    }
    let due = due_time(facts, policy, observed)?;
    let grace = facts
        .ward
        .report_every_minutes
        .map_or(AFTER_CENSUS, |every| Span::micros(Span::minutes(i64::from(every)).as_micros() / 2).max(LEAST_GRACE));
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
