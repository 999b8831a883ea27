//! The safe limit: who counts, where it stands, by day and by night.

use crate::domain::{Limit, WardKind, WardStatus};
use crate::rules::tests::fixture::{Bay, Facts, adult, at, bay, bay_of, breaches, patients, said, shift, ward};

fn ratio(bay: &mut Bay, now: &str, facts: Facts) -> Vec<String> {
    bay.report(now, facts);
    breaches(bay, now).into_iter().filter(|b| b.starts_with("ratio.")).collect()
}

#[test]
fn exactly_eight_patients_a_nurse_is_at_the_limit_and_no_breach() {
    let mut bay = adult();
    let decision = bay.report("10:00", shift(24, 3));
    assert!(decision.events.is_empty());
    assert_eq!(bay.status("10:00").0, WardStatus::AtLimit);
}

#[test]
fn one_patient_more_than_eight_a_nurse_is_a_warning_from_the_first_report() {
    let mut bay = adult();
    assert_eq!(said(&bay.report("10:00", shift(81, 10))), ["Raised ratio.over_limit Warning"]);
}

#[test]
fn an_adult_ward_is_severe_from_twelve() {
    assert_eq!(ratio(&mut adult(), "10:00", shift(35, 3)), ["ratio.over_limit Warning"]);
    assert_eq!(ratio(&mut adult(), "10:00", shift(36, 3)), ["ratio.over_limit Critical"]);
}

#[test]
fn an_acute_medical_ward_stands_at_six_and_is_severe_from_nine() {
    let acute = || bay(WardKind::AcuteMedical);
    assert!(ratio(&mut acute(), "10:00", shift(12, 2)).is_empty());
    assert_eq!(ratio(&mut acute(), "10:00", shift(13, 2)), ["ratio.over_limit Warning"]);
    assert_eq!(ratio(&mut acute(), "10:00", shift(17, 2)), ["ratio.over_limit Warning"]);
    assert_eq!(ratio(&mut acute(), "10:00", shift(18, 2)), ["ratio.over_limit Critical"]);
}

#[test]
fn a_ward_without_a_limit_of_its_kind_has_none_unless_it_sets_one() {
    let kinds = [WardKind::Maternity, WardKind::MentalHealth, WardKind::Community, WardKind::DayUnit, WardKind::Other];
    for kind in kinds {
        assert!(ratio(&mut bay(kind), "10:00", shift(99, 2)).is_empty(), "{kind:?}");
        let mut own = bay(kind);
        own.register(|w| w.limit = Some(Limit(650)));
        assert!(ratio(&mut own, "10:00", shift(13, 2).of_nursing(|n| n.registered_midwives = Some(0))).is_empty());
        let over = shift(14, 2).of_nursing(|n| n.registered_midwives = Some(0));
        assert_eq!(ratio(&mut own, "10:30", over), ["ratio.over_limit Warning"], "{kind:?}");
    }
}

#[test]
fn a_ward_may_set_its_own_limits() {
    let mut own = adult();
    own.register(|w| {
        w.limit = Some(Limit(510));
        w.severe_limit = Some(Limit::whole(7));
    });
    assert!(ratio(&mut own, "10:00", shift(51, 10)).is_empty());
    assert_eq!(ratio(&mut own, "10:01", shift(52, 10)), ["ratio.over_limit Warning"]);
    assert_eq!(ratio(&mut own, "10:02", shift(70, 10)), ["ratio.over_limit Critical"]);
}

/// Local times on the two nights of 2026 on which the clocks change, and on a plain one.
#[test]
fn a_night_limit_holds_from_eight_in_the_evening_to_half_past_seven_local_time() {
    let times = [
        ("2026-02-02T19:59:59Z", false),
        ("2026-02-02T20:00:00Z", true),
        ("2026-02-03T07:29:59Z", true),
        ("2026-02-03T07:30:00Z", false),
        // 28-29 March: the night begins in GMT and ends in BST, an hour earlier in UTC.
        ("2026-03-28T20:00:00Z", true),
        ("2026-03-29T06:29:59Z", true),
        ("2026-03-29T06:30:00Z", false),
        // 24-25 October: it begins in BST and ends in GMT.
        ("2026-10-24T18:59:59Z", false),
        ("2026-10-24T19:00:00Z", true),
        ("2026-10-25T06:30:00Z", true),
        ("2026-10-25T07:29:59Z", true),
        ("2026-10-25T07:30:00Z", false),
    ];
    for (now, night) in times {
        let mut bay = adult();
        bay.subject.state.registered = at(now);
        bay.register(|w| w.night_limit = Some(Limit::whole(10)));
        let over = ratio(&mut bay, now, shift(30, 3));
        assert_eq!(over.is_empty(), night, "{now}");
    }
}

#[test]
fn a_night_limit_alone_leaves_the_day_to_the_limit_of_the_kind() {
    let mut bay = adult();
    bay.register(|w| w.night_limit = Some(Limit::whole(10)));
    assert_eq!(ratio(&mut bay, "12:00", shift(31, 3)), ["ratio.over_limit Warning"]);
    assert_eq!(ratio(&mut bay, "21:00", shift(31, 3)), ["ratio.over_limit Warning"]);
    assert!(ratio(&mut bay, "21:30", shift(30, 3)).is_empty());
    assert_eq!(ratio(&mut bay, "22:00", shift(45, 3)), ["ratio.over_limit Critical"], "1.5 times the night's limit");
}

