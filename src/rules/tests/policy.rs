//! What a policy decides, and when: values, rules on and off, red flags of a trust's own.

use super::fixture::*;
use crate::domain::{
    Cause, Judgement, KindLimit, Limit, PolicyName, PolicyPatch, PolicyVersion, RedFlagType, RejectReason, Span,
    WardKind,
};
use crate::rules::{Answer, RULES, evaluate};

impl Bay {
    /// Records a version of a policy; the trust's own unless it is the default's.
    fn decide(&mut self, name: &str, effective: &str, patch: PolicyPatch) {
        let name: PolicyName = name.parse().unwrap();
        let versions = self.book.policies.entry(name.clone()).or_default();
        let first = if name == PolicyName::Default { 2 } else { 1 };
        let version = versions.last().map_or(first, |v| v.version + 1);
        versions.push(PolicyVersion {
            name: name.clone(),
            version,
            effective: at(effective),
            recorded: at("09:00"),
            patch,
        });
        self.book.generation += 1;
        self.book.policy_changes.insert(name, self.book.generation);
        self.subject.generation = self.book.generation;
        self.book = self.book.clone().linked();
    }
}

const OWN: &str = "organisations/RJ1/policy";
const DEFAULT: &str = "policies/default";

fn limit(kind: WardKind, day: u32, night: Option<u32>) -> PolicyPatch {
    let limit = KindLimit { day: Some(Limit(day)), night: night.map(Limit) };
    PolicyPatch { limits: [(kind, limit)].into(), ..PolicyPatch::default() }
}

fn off(rules: &[&str]) -> PolicyPatch {
    PolicyPatch { rules: rules.iter().map(|r| ((*r).to_owned(), false)).collect(), ..PolicyPatch::default() }
}

fn on(rules: &[&str]) -> PolicyPatch {
    PolicyPatch { rules: rules.iter().map(|r| ((*r).to_owned(), true)).collect(), ..PolicyPatch::default() }
}

fn answer(bay: &Bay, now: &str, rule: &str) -> Answer {
    evaluate(bay.facts(), &bay.subject.state, &[], at(now)).into_iter().find(|e| e.rule == rule).unwrap().answer
}

#[test]
fn a_limit_of_the_trust_holds_from_its_effective_time_and_no_report_is_needed() {
    let mut bay = adult();
    bay.report("10:30", shift(21, 3));
    bay.decide(OWN, "11:00", limit(WardKind::AdultInpatient, 650, None));
    let before = bay.tick("10:31");
    assert!(before.events.is_empty());
    assert_eq!(before.next_check, Some(at("11:00")), "the effective time is an instant to look again");
    let decision = bay.tick("11:00");
    assert_eq!(said(&decision), ["Raised ratio.over_limit Warning"]);
    let event = &decision.events[0];
    assert_eq!((&event.cause, event.alert.policy_version.as_ref()), (&Cause::Policy, "organisations/RJ1/policy@1"));
    assert_eq!(event.alert.limit_source, "policy");
    let figures =
        "Ward A7: 21 patients, 3 registered nurses: 7 per nurse, above the safe limit of 6.5. Observed 10:30.";
    assert_eq!(event.alert.message, figures);

    bay.decide(OWN, "11:10", PolicyPatch::default());
    bay.tick("11:01");
    let decision = bay.tick("11:10");
    assert_eq!(said(&decision), ["Resolved ratio.over_limit Warning PolicyChanged"]);
    assert_eq!(decision.events[0].cause, Cause::Policy);
    assert_eq!(decision.events[0].alert.policy_version, "organisations/RJ1/policy@2");
}

#[test]
fn another_limit_is_shown_at_once_though_the_alert_goes_on() {
    let mut bay = adult();
    bay.report("10:30", shift(27, 3));
    bay.decide(OWN, "10:30:10", limit(WardKind::AdultInpatient, 750, None));
    let decision = bay.tick("10:30:10");
    assert_eq!(said(&decision), ["Updated ratio.over_limit Warning"]);
    assert_eq!(decision.events[0].alert.policy_version, "organisations/RJ1/policy@1");
    // 9.0 is one and a half times 6, exactly.
    bay.decide(OWN, "10:30:20", limit(WardKind::AdultInpatient, 600, None));
    assert_eq!(said(&bay.tick("10:30:20")), ["SeverityChanged ratio.over_limit Critical"]);
}

