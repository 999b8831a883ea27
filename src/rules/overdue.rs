use crate::domain::{BlockKind, Severity, Span, SubjectState, Time, WardFacts};
use crate::rules::catalogue::OVERDUE;
use crate::rules::verdict::{Ruling, Verdict};
use crate::rules::view::{AGEING, View};

/// Local census times of a ward that names neither times nor an interval: 07:30, 14:00, 20:00 (domain.md section 7).
const CENSUS: [u16; 3] = [7 * 60 + 30, 14 * 60, 20 * 60];
/// A census figure is overdue so long after the census.
const AFTER_CENSUS: Span = Span::minutes(60);
/// The least grace after an interval.
const LEAST_GRACE: Span = Span::minutes(15);

/// When a block observed at `observed` is due again.
fn due_time(facts: &WardFacts, observed: Time) -> Option<Time> {
    if let Some(minutes) = facts.ward.report_every_minutes {
        return Some(observed + Span::minutes(i64::from(minutes)));
    }
    let times = if facts.ward.census_times.is_empty() { &CENSUS[..] } else { &facts.ward.census_times };
    observed.next_local(times, &facts.organisation.zone)
}

/// When a block observed at `observed` falls overdue: half its interval (at least 15 min) after it was due, or an hour
/// after the next census. `None` for blocks that do not age.
pub fn overdue_time(facts: &WardFacts, kind: BlockKind, observed: Time) -> Option<Time> {
    if !AGEING.contains(&kind) {
        return None;
    }
    let due = due_time(facts, observed)?;
    let grace = facts
        .ward
        .report_every_minutes
        .map_or(AFTER_CENSUS, |every| Span::micros(Span::minutes(i64::from(every)).as_micros() / 2).max(LEAST_GRACE));
    Some(due + grace)
}

/// When silence about a block began: nothing about it was received since its figures, or since it was last heard of.
pub fn silent_since(facts: &WardFacts, state: &SubjectState, kind: BlockKind) -> Option<Time> {
    let (key, _, heard) = state.current(kind)?;
    overdue_time(facts, kind, key.observed.max(heard))
}

/// Whether any ageing block ever came.
pub fn ever_reported(state: &SubjectState) -> bool {
    AGEING.into_iter().any(|kind| state.current(kind).is_some())
}

/// `report.overdue`: an ageing block is overdue and nothing about it was received for that long. A ward that never
/// reported is overdue from its registration. Old figures just delivered are late, not silent.
pub fn overdue(view: &View<'_>) -> Ruling {
    let ruling = Ruling::new(OVERDUE, &AGEING, words);
    if silent(view).next().is_some() || never(view).is_some() {
        return ruling.says(Verdict::Breach(Severity::Warning));
    }
    ruling
}

fn silent<'a>(view: &'a View<'_>) -> impl Iterator<Item = BlockKind> + 'a {
    AGEING.into_iter().filter(|k| silent_since(view.facts, view.state, *k).is_some_and(|at| at <= view.now))
}

/// When a ward that never reported fell overdue.
fn never(view: &View<'_>) -> Option<Time> {
    if ever_reported(view.state) {
        return None;
    }
    overdue_time(view.facts, BlockKind::Patients, view.state.registered).filter(|at| *at <= view.now)
}

/// What a block's figures are called.
fn figures(kind: BlockKind) -> &'static str {
    match kind {
        BlockKind::Patients => "patient",
        BlockKind::LevelsOfCare => "level of care",
        _ => "nursing",
    }
}

fn words(view: &View<'_>, ruling: &Ruling) -> String {
    let ward = &view.facts.ward.code;
    if !ruling.breaches() {
        return format!("Ward {ward}: figures are received again. Observed {}.", view.clock(view.newest(&AGEING)));
    }
    let blocks: Vec<&str> = silent(view).map(figures).collect();
    let since = silent(view).filter_map(|k| view.state.current(k)).map(|(key, _, heard)| key.observed.max(heard)).min();
    let Some(since) = since else {
        return format!("Ward {ward}: no figures since its registration at {}.", view.clock(view.state.registered));
    };
    let due = due_time(view.facts, since).map(|d| format!(", due {}", view.clock(d))).unwrap_or_default();
    format!("Ward {ward}: no {} figures since {}{due}.", blocks.join(", "), view.clock(since))
}
