//! What holds along any course of reports and ticks.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use crate::domain::{AlertEvent, AlertId, Condition, EventType, Span, SubjectState, Time, WardKind};
use crate::rules::Decision;
use crate::rules::tests::any::{any_figures, any_kind};
use crate::rules::tests::fixture::{Bay, Facts, at, bay, flag};
use crate::wire;

/// One step: how long after the last one, and a report of some blocks, or nothing but the tick.
type Step = (i64, Option<(Facts, Vec<bool>, u32)>);

fn any_course() -> impl Strategy<Value = (WardKind, Vec<Step>)> {
    let report = (any_figures(), vec(any::<bool>(), 5), 0..2_u32);
    let seconds = prop_oneof![1..90_i64, 1..2_400_i64];
    (any_kind(), vec((seconds, proptest::option::weighted(0.8, report)), 1..16))
}

/// Plays a course; `see` is told the state before, what was decided, and when.
fn play(kind: WardKind, steps: Vec<Step>, mut see: impl FnMut(&SubjectState, &Decision, Time)) {
    let mut ward: Bay = bay(kind);
    ward.register(|w| w.beds = Some(60));
    let mut now = at("09:30");
    for (n, (seconds, report)) in (0..).zip(steps) {
        now = now + Span::seconds(seconds);
        let before = ward.subject.state.clone();
        let decision = match report {
            None => ward.tick_at(now),
            Some((Facts(mut report), has, revision)) => {
                report.patients = report.patients.filter(|_| has[0]);
                report.nursing = report.nursing.filter(|_| has[1]);
                report.levels_of_care = report.levels_of_care.filter(|_| has[2]);
                let raised =
                    if has[3] { flag(900 + n % 3, "09:25") } else { flag(900 + n % 3, "09:25").resolved("09:26") };
                let facts = Facts(report).revision(revision);
                let facts = if has[4] { facts.and(raised) } else { facts };
                let report = ward.sent(&now.to_string(), facts);
                ward.receive(now, &report)
            }
        };
        see(&before, &decision, now);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn at_most_one_episode_of_a_rule_is_open_and_it_is_what_its_last_event_said((kind, steps) in any_course()) {
        let mut last: BTreeMap<AlertId, AlertEvent> = BTreeMap::new();
        play(kind, steps, |_, decision, _| {
            last.extend(decision.events.iter().map(|e| (e.alert.id, e.clone())));
            let open: Vec<_> = decision.state.episodes.iter().map(|e| &e.alert).filter(|a| a.is_open()).collect();
            let names: BTreeSet<_> = open.iter().map(|a| (&a.rule, &a.instance)).collect();
            assert_eq!(names.len(), open.len(), "two episodes of one rule");
            for alert in open {
                assert_eq!(alert, &last[&alert.id].alert);
                assert!(alert.severity <= alert.peak_severity);
            }
        });
    }

    #[test]
    fn what_changed_is_written((kind, steps) in any_course()) {
        play(kind, steps, |before, decision, now| {
            let after = &decision.state;
            assert!(decision.hot_changed || wire::hot_to(before) == wire::hot_to(after), "hot at {now}");
            assert!(decision.cold_changed || wire::cold_to(before) == wire::cold_to(after), "cold at {now}");
            assert!(decision.summary_changed || before.summary == after.summary, "summary at {now}");
        });
    }

    #[test]
    fn new_figures_of_an_alert_are_shown_a_minute_after_its_last_event((kind, steps) in any_course()) {
        let mut last: BTreeMap<AlertId, (Time, Condition)> = BTreeMap::new();
        play(kind, steps, |_, decision, now| {
            for event in &decision.events {
                let before = last.insert(event.alert.id, (now, event.alert.condition));
                if let (EventType::Updated, Some((at, condition))) = (event.kind, before) {
                    assert!(condition != event.alert.condition || now - at >= Span::minutes(1), "{event:?}");
                }
            }
        });
    }

    #[test]
    fn severity_never_passes_its_peak_and_the_peak_never_falls((kind, steps) in any_course()) {
        let mut peaks = BTreeMap::new();
        play(kind, steps, |_, decision, _| {
            for alert in decision.events.iter().map(|e| &e.alert) {
                let before = peaks.insert(alert.id, alert.peak_severity);
                assert!(alert.peak_severity >= alert.severity && before <= Some(alert.peak_severity));
            }
        });
    }

    #[test]
    fn judging_again_at_the_same_instant_says_nothing((kind, steps) in any_course()) {
        let mut ward = bay(kind);
        play(kind, steps, |_, decision, now| {
            ward.register(|w| w.beds = Some(60));
            ward.subject.state = decision.state.clone();
            let again = ward.tick_at(now);
            assert!(again.events.is_empty(), "{:?}", again.events);
            assert_eq!(again.state, decision.state);
        });
    }

    #[test]
    fn nothing_ends_by_silence((kind, steps) in any_course(), hours in 3..200_i64) {
        let mut ward = bay(kind);
        ward.register(|w| w.beds = Some(60));
        let mut end = None;
        play(kind, steps, |_, decision, now| end = Some((decision.state.clone(), now)));
        let Some((state, now)) = end else { return Ok(()) };
        ward.subject.state = state;
        // No tick came while figures were fresh, so what clears has not completed either: everything is overdue now.
        let late = ward.tick_at(now + Span::hours(hours));
        for event in late.events.iter().filter(|e| e.kind == EventType::Resolved) {
            let by_time = ["rn.hours_shortfall", "judgement.unsafe", "report.overdue", "report.implausible"];
            prop_assert!(by_time.contains(&&*event.alert.rule), "{event:?}");
        }
    }
}
