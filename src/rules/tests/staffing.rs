//! Minimum, nobody, formulas, capacity, skill mix, corridor: each raises, and each clears.

use crate::domain::{Judgement, LevelsOfCare, Limit, MinimumReason, WardKind, WardStatus};
use crate::rules::catalogue::{CAPACITY, SKILL_MIX};
use crate::rules::tests::fixture::{
    Bay, Facts, adult, bay, breaches, judged, levels, nothing, nurses, patients, said, shift,
};

/// The bad figures raise what they should, the good ones an hour later begin its end, and the clock completes it.
fn raises_and_clears(mut bay: Bay, bad: Facts, raised: &str, good: Facts, end: &str) {
    assert_eq!(said(&bay.report("10:00", bad)), [format!("Raised {raised}")]);
    assert_eq!(said(&bay.report("10:20", good)), [format!("Updated {raised} Clearing")]);
    assert!(said(&bay.tick("10:49:59")).is_empty(), "held until 10:50");
    assert_eq!(said(&bay.tick("10:50")), [format!("Resolved {raised} {end}")]);
}

#[test]
fn a_ratio_clears_when_nurses_come_or_patients_go() {
    raises_and_clears(adult(), shift(28, 3), "ratio.over_limit Warning", shift(28, 4), "StaffingImproved");
    raises_and_clears(adult(), shift(28, 3), "ratio.over_limit Warning", shift(24, 3), "DemandFell");
}

#[test]
fn an_allocation_clears_when_it_is_shared_out() {
    let allocated = |n: u32| shift(16, 3).of_nursing(|f| f.largest_allocation = Some(n));
    raises_and_clears(adult(), allocated(9), "ratio.max_allocation Warning", allocated(6), "StaffingImproved");
}

#[test]
fn one_nurse_is_below_the_minimum_of_two() {
    raises_and_clears(adult(), shift(4, 1), "rn.below_minimum Critical", shift(4, 2), "StaffingImproved");
    raises_and_clears(adult(), shift(4, 1), "rn.below_minimum Critical", shift(0, 1), "DemandFell");
}

#[test]
fn a_small_unit_may_do_with_one_nurse() {
    let mut bay = adult();
    bay.register(|w| {
        w.minimum = Some(1);
        w.minimum_reason = Some(MinimumReason::SmallUnit);
    });
    assert!(said(&bay.report("10:00", shift(4, 1))).is_empty());
}

#[test]
fn nobody_stands_alone() {
    let mut bay = adult();
    assert_eq!(
        said(&bay.report("10:00", shift(4, 0).of_nursing(|n| n.largest_allocation = Some(9)))),
        ["Raised rn.none Critical"]
    );
}

#[test]
fn nobody_replaces_what_is_open_and_the_rest_comes_back_with_the_first_nurse() {
    let mut bay = adult();
    let one = || shift(28, 1).of_nursing(|n| n.largest_allocation = Some(14));
    let raised =
        ["Raised ratio.over_limit Critical", "Raised ratio.max_allocation Warning", "Raised rn.below_minimum Critical"];
    assert_eq!(said(&bay.report("10:00", one())), raised);
    assert_eq!(
        said(&bay.report("10:10", shift(28, 0).of_nursing(|n| n.largest_allocation = Some(14)))),
        [
            "Resolved ratio.over_limit Critical Replaced",
            "Resolved ratio.max_allocation Warning Replaced",
            "Raised rn.none Critical",
            "Resolved rn.below_minimum Critical Replaced",
        ]
    );
    assert_eq!(
        said(&bay.report("10:20", one())),
        [
            "Reopened ratio.over_limit Critical",
            "Reopened ratio.max_allocation Warning",
            "Updated rn.none Critical Clearing",
            "Reopened rn.below_minimum Critical",
        ]
    );
}

#[test]
fn nobody_clears_when_a_nurse_comes_or_the_ward_empties() {
    raises_and_clears(adult(), shift(4, 0), "rn.none Critical", shift(4, 2), "StaffingImproved");
    raises_and_clears(adult(), shift(4, 0), "rn.none Critical", shift(0, 0), "DemandFell");
}

#[test]
fn nobody_replaces_a_formula_too() {
    let mut unit = bay(WardKind::IntensiveCare);
    let facts = |n| shift(6, n).and(levels(|l| (l.level3, l.level2) = (Some(6), Some(0))));
    assert_eq!(said(&unit.report("10:00", facts(4))), ["Raised care_level.under_cover Critical"]);
    assert_eq!(
        said(&unit.report("10:10", facts(0))),
        ["Raised rn.none Critical", "Resolved care_level.under_cover Critical Replaced"]
    );
}

