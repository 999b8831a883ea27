//! States and reports through the wire's forms and back.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::domain::{SourceSilence, WardKind};
use crate::rules::tests::any::minute;
use crate::rules::tests::any::{any_figures, any_report, any_step};
use crate::rules::tests::fixture::{Bay, adult, at, bay, flag, patients, shift, silences, trust};
use crate::wire;

fn survives(bay: &Bay) {
    let state = &bay.subject.state;
    let (hot, cold, summary) = (wire::hot_to(state), wire::cold_to(state), wire::summary_to(&state.summary));
    assert_eq!(&wire::state_from(&hot, &cold, &summary).unwrap(), state);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_state_survives_the_store(steps in vec(any_step(), 0..9), odd in any_figures()) {
        let mut ward = bay(WardKind::IntensiveCare);
        for (n, facts) in steps {
            let report = ward.sent(&minute(n).to_string(), facts);
            ward.receive(minute(20), &report);
            survives(&ward);
        }
        ward.report("10:40", odd);
        survives(&ward);
        for now in ["11:00", "11:30", "13:00", "20:00"] {
            ward.tick(now);
            survives(&ward);
        }
    }

    #[test]
    fn any_formally_valid_report_survives_the_wire(report in any_report()) {
        prop_assert_eq!(wire::report_from(wire::report_to(&report)).unwrap(), report);
    }
}

#[test]
fn a_state_with_a_doubt_a_final_flag_and_an_alert_that_clears_survives_the_store() {
    let mut ward = adult();
    ward.report("10:00", shift(28, 2).and(flag(900, "09:55").resolved("09:58")).and(flag(901, "09:56")));
    ward.report("10:05", patients(0));
    ward.late("10:06", "10:05", patients(0).revision(1));
    let state = &ward.subject.state;
    assert!(state.blocks.patients.as_ref().unwrap().doubt.is_some() && !state.closed_flags.is_empty());
    assert!(state.episodes.iter().any(|e| e.good_since.is_some() && e.ending.is_some()));
    survives(&ward);
}

#[test]
fn an_organisations_state_survives_the_store() {
    let mut trust = trust();
    let silence = vec![SourceSilence { source: "BEDS".parse().unwrap(), since: Some(at("10:00")) }];
    let ward = |n: usize| (format!("organisations/RJ1/wards/W{n}").parse().unwrap(), silences(silence.clone()));
    trust.subject.reads = (0..3).map(ward).collect();
    trust.tick("10:05");
    assert_eq!(trust.subject.state.episodes.len(), 1);
    survives(&trust);
}
