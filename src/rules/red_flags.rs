use std::collections::BTreeSet;

use crate::domain::{
    AlertEvent, AlertState, ClosedFlag, Episode, EventType, FieldViolation, Policy, RedFlag, RedFlagType, RejectReason,
    Report, ReportId, Resolution, Severity, SubjectState, Time,
};
use crate::rules::catalogue::{FLAG_FINAL, MOST_FLAGS, RED_FLAG};
use crate::rules::response::Request;
use crate::rules::verdict::{About, Ruling, Verdict};
use crate::rules::view::View;

fn open_flags(episodes: &[Episode]) -> impl Iterator<Item = &Episode> {
    episodes.iter().filter(|e| e.alert.rule == RED_FLAG && e.alert.state != AlertState::Resolved)
}

/// Whether the subject would have more open red flags than it may.
pub fn too_many(state: &SubjectState, report: &Report, now: Time) -> Option<FieldViolation> {
    let is_open = |event: ReportId| open_flags(&state.episodes).any(|e| e.alert.instance == event.to_string());
    let is_final = |event| state.closed_flags.iter().any(|c| c.event == event && lasts(c, now));
    let raised = report.red_flags.iter().filter(|f| f.resolved.is_none()).map(|f| f.event);
    // Those known already may come again, as often as their sender likes.
    let new = raised.filter(|e| !is_open(*e) && !is_final(*e)).collect::<BTreeSet<_>>().len();
    let open = open_flags(&state.episodes).count();
    let text = || format!("{open} are open and {new} more would be above {MOST_FLAGS}: resolve some first");
    (new > 0 && open + new > MOST_FLAGS).then(|| FieldViolation::new("red_flags", RejectReason::TooMany, text()))
}

/// Whether a final red flag is final still.
fn lasts(flag: &ClosedFlag, now: Time) -> bool {
    now - flag.at < FLAG_FINAL
}

/// What a report's red flags do: each is applied by its event id once, whatever the report's time. Final ones are noted
/// in `closed`, which forgets what is older than 7 days.
pub fn apply(state: &SubjectState, flags: &[RedFlag], closed: &mut Vec<ClosedFlag>, now: Time) -> Vec<Ruling> {
    closed.retain(|flag| lasts(flag, now));
    flags.iter().filter_map(|flag| ruling(state, flag, closed, now)).collect()
}

/// Red flags that a responder closed: final, as those that staff resolved.
pub fn finals(events: &[AlertEvent], request: &Request<'_>, now: Time) -> Vec<ClosedFlag> {
    let closed =
        |e: &&AlertEvent| e.kind == EventType::Resolved && e.alert.rule == RED_FLAG && e.alert.id == request.alert;
    let event = |e: &AlertEvent| Some(ClosedFlag { event: e.alert.instance.parse().ok()?, at: now });
    events.iter().filter(closed).filter_map(event).collect()
}

fn ruling(state: &SubjectState, flag: &RedFlag, closed: &mut Vec<ClosedFlag>, now: Time) -> Option<Ruling> {
    if closed.iter().any(|c| c.event == flag.event) {
        return None;
    }
    let instance = flag.event.to_string();
    let open = open_flags(&state.episodes).any(|e| e.alert.instance == instance);
    let verdict = match (open, flag.resolved) {
        (true, None) => return None,
        (false, None) => Verdict::Breach(Severity::Critical),
        (_, Some(_)) => {
            closed.push(ClosedFlag { event: flag.event, at: now });
            Verdict::Ended(Resolution::RedFlagResolved)
        }
    };
    let ruling = Ruling::new(RED_FLAG, &[], words).says(verdict);
    Some(Ruling {
        instance,
        about: About::RedFlag(flag.kind.clone(), flag.noticed),
        source: source(&flag.kind),
        ..ruling
    })
}

fn words(view: &View<'_>, ruling: &Ruling) -> String {
    let About::RedFlag(kind, noticed) = &ruling.about else { return String::new() };
    format!(
        "Ward {}: red flag raised by staff: {}. Noticed {}.",
        view.facts.ward.code,
        kind.words(view.policy).unwrap_or(kind.code()),
        view.clock(*noticed)
    )
}

/// Whose red flag it is.
fn source(kind: &RedFlagType) -> &'static str {
    match kind.code().split_once('.') {
        Some(("local", _)) => "policy",
        Some((_, rest)) if rest.starts_with("ng4.") => "NICE NG4",
        _ => "NICE SG1",
    }
}

/// New red flags of types that the policy in force does not list. One that is open may be resolved for ever.
pub fn unlisted(policy: &Policy, report: &Report) -> Vec<FieldViolation> {
    let flags = report.red_flags.iter().enumerate();
    let unlisted = flags.filter(|(_, flag)| flag.resolved.is_none() && flag.kind.words(policy).is_none());
    let violation = |(n, flag): (usize, &RedFlag)| {
        let text = format!("{} is not in the policy in force: list it there first", flag.kind.code());
        FieldViolation::new(format!("red_flags[{n}].type"), RejectReason::Malformed, text)
    };
    unlisted.map(violation).collect()
}