/// A formula at the least number of nurses that suffices, at one fewer in part, and a whole nurse short.
fn formula(kind: WardKind, set: impl Fn(&mut LevelsOfCare), nurses_and_answers: &[(u32, &str)]) {
    for (n, answer) in nurses_and_answers {
        let mut unit = bay(kind);
        unit.register(|w| w.minimum = Some(0));
        unit.report("10:00", shift(9, *n).and(levels(&set)));
        let expected: Vec<String> =
            if answer.is_empty() { Vec::new() } else { vec![format!("care_level.under_cover {answer}")] };
        assert_eq!(breaches(&unit, "10:00"), expected, "{kind:?} with {n}");
    }
}

#[test]
fn intensive_care_needs_one_for_each_level_three_and_one_for_two_level_two() {
    for kind in [WardKind::IntensiveCare, WardKind::PaediatricIntensiveCare] {
        // 4 + 3/2 = 5.5
        formula(kind, |l| (l.level3, l.level2) = (Some(4), Some(3)), &[(6, ""), (5, "Warning"), (4, "Critical")]);
        // 4 + 2/2 = 5: exactly one short is critical.
        formula(kind, |l| (l.level3, l.level2) = (Some(4), Some(2)), &[(5, ""), (4, "Critical")]);
    }
}

#[test]
fn neonatal_units_need_one_to_one_two_and_four() {
    // 2 + 3/2 + 5/4 = 4.75
    let cots = |l: &mut LevelsOfCare| {
        l.neonatal_intensive = Some(2);
        l.neonatal_high_dependency = Some(3);
        l.neonatal_special = Some(5);
    };
    formula(WardKind::Neonatal, cots, &[(5, ""), (4, "Warning"), (3, "Critical")]);
}

#[test]
fn childrens_wards_need_one_for_three_and_one_for_four() {
    // 4/3 + 5/4 = 31/12
    let beds = |l: &mut LevelsOfCare| (l.children_under2, l.children_from2) = (Some(4), Some(5));
    formula(WardKind::Paediatric, beds, &[(3, ""), (2, "Warning"), (1, "Critical")]);
}

#[test]
fn emergency_departments_need_one_for_each_in_resus_and_one_for_four_majors() {
    // 2 + 9/4 = 4.25
    let bays = |l: &mut LevelsOfCare| (l.resus, l.majors) = (Some(2), Some(9));
    formula(WardKind::Emergency, bays, &[(5, ""), (4, "Warning"), (3, "Critical")]);
}

#[test]
fn a_formula_lacking_a_count_is_not_evaluable() {
    let mut unit = bay(WardKind::Emergency);
    unit.report("10:00", shift(9, 2).and(levels(|l| l.resus = Some(5))));
    assert!(breaches(&unit, "10:00").is_empty());
    assert_eq!(unit.status("10:00").0, WardStatus::Incomplete);
}

#[test]
fn a_formula_clears_when_nurses_come_or_patients_go() {
    let unit = || {
        let mut unit = bay(WardKind::IntensiveCare);
        unit.register(|w| w.minimum = Some(0));
        unit
    };
    let beds = |level3| levels(move |l| (l.level3, l.level2) = (Some(level3), Some(0)));
    let (bad, more) = (shift(5, 4).and(beds(5)), shift(5, 5).and(beds(5)));
    raises_and_clears(unit(), bad.clone(), "care_level.under_cover Critical", more, "StaffingImproved");
    raises_and_clears(unit(), bad, "care_level.under_cover Critical", shift(4, 4).and(beds(4)), "DemandFell");
}

fn labour(midwives: Option<u32>, women: u32, coordinator: Option<bool>) -> Facts {
    shift(6, 2).and(levels(|l| l.women_in_labour = Some(women))).of_nursing(|n| {
        n.registered_midwives = midwives;
        n.coordinator_supernumerary = coordinator;
    })
}

#[test]
fn each_woman_in_labour_needs_a_midwife_and_the_coordinator_stays_free() {
    let answers = [
        (labour(Some(5), 5, Some(true)), ""),
        (labour(Some(5), 5, None), ""),
        (labour(Some(5), 5, Some(false)), "care_level.under_cover Warning"),
        (labour(Some(4), 5, Some(true)), "care_level.under_cover Critical"),
        (labour(Some(4), 5, Some(false)), "care_level.under_cover Critical"),
        (labour(None, 5, Some(false)), ""),
    ];
    for (facts, answer) in answers {
        let mut unit = bay(WardKind::Labour);
        unit.report("10:00", facts);
        assert_eq!(breaches(&unit, "10:00").concat(), answer);
    }
}