#[test]
fn what_lies_beneath_a_trusts_policy_changes_it_too() {
    let mut bay = adult();
    bay.decide(OWN, "09:31", PolicyPatch { update_every: Some(Span::minutes(2)), ..PolicyPatch::default() });
    bay.report("10:30", shift(27, 3));
    bay.decide(DEFAULT, "11:00", limit(WardKind::AdultInpatient, 1_000, None));
    assert!(bay.tick("10:31").events.is_empty());
    let decision = bay.tick("11:00");
    assert_eq!(said(&decision), ["Resolved ratio.over_limit Warning PolicyChanged"]);
    assert_eq!(decision.events[0].alert.policy_version, "organisations/RJ1/policy@1");
}

#[test]
fn a_wards_own_limit_comes_last_and_the_night_limit_holds_in_the_night_shift() {
    let mut bay = adult();
    bay.decide(OWN, "09:30", limit(WardKind::AdultInpatient, 800, Some(1_000)));
    assert_eq!(said(&bay.report("19:59", shift(27, 3))), ["Raised ratio.over_limit Warning"]);
    let night = bay.report("20:00", shift(30, 3));
    assert_eq!(said_of("ratio", &night), ["Updated ratio.over_limit Warning Clearing"], "10 is the limit by night");
    bay.register(|w| w.limit = Some(Limit::whole(9)));
    assert_eq!(said_of("ratio", &bay.report("20:01", shift(28, 3))), ["Updated ratio.over_limit Warning"]);
}

#[test]
fn severe_begins_at_the_policys_part_of_the_limit_to_the_last_patient() {
    // 133 % of 7.5 is 9.975: 399 patients for 40 nurses are exactly there.
    let patch = PolicyPatch { severe_percent: Some(133), ..limit(WardKind::AdultInpatient, 750, None) };
    for (bedded, severity) in [(398, "Warning"), (399, "Critical")] {
        let mut bay = adult();
        bay.decide(OWN, "09:30", patch.clone());
        assert_eq!(said(&bay.report("10:30", shift(bedded, 40))), [format!("Raised ratio.over_limit {severity}")]);
    }
}

#[test]
fn minimum_hours_skill_mix_and_judgement_are_the_policys() {
    let patch = PolicyPatch {
        minimum_registered_nurses: Some(3),
        hours_short_minutes: Some(60),
        hours_short_percent: Some(50),
        skill_mix_percent: Some(50),
        judgement_holds: Some(Span::hours(2)),
        ..on(&["skill_mix.low"])
    };
    let mut bay = adult();
    bay.decide(OWN, "09:30", patch);
    let mix = |workers| {
        nurses(2).of_nursing(|n| {
            n.healthcare_support_workers = Some(workers);
            n.nursing_associates = Some(0);
        })
    };
    let decision = bay.report("10:30", patients(8).and(mix(2)));
    assert_eq!(said(&decision), ["Raised rn.below_minimum Critical"], "2 of 4 are half");
    assert_eq!(decision.events[0].alert.limit_source, "policy");
    assert_eq!(said(&bay.report("10:31", mix(3))), ["Raised skill_mix.low Info"]);
    let decision = bay.report("10:32", hours(10 * 60 - 61, 10 * 60));
    assert_eq!(said(&decision), ["Raised rn.hours_shortfall Warning"]);
    assert!(decision.events[0].alert.message.contains("more than 1 h short"), "{}", decision.events[0].alert.message);
    assert_eq!(said(&bay.report("10:33", judged(Judgement::Unsafe))), ["Raised judgement.unsafe Warning"]);
    assert_eq!(said_of("judgement", &bay.tick("12:33")), ["Resolved judgement.unsafe Warning Expired"]);
}

#[test]
fn figures_fall_overdue_and_alerts_clear_by_the_policys_times() {
    let patch = PolicyPatch {
        census_times: Some(vec![11 * 60]),
        census_grace: Some(Span::minutes(5)),
        clear_after: Some(Span::minutes(10)),
        reopen_within: Some(Span::minutes(20)),
        ..PolicyPatch::default()
    };
    let mut bay = adult();
    bay.register(|w| w.report_every_minutes = None);
    bay.decide(OWN, "09:30", patch);
    bay.report("10:30", shift(27, 3));
    bay.report("10:40", shift(24, 3));
    assert!(bay.tick("10:49").events.is_empty());
    assert_eq!(said(&bay.tick("10:50")), ["Resolved ratio.over_limit Warning DemandFell"]);
    assert_eq!(said(&bay.report("10:55", shift(27, 3))), ["Reopened ratio.over_limit Warning"]);
    assert_eq!(said_of("report", &bay.tick("11:05")), ["Raised report.overdue Warning"]);
}

