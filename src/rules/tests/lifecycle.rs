//! Raising, clearing, breaching again, reopening: the course of an episode.

use crate::domain::{AlertState, Cause, Condition, Severity};
use crate::rules::tests::fixture::{adult, at, nurses, patients, said, said_of, shift};

#[test]
fn a_ward_over_eight_raises_once() {
    let mut bay = adult();
    let raised = bay.report("10:00", shift(28, 3));
    assert_eq!(said(&raised), ["Raised ratio.over_limit Warning"]);
    let alert = &raised.events[0].alert;
    assert_eq!((alert.state, alert.condition, alert.raised), (AlertState::Open, Condition::Breaching, at("10:00")));
    assert!(matches!(&raised.events[0].cause, Cause::Report(key) if key.observed == at("10:00")));
    assert!(said(&bay.report("10:10", shift(28, 3))).is_empty());
    assert!(said(&bay.tick("10:20")).is_empty());
}

#[test]
fn a_good_report_begins_the_end_and_the_clock_completes_it() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    let good = bay.report("10:10", shift(20, 3));
    assert_eq!(said(&good), ["Updated ratio.over_limit Warning Clearing"]);
    assert_eq!(good.next_check, Some(at("10:40")));
    assert!(said(&bay.tick("10:39:59")).is_empty());
    let resolved = bay.tick("10:40");
    assert_eq!(said(&resolved), ["Resolved ratio.over_limit Warning DemandFell"]);
    assert_eq!(resolved.events[0].previous_state, Some(AlertState::Open));
    assert_eq!(resolved.events[0].cause, Cause::Timer);
    assert!(bay.open().is_empty());
}

#[test]
fn a_second_good_report_does_not_start_the_half_hour_anew() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    bay.report("10:10", shift(20, 3));
    assert!(said(&bay.report("10:30", shift(21, 3))).is_empty());
    assert_eq!(said(&bay.report("10:41", shift(21, 3))), ["Resolved ratio.over_limit Warning DemandFell"]);
}

#[test]
fn a_bad_report_within_the_half_hour_makes_it_breach_again_and_the_half_hour_starts_anew() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    bay.report("10:10", shift(20, 3));
    assert_eq!(said(&bay.report("10:39", shift(28, 3))), ["Updated ratio.over_limit Warning"]);
    assert_eq!(bay.open(), ["ratio.over_limit Warning Breaching"]);
    assert_eq!(said(&bay.report("10:45", shift(20, 3))), ["Updated ratio.over_limit Warning Clearing"]);
    assert!(said(&bay.tick("11:14:59")).is_empty());
    assert_eq!(said(&bay.tick("11:15")), ["Resolved ratio.over_limit Warning DemandFell"]);
}

#[test]
fn a_bad_report_after_the_clock_passed_but_before_the_tick_came_breaches_again() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    bay.report("10:10", shift(20, 3));
    let bad = bay.report("10:41", shift(28, 3));
    assert_eq!(said(&bad), ["Updated ratio.over_limit Warning"], "one episode, whoever came first");
}

#[test]
fn the_half_hour_counts_from_when_the_good_figures_were_true() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    assert_eq!(said(&bay.late("10:25", "10:05", shift(20, 3))), ["Updated ratio.over_limit Warning Clearing"]);
    assert_eq!(said(&bay.tick("10:35")), ["Resolved ratio.over_limit Warning DemandFell"]);
}

#[test]
fn good_figures_that_are_half_an_hour_old_already_end_it_at_once() {
    let mut bay = adult();
    bay.late("10:50", "10:00", shift(28, 3));
    assert_eq!(said(&bay.late("10:51", "10:05", shift(20, 3))), ["Resolved ratio.over_limit Warning DemandFell"]);
}

#[test]
fn a_breach_within_two_hours_reopens_the_same_episode_and_keeps_its_peak() {
    let mut bay = adult();
    let id = bay.report("10:00", shift(36, 3)).events[0].alert.id;
    bay.report("10:10", shift(20, 3));
    bay.tick("10:40");
    let again = bay.report("12:39:59", shift(28, 3));
    assert_eq!(said(&again), ["Reopened ratio.over_limit Warning"]);
    let alert = &again.events[0].alert;
    assert_eq!((alert.id, alert.peak_severity, alert.raised), (id, Severity::Critical, at("10:00")));
    assert_eq!((alert.state, alert.resolved, alert.resolution), (AlertState::Open, None, None));
    assert_eq!(again.events[0].previous_state, Some(AlertState::Resolved));
}

