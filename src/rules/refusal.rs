//! What a report is refused for that depends on the register and the time.

use crate::domain::{
    FieldViolation, GroupFacts, Plan, PlanPeriod, RejectReason, Report, ReportError, Span, SubjectState, Time,
    WardFacts, WardState,
};
use crate::rules::catalogue::AHEAD;
use crate::rules::{plausible, red_flags};

/// How far ahead a plan may be made (engine.md section 1).
const PLAN_AHEAD: Span = Span::days(35);

/// Everything found.
#[derive(Default)]
struct Found(Vec<FieldViolation>);

impl Found {
    fn add(&mut self, field: &str, reason: RejectReason, text: impl Into<String>) {
        self.0.push(FieldViolation::new(field, reason, text));
    }
    fn finish(self) -> Option<ReportError> {
        (!self.0.is_empty()).then_some(ReportError { violations: self.0 })
    }
}

/// Why a ward's report is refused, if it is.
pub fn of_ward(
    facts: &WardFacts,
    state: &SubjectState,
    report: &Report,
    retention: Span,
    now: Time,
) -> Option<ReportError> {
    let mut found = Found::default();
    if facts.ward.state == WardState::Closed {
        let text = format!("{} is closed in the register: reopen it there first", report.key.subject);
        found.add("ward", RejectReason::WardClosed, text);
    }
    times(&mut found, state, report, retention, now);
    found.0.extend(plausible::impossible(&facts.ward, report));
    found.0.extend(red_flags::too_many(state, report, now));
    found.0.extend(red_flags::unlisted(&facts.context.policy(now), report));
    found.finish()
}

/// Why a cover group's report is refused, if it is.
pub fn of_group(
    facts: &GroupFacts,
    state: &SubjectState,
    report: &Report,
    retention: Span,
    now: Time,
) -> Option<ReportError> {
    let mut found = Found::default();
    if !facts.in_force {
        let text = format!("{} is not in force: report on one of the registered groups", report.key.subject);
        found.add("cover_group", RejectReason::UnknownSubject, text);
    }
    times(&mut found, state, report, retention, now);
    found.finish()
}

fn times(found: &mut Found, state: &SubjectState, report: &Report, retention: Span, now: Time) {
    let observed = report.key.observed;
    if observed > now + AHEAD {
        let text = format!("{observed} is more than 2 minutes ahead of the service's {now}: check the sender's clock");
        found.add("observed_time", RejectReason::Future, text);
    }
    if observed < now - retention {
        let text =
            format!("{observed} is older than reports are kept; to replay old reports use replay --shift-to-now");
        found.add("observed_time", RejectReason::TooOld, text);
    }
    if let Some(plan) = report.plan {
        period(found, state, plan, now);
    }
}

fn period(found: &mut Found, state: &SubjectState, plan: PlanPeriod, now: Time) {
    let period = plan.period;
    if period.end <= now {
        let text = format!("{} has passed: send actual figures, or a plan for a time to come", period.end);
        found.add("plan_period.end_time", RejectReason::TooOld, text);
    }
    if period.start > now + PLAN_AHEAD {
        let text = format!("{} is more than 35 days ahead: send the plan nearer to its time", period.start);
        found.add("plan_period.start_time", RejectReason::Future, text);
    }
    let kept = state.plans.iter().filter(|p| p.period.end > now).count();
    if state.plan(period).is_none() && kept >= Plan::MOST {
        let most = Plan::MOST;
        let text = format!("the subject has plans for {most} periods, which is the most: withdraw some first");
        found.add("plan_period", RejectReason::TooMany, text);
    }
}
