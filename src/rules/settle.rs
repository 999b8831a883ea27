//! What every judgement has in common: who caused it, which alerts simply end, and the decision it becomes.

use crate::domain::{
    AlertEvent, BlockKind, Cause, Context, Episode, Freshness, Policy, Report, Resolution, Subject, SubjectState, Time,
    WardStatus,
};
use crate::rules::catalogue::RULES;
use crate::rules::judge::Decision;
use crate::rules::lifecycle::{Turn, Turned, clearing_ends};
use crate::rules::response::{Request, response_times};
use crate::rules::verdict::{Ruling, Verdict};

/// What an input did to a state before the rules are asked.
#[derive(Debug, Default)]
pub struct Change<'a> {
    /// The report, if it was one.
    pub report: Option<&'a Report>,
    /// Blocks that it corrected.
    pub corrected: Vec<BlockKind>,
    /// Its red flags.
    pub flags: Vec<Ruling>,
    /// Plans or final red flags changed.
    pub cold: bool,
    /// What a responder asks.
    pub request: Option<&'a Request<'a>>,
}

/// How a subject stands: its status, and whether its figures are current.
pub type Stand = (WardStatus, Freshness);

/// Whether the subject is judged under another version of its policy, or of what lies beneath it, than last time.
pub fn policy_differs(state: &SubjectState, policy: &Policy) -> bool {
    let last = if state.judged_policy.is_empty() { Policy::DEFAULT_VERSION } else { &state.judged_policy };
    last != policy.identity()
}

/// Who or what caused a judgement. Of several changes of the context the newest.
pub fn cause(change: &Change<'_>, subject: &Subject, context: &Context, policy: &Policy) -> Cause {
    if let Some(report) = change.report {
        return Cause::Report(report.key.clone());
    }
    if let Some(request) = change.request {
        return Cause::Responder(request.by.clone());
    }
    let judged = subject.state.judged;
    let newer = |generation: i64| generation > judged;
    match subject.generation {
        generation if !newer(generation) && policy_differs(&subject.state, policy) => Cause::Policy,
        generation if !newer(generation) => Cause::Timer,
        generation if generation == context.strikes_changed => Cause::Strike,
        generation if generation == context.policies_changed => Cause::Policy,
        _ if newer(context.strikes_changed) => Cause::Strike,
        _ if newer(context.policies_changed) => Cause::Policy,
        _ => Cause::Register,
    }
}

/// The end of everything open: of a ward that closed, of a group no longer in force.
pub fn endings(episodes: &[Episode], resolution: Resolution) -> Vec<Ruling> {
    let open = episodes.iter().filter(|e| e.alert.is_open());
    open.filter_map(|e| {
        let rule = RULES.iter().find(|r| **r == e.alert.rule)?;
        let ruling = Ruling::said(rule, &[], e.alert.message.clone()).says(Verdict::Ended(resolution));
        Some(Ruling { instance: e.alert.instance.clone(), ..ruling })
    })
    .collect()
}

/// The last steps of a turn: what a responder asks, then what lapses or escalates.
pub fn respond(
    turn: &Turn<'_>,
    episodes: &mut [Episode],
    request: Option<&Request<'_>>,
    rulings: &[Ruling],
    closed: bool,
    turned: &mut Turned,
) -> Option<Result<(), crate::domain::ActRefusal>> {
    let acted = request.map(|request| {
        let alert = episodes.iter().find(|e| e.alert.id == request.alert).map(|e| &e.alert);
        let ruling = alert.and_then(|a| rulings.iter().find(|r| r.rule == a.rule && r.instance == a.instance));
        // A red flag is no figure; of a figure that is stale nobody knows whether it still breaches.
        let unknown = ruling.is_none_or(|r| matches!(r.verdict, Verdict::NotEvaluable(_)));
        let flag = alert.is_some_and(|a| a.rule == crate::rules::catalogue::RED_FLAG);
        let forecast = alert.is_some_and(|a| a.forecast);
        turn.act(episodes, request, closed || flag || (unknown && !forecast), turned)
    });
    turn.tend(episodes, turned);
    acted
}

/// What a judgement's parts come to.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// The state after it, its episodes in place.
    pub state: SubjectState,
    /// What happened to alerts.
    pub turned: Turned,
    /// What the input did.
    pub change: &'a Change<'a>,
    /// What became of a responder's request.
    pub acted: Option<Result<(), crate::domain::ActRefusal>>,
    /// The subject's own instants at which time alone could change it.
    pub times: Vec<Time>,
}

/// The decision: what is to be written, and when to look again.
pub fn decide(subject: &Subject, policy: &Policy, context: &Context, outcome: Outcome<'_>, now: Time) -> Decision {
    let Outcome { mut state, turned, change, acted, times } = outcome;
    let before = &subject.state;
    let judged_anew = subject.generation > before.judged || policy_differs(before, policy);
    state.judged = subject.generation.max(before.judged);
    if judged_anew {
        state.judged_policy = policy.identity().into_owned();
    }
    let plans = state.plans != before.plans;
    let summary_changed = state.summary != before.summary;
    let all = times.into_iter().chain(clearing_ends(&state.episodes, policy)).chain(context.next_policy(now));
    let all = all.chain(response_times(&state.episodes, policy));
    Decision {
        next_check: all.filter(|at| *at > now).min(),
        hot_changed: false,
        cold_changed: turned.changed || !turned.events.is_empty() || change.cold || plans || judged_anew,
        summary_changed,
        stored: false,
        events: turned.events,
        receipt: None,
        acted,
        state,
    }
}

/// Ids of the alerts that events changed, each once.
pub fn changed(events: &[AlertEvent]) -> Vec<crate::domain::AlertId> {
    let mut ids: Vec<_> = Vec::with_capacity(events.len());
    for event in events {
        if !ids.contains(&event.alert.id) {
            ids.push(event.alert.id);
        }
    }
    ids
}