#[test]
fn a_rule_that_is_switched_off_is_disabled_and_its_open_alert_ends() {
    let mut bay = adult();
    bay.register(|w| w.beds = Some(20));
    let full = shift(27, 1).of_patients(|p| p.corridor = Some(2)).and(judged(Judgement::Unsafe)).and(hours(60, 720));
    bay.report("10:30", full);
    bay.report("10:31", flag(901, "10:00"));
    let rules = ["ratio.over_limit", "rn.below_minimum", "rn.hours_shortfall", "judgement.unsafe", "capacity.corridor"];
    let open = bay.open();
    for rule in rules.iter().chain(&["red_flag.raised"]) {
        assert!(open.iter().any(|o| o.starts_with(rule)), "{rule}: {open:?}");
    }
    bay.decide(OWN, "10:40", off(RULES));
    let decision = bay.tick("10:40");
    assert!(decision.events.iter().all(|e| e.cause == Cause::Policy));
    assert_eq!(said(&decision).len(), open.len());
    assert!(said(&decision).iter().all(|s| s.starts_with("Resolved ") && s.ends_with(" PolicyChanged")));
    assert_eq!(bay.open(), [""; 0]);
    // Whatever comes, nothing is raised; also not by a red flag, a jump or silence.
    assert!(bay.report("10:41", shift(60, 0)).events.is_empty());
    assert!(bay.report("10:42", flag(902, "10:30")).events.is_empty());
    assert!(bay.tick("+1 10:00").events.is_empty());
    for evaluation in evaluate(bay.facts(), &bay.subject.state, &[], at("10:42")) {
        assert_eq!(evaluation.answer, Answer::Disabled("switched off in the policy".into()), "{}", evaluation.rule);
    }
}

#[test]
fn a_ward_may_switch_a_rule_on_that_the_policy_leaves_off() {
    let mut bay = adult();
    bay.register(|w| {
        w.beds = Some(20);
        w.enabled_rules = vec!["capacity.over".into()];
    });
    bay.decide(OWN, "09:30", off(&["capacity.over"]));
    assert_eq!(said(&bay.report("10:30", patients(21))), ["Raised capacity.over Info"]);
    bay.register(|w| w.enabled_rules.clear());
    bay.subject.generation += 1;
    assert_eq!(said(&bay.tick("10:31")), ["Resolved capacity.over Info RegisterChanged"]);
    bay.decide(OWN, "10:32", on(&["capacity.over"]));
    assert_eq!(said(&bay.tick("10:32")), ["Reopened capacity.over Info"]);
}

#[test]
fn when_the_rule_that_stands_alone_is_off_the_others_speak() {
    let mut bay = adult();
    bay.decide(OWN, "09:30", off(&["rn.none"]));
    let decision = bay.report("10:30", shift(8, 0));
    assert_eq!(said(&decision), ["Raised ratio.over_limit Critical", "Raised rn.below_minimum Critical"]);
    let expected = "Ward A7: 8 patients and no registered nurse, above the safe limit of 8. Observed 10:30.";
    assert_eq!(decision.events[0].alert.message, expected);
    assert_eq!(answer(&bay, "10:30", "rn.none"), Answer::Disabled("switched off in the policy".into()));
}

#[test]
fn a_red_flag_of_the_trusts_own_counts_while_the_policy_lists_it() {
    let local = |event, noticed| {
        flag(event, noticed).with(|r| r.red_flags[0].kind = RedFlagType::local("local.falls_watch").unwrap())
    };
    let mut bay = adult();
    bay.report("10:00", shift(8, 2));
    let refused = bay.report("10:30", local(901, "10:20"));
    assert_eq!(rejection(&refused), [("red_flags[0].type".to_owned(), RejectReason::Malformed)]);
    let local_red_flags = [("local.falls_watch".to_owned(), "falls watch missed".to_owned())].into();
    bay.decide(OWN, "10:31", PolicyPatch { local_red_flags, ..PolicyPatch::default() });
    let decision = bay.report("10:31", local(901, "10:20"));
    assert_eq!(said(&decision), ["Raised red_flag.raised Critical"]);
    let expected = "Ward A7: red flag raised by staff: falls watch missed. Noticed 10:20.";
    assert_eq!(decision.events[0].alert.message, expected);
    assert_eq!(decision.events[0].alert.limit_source, "policy");
    // One that is open can be resolved though its type is no longer listed.
    bay.decide(OWN, "10:40", PolicyPatch::default());
    assert!(bay.tick("10:40").events.is_empty());
    let decision = bay.report("10:41", local(901, "10:20").resolved("10:41"));
    assert_eq!(said(&decision), ["Resolved red_flag.raised Critical RedFlagResolved"]);
}
