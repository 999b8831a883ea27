//! What holds for all figures, in any order, at any time.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::domain::{Condition, Policy, Report, Severity, Span, SubjectState, Time, WardKind};
use crate::rules::all::ward_rulings;
use crate::rules::tests::any::{any_figures, any_kind, any_step, minute};
use crate::rules::tests::fixture::{Bay, Facts, at, bay, outcome};
use crate::rules::verdict::Verdict;
use crate::rules::view::View;

type Breaches = BTreeMap<(String, String), Severity>;

fn breaches(bay: &Bay, now: Time) -> Breaches {
    let policy = Policy::default();
    let view = View::of(bay.facts(), &policy, &bay.subject.state, now);
    let breach = |r: crate::rules::verdict::Ruling| match r.verdict {
        Verdict::Breach(severity) => Some(((r.rule.to_owned(), r.instance), severity)),
        _ => None,
    };
    ward_rulings(&view, &[]).into_iter().filter_map(breach).collect()
}

fn after(kind: WardKind, facts: Facts) -> Breaches {
    let mut ward = bay(kind);
    ward.register(|w| w.beds = Some(60));
    assert_eq!(outcome(&ward.report("10:00", facts)), "accepted");
    breaches(&ward, at("10:00"))
}

/// A morning's reports, each with an id of its own, as they were sent.
fn morning(bay: &mut Bay, steps: &[(i64, Facts)]) -> Vec<Report> {
    steps.iter().map(|(n, facts)| bay.sent(&minute(*n).to_string(), facts.clone())).collect()
}

/// What a report brought, whenever it arrived.
fn current(state: &SubjectState) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        state.blocks.patients.clone().map(|c| (c.key, c.digest, c.source, c.body)),
        state.blocks.levels_of_care.clone().map(|c| (c.key, c.digest, c.source, c.body)),
        state.blocks.nursing.clone().map(|c| (c.key, c.digest, c.source, c.body)),
        state.blocks.nursing_hours.clone().map(|c| (c.key, c.digest, c.source, c.body)),
        state.blocks.judgement.clone().map(|c| (c.key, c.digest, c.source, c.body)),
    )
}

fn open_breaches(state: &SubjectState) -> Breaches {
    let alerts = state.episodes.iter().map(|e| &e.alert);
    let breaching = alerts.filter(|a| a.is_open() && a.condition == Condition::Breaching);
    breaching.map(|a| ((a.rule.to_string(), a.instance.clone()), a.severity)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn more_patients_never_lower_a_severity(kind in any_kind(), facts in any_figures()) {
        let fewer = after(kind, facts.clone());
        let more = after(kind, facts.of_patients(|p| p.bedded += 1));
        for (rule, severity) in fewer {
            prop_assert!(more.get(&rule) >= Some(&severity), "{rule:?} fell from {severity:?} in {more:?}");
        }
    }

    #[test]
    fn one_more_nurse_never_raises_a_severity(kind in any_kind(), facts in any_figures()) {
        let nobody = facts.0.nursing.is_some_and(|n| n.registered_nurses == 0);
        let fewer = after(kind, facts.clone());
        let more = after(kind, facts.of_nursing(|n| n.registered_nurses += 1));
        prop_assert!(more.values().max() <= fewer.values().max(), "{more:?} from {fewer:?}");
        // With nobody there `rn.none` stands for the rules that the first nurse brings back.
        if !nobody {
            for (rule, severity) in more {
                prop_assert!(fewer.get(&rule) >= Some(&severity), "{rule:?} rose to {severity:?} from {fewer:?}");
            }
        }
    }

    #[test]
    fn any_order_of_arrival_ends_in_the_same_state(
        (steps, shuffled) in vec(any_step(), 1..9).prop_flat_map(|steps| {
            let order: Vec<usize> = (0..steps.len()).collect();
            (Just(steps), Just(order).prop_shuffle())
        }),
        kind in prop_oneof![Just(WardKind::AdultInpatient), Just(WardKind::IntensiveCare)],
    ) {
        let mut first = bay(kind);
        let mut second = bay(kind);
        let reports = morning(&mut first, &steps);
        for (n, order) in shuffled.iter().enumerate() {
            let now = minute(20) + Span::seconds(i64::try_from(n).unwrap());
            first.receive(now, &reports[n]);
            second.receive(now, &reports[*order]);
        }
        prop_assert_eq!(current(&first.subject.state), current(&second.subject.state));
        let (one, two) = (open_breaches(&first.subject.state), open_breaches(&second.subject.state));
        prop_assert_eq!(&one, &two);
        let mut figures = one;
        figures.retain(|(rule, _), _| rule != "red_flag.raised");
        prop_assert_eq!(figures, breaches(&first, minute(20)), "and is what the figures say");
    }

    #[test]
    fn a_resend_changes_nothing(steps in vec(any_step(), 1..9), again in any::<prop::sample::Index>()) {
        let mut ward = bay(WardKind::AdultInpatient);
        let reports = morning(&mut ward, &steps);
        for report in &reports {
            ward.receive(minute(20), report);
        }
        let before = ward.subject.state.clone();
        let decision = ward.receive(minute(25), again.get(&reports));
        prop_assert_eq!(outcome(&decision), "duplicate");
        prop_assert!(decision.events.is_empty() && !decision.stored);
        prop_assert_eq!(ward.subject.state, before);
    }

    #[test]
    fn nothing_happens_before_the_next_check(
        steps in vec((any_figures(), any::<bool>(), any::<bool>(), 1..5_000_i64), 1..9),
        kind in any_kind(),
    ) {
        let mut ward = bay(kind);
        ward.register(|w| w.beds = Some(60));
        let mut now = at("08:00");
        for (Facts(mut report), patients, nursing, seconds) in steps {
            now = now + Span::seconds(seconds);
            report.patients = report.patients.filter(|_| patients);
            report.nursing = report.nursing.filter(|_| nursing);
            let report = ward.sent(&now.to_string(), Facts(report));
            let received = ward.receive(now, &report);
            prop_assert_eq!(outcome(&received), "accepted");
            let mut next = received.next_check;
            for _ in 0..4 {
                let Some(check) = next else { break };
                prop_assert!(check > now, "{check} is not after {now}");
                let early = ward.clone().tick_at(check - Span::micros(1));
                prop_assert!(early.events.is_empty(), "{:?}", early.events);
                if check > now + Span::seconds(2_000) {
                    break;
                }
                now = check;
                next = ward.tick_at(check).next_check;
            }
        }
    }
}