#[test]
fn a_breach_after_two_hours_is_a_new_episode() {
    let mut bay = adult();
    let id = bay.report("10:00", shift(36, 3)).events[0].alert.id;
    bay.report("10:10", shift(20, 3));
    bay.tick("10:40");
    let again = bay.report("12:40", shift(28, 3));
    assert_eq!(said(&again), ["Raised ratio.over_limit Warning"]);
    let alert = &again.events[0].alert;
    assert_ne!(alert.id, id);
    assert_eq!((alert.peak_severity, alert.transitions), (Severity::Warning, 1));
}

#[test]
fn a_tick_long_after_forgets_what_ended() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    bay.report("10:10", shift(20, 3));
    bay.tick("10:40");
    assert_eq!(bay.subject.state.episodes.len(), 1);
    assert!(bay.report("12:40", shift(20, 3)).cold_changed);
    assert!(bay.subject.state.episodes.is_empty());
}

#[test]
fn severity_follows_the_newest_figures_both_ways_and_the_peak_never_falls() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    let worse = bay.report("10:00:01", shift(36, 3));
    assert_eq!(said(&worse), ["SeverityChanged ratio.over_limit Critical"]);
    assert_eq!(worse.events[0].previous_severity, Some(Severity::Warning));
    let better = bay.report("10:00:02", shift(28, 3));
    assert_eq!(said(&better), ["SeverityChanged ratio.over_limit Warning"]);
    assert_eq!(better.events[0].alert.peak_severity, Severity::Critical);
    assert_eq!(better.events[0].alert.transitions, 3);
}

#[test]
fn an_alert_that_clears_can_breach_again_at_another_severity() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    bay.report("10:10", shift(20, 3));
    assert_eq!(said(&bay.report("10:20", shift(36, 3))), ["SeverityChanged ratio.over_limit Critical"]);
    assert_eq!(bay.open(), ["ratio.over_limit Critical Breaching"]);
}

#[test]
fn silence_never_resolves() {
    let mut bay = adult();
    bay.report("10:00", shift(36, 3));
    for now in ["11:30", "12:00", "18:00", "+1 10:00", "+6 10:00"] {
        assert!(!said_of("ratio.", &bay.tick(now)).iter().any(|s| s.starts_with("Resolved")), "{now}");
    }
    assert_eq!(bay.open(), ["ratio.over_limit Critical Breaching", "report.overdue Warning Breaching"]);
}

#[test]
fn a_clearing_whose_input_falls_overdue_does_not_complete() {
    let mut bay = adult();
    bay.report("10:00", shift(36, 3));
    bay.late("11:15", "11:14", nurses(9));
    assert_eq!(bay.open(), ["ratio.over_limit Critical Clearing"]);
    // Patients of 10:00 are overdue at 11:30, before the half hour has passed.
    bay.tick("11:30");
    assert!(!said_of("ratio.", &bay.tick("11:44")).iter().any(|s| s.starts_with("Resolved")));
    // New figures begin a new half hour.
    assert!(said_of("ratio.", &bay.report("11:50", patients(36))).is_empty(), "clearing already");
    assert!(said_of("ratio.", &bay.tick("12:19:59")).is_empty());
    assert_eq!(said_of("ratio.", &bay.tick("12:20")), ["Resolved ratio.over_limit Critical StaffingImproved"]);
}

#[test]
fn an_alert_names_its_inputs() {
    let mut bay = adult();
    bay.report("09:50", patients(28).from("PAS"));
    let raised = bay.report("10:00", nurses(3).from("ROSTER"));
    let alert = &raised.events[0].alert;
    let inputs: Vec<_> = alert.inputs.iter().map(|i| (i.source.as_str(), i.observed)).collect();
    assert_eq!(inputs, [("PAS", at("09:50")), ("ROSTER", at("10:00"))]);
    assert_eq!(alert.observed, at("10:00"));
    assert_eq!(alert.limit_source, "NICE SG1, Safe Staffing Alliance");
    assert_eq!(alert.policy_version, "policies/default@1");
}

#[test]
fn late_older_figures_change_nothing() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    assert!(said(&bay.late("10:05", "09:50", shift(10, 3))).is_empty());
    assert_eq!(bay.open(), ["ratio.over_limit Warning Breaching"]);
}

#[test]
fn a_half_hour_that_begins_anew_without_an_event_is_kept() {
    let mut bay = adult();
    bay.report("10:00", shift(36, 3));
    // Old figures heard at 11:10: stale from 11:30, but not silent.
    bay.late("11:10", "09:00", patients(30));
    bay.report("11:15", nurses(9));
    bay.tick("11:30");
    let again = bay.report("11:50", patients(36));
    assert!(again.events.is_empty() && again.cold_changed);
    assert_eq!(again.next_check, Some(at("12:20")));
}
