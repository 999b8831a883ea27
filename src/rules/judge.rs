//! One judgement: the new state, the events, the receipt, and when to look again.

use crate::domain::{
    AlertEvent, BlockKind, Cause, FieldViolation, Freshness, Outcome, Receipt, RejectReason, Report, ReportError,
    Resolution, Rulebook, Span, Subject, SubjectName, SubjectState, Time, WardFacts, WardState, WardStatus, Zone,
};
use crate::rules::all::ward_rulings;
use crate::rules::catalogue::AHEAD;
use crate::rules::due::{AGEING, ever_reported, overdue_time, silent_since};
use crate::rules::lifecycle::{Turn, clearing_ends, region_of};
use crate::rules::silence::Local;
use crate::rules::standing::{Standing, standing};
use crate::rules::status::standing_of;
use crate::rules::verdict::{Ruling, Verdict};
use crate::rules::view::View;
use crate::rules::{apply, hours, plausible, red_flags, silence};

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
}

/// What a judgement decided.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts, each a write of its own")]
pub struct Decision {
    /// The state after it.
    pub state: SubjectState,
    /// A current block, when it was last heard of, or the recent ids changed.
    pub hot_changed: bool,
    /// Episodes or final red flags changed.
    pub cold_changed: bool,
    /// What the organisation reads of this ward changed.
    pub summary_changed: bool,
    /// The report must be stored.
    pub stored: bool,
    /// What happened to alerts.
    pub events: Vec<AlertEvent>,
    /// The next instant at which time alone could change anything.
    pub next_check: Option<Time>,
    /// The answer to a report.
    pub receipt: Option<Receipt>,
}

/// Judges an input on a subject under a rulebook at an instant.
pub fn judge(book: &Rulebook, subject: &Subject, input: &Input<'_>, now: Time) -> Decision {
    match (book.ward(&subject.name), input) {
        (Some(facts), Input::Report { .. }) => judge_report(facts, subject, input, now),
        (Some(facts), Input::Tick) => judge_ward(facts, subject, subject.state.clone(), Change::default(), now).0,
        (None, _) => judge_organisation(book, subject, now),
    }
}

/// What a report did to a state before the rules are asked.
#[derive(Default)]
struct Change {
    report: Option<Report>,
    corrected: Vec<BlockKind>,
    flags: Vec<Ruling>,
    flags_changed: bool,
}

