//! Jumps too great to believe: accepted at once, but nothing resolves on them until a later observation agrees.

use crate::domain::WardStatus;
use crate::rules::tests::fixture::{adult, hours, nurses, patients, said, said_of, shift};

#[test]
fn a_typo_of_no_patients_resolves_no_critical() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 2));
    let typo = bay.report("10:05", patients(0));
    assert_eq!(said(&typo), ["Updated ratio.over_limit Critical Clearing", "Raised report.implausible Warning"]);
    assert!(said_of("ratio.", &bay.tick("10:35")).is_empty());
    assert!(said_of("ratio.", &bay.tick("10:50")).is_empty());
    assert_eq!(bay.status("10:50").0, WardStatus::Critical);
}

#[test]
fn a_second_observation_half_an_hour_later_confirms_it() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 2));
    bay.report("10:05", patients(0));
    let too_soon = bay.report("10:34", patients(0));
    assert!(said(&too_soon).is_empty());
    let confirmed = bay.report("10:35", patients(0));
    assert_eq!(
        said(&confirmed),
        ["Resolved ratio.over_limit Critical DemandFell", "Updated report.implausible Warning Clearing"]
    );
    assert_eq!(said_of("report.i", &bay.tick("11:05")), ["Resolved report.implausible Warning FiguresAgreed"]);
}

#[test]
fn a_figure_that_goes_back_drops_the_doubt() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 2));
    bay.report("10:05", patients(0));
    let back = bay.report("10:10", patients(28));
    assert_eq!(said(&back), ["Updated ratio.over_limit Critical", "Updated report.implausible Warning Clearing"]);
    assert!(bay.subject.state.blocks.patients.as_ref().unwrap().doubt.is_none());
}

#[test]
fn a_typo_that_is_corrected_ends_the_doubt_at_once() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 2));
    bay.report("10:05", patients(0));
    let back = bay.late("10:10", "10:05", patients(28).revision(1));
    assert_eq!(said(&back), ["Updated ratio.over_limit Critical", "Resolved report.implausible Warning Corrected"]);
}

#[test]
fn a_correction_that_is_itself_a_jump_does_not_end_an_alert() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 2));
    let typo = bay.late("10:05", "10:00", patients(0).revision(1));
    assert_eq!(said(&typo), ["Updated ratio.over_limit Critical Clearing", "Raised report.implausible Warning"]);
}

#[test]
fn nurses_more_than_tripled_and_up_by_five_are_doubted() {
    for (before, after, doubted) in
        [(2, 7, true), (2, 6, false), (1, 5, false), (1, 6, true), (0, 5, true), (3, 9, false)]
    {
        let mut bay = adult();
        bay.report("10:00", shift(40, before));
        let jump = bay.report("10:05", nurses(after));
        assert_eq!(!said_of("report.i", &jump).is_empty(), doubted, "{before} to {after}");
    }
}

#[test]
fn four_patients_may_all_go_home() {
    let mut bay = adult();
    bay.report("10:00", shift(4, 2));
    assert!(said(&bay.report("10:05", patients(0))).is_empty());
    bay.report("10:10", patients(5));
    assert_eq!(said(&bay.report("10:15", patients(0))), ["Raised report.implausible Warning"]);
}

#[test]
fn a_doubted_ward_holds_every_alert_that_leans_on_its_emptiness() {
    let mut bay = adult();
    let staff = shift(28, 4).and(hours(20 * 60, 40 * 60)).of_nursing(|n| n.largest_allocation = Some(12));
    bay.report("10:00", staff);
    bay.report("10:05", patients(0));
    for now in ["10:35", "10:50", "11:20"] {
        let ticked = bay.tick(now);
        assert!(said(&ticked).iter().all(|s| !s.starts_with("Resolved")), "{now}: {:?}", said(&ticked));
    }
}

#[test]
fn a_second_jump_half_an_hour_later_is_a_new_doubt_and_no_confirmation() {
    let mut bay = adult();
    bay.report("10:00", shift(40, 2));
    bay.report("10:05", nurses(10));
    let wild = bay.report("10:40", nurses(60));
    assert!(said_of("ratio.", &wild).is_empty());
    assert_eq!(bay.subject.state.blocks.nursing.as_ref().unwrap().doubt.unwrap().before, 10);
}

#[test]
fn a_return_from_silence_is_a_return_whatever_the_figures() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 4));
    bay.tick("11:30");
    bay.report("11:40", shift(0, 4));
    assert_eq!(said_of("report.o", &bay.tick("12:10")), ["Resolved report.overdue Warning ReportingResumed"]);
}