#[test]
fn two_nurses_both_one_to_one_leave_eight_patients_with_none() {
    let mut bay = adult();
    let decision = bay.report("10:00", shift(10, 2).of_nursing(|n| n.one_to_one_nurses = Some(2)));
    assert_eq!(said(&decision), ["Raised ratio.over_limit Critical"]);
    let measured = decision.events[0].alert.measured.clone().unwrap();
    assert_eq!((measured.numerator, measured.denominator), (8, 0));
}

#[test]
fn one_to_one_nurses_and_their_patients_are_taken_out() {
    // 26 patients and 4 nurses; one nurse has one patient: 25 over 3.
    let mut alone = adult();
    let over = shift(26, 4).of_nursing(|n| n.one_to_one_nurses = Some(1));
    assert_eq!(ratio(&mut alone, "10:00", over), ["ratio.over_limit Warning"]);
    // The same nurse has two of them: 24 over 3 is at the limit.
    let at_limit = shift(26, 4).of_nursing(|n| n.one_to_one_nurses = Some(1)).of_patients(|p| p.one_to_one = Some(2));
    assert!(ratio(&mut alone, "10:30", at_limit).is_empty());
}

#[test]
fn no_more_patients_are_taken_out_than_there_are() {
    let mut bay = adult();
    let decision = bay.report("10:00", shift(1, 3).of_nursing(|n| n.one_to_one_nurses = Some(3)));
    assert!(decision.events.is_empty());
}

#[test]
fn boarded_and_corridor_patients_count() {
    let mut bay = adult();
    let crowded = shift(22, 3).of_patients(|p| {
        p.boarded = Some(2);
        p.corridor = Some(1);
    });
    assert_eq!(ratio(&mut bay, "10:00", crowded), ["ratio.over_limit Warning"]);
}

#[test]
fn only_registered_nurses_count() {
    let mut bay = adult();
    let many_hands = shift(25, 3).of_nursing(|n| {
        n.nursing_associates = Some(3);
        n.healthcare_support_workers = Some(4);
        n.students = Some(2);
        n.supernumerary = Some(1);
        n.registered_midwives = Some(5);
    });
    assert_eq!(ratio(&mut bay, "10:00", many_hands), ["ratio.over_limit Warning"]);
}

#[test]
fn midwives_count_beside_nurses_on_labour_and_maternity_wards() {
    for kind in [WardKind::Labour, WardKind::Maternity] {
        let mut ward = bay(kind);
        ward.register(|w| w.limit = Some(Limit::whole(8)));
        let with_midwives = shift(16, 1).of_nursing(|n| n.registered_midwives = Some(1));
        assert!(breaches_after(&mut ward, "10:00", with_midwives).is_empty(), "{kind:?}");
        let fewer = shift(17, 1).of_nursing(|n| n.registered_midwives = Some(1));
        assert_eq!(breaches_after(&mut ward, "10:30", fewer), ["ratio.over_limit Warning"], "{kind:?}");
    }
}

#[test]
fn midwives_who_were_not_reported_may_be_there_so_nothing_is_raised() {
    for kind in [WardKind::Labour, WardKind::Maternity] {
        let mut ward = bay(kind);
        ward.register(|w| w.limit = Some(Limit::whole(8)));
        assert!(breaches_after(&mut ward, "10:00", shift(17, 0)).is_empty(), "{kind:?}");
        assert_eq!(ward.status("10:00").0, WardStatus::Incomplete);
    }
}

#[test]
fn enough_nurses_are_enough_even_if_midwives_were_not_reported() {
    let mut ward = bay(WardKind::Maternity);
    ward.register(|w| w.limit = Some(Limit::whole(8)));
    ward.report("10:00", shift(16, 2));
    assert_eq!(ward.status("10:00").0, WardStatus::AtLimit);
}

#[test]
fn a_ratio_needs_both_patients_and_nurses() {
    let mut bay = adult();
    assert!(said(&bay.report("10:00", patients(28))).is_empty());
    assert_eq!(bay.status("10:00").0, WardStatus::Incomplete);
}

#[test]
fn a_largest_allocation_above_the_limit_is_a_warning() {
    let allocated = |n: u32| shift(16, 3).of_nursing(|f| f.largest_allocation = Some(n));
    let mut bay = adult();
    assert!(said(&bay.report("10:00", allocated(8))).is_empty());
    assert_eq!(said(&bay.report("10:30", allocated(9))), ["Raised ratio.max_allocation Warning"]);
    assert_eq!(said(&bay.report("10:40", allocated(14))), ["Updated ratio.max_allocation Warning"], "never critical");
}

#[test]
fn a_night_limit_is_measured_by_when_the_figures_were_true() {
    let mut bay = bay_of(ward(WardKind::AdultInpatient));
    bay.register(|w| w.night_limit = Some(Limit::whole(10)));
    let decision = bay.late("20:05", "19:55", shift(27, 3));
    assert_eq!(said(&decision), ["Raised ratio.over_limit Warning"]);
}

fn breaches_after(bay: &mut Bay, now: &str, facts: Facts) -> Vec<String> {
    bay.report(now, facts);
    breaches(bay, now)
}