fn judge_report(facts: &WardFacts, subject: &Subject, input: &Input<'_>, now: Time) -> Decision {
    let Input::Report { report, digest, stored, retention } = input else {
        return unchanged(subject);
    };
    let answer = |outcome| {
        let standing = (!matches!(outcome, Outcome::Rejected(_))).then(|| super::status(facts, &subject.state, now));
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
    if let Some(error) = refusal(facts, &subject.state, report, *retention, now) {
        return reject(error);
    }
    let mut state = subject.state.clone();
    let applied = apply::apply(&mut state, report, *digest, now);
    let mut closed_flags = std::mem::take(&mut state.closed_flags);
    let flags = red_flags::apply(&state, &report.red_flags, &mut closed_flags, now);
    state.closed_flags = closed_flags;
    let took = !flags.is_empty() || applied.blocks.iter().any(|b| b.applied);
    let outcome = if took { Outcome::Accepted(applied.blocks) } else { Outcome::Superseded(applied.blocks) };
    let flags_changed = state.closed_flags != subject.state.closed_flags;
    let change = Change { report: Some((*report).clone()), corrected: applied.corrected, flags, flags_changed };
    let (decision, standing) = judge_ward(facts, subject, state, change, now);
    let changed = decision.events.iter().map(|e| e.alert.id).collect();
    let (key, report_id) = (Some(report.key.clone()), report.key.id.to_string());
    let receipt = Some(Receipt { key, report_id, outcome, changed, standing: Some(standing) });
    Decision { receipt, stored: true, hot_changed: true, ..decision }
}

fn reused(report: &Report) -> FieldViolation {
    let text =
        format!("{} already names another report of this subject: give each report an id of its own", report.key.id);
    FieldViolation::new("report_id", RejectReason::IdReused, text)
}

/// What depends on the register and the time.
fn refusal(
    facts: &WardFacts,
    state: &SubjectState,
    report: &Report,
    retention: Span,
    now: Time,
) -> Option<ReportError> {
    let observed = report.key.observed;
    let mut violations = Vec::new();
    let mut add = |field: &str, reason, text: String| violations.push(FieldViolation::new(field, reason, text));
    if facts.ward.state == WardState::Closed {
        add(
            "ward",
            RejectReason::WardClosed,
            format!("{} is closed in the register: reopen it there first", report.key.subject),
        );
    }
    if observed > now + AHEAD {
        add(
            "observed_time",
            RejectReason::Future,
            format!("{observed} is more than 2 minutes ahead of the service's {now}: check the sender's clock"),
        );
    }
    if observed < now - retention {
        add(
            "observed_time",
            RejectReason::TooOld,
            format!("{observed} is older than reports are kept; to replay old reports use replay --shift-to-now"),
        );
    }
    violations.extend(plausible::impossible(&facts.ward, report));
    violations.extend(red_flags::too_many(state, report, now));
    (!violations.is_empty()).then_some(ReportError { violations })
}

/// Asks every rule, and says how the ward stands after it.
fn judge_ward(
    facts: &WardFacts,
    subject: &Subject,
    mut state: SubjectState,
    change: Change,
    now: Time,
) -> (Decision, (WardStatus, Freshness)) {
    let mut episodes = std::mem::take(&mut state.episodes);
    let view = View { facts, state: &state, now };
    let closed = facts.ward.state == WardState::Closed;
    let mut rulings = if closed { endings(&episodes) } else { ward_rulings(&view) };
    rulings.extend(change.flags);
    let by_register = subject.generation > state.judged;
    let cause = match change.report {
        Some(report) => Cause::Report(report.key),
        None if by_register => Cause::Register,
        None => Cause::Timer,
    };
    let turn = Turn {
        view: Some(view),
        subject: &subject.name,
        site: facts.ward.site.as_ref(),
        region: facts.organisation.region.as_ref(),
        cause,
        corrected: &change.corrected,
        now,
    };
    let turned = turn.run(&mut episodes, &rulings);
    let silences = silence::silences(facts, &state, now);
    let summary_changed = silences != state.silences;
    state.episodes = episodes;
    state.silences = silences;
    state.judged = subject.generation.max(state.judged);
    let standing = standing_of(&View { facts, state: &state, now }, &rulings);
    let decision = Decision {
        next_check: if closed { None } else { next_check(facts, &state, now) },
        hot_changed: false,
        cold_changed: turned.changed || change.flags_changed || by_register,
        summary_changed,
        stored: false,
        events: turned.events,
        receipt: None,
        state,
    };
    (decision, standing)
}

/// A closed ward: whatever is open ends.
fn endings(episodes: &[crate::domain::Episode]) -> Vec<Ruling> {
    let open = episodes.iter().filter(|e| e.alert.is_open());
    open.filter_map(|e| {
        let rule = super::RULES.iter().find(|r| **r == e.alert.rule)?;
        let ruling = Ruling::new(rule, &[], |_, _| String::new()).says(Verdict::Ended(Resolution::WardClosed));
        Some(Ruling { instance: e.alert.instance.clone(), ..ruling })
    })
    .collect()
}

/// The next instant after `now` at which time alone could change this ward.
fn next_check(facts: &WardFacts, state: &SubjectState, now: Time) -> Option<Time> {
    let overdue = AGEING.into_iter().filter_map(|k| overdue_time(facts, k, state.current(k)?.0.observed));
    let silent = AGEING.into_iter().filter_map(|k| silent_since(facts, state, k));
    let never = (!ever_reported(state)).then(|| overdue_time(facts, BlockKind::Patients, state.registered)).flatten();
    let shift = state.nursing_hours.as_ref().map(|c| c.body.shift_end);
    let judgement = state.judgement.as_ref().map(|c| hours::judgement_ends(c.key.observed));
    let all = overdue.chain(silent).chain(never).chain(shift).chain(judgement).chain(clearing_ends(&state.episodes));
    all.filter(|at| *at > now).min()
}

fn judge_organisation(book: &Rulebook, subject: &Subject, now: Time) -> Decision {
    let SubjectName::Organisation(code) = &subject.name else { return unchanged(subject) };
    let mut state = subject.state.clone();
    let zone = book.organisations.get(code).map_or_else(Zone::london, |(_, o)| o.zone.clone());
    let rulings = silence::silent(&subject.children, &state.episodes, &Local { now, zone: &zone });
    let turn = Turn {
        view: None,
        subject: &subject.name,
        site: None,
        region: region_of(book, code),
        cause: Cause::Timer,
        corrected: &[],
        now,
    };
    let turned = turn.run(&mut state.episodes, &rulings);
    Decision {
        next_check: clearing_ends(&state.episodes).filter(|at| *at > now).min(),
        hot_changed: false,
        cold_changed: turned.changed,
        summary_changed: false,
        stored: false,
        events: turned.events,
        receipt: None,
        state,
    }
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
    }
}
