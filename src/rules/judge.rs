//! One judgement: the new state, the events, the receipt, and when to look again.

use std::sync::Arc;

use crate::domain::{
    ActRefusal, AlertEvent, FieldViolation, GroupFacts, Outcome, Policy, Receipt, RejectReason, Report, ReportError,
    Rulebook, Span, Subject, SubjectName, SubjectState, Time, WardFacts,
};
use crate::rules::response::Request;
use crate::rules::settle::{Change, Stand, changed};
use crate::rules::standing::{Standing, standing};
use crate::rules::{apply, group, organisation, red_flags, refusal, status, ward};

/// What changes a subject.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// A formally valid report.
    Report {
        /// The report.
        report: &'a Report,
        /// Of its canonical form.
        digest: i64,
        /// The digest found in the store under the same key, when it was looked for and found.
        stored: Option<i64>,
        /// How old a report may be.
        retention: Span,
    },
    /// Time passed, or what the subject reads changed.
    Tick,
    /// A responder acts on one of its alerts.
    Act(Request<'a>),
}

/// What a judgement decided.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts, each a write of its own")]
pub struct Decision {
    /// The state after it.
    pub state: SubjectState,
    /// A current block, when it was last heard of, or the recent ids changed.
    pub hot_changed: bool,
    /// Episodes, plans or final red flags changed.
    pub cold_changed: bool,
    /// What others read of this subject changed.
    pub summary_changed: bool,
    /// The report must be stored.
    pub stored: bool,
    /// What happened to alerts.
    pub events: Vec<AlertEvent>,
    /// The next instant at which time alone could change anything.
    pub next_check: Option<Time>,
    /// The answer to a report.
    pub receipt: Option<Receipt>,
    /// The answer to a responder.
    pub acted: Option<Result<(), ActRefusal>>,
}

/// A subject that takes reports.
#[derive(Clone, Copy)]
enum Place<'a> {
    Ward(&'a WardFacts),
    Group(&'a GroupFacts),
}

/// Judges an input on a subject under a rulebook at an instant.
pub fn judge(book: &Rulebook, subject: &Subject, input: &Input<'_>, now: Time) -> Decision {
    let place = match &subject.name {
        SubjectName::Organisation(code) => {
            let Some((_, facts)) = book.organisations.get(code) else { return unchanged(subject) };
            return organisation::settle(book, facts, subject, &asked(input), now);
        }
        SubjectName::Ward(..) => book.ward(&subject.name).map(Place::Ward),
        SubjectName::CoverGroup(..) => book.group(&subject.name).map(Place::Group),
    };
    match (place, input) {
        (None, _) => unchanged(subject),
        (Some(place), Input::Report { .. }) => judge_report(place, subject, input, now),
        (Some(place), _) => act(place, subject, input, now),
    }
}

/// What comes without a report.
fn asked<'a>(input: &'a Input<'a>) -> Change<'a> {
    match input {
        Input::Act(request) => Change { request: Some(request), ..Change::default() },
        Input::Report { .. } | Input::Tick => Change::default(),
    }
}

fn act(place: Place<'_>, subject: &Subject, input: &Input<'_>, now: Time) -> Decision {
    let mut decision = place.settle(subject, subject.state.clone(), &asked(input), now).0;
    if let Input::Act(request) = input {
        let final_now = red_flags::finals(&decision.events, request, now);
        decision.cold_changed |= !final_now.is_empty();
        decision.state.closed_flags.extend(final_now);
    }
    decision
}

impl Place<'_> {
    fn settle(self, subject: &Subject, state: SubjectState, change: &Change<'_>, now: Time) -> (Decision, Stand) {
        match self {
            Self::Ward(facts) => ward::settle(facts, subject, state, change, now),
            Self::Group(facts) => group::settle(facts, subject, state, change, now),
        }
    }
    fn stands(self, subject: &Subject, now: Time) -> Stand {
        match self {
            Self::Ward(facts) => status::status(facts, &subject.state, &subject.reads, now),
            Self::Group(facts) => group::standing(facts, &subject.state, now),
        }
    }
    fn policy(self, now: Time) -> Arc<Policy> {
        match self {
            Self::Ward(facts) => facts.context.policy(now),
            Self::Group(facts) => facts.context.policy(now),
        }
    }
    fn refusal(self, state: &SubjectState, report: &Report, retention: Span, now: Time) -> Option<ReportError> {
        match self {
            Self::Ward(facts) => refusal::of_ward(facts, state, report, retention, now),
            Self::Group(facts) => refusal::of_group(facts, state, report, retention, now),
        }
    }
}

fn judge_report(place: Place<'_>, subject: &Subject, input: &Input<'_>, now: Time) -> Decision {
    let Input::Report { report, digest, stored, retention } = input else {
        return unchanged(subject);
    };
    let answer = |outcome| {
        let standing = (!matches!(outcome, Outcome::Rejected(_))).then(|| place.stands(subject, now));
        let key = Some(report.key.clone());
        let receipt = Receipt { key, report_id: report.key.id.to_string(), outcome, changed: Vec::new(), standing };
        Decision { receipt: Some(receipt), ..unchanged(subject) }
    };
    let reject = |error: ReportError| answer(Outcome::Rejected(error));
    match (standing(&subject.state, report, *digest), stored) {
        (Standing::Duplicate, _) => return answer(Outcome::Duplicate),
        (_, Some(known)) if known == digest => return answer(Outcome::Duplicate),
        (Standing::IdReused, _) | (_, Some(_)) => return reject(reused(report).into()),
        (Standing::Older, None) if subject.state.recent.contains(report.key.id) => {
            return reject(reused(report).into());
        }
        (Standing::Fresh | Standing::Older, _) => {}
    }
    if let Some(error) = place.refusal(&subject.state, report, *retention, now) {
        return reject(error);
    }
    let mut state = subject.state.clone();
    let applied = apply::apply(&mut state, report, *digest, place.policy(now).clear_after, now);
    let mut closed_flags = std::mem::take(&mut state.closed_flags);
    let flags = red_flags::apply(&state, &report.red_flags, &mut closed_flags, now);
    state.closed_flags = closed_flags;
    let took = !flags.is_empty() || applied.withdrew || applied.blocks.iter().any(|b| b.applied);
    let outcome = if took { Outcome::Accepted(applied.blocks) } else { Outcome::Superseded(applied.blocks) };
    let cold = state.closed_flags != subject.state.closed_flags;
    let change = Change { report: Some(report), corrected: applied.corrected, flags, cold, request: None };
    let (decision, standing) = place.settle(subject, state, &change, now);
    let (key, report_id) = (Some(report.key.clone()), report.key.id.to_string());
    let receipt =
        Some(Receipt { key, report_id, outcome, changed: changed(&decision.events), standing: Some(standing) });
    Decision { receipt, stored: true, hot_changed: true, ..decision }
}

fn reused(report: &Report) -> FieldViolation {
    let text =
        format!("{} already names another report of this subject: give each report an id of its own", report.key.id);
    FieldViolation::new("report_id", RejectReason::IdReused, text)
}

fn unchanged(subject: &Subject) -> Decision {
    Decision {
        state: subject.state.clone(),
        hot_changed: false,
        cold_changed: false,
        summary_changed: false,
        stored: false,
        events: Vec::new(),
        next_check: subject.next_check,
        receipt: None,
        acted: None,
    }
}
