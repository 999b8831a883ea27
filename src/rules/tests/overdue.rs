//! Figures that do not come: late, stale, overdue.

use crate::domain::{Freshness, WardKind, WardStatus};
use crate::rules::tests::fixture::{Bay, adult, at, bay_of, nurses, patients, said, said_of, shift, ward};

/// A ward that counts at the census times: 07:30, 14:00 and 20:00 local.
fn census() -> Bay {
    let mut ward = ward(WardKind::AdultInpatient);
    ward.report_every_minutes = None;
    bay_of(ward)
}

#[test]
fn an_hourly_ward_is_overdue_after_ninety_minutes() {
    let mut bay = adult();
    let decision = bay.report("10:00", shift(20, 3));
    assert_eq!(decision.next_check, Some(at("11:30")));
    assert!(said(&bay.tick("11:29:59")).is_empty());
    let overdue = bay.tick("11:30");
    assert_eq!(said(&overdue), ["Raised report.overdue Warning"]);
    assert_eq!(bay.status("11:30"), (WardStatus::Warning, Freshness::Stale));
}

#[test]
fn a_ward_that_reports_every_ten_minutes_has_fifteen_minutes_of_grace() {
    let mut bay = adult();
    bay.register(|w| w.report_every_minutes = Some(10));
    assert_eq!(bay.report("10:00", shift(20, 3)).next_check, Some(at("10:25")));
    assert!(said(&bay.tick("10:24:59")).is_empty());
    assert_eq!(said(&bay.tick("10:25")), ["Raised report.overdue Warning"]);
}

#[test]
fn a_census_ward_is_overdue_an_hour_after_the_next_census() {
    for (observed, overdue) in
        [("07:29", "08:30"), ("07:30", "15:00"), ("13:59", "15:00"), ("14:00", "21:00"), ("20:00", "+1 08:30")]
    {
        let mut bay = census();
        assert_eq!(bay.report(observed, shift(20, 3)).next_check, Some(at(overdue)), "{observed}");
        assert_eq!(said(&bay.tick(overdue)), ["Raised report.overdue Warning"], "{observed}");
    }
}

#[test]
fn a_census_is_at_local_time_also_when_the_clocks_change() {
    let nights = [
        ("2026-03-28T20:00:00Z", "2026-03-29T07:30:00Z"),
        ("2026-10-24T19:00:00Z", "2026-10-25T08:30:00Z"),
        ("2026-07-01T19:00:00Z", "2026-07-02T07:30:00Z"),
    ];
    for (observed, overdue) in nights {
        let mut bay = census();
        bay.subject.state.registered = at(observed);
        assert_eq!(bay.report(observed, shift(20, 3)).next_check, Some(at(overdue)), "{observed}");
    }
}

#[test]
fn a_ward_may_name_its_own_census() {
    let mut bay = census();
    bay.register(|w| w.census_times = vec![6 * 60, 18 * 60]);
    assert_eq!(bay.report("07:00", shift(20, 3)).next_check, Some(at("19:00")));
}

#[test]
fn one_alert_tells_of_all_blocks_and_follows_each() {
    let mut bay = adult();
    bay.report("10:00", patients(20));
    bay.report("10:30", nurses(3));
    assert_eq!(said(&bay.tick("11:30")), ["Raised report.overdue Warning"]);
    let second = bay.tick("12:00");
    assert_eq!(said(&second), ["Updated report.overdue Warning"]);
    assert_eq!(
        second.events[0].alert.message, "Ward A7: no patient, nursing figures since 10:00, due 11:00.",
        "the longest silence"
    );
}

#[test]
fn figures_that_come_end_it_after_half_an_hour() {
    let mut bay = adult();
    bay.report("10:00", shift(20, 3));
    bay.tick("11:30");
    assert_eq!(said(&bay.report("11:40", shift(20, 3))), ["Updated report.overdue Warning Clearing"]);
    assert!(said(&bay.tick("12:09:59")).is_empty());
    assert_eq!(said(&bay.tick("12:10")), ["Resolved report.overdue Warning ReportingResumed"]);
}

#[test]
fn one_block_that_comes_does_not_end_the_silence_of_the_other() {
    let mut bay = adult();
    bay.report("10:00", shift(20, 3));
    bay.tick("11:30");
    let half = bay.report("11:40", patients(20));
    assert!(!said(&half).iter().any(|s| s.ends_with("Clearing")), "{:?}", said(&half));
    assert_eq!(said(&bay.report("11:50", nurses(3))), ["Updated report.overdue Warning Clearing"]);
}

#[test]
fn a_ward_that_never_reported_is_overdue_from_its_registration() {
    let mut bay = adult();
    bay.subject.state.registered = at("00:00");
    assert_eq!(bay.tick("00:00").next_check, Some(at("01:30")));
    assert_eq!(bay.status("00:10"), (WardStatus::NeverReported, Freshness::Stale));
    assert!(said(&bay.tick("01:29:59")).is_empty());
    let overdue = bay.tick("01:30");
    assert_eq!(said(&overdue), ["Raised report.overdue Warning"]);
    assert_eq!(overdue.events[0].alert.message, "Ward A7: no figures since its registration at 00:00.");
    assert_eq!(said(&bay.report("02:00", patients(20))), ["Updated report.overdue Warning Clearing"]);
}

#[test]
fn old_figures_just_delivered_are_late_and_not_silent() {
    let mut bay = adult();
    let late = bay.late("12:00", "10:00", shift(20, 3));
    assert!(said(&late).is_empty());
    assert_eq!(bay.status("12:00"), (WardStatus::Incomplete, Freshness::Stale));
    assert_eq!(late.next_check, Some(at("13:30")), "counted from when it was heard");
    assert!(said(&bay.tick("13:29:59")).is_empty());
    assert_eq!(said(&bay.tick("13:30")), ["Raised report.overdue Warning"]);
}

#[test]
fn superseded_figures_were_received_too() {
    let mut bay = adult();
    bay.report("10:00", shift(20, 3));
    bay.late("11:00", "09:00", shift(19, 3));
    assert!(said(&bay.tick("11:30")).is_empty(), "something was heard at 11:00");
    assert_eq!(bay.status("11:30").1, Freshness::Stale);
    assert_eq!(said(&bay.tick("12:30")), ["Raised report.overdue Warning"]);
}

#[test]
fn overdue_figures_raise_nothing() {
    let mut bay = adult();
    let late = bay.late("12:00", "10:00", shift(36, 3));
    assert!(said_of("ratio.", &late).is_empty());
}

#[test]
fn old_patients_are_not_joined_with_new_nurses() {
    let mut bay = adult();
    bay.report("10:00", patients(36));
    assert!(said_of("ratio.", &bay.report("11:30", nurses(3))).is_empty());
    assert_eq!(said_of("ratio.", &bay.report("11:31", patients(36))), ["Raised ratio.over_limit Critical"]);
}

#[test]
fn a_ward_whose_patients_alone_are_overdue_is_incomplete_and_stale() {
    let mut bay = adult();
    bay.report("10:00", patients(20));
    bay.late("11:40", "11:40", nurses(3));
    bay.register(|w| w.report_every_minutes = Some(60));
    assert_eq!(bay.status("11:40").1, Freshness::Stale);
}
