use crate::domain::{BlockKind, Severity, Time};
use crate::rules::catalogue::OVERDUE;
use crate::rules::due::{AGEING, due_time, ever_reported, overdue_time, silent_since};
use crate::rules::verdict::{Ruling, Verdict};
use crate::rules::view::View;

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
    AGEING.into_iter().filter(|k| silent_since(view, *k).is_some_and(|at| at <= view.now))
}

/// When a ward that never reported fell overdue.
fn never(view: &View<'_>) -> Option<Time> {
    if ever_reported(view.blocks) {
        return None;
    }
    overdue_time(view.facts, view.policy, BlockKind::Patients, view.registered).filter(|at| *at <= view.now)
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
        return format!("Ward {ward}: figures are received again. {}", view.when(&AGEING));
    }
    let blocks: Vec<&str> = silent(view).map(figures).collect();
    let since =
        silent(view).filter_map(|k| view.blocks.current(k)).map(|(key, _, heard)| key.observed.max(heard)).min();
    let Some(since) = since else {
        return format!("Ward {ward}: no figures since its registration at {}.", view.clock(view.registered));
    };
    let due = due_time(view.facts, view.policy, since).map(|d| format!(", due {}", view.clock(d))).unwrap_or_default();
    format!("Ward {ward}: no {} figures since {}{due}.", blocks.join(", "), view.clock(since))
}
