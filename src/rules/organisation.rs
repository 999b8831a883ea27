//! An organisation's judgement: rules that read all its wards and cover groups, and its planned work.

use crate::domain::{Organisation, Rulebook, Subject, Time};
use crate::rules::elective::{self, ElectiveView};
use crate::rules::judge::Decision;
use crate::rules::lifecycle::Turn;
use crate::rules::returns::{self, OrganisationView};
use crate::rules::settle::{Change, Outcome, cause, decide, policy_differs, respond};
use crate::rules::silence::{self, Local};
use crate::rules::switches::{self, switched};
use crate::rules::windows;

/// Asks every rule.
pub fn settle(
    book: &Rulebook,
    organisation: &Organisation,
    subject: &Subject,
    change: &Change<'_>,
    now: Time,
) -> Decision {
    let mut state = subject.state.clone();
    let context = book.context(&organisation.code);
    let policy = context.policy(now);
    let zone = &organisation.zone;
    let doctors = windows::struck(&context.strikes, true, &policy.shifts, zone);
    let nurses = windows::struck(&context.strikes, false, &policy.shifts, zone);
    let mut all = [doctors.as_slice(), &nurses].concat();
    all.sort_by_key(|s| s.start);
    let (name, reads) = (&subject.name, &subject.reads[..]);
    let view = OrganisationView { name, book, policy: &policy, zone, struck: &doctors, reads, now };
    let (code, activity) = (organisation.code.as_str(), &subject.activity[..]);
    let work = ElectiveView { code, policy: &policy, zone, struck: &all, activity, now };
    let mut rulings = silence::silent(reads, &state.episodes, &Local { now, zone, policy: &policy });
    rulings.extend([returns::not_reported(&view), returns::plan_missing(&view)]);
    rulings.extend(elective::rulings(&work, &state.episodes));
    let mut rulings = switched(&policy, &[], rulings);
    rulings.extend(switches::ends(&policy, &[], &state.episodes));
    let turn = Turn {
        view: None,
        inputs: None,
        policy: &policy,
        context: &context,
        subject: name,
        site: None,
        region: organisation.region.as_ref(),
        wards: &[],
        cause: cause(change, subject, &context, &policy),
        policy_changed: policy_differs(&subject.state, &policy),
        corrected: &[],
        now,
    };
    let mut turned = turn.run(&mut state.episodes, &rulings);
    let acted = respond(&turn, &mut state.episodes, change.request, &rulings, false, &mut turned);
    let times = returns::edges(&view).chain(elective::edges(&work)).collect();
    decide(subject, &policy, &context, Outcome { state, turned, change, acted, times }, now)
}
