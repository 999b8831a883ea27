//! A ward's judgement: its figures, its plans, its cover.

use crate::domain::{BlockKind, Resolution, Subject, SubjectState, Summary, Time, WardFacts, WardState};
use crate::rules::all::{planned_rulings, ward_rulings};
use crate::rules::due::{AGEING, ever_reported, overdue_time, silent_since};
use crate::rules::forecasts::{forecasts, orphans};
use crate::rules::inputs::Inputs;
use crate::rules::judge::Decision;
use crate::rules::lifecycle::Turn;
use crate::rules::settle::{Change, Outcome, Stand, cause, decide, endings, policy_differs, respond};
use crate::rules::status::standing_of;
use crate::rules::switches::{self, switched};
use crate::rules::view::View;
use crate::rules::{hours, silence, windows};

/// Asks every rule, and says how the ward stands after it.
pub fn settle(
    facts: &WardFacts,
    subject: &Subject,
    mut state: SubjectState,
    change: &Change<'_>,
    now: Time,
) -> (Decision, Stand) {
    let policy = facts.context.policy(now);
    let mut episodes = std::mem::take(&mut state.episodes);
    state.plans.retain(|p| p.period.end > now);
    let closed = facts.ward.state == WardState::Closed;
    let view = View::of(facts, &policy, &state, now);
    let turn = Turn {
        view: Some(view),
        inputs: Some(&view),
        policy: &policy,
        context: &facts.context,
        subject: &subject.name,
        site: facts.ward.site.as_ref(),
        region: facts.organisation.region.as_ref(),
        wards: &[],
        cause: cause(change, subject, &facts.context, &policy),
        policy_changed: policy_differs(&subject.state, &policy),
        corrected: &change.corrected,
        now,
    };
    let mut rulings =
        if closed { endings(&episodes, Resolution::WardClosed) } else { ward_rulings(&view, &subject.reads) };
    rulings.extend(switched(&policy, &facts.ward.enabled_rules, change.flags.clone()));
    rulings.extend(switches::ends(&policy, &facts.ward.enabled_rules, &episodes));
    let mut turned = turn.run(&mut episodes, &rulings);
    for plan in state.plans.iter().filter(|_| !closed) {
        let view = View { plan: Some(plan.period), blocks: &plan.blocks, ..view };
        let planned = forecasts(planned_rulings(&view), plan, &state.blocks, turn.by_report());
        let turn = Turn { view: Some(view), inputs: Some(&view), corrected: &[], ..turn.clone() };
        turned.add(turn.run(&mut episodes, &planned));
    }
    let over = orphans(&episodes, &state.plans, now);
    turned.add(turn.run(&mut episodes, &over));
    let acted = respond(&turn, &mut episodes, change.request, &rulings, closed, &mut turned);
    let summary = Summary { silences: silence::of_ward(&view), cover: None };
    let stand = standing_of(&view, &episodes, &rulings);
    let times = if closed { Vec::new() } else { times(&view, &state) };
    state.episodes = episodes;
    state.summary = summary;
    let outcome = Outcome { state, turned, change, acted, times };
    (decide(subject, &policy, &facts.context, outcome, now), stand)
}

/// The instants at which time alone could change this ward.
fn times(view: &View<'_>, state: &SubjectState) -> Vec<Time> {
    let blocks = &state.blocks;
    let overdue = AGEING.into_iter().filter_map(|k| view.overdue_time(k, blocks.current(k)?.0.observed));
    let silent = AGEING.into_iter().filter_map(|k| silent_since(view, k));
    let first = || overdue_time(view.facts, view.policy, BlockKind::Patients, state.registered);
    let never = (!ever_reported(blocks)).then(first).flatten();
    let shift = blocks.nursing_hours.as_ref().map(|c| c.body.shift_end);
    let judgement = blocks.judgement.as_ref().map(|c| hours::judgement_ends(view.policy, c.key.observed));
    let plans = state.plans.iter().map(|p| p.period.end);
    let (strikes, zone) = (&view.facts.context.strikes, &view.facts.organisation.zone);
    let struck = windows::struck(strikes, false, &view.policy.shifts, zone);
    let edge = windows::next_edge(&struck, view.now);
    overdue.chain(silent).chain(never).chain(shift).chain(judgement).chain(plans).chain(edge).collect()
}
