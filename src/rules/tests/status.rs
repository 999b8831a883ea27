//! How a ward stands: each status, and freshness as a dimension of its own.

use crate::domain::{Freshness, WardKind, WardState, WardStatus};
use crate::rules::catalogue::CAPACITY;
use crate::rules::tests::fixture::at;
use crate::rules::tests::fixture::{Bay, adult, bay, levels, nurses, patients, shift};
use crate::rules::{Answer, RULES, evaluate};

fn stands(bay: &mut Bay, facts: crate::rules::tests::fixture::Facts) -> (WardStatus, Freshness) {
    let receipt = bay.report("10:00", facts).receipt.unwrap();
    assert_eq!(receipt.standing, Some(bay.status("10:00")), "the receipt says what a reader would see");
    bay.status("10:00")
}

#[test]
fn each_status_is_reached() {
    let fresh = |status| (status, Freshness::Fresh);
    assert_eq!(stands(&mut adult(), shift(36, 3)), fresh(WardStatus::Critical));
    assert_eq!(stands(&mut adult(), shift(28, 3)), fresh(WardStatus::Warning));
    assert_eq!(stands(&mut adult(), shift(24, 3)), fresh(WardStatus::AtLimit));
    assert_eq!(stands(&mut adult(), shift(23, 3)), fresh(WardStatus::Ok));
    assert_eq!(stands(&mut adult(), shift(0, 3)), fresh(WardStatus::Empty));
    assert_eq!(stands(&mut adult(), patients(23)), fresh(WardStatus::Incomplete));
    assert_eq!(adult().status("09:40"), (WardStatus::NeverReported, Freshness::Stale));
    let mut closed = adult();
    closed.register(|w| w.state = WardState::Closed);
    assert_eq!(closed.status("10:00").0, WardStatus::Closed);
}

#[test]
fn no_patients_is_empty_whoever_is_there() {
    assert_eq!(stands(&mut adult(), patients(0)).0, WardStatus::Empty);
}

#[test]
fn a_figure_on_a_board_colours_no_ward() {
    let mut bay = adult();
    bay.register(|w| {
        w.beds = Some(20);
        w.enabled_rules = vec![CAPACITY.into()];
    });
    assert_eq!(stands(&mut bay, shift(21, 3)).0, WardStatus::Ok);
    assert_eq!(bay.open(), ["capacity.over Info Breaching"]);
}

#[test]
fn a_stale_ward_is_never_green() {
    for facts in [shift(20, 3), shift(24, 3), shift(0, 3)] {
        let mut bay = adult();
        bay.report("10:00", facts);
        let (status, freshness) = bay.status("11:30");
        assert_eq!((status, freshness), (WardStatus::Incomplete, Freshness::Stale));
    }
}

#[test]
fn a_stale_ward_keeps_its_alerts_colour() {
    let mut bay = adult();
    bay.report("10:00", shift(36, 3));
    bay.tick("11:30");
    assert_eq!(bay.status("11:30"), (WardStatus::Critical, Freshness::Stale));
}

#[test]
fn a_clearing_alert_still_colours_the_ward() {
    let mut bay = adult();
    bay.report("10:00", shift(36, 3));
    bay.report("10:10", shift(20, 3));
    assert_eq!(bay.status("10:20").0, WardStatus::Critical);
    bay.tick("10:40");
    assert_eq!(bay.status("10:40").0, WardStatus::Ok);
}

#[test]
fn a_unit_whose_formula_lacks_its_figures_is_incomplete() {
    let mut unit = bay(WardKind::IntensiveCare);
    assert_eq!(stands(&mut unit, shift(6, 6)).0, WardStatus::Incomplete);
    unit.report("10:10", levels(|l| (l.level3, l.level2) = (Some(6), Some(0))));
    assert_eq!(unit.status("10:10").0, WardStatus::Ok);
}

/// Events, rules of a cover group, and those of an organisation.
const NOT_OF_A_WARD: [&str; 9] = [
    "red_flag.raised",
    "source.silent",
    "cover.below_minimum",
    "cover.no_senior",
    "cover.not_reported",
    "cover.plan_missing",
    "cover.plan_gap",
    "elective.not_stood_down",
    "elective.below_target",
];

#[test]
fn every_rule_of_a_ward_answers_once() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    let answers = evaluate(bay.facts(), &bay.subject.state, &[], at("10:00"));
    let rules: Vec<&str> = answers.iter().map(|e| e.rule).collect();
    let expected: Vec<&str> = RULES.iter().copied().filter(|r| !NOT_OF_A_WARD.contains(r)).collect();
    assert_eq!(rules.len(), expected.len());
    assert!(expected.iter().all(|r| rules.contains(r)), "{rules:?}");
}

#[test]
fn an_answer_says_why_there_is_no_alert() {
    let mut bay = adult();
    bay.report("10:00", patients(28));
    bay.report("11:20", nurses(3));
    let answer = |now, rule: &str| {
        evaluate(bay.facts(), &bay.subject.state, &[], at(now)).into_iter().find(|e| e.rule == rule).unwrap().answer
    };
    assert_eq!(answer("11:29", "ratio.over_limit"), Answer::Breaching);
    assert_eq!(answer("11:30", "ratio.over_limit"), Answer::NotEvaluable("patients overdue".into()));
    assert_eq!(answer("11:29", "rn.below_minimum"), Answer::WithinLimit);
    assert_eq!(answer("11:29", "skill_mix.low"), Answer::Disabled("switched off in the policy".into()));
    assert_eq!(
        answer("11:29", "ratio.max_allocation"),
        Answer::NotEvaluable("nursing.largest_allocation not reported".into())
    );
}