#[test]
fn the_corridor_is_a_warning_until_it_is_empty() {
    let corridor = |n| shift(20, 4).of_patients(|p| p.corridor = Some(n));
    raises_and_clears(adult(), corridor(1), "capacity.corridor Warning", corridor(0), "DemandFell");
}

#[test]
fn more_patients_than_beds_is_shown_only_where_it_is_switched_on() {
    let crowded = |n| shift(26, 5).of_patients(|p| p.boarded = Some(n));
    let mut bay = adult();
    bay.register(|w| w.beds = Some(28));
    assert!(said(&bay.report("10:00", crowded(3))).is_empty());
    bay.register(|w| w.enabled_rules = vec![CAPACITY.into()]);
    assert!(said(&bay.report("10:01", crowded(2))).is_empty(), "28 in 28 beds");
    raises_and_clears_later(bay, crowded(3), "capacity.over Info", crowded(2), "DemandFell");
}

#[test]
fn a_thin_skill_mix_is_shown_only_where_it_is_switched_on() {
    let staff = |associates, workers| {
        shift(40, 13).of_nursing(|n| {
            n.nursing_associates = Some(associates);
            n.healthcare_support_workers = Some(workers);
        })
    };
    let mut bay = adult();
    assert!(said(&bay.report("10:00", staff(2, 6))).is_empty());
    bay.register(|w| w.enabled_rules = vec![SKILL_MIX.into()]);
    assert!(said(&bay.report("10:01", staff(2, 5))).is_empty(), "13 of 20 is 65 %");
    raises_and_clears_later(bay, staff(2, 6), "skill_mix.low Info", staff(2, 5), "StaffingImproved");
}

#[test]
fn children_need_a_richer_skill_mix() {
    let staff = |workers| {
        shift(9, 7).and(levels(|l| (l.children_under2, l.children_from2) = (Some(3), Some(6)))).of_nursing(|n| {
            n.nursing_associates = Some(0);
            n.healthcare_support_workers = Some(workers);
        })
    };
    let mut unit = bay(WardKind::Paediatric);
    unit.register(|w| w.enabled_rules = vec![SKILL_MIX.into()]);
    assert!(said(&unit.report("10:00", staff(3))).is_empty(), "7 of 10 is 70 %");
    assert_eq!(said(&unit.report("10:30", staff(4))), ["Raised skill_mix.low Info"]);
}

#[test]
fn an_unsafe_judgement_is_a_warning_and_a_safe_one_silences_nothing_else() {
    let good = || shift(20, 4).and(judged(Judgement::Safe));
    let bad = || shift(20, 4).and(judged(Judgement::Unsafe));
    raises_and_clears(adult(), bad(), "judgement.unsafe Warning", good(), "StaffingImproved");
    let mut bay = adult();
    assert_eq!(
        said(&bay.report("10:00", shift(28, 3).and(judged(Judgement::Safe)))),
        ["Raised ratio.over_limit Warning"]
    );
}

#[test]
fn an_empty_ward_needs_no_one() {
    let mut bay = adult();
    bay.register(|w| w.limit = Some(Limit::whole(1)));
    let facts = shift(0, 0).of_nursing(|n| n.largest_allocation = Some(9));
    assert!(said(&bay.report("10:00", facts)).is_empty());
    assert_eq!(bay.status("10:00").0, WardStatus::Empty);
}

#[test]
fn an_absent_block_says_nothing() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    assert!(said(&bay.report("10:30", judged(Judgement::Safe))).is_empty());
    assert_eq!(bay.open(), ["ratio.over_limit Warning Breaching"]);
    assert_eq!(said(&bay.report("10:40", nurses(4))), ["Updated ratio.over_limit Warning Clearing"]);
}

#[test]
fn corridor_patients_who_are_not_reported_are_not_nought() {
    let mut bay = adult();
    bay.report("10:00", shift(20, 4).of_patients(|p| p.corridor = Some(2)));
    assert!(said(&bay.report("10:30", patients(20).of_patients(|p| p.corridor = None))).is_empty());
    assert_eq!(bay.open(), ["capacity.corridor Warning Breaching"]);
    assert!(bay.report("10:40", nothing().and(patients(20))).events.len() == 1, "nought begins the end");
}

fn raises_and_clears_later(mut bay: Bay, bad: Facts, raised: &str, good: Facts, end: &str) {
    assert_eq!(said(&bay.report("11:00", bad)), [format!("Raised {raised}")]);
    assert_eq!(said(&bay.report("11:20", good)), [format!("Updated {raised} Clearing")]);
    assert_eq!(said(&bay.tick("11:50")), [format!("Resolved {raised} {end}")]);
}
