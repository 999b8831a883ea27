//! The ends that need no half hour: corrected, closed, the register changed.

use crate::domain::{Cause, Limit, Resolution, WardKind, WardState, WardStatus};
use crate::rules::tests::fixture::{adult, at, bay, flag, levels, nurses, patients, said, said_of, shift};

#[test]
fn corrected_figures_end_an_alert_at_once() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    let corrected = bay.late("10:05", "10:00", shift(28, 4).revision(1));
    assert_eq!(said(&corrected), ["Resolved ratio.over_limit Warning Corrected"]);
}

#[test]
fn corrected_figures_that_are_bad_raise_at_once() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 4));
    assert_eq!(said(&bay.late("10:05", "10:00", shift(28, 3).revision(1))), ["Raised ratio.over_limit Warning"]);
}

#[test]
fn a_correction_of_one_block_ends_what_reads_it() {
    let mut bay = adult();
    bay.report("10:00", patients(28));
    bay.report("10:01", nurses(3));
    let corrected = bay.late("10:05", "10:00", patients(23).revision(2));
    assert_eq!(said(&corrected), ["Resolved ratio.over_limit Warning Corrected"]);
}

#[test]
fn a_correction_of_good_figures_leaves_the_half_hour_of_what_was_truly_bad() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    bay.report("10:10", shift(20, 3));
    assert!(said(&bay.late("10:12", "10:10", shift(21, 3).revision(1))).is_empty());
    assert_eq!(said(&bay.tick("10:40")), ["Resolved ratio.over_limit Warning DemandFell"]);
}

#[test]
fn a_later_report_is_no_correction() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    assert_eq!(said(&bay.report("10:01", shift(20, 3).revision(5))), ["Updated ratio.over_limit Warning Clearing"]);
}

#[test]
fn a_closed_wards_alerts_end() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 1).and(flag(900, "09:55")));
    bay.register(|w| w.state = WardState::Closed);
    let closed = bay.tick("10:05");
    assert_eq!(
        said(&closed),
        [
            "Resolved ratio.over_limit Critical WardClosed",
            "Resolved rn.below_minimum Critical WardClosed",
            "Resolved red_flag.raised Critical WardClosed",
        ]
    );
    assert!(closed.events.iter().all(|e| e.cause == Cause::Register));
    assert_eq!(closed.next_check, None);
    assert_eq!(bay.status("10:05").0, WardStatus::Closed);
}

#[test]
fn a_limit_raised_in_the_register_ends_a_breach_at_once() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    bay.register(|w| w.limit = Some(Limit::whole(10)));
    let ended = bay.tick("10:05");
    assert_eq!(said(&ended), ["Resolved ratio.over_limit Warning RegisterChanged"]);
    assert_eq!(ended.events[0].cause, Cause::Register);
}

#[test]
fn a_ward_that_becomes_another_kind_ends_the_formula_it_no_longer_has() {
    let mut unit = bay(WardKind::IntensiveCare);
    unit.report("10:00", shift(6, 4).and(levels(|l| (l.level3, l.level2) = (Some(6), Some(0)))));
    unit.register(|w| w.kind = WardKind::Other);
    assert_eq!(said(&unit.tick("10:05")), ["Resolved care_level.under_cover Critical RegisterChanged"]);
}

#[test]
fn a_limit_lowered_in_the_register_raises_at_the_tick() {
    let mut bay = adult();
    bay.report("10:00", shift(24, 3));
    bay.register(|w| w.limit = Some(Limit::whole(7)));
    assert_eq!(said(&bay.tick("10:05")), ["Raised ratio.over_limit Warning"]);
}

#[test]
fn a_clearing_is_not_cut_short_by_a_tick() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    bay.report("10:10", shift(20, 3));
    assert!(said(&bay.tick("10:20")).is_empty());
    assert_eq!(bay.open(), ["ratio.over_limit Warning Clearing"]);
}

#[test]
fn a_correction_does_not_cut_short_a_return_from_silence() {
    let mut bay = adult();
    bay.report("10:00", patients(20));
    assert_eq!(said_of("report.", &bay.tick("11:30")), ["Raised report.overdue Warning"]);
    let corrected = bay.late("11:40", "10:00", patients(21).revision(1));
    assert_eq!(said_of("report.", &corrected), ["Updated report.overdue Warning Clearing"]);
    assert_eq!(said_of("report.", &bay.tick("12:10")), ["Resolved report.overdue Warning ReportingResumed"]);
}

#[test]
fn an_ended_alert_keeps_when_and_how_it_ended() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    let corrected = bay.late("10:05", "10:00", shift(28, 4).revision(1));
    let alert = &corrected.events[0].alert;
    assert_eq!((alert.resolved, alert.resolution), (Some(at("10:05")), Some(Resolution::Corrected)));
}
