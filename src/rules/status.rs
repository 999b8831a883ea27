use crate::domain::{
    Episode, Fraction, Freshness, GroupFacts, Resolution, Severity, SubjectName, SubjectState, Summary, Time,
    WardFacts, WardState, WardStatus,
};
use crate::rules::all::ward_rulings;
use crate::rules::catalogue::{BELOW_MINIMUM, CARE_LEVEL, NONE, RATIO};
use crate::rules::cover::group_rulings;
use crate::rules::cover_view::{self, CoverView};
use crate::rules::due::{AGEING, ever_reported};
use crate::rules::inputs::Inputs;
use crate::rules::switches::switched;
use crate::rules::verdict::{Ruling, Verdict, Why};
use crate::rules::view::View;

/// What a rule says of a ward now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its limit is breached.
    Breaching,
    /// Within its limit.
    WithinLimit,
    /// It cannot be said, for this reason.
    NotEvaluable(String),
    /// Off, or not for this ward, for this reason.
    Disabled(String),
}

/// One rule's answer to "why is there an alert?" and "why is there none?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The rule.
    pub rule: &'static str,
    /// Its answer.
    pub answer: Answer,
    /// What was measured.
    pub measured: Option<Fraction>,
    /// Against what.
    pub limit: Option<Fraction>,
}

/// Every rule's answer on a ward. Red flags are events and have none.
pub fn evaluate(
    facts: &WardFacts,
    state: &SubjectState,
    reads: &[(SubjectName, Summary)],
    now: Time,
) -> Vec<Evaluation> {
    let policy = facts.context.policy(now);
    answers(ward_rulings(&View::of(facts, &policy, state, now), reads))
}

/// Every rule's answer on a cover group.
pub fn evaluate_group(facts: &GroupFacts, state: &SubjectState, now: Time) -> Vec<Evaluation> {
    let policy = facts.context.policy(now);
    let struck = cover_view::struck(facts, &policy);
    let view = CoverView { facts, policy: &policy, blocks: &state.blocks, struck: &struck, now, plan: None };
    answers(switched(&policy, &[], group_rulings(&view)))
}

fn answers(rulings: Vec<Ruling>) -> Vec<Evaluation> {
    let mut evaluations: Vec<Evaluation> = rulings.into_iter().map(evaluation).collect();
    // One answer a rule: of several instances, the breaching one.
    evaluations.dedup_by(|b, a| {
        let same = a.rule == b.rule;
        if same && b.answer == Answer::Breaching {
            a.answer = Answer::Breaching;
        }
        same
    });
    evaluations
}

fn evaluation(ruling: Ruling) -> Evaluation {
    let answer = match ruling.verdict {
        Verdict::Breach(_) => Answer::Breaching,
        Verdict::Clear => Answer::WithinLimit,
        Verdict::NotEvaluable(why) => Answer::NotEvaluable(why.to_string()),
        Verdict::Disabled(why) => Answer::Disabled(why.to_owned()),
        Verdict::SwitchedOff => Answer::Disabled("switched off in the policy".to_owned()),
        Verdict::Ended(Resolution::Replaced) => Answer::NotEvaluable("rn.none says it better".to_owned()),
        Verdict::Ended(Resolution::WindowEnded) => Answer::Disabled("outside every strike that it is about".to_owned()),
        Verdict::Ended(_) => Answer::NotEvaluable("its input has expired".to_owned()),
    };
    let (measured, limit) = ruling.measure.map(|m| (m.measured, m.limit)).unzip();
    Evaluation { rule: ruling.rule, answer, measured, limit }
}

/// How a ward stands: the worst open alert of WARNING or above, else what its figures say; and whether they are current.
pub fn status(
    facts: &WardFacts,
    state: &SubjectState,
    reads: &[(SubjectName, Summary)],
    now: Time,
) -> (WardStatus, Freshness) {
    let policy = facts.context.policy(now);
    let view = View::of(facts, &policy, state, now);
    standing_of(&view, &state.episodes, &ward_rulings(&view, reads))
}

/// As [`status`], from rulings already made.
pub fn standing_of(view: &View<'_>, episodes: &[Episode], rulings: &[Ruling]) -> (WardStatus, Freshness) {
    let never = !ever_reported(view.blocks);
    let stale = AGEING
        .into_iter()
        .any(|kind| view.blocks.current(kind).is_some_and(|(key, ..)| view.overdue(kind, key.observed)));
    let freshness = if never || stale { Freshness::Stale } else { Freshness::Fresh };
    (ward_status(view, episodes, rulings, never), freshness)
}

fn ward_status(view: &View<'_>, episodes: &[Episode], rulings: &[Ruling], never: bool) -> WardStatus {
    if view.facts.ward.state == WardState::Closed {
        return WardStatus::Closed;
    }
    let open = episodes.iter().filter(|e| e.alert.is_open() && !e.alert.forecast);
    match open.map(|e| e.alert.severity).max() {
        Some(Severity::Critical) => return WardStatus::Critical,
        Some(Severity::Warning) => return WardStatus::Warning,
        Some(Severity::Info) | None => {}
    }
    if never {
        WardStatus::NeverReported
    } else if view.is_empty() {
        // Nobody needs no one: whatever else was not reported does not matter.
        WardStatus::Empty
    } else if rulings.iter().any(incomplete) {
        WardStatus::Incomplete
    } else if rulings.iter().any(at_limit) {
        WardStatus::AtLimit
    } else {
        WardStatus::Ok
    }
}

/// A rule that every ward needs (or a formula its kind needs) lacks an input.
fn incomplete(ruling: &Ruling) -> bool {
    let essential = [RATIO, NONE, BELOW_MINIMUM, CARE_LEVEL].contains(&ruling.rule);
    essential
        && matches!(ruling.verdict, Verdict::NotEvaluable(Why::NeverReported(_) | Why::Overdue(_) | Why::Absent(_)))
}

fn at_limit(ruling: &Ruling) -> bool {
    ruling.rule == RATIO
        && ruling.measure.as_ref().is_some_and(|m| {
            m.measured.denominator > 0
                && m.measured.numerator * m.limit.denominator == m.limit.numerator * m.measured.denominator
        })
}
