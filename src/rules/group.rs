//! A cover group's judgement: whether its cover stands, and what its wards and its organisation read of it.

use crate::domain::{
    BlockKind, CoverGap, CoverSummary, Freshness, GroupFacts, Policy, Resolution, Severity, Span, Subject,
    SubjectState, Summary, Time, WardStatus,
};
use crate::rules::catalogue::{COVER_MINIMUM, NO_SENIOR};
use crate::rules::cover::{group_rulings, plan_gap};
use crate::rules::cover_view::{self, CoverView};
use crate::rules::forecasts::{forecasts, orphans};
use crate::rules::inputs::Inputs;
use crate::rules::judge::Decision;
use crate::rules::lifecycle::Turn;
use crate::rules::settle::{Change, Outcome, Stand, cause, decide, endings, policy_differs, respond};
use crate::rules::switches::{self, switched};
use crate::rules::verdict::{Ruling, Verdict};
use crate::rules::windows::{self, Struck};
use crate::rules::{returns, silence};

/// Asks every rule, and says how the group stands after it.
pub fn settle(
    facts: &GroupFacts,
    subject: &Subject,
    mut state: SubjectState,
    change: &Change<'_>,
    now: Time,
) -> (Decision, Stand) {
    let policy = facts.context.policy(now);
    let struck = cover_view::struck(facts, &policy);
    let mut episodes = std::mem::take(&mut state.episodes);
    state.plans.retain(|p| p.period.end > now);
    let view = CoverView { facts, policy: &policy, blocks: &state.blocks, struck: &struck, now, plan: None };
    let turn = Turn {
        view: None,
        inputs: Some(&view),
        policy: &policy,
        context: &facts.context,
        subject: &subject.name,
        site: facts.group.site.as_ref(),
        region: facts.organisation.region.as_ref(),
        wards: &facts.wards,
        cause: cause(change, subject, &facts.context, &policy),
        policy_changed: policy_differs(&subject.state, &policy),
        corrected: &change.corrected,
        now,
    };
    let gone = !facts.in_force;
    let asked = if gone { endings(&episodes, Resolution::RegisterChanged) } else { group_rulings(&view) };
    let mut rulings = if gone { asked.clone() } else { switched(&policy, &[], asked.clone()) };
    rulings.extend(switches::ends(&policy, &[], &episodes));
    let mut turned = turn.run(&mut episodes, &rulings);
    for plan in state.plans.iter().filter(|_| !gone) {
        let view = CoverView { plan: Some(plan.period), blocks: &plan.blocks, ..view };
        let planned = forecasts(switched(&policy, &[], vec![plan_gap(&view)]), plan, &state.blocks, turn.by_report());
        let turn = Turn { inputs: Some(&view), corrected: &[], ..turn.clone() };
        turned.add(turn.run(&mut episodes, &planned));
    }
    let over = orphans(&episodes, &state.plans, now);
    turned.add(turn.run(&mut episodes, &over));
    let acted = respond(&turn, &mut episodes, change.request, &rulings, gone, &mut turned);
    let summary = if gone { Summary::default() } else { summary(&view, &asked, &state) };
    let times = if gone { Vec::new() } else { times(&view, &state) };
    state.episodes = episodes;
    state.summary = summary;
    let stand = standing(facts, &state, now);
    let outcome = Outcome { state, turned, change, acted, times };
    (decide(subject, &policy, &facts.context, outcome, now), stand)
}

/// What others read of it.
fn summary(view: &CoverView<'_>, rulings: &[Ruling], state: &SubjectState) -> Summary {
    let in_force = windows::in_force(view.struck, view.now).next();
    let overdue = overdue(view, in_force);
    let planned = state.plans.iter().filter(|p| p.blocks.medical_cover.is_some()).map(|p| p.period);
    let cover = CoverSummary {
        gap: gap(view.policy, rulings),
        missing_since: returns::missing_since(in_force, overdue, view.now),
        planned: planned.collect(),
    };
    let kinds = in_force.map(|_| BlockKind::MedicalCover).into_iter();
    Summary { silences: silence::silences(view, kinds, |_| overdue), cover: Some(cover) }
}

/// When its return fell or falls overdue; one that never came counts from the beginning of what is struck now.
fn overdue(view: &CoverView<'_>, in_force: Option<&Struck>) -> Option<Time> {
    let observed = view.blocks.medical_cover.as_ref().map(|c| c.key.observed);
    let never = || in_force.and(windows::from_now(view.struck, view.now).first()).map(|s| s.start - Span::micros(1));
    view.overdue_time(BlockKind::MedicalCover, observed.or_else(never)?)
}

fn gap(policy: &Policy, rulings: &[Ruling]) -> CoverGap {
    let cover = || rulings.iter().filter(|r| [COVER_MINIMUM, NO_SENIOR].contains(&r.rule));
    let ended = |r: &Ruling| matches!(r.verdict, Verdict::Ended(_));
    // A rule that is off makes no hole.
    let on = || cover().filter(|r| policy.is_on(r.rule));
    // Below minimum speaks in every strike, so without it there is none.
    if cover().filter(|r| r.rule == COVER_MINIMUM).all(ended) {
        CoverGap::Outside
    } else if on().any(Ruling::breaches) {
        CoverGap::Hole
    } else if on().any(|r| matches!(r.verdict, Verdict::NotEvaluable(_))) {
        CoverGap::Unknown
    } else {
        CoverGap::Stands
    }
}

/// The instants at which time alone could change this group.
fn times(view: &CoverView<'_>, state: &SubjectState) -> Vec<Time> {
    let in_force = windows::in_force(view.struck, view.now).next();
    let plans = state.plans.iter().map(|p| p.period.end);
    let zone = &view.facts.organisation.zone;
    let shift = in_force.and_then(|s| next_shift(view, s));
    let next = windows::next_edge(view.struck, view.now);
    let returns = windows::next_return(view.struck, view.now, &view.policy.cover_return_times, zone);
    let grace = returns.map(|at| at + view.policy.cover_return_grace);
    plans.chain(overdue(view, in_force)).chain(shift).chain(next).chain(grace).collect()
}

/// When the next shift of a struck interval begins: other minima hold then.
fn next_shift(view: &CoverView<'_>, struck: &Struck) -> Option<Time> {
    let shifts = cover_view::shifts(view.facts, view.policy);
    let begun = shifts.starting_in(view.now + Span::micros(1), struck.end, &view.facts.organisation.zone);
    begun.first().map(|(from, ..)| *from)
}

/// How a group stands: its worst open alert of WARNING or above, else what is known of it.
pub fn standing(facts: &GroupFacts, state: &SubjectState, now: Time) -> Stand {
    let policy = facts.context.policy(now);
    let struck = cover_view::struck(facts, &policy);
    let view = CoverView { facts, policy: &policy, blocks: &state.blocks, struck: &struck, now, plan: None };
    let inside = windows::in_force(&struck, now).next().is_some();
    let freshness = if inside && view.cover().is_err() { Freshness::Stale } else { Freshness::Fresh };
    let open = state.episodes.iter().map(|e| &e.alert).filter(|a| a.is_open() && !a.forecast);
    let status = match open.map(|a| a.severity).max() {
        _ if !facts.in_force => WardStatus::Closed,
        Some(Severity::Critical) => WardStatus::Critical,
        Some(Severity::Warning) => WardStatus::Warning,
        _ if state.blocks.medical_cover.is_none() => WardStatus::NeverReported,
        _ if gap(&policy, &group_rulings(&view)) == CoverGap::Unknown => WardStatus::Incomplete,
        _ => WardStatus::Ok,
    };
    (status, freshness)
}
