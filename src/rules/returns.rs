//! Returns and plans that cover groups owe their organisation: one alert for all that are missing, not one each.

use crate::domain::{Period, Policy, Resolution, Rulebook, Severity, SubjectName, Summary, Time, Zone};
use crate::rules::catalogue::{NOT_REPORTED, PLAN_MISSING};
use crate::rules::verdict::{Ruling, Verdict, fraction};
use crate::rules::windows::{self, Struck};

const UNIT: &str = "cover groups";

/// An organisation at one instant, and what it reads.
#[derive(Clone, Copy, Debug)]
pub struct OrganisationView<'a> {
    /// Its name as a subject.
    pub name: &'a SubjectName,
    /// The rulebook.
    pub book: &'a Rulebook,
    /// The policy in force.
    pub policy: &'a Policy,
    /// Its zone.
    pub zone: &'a Zone,
    /// Intervals in which doctors' work is struck, by start.
    pub struck: &'a [Struck],
    /// Summaries of its wards and cover groups.
    pub reads: &'a [(SubjectName, Summary)],
    /// Now.
    pub now: Time,
}

impl<'a> OrganisationView<'a> {
    /// Its cover groups in force, with what it reads of them; of one not yet judged nothing is read.
    fn groups(&self) -> Vec<(&'a SubjectName, Option<&'a Summary>)> {
        let summary = |name: &SubjectName| self.reads.iter().find(|(n, _)| n == name).map(|(_, s)| s);
        let groups = self.book.groups_of(self.name.organisation());
        groups.into_iter().map(|(name, _)| (name, summary(name))).collect()
    }

    /// Local hours and minutes, for messages.
    fn clock(&self, at: Time) -> String {
        at.local_hhmm(self.zone)
    }
}

/// A ruling on how many of all groups are missing something.
fn counted(rule: &'static str, missing: &[SubjectName], all: usize) -> Ruling {
    let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let ruling = Ruling::said(rule, &[], String::new()).concerning(missing.to_vec());
    ruling.measuring(fraction(number(missing.len()), number(all), UNIT), fraction(0, number(all), UNIT), "policy")
}

/// When a group's return was due that is missing now, so that it is missing since the grace after it.
pub fn missing_since(in_force: Option<&Struck>, overdue: Option<Time>, now: Time) -> Option<Time> {
    in_force.and(overdue).filter(|at| *at <= now)
}

/// `cover.not_reported`: no cover figures 60 min after a window opened or a return was due; critical when one is as
/// late again.
pub fn not_reported(view: &OrganisationView<'_>) -> Ruling {
    let groups = view.groups();
    let late = |(name, summary): &(&SubjectName, Option<&Summary>)| {
        let since = summary.and_then(|s| s.cover.as_ref())?.missing_since?;
        Some((since, (*name).clone()))
    };
    let missing: Vec<(Time, SubjectName)> = groups.iter().filter_map(late).collect();
    let names: Vec<SubjectName> = missing.iter().map(|(_, name)| name.clone()).collect();
    let ruling = counted(NOT_REPORTED, &names, groups.len());
    let struck = windows::in_force(view.struck, view.now).next();
    // A group with shifts of its own may be struck when the organisation's shifts are not.
    if struck.is_none() && missing.is_empty() {
        return ruling.says(Verdict::Ended(Resolution::WindowEnded));
    }
    let ruling = Ruling { strike: struck.map(|s| s.strike.clone()), ..ruling };
    let (code, all) = (view.name.code(), groups.len());
    let Some(first) = missing.iter().map(|(since, _)| *since).min() else {
        let now = view.clock(view.now);
        return ruling.with_message(format!("{code}: returns of all {all} cover groups received by {now}."));
    };
    let due = view.clock(first - view.policy.cover_return_grace);
    let missing = names.len();
    let message = format!("{code}: no cover return from {missing} of {all} cover groups, the first due at {due}.");
    let severe = view.now >= first + view.policy.cover_return_grace;
    ruling.with_message(message).says(Verdict::Breach(if severe { Severity::Critical } else { Severity::Warning }))
}

/// `cover.plan_missing`: groups in scope of a coming strike for which nobody planned doctors; from 72 h before it opens,
/// critical from 24 h.
pub fn plan_missing(view: &OrganisationView<'_>) -> Ruling {
    let groups = view.groups();
    let coming = coming(view);
    let Some(soonest) = coming.first() else {
        let ruling = counted(PLAN_MISSING, &[], groups.len());
        return Ruling { forecast: true, ..ruling }.says(Verdict::Ended(Resolution::WindowEnded));
    };
    let lacking = coming.iter().map(|s| (*s, unplanned(&groups, s))).find(|(_, missing)| !missing.is_empty());
    let (coming, missing) = lacking.unwrap_or((soonest, Vec::new()));
    let ruling = counted(PLAN_MISSING, &missing, groups.len());
    let ruling = Ruling { forecast: true, strike: Some(coming.strike.clone()), ..ruling };
    if missing.is_empty() {
        return ruling.says(Verdict::Ended(Resolution::ReturnReceived));
    }
    let (code, count, all) = (view.name.code(), missing.len(), groups.len());
    let opens = format!("{} {}", coming.opened.local_day(view.zone), view.clock(coming.opened));
    let message = format!("{code}: no plan from {count} of {all} cover groups for the strike that opens {opens}.");
    let severe = view.now >= coming.opened - view.policy.plan_critical_from;
    ruling.with_message(message).says(Verdict::Breach(if severe { Severity::Critical } else { Severity::Warning }))
}

/// The windows that open soon enough for plans to be due, the next one in front.
fn coming<'a>(view: &OrganisationView<'a>) -> Vec<&'a Struck> {
    let soon = |s: &&Struck| s.opened > view.now && s.opened - view.policy.plan_from <= view.now;
    let mut coming: Vec<&Struck> = view.struck.iter().filter(soon).collect();
    coming.sort_by_key(|s| (s.opened, &s.strike, s.window));
    coming
}

/// Groups of which no plan touches a window.
fn unplanned(groups: &[(&SubjectName, Option<&Summary>)], coming: &Struck) -> Vec<SubjectName> {
    let window = Period::new(coming.opened, coming.end);
    let planned = |summary: Option<&Summary>| {
        let periods = summary.and_then(|s| s.cover.as_ref()).map_or(&[][..], |c| &c.planned);
        periods.iter().any(|period| window.and_then(|w| w.overlap(*period)).is_some())
    };
    groups.iter().filter(|(_, summary)| !planned(*summary)).map(|(name, _)| (*name).clone()).collect()
}

/// The instants after now at which time alone changes what is missing.
pub fn edges(view: &OrganisationView<'_>) -> impl Iterator<Item = Time> {
    let (policy, now) = (view.policy, view.now);
    let windows = view.struck.iter().flat_map(move |s| {
        [s.opened - policy.plan_from, s.opened - policy.plan_critical_from, s.opened, s.start, s.end]
    });
    let severe: Vec<Time> = (view.reads.iter())
        .filter_map(|(_, summary)| summary.cover.as_ref()?.missing_since)
        .map(|since| since + policy.cover_return_grace)
        .collect();
    windows.chain(severe).filter(move |at| *at > now)
}
