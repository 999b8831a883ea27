//! Whether cover stands on a strike day: groups, wards and the trust (domain.md sections 4 and 6).

use crate::domain::{
    ActivityCategory, CallOffReason, CoverBaseline, CoverPeriod, ElectivePolicy, GradeCover, MedicalCover,
    MedicalGrade::{Consultant, Core, F1, Registrar},
    StaffGroup, Strike, StrikeMode, Tier, Ward, WardKind,
};
use crate::rules::tests::fixture::ward;
use crate::rules::tests::trust::{Trust, at_work_of, doctors, group};
use crate::rules::tests::windows::strike;

const DAY: (&str, &str) = ("2016-04-26T08:00", "2016-04-26T17:00");
const NEXT_DAY: (&str, &str) = ("2016-04-27T08:00", "2016-04-27T17:00");

/// 26 and 27 April 2016.
fn april() -> Strike {
    strike("bma-2016-04-26", &[DAY, NEXT_DAY])
}

/// General medicine covers A1 and A2: two of tier 1 and one of tier 2 by day.
fn general_medicine(now: &str) -> Trust {
    let mut trust = Trust::new(now);
    let minima = [(Tier::One, CoverPeriod::Day, 2), (Tier::Two, CoverPeriod::AllDay, 1)];
    trust.group(group("GENMED", &["A1", "A2"], &minima));
    trust
}

fn of<'a>(rule: &str, said: &'a [String]) -> Vec<&'a str> {
    said.iter().map(String::as_str).filter(|s| s.contains(rule)).collect()
}

#[test]
fn a_hole_is_seen_when_the_window_opens_with_no_report_arriving() {
    let mut trust = general_medicine("07:30");
    trust.strike(april());
    assert!(of("cover.below", &trust.cover("GENMED", doctors(&[(Consultant, 1), (Registrar, 0), (F1, 1)]))).is_empty());
    assert!(of("cover.below", &trust.until("2016-04-26T07:59:59+01:00")).is_empty());
    let said = trust.until("08:00");
    assert_eq!(of("cover.", &said), ["GENMED: Raised cover.below_minimum Critical"]);
    let alert = trust.alert("cover.below_minimum");
    assert_eq!(
        alert.message,
        "Cover group GENMED: doctors at work below minimum: tier 2 0 of 1, tier 1 1 of 2. Observed 07:30."
    );
    assert_eq!(alert.strike.as_ref().unwrap().id(), "bma-2016-04-26");
    assert_eq!((alert.wards.len(), alert.ward_count), (2, 2), "the wards it covers");
    assert_eq!((alert.measured.as_ref().unwrap().numerator, alert.limit.as_ref().unwrap().numerator), (0, 1));
}

#[test]
fn a_consultant_acting_down_closes_the_hole_and_is_not_counted_twice() {
    let mut trust = general_medicine("07:30");
    trust.strike(april());
    trust.until("08:30");
    let said = trust.cover("GENMED", doctors(&[(Consultant, 1), (Registrar, 0), (F1, 2)]));
    assert_eq!(of("cover.", &said), ["GENMED: Raised cover.below_minimum Critical"]);
    trust.until("08:40");
    let acting = GradeCover { acting_as_tier2: Some(1), ..at_work_of(Consultant, 1) };
    let said = trust.cover("GENMED", MedicalCover::new(vec![acting, at_work_of(Registrar, 0), at_work_of(F1, 2)]));
    assert_eq!(
        of("cover.", &said),
        ["GENMED: Updated cover.below_minimum Critical", "GENMED: Raised cover.no_senior Critical"],
        "the only consultant acts down, so no senior is left"
    );
    trust.until("08:50");
    let two = GradeCover { acting_as_tier2: Some(1), ..at_work_of(Consultant, 2) };
    trust.cover("GENMED", MedicalCover::new(vec![two, at_work_of(Registrar, 0), at_work_of(F1, 2)]));
    let said = trust.until("09:25");
    assert_eq!(
        of("Resolved", &said),
        [
            "GENMED: Resolved cover.below_minimum Critical StaffingImproved",
            "GENMED: Resolved cover.no_senior Critical StaffingImproved"
        ]
    );
}

#[test]
fn a_tier_nobody_reported_is_not_a_tier_of_nobody() {
    let mut trust = general_medicine("08:30");
    trust.strike(april());
    let said = trust.cover("GENMED", doctors(&[(Consultant, 1), (F1, 2)]));
    assert!(of("cover.below", &said).is_empty(), "tier 2 was not reported: {said:?}");
    let said = trust.cover("GENMED", doctors(&[(Consultant, 1), (F1, 2), (Registrar, 0)]));
    assert_eq!(of("cover.", &said), ["GENMED: Raised cover.below_minimum Critical"]);
}

#[test]
fn by_night_other_minima_hold_and_the_clock_alone_ends_what_they_do_not_ask() {
    let mut trust = general_medicine("18:00");
    trust.strike(strike("bma-2016-04-26", &[("2016-04-26T08:00", "2016-04-27T08:00")]));
    let said = trust.cover("GENMED", doctors(&[(Consultant, 1), (F1, 1), (Registrar, 1)]));
    assert_eq!(of("cover.below", &said), ["GENMED: Raised cover.below_minimum Critical"]);
    let said = trust.until("20:00");
    assert_eq!(of("Resolved cover.below", &said), ["GENMED: Resolved cover.below_minimum Critical StaffingImproved"]);
}

#[test]
fn no_senior_is_asked_for_in_a_full_withdrawal_only_and_on_call_counts_where_the_group_says() {
    let on_call = MedicalCover::new(vec![GradeCover { on_call: Some(1), ..at_work_of(Consultant, 0) }]);
    for (counts, raised) in [(false, 1), (true, 0)] {
        let mut trust = Trust::new("08:30");
        trust.group(crate::domain::CoverGroup { tier3_on_call_counts: counts, ..group("SURG", &["A1"], &[]) });
        trust.strike(april());
        assert_eq!(of("cover.no_senior", &trust.cover("SURG", on_call.clone())).len(), raised);
    }
    let mut trust = Trust::new("08:30");
    trust.strike(Strike { mode: StrikeMode::EmergencyCareOnly, ..april() });
    assert!(of("cover.no_senior", &trust.cover("ALL", on_call)).is_empty());
}

#[test]
fn christmas_day_cover_is_held_against_the_groups_baseline() {
    let mut trust = Trust::new("08:30");
    let mode = crate::domain::BaselineMode::ChristmasDay;
    let baselines = vec![CoverBaseline { mode, doctors: 4 }];
    trust.group(crate::domain::CoverGroup { baselines, ..group("GENMED", &["A1"], &[]) });
    trust.strike(Strike { mode: StrikeMode::ChristmasDayCover, ..april() });
    assert!(of("cover.", &trust.cover("GENMED", doctors(&[(Consultant, 2), (Core, 2)]))).is_empty());
    let said = trust.cover("GENMED", doctors(&[(Consultant, 2), (Core, 1)]));
    assert_eq!(of("cover.", &said), ["GENMED: Raised cover.below_baseline Warning"]);
}

#[test]
fn missing_returns_are_one_alert_of_the_trust_and_critical_at_twice_the_time() {
    let mut trust = general_medicine("07:00");
    trust.group(group("SURG", &["A3"], &[]));
    trust.strike(april());
    assert!(of("not_reported", &trust.until("2016-04-26T08:59:59+01:00")).is_empty());
    assert_eq!(of("not_reported", &trust.until("09:00")), ["RJ1: Raised cover.not_reported Warning"]);
    let alert = trust.alert("cover.not_reported");
    assert_eq!((alert.cover_groups.len(), alert.group_count), (2, 2));
    assert_eq!(alert.message, "RJ1: no cover return from 2 of 2 cover groups, the first due at 08:00.");
    trust.cover("SURG", doctors(&[(Consultant, 1)]));
    assert_eq!(
        of("not_reported", &trust.until("10:00")),
        ["RJ1: Updated cover.not_reported Warning", "RJ1: SeverityChanged cover.not_reported Critical"][1..]
    );
    trust.cover("GENMED", doctors(&[(Consultant, 1), (Registrar, 1), (F1, 2)]));
    let said = trust.until("10:31");
    assert_eq!(of("Resolved cover.not_reported", &said), ["RJ1: Resolved cover.not_reported Critical ReturnReceived"]);
}

#[test]
fn a_return_is_due_again_at_nine_and_at_eight_in_the_evening() {
    let mut trust = Trust::new("08:30");
    trust.strike(strike("bma-2016-04-26", &[("2016-04-26T08:00", "2016-04-27T08:00")]));
    trust.cover("ALL", doctors(&[(Consultant, 1)]));
    assert_eq!(of("not_reported", &trust.until("10:00")), ["RJ1: Raised cover.not_reported Warning"], "due at 09:00");
    trust.cover("ALL", doctors(&[(Consultant, 1)]));
    assert!(of("Raised cover.not_reported", &trust.until("2016-04-26T20:59:59+01:00")).is_empty());
    let said = trust.until("21:00");
    assert_eq!(of("cover.not_reported", &said), ["RJ1: Raised cover.not_reported Warning"], "due at 20:00");
}

#[test]
fn a_ward_above_its_limit_whose_cover_has_a_hole_is_a_double_gap() {
    let mut trust = general_medicine("08:30");
    trust.strike(april());
    trust.figures("A1", 28, 3);
    trust.figures("A3", 28, 3);
    let said = trust.cover("GENMED", doctors(&[(Consultant, 1), (Registrar, 0), (F1, 2)]));
    assert_eq!(of("double_gap", &said), ["A1: Raised ward.double_gap Critical"], "A3 has other doctors");
    assert_eq!(
        trust.message("ward.double_gap"),
        "Ward A1: 9.3 patients per nurse, above the limit of 8, and a hole in the doctors' cover of GENMED. Observed 08:30."
    );
    trust.until("08:40");
    let said = trust.cover("GENMED", doctors(&[(Consultant, 1), (Registrar, 1), (F1, 2)]));
    assert_eq!(
        of("double_gap", &said),
        ["A1: Updated ward.double_gap Critical"],
        "clearing from now on, not from 08:30"
    );
    assert!(of("double_gap", &trust.until("2016-04-26T09:09:59+01:00")).is_empty());
    let said = trust.until("09:10");
    assert_eq!(of("Resolved ward.double_gap", &said), ["A1: Resolved ward.double_gap Critical StaffingImproved"]);
}

#[test]
fn what_is_not_known_of_the_cover_leaves_a_double_gap_open() {
    let mut trust = general_medicine("08:30");
    trust.strike(april());
    trust.figures("A1", 28, 3);
    trust.cover("GENMED", doctors(&[(Consultant, 1), (Registrar, 0), (F1, 2)]));
    let said = trust.until("11:00");
    assert!(of("Resolved", &said).is_empty(), "the return of 09:00 is overdue: {said:?}");
    assert!(trust.alert("ward.double_gap").is_open() && trust.alert("cover.below_minimum").is_open());
}

#[test]
fn the_end_of_the_window_ends_what_the_strike_asked_and_no_ratio() {
    let mut trust = general_medicine("16:30");
    trust.strike(april());
    trust.figures("A1", 28, 3);
    trust.cover("GENMED", doctors(&[(Consultant, 0), (Registrar, 0), (F1, 0)]));
    let said = trust.until("17:00");
    let said: Vec<String> = said.into_iter().filter(|s| !s.contains("cover.not_reported")).collect();
    let mut ended = of("Resolved", &said);
    ended.sort_unstable();
    assert_eq!(
        ended,
        [
            "A1: Resolved ward.double_gap Critical WindowEnded",
            "GENMED: Resolved cover.below_minimum Critical WindowEnded",
            "GENMED: Resolved cover.no_senior Critical WindowEnded",
        ]
    );
    assert!(trust.alert("ratio.over_limit").is_open(), "the night is above 8, and no cover alert");
}

#[test]
fn a_strike_called_off_ends_its_alerts_with_the_reason() {
    for (reason, resolution) in [
        (CallOffReason::Suspended, "Suspended"),
        (CallOffReason::Withdrawn, "Withdrawn"),
        (CallOffReason::Settled, "Settled"),
        (CallOffReason::CourtOrder, "CourtOrder"),
    ] {
        let mut trust = general_medicine("08:30");
        trust.strike(april());
        trust.figures("A1", 28, 3);
        trust.cover("GENMED", doctors(&[(Consultant, 1), (Registrar, 0), (F1, 2)]));
        let mut off = april();
        off.windows.iter_mut().for_each(|w| w.called_off = Some(reason));
        let said = trust.strike(Strike { version: 2, changed_by: Some(reason), ..off });
        let ended = of("Resolved", &said);
        assert_eq!(ended.len(), 3, "a hole, a double gap, and the plans of the other day: {said:?}");
        assert!(ended.iter().all(|s| s.ends_with(resolution)), "{ended:?}");
    }
}

#[test]
fn one_window_called_off_leaves_the_other() {
    let mut trust = general_medicine("08:30");
    let mut strike = april();
    strike.windows[0].called_off = Some(CallOffReason::Suspended);
    trust.strike(strike);
    let said = trust.cover("GENMED", doctors(&[(Consultant, 0), (Registrar, 0), (F1, 0)]));
    assert!(of("cover.below", &said).is_empty() && of("cover.no", &said).is_empty());
    let said = trust.until("27 08:00");
    assert_eq!(of("Raised cover.below_minimum", &said), ["GENMED: Raised cover.below_minimum Critical"]);
}

#[test]
fn a_window_shortened_by_a_court_while_it_is_open_ends_with_the_courts_reason() {
    let mut trust = general_medicine("12:00");
    trust.strike(april());
    trust.cover("GENMED", doctors(&[(Consultant, 1), (Registrar, 0), (F1, 2)]));
    let shortened = strike("bma-2016-04-26", &[("2016-04-26T08:00", "2016-04-26T11:00"), NEXT_DAY]);
    let said = trust.strike(Strike { version: 2, changed_by: Some(CallOffReason::CourtOrder), ..shortened });
    assert_eq!(of("Resolved cover.below", &said), ["GENMED: Resolved cover.below_minimum Critical CourtOrder"]);
}

#[test]
fn two_unions_keep_the_cover_watched_until_the_later_one_ends() {
    let mut trust = general_medicine("08:30");
    trust.strike(strike("bma", &[("2016-04-26T08:00", "2016-04-26T17:00")]));
    trust.strike(strike("hcsa", &[("2016-04-26T08:00", "2016-04-26T20:00")]));
    trust.until("16:00");
    trust.cover("GENMED", doctors(&[(Consultant, 1), (Registrar, 0), (F1, 2)]));
    assert!(of("Resolved cover.below", &trust.until("2016-04-26T19:59:59+01:00")).is_empty());
    let said = trust.until("20:00");
    assert_eq!(of("Resolved cover.below", &said), ["GENMED: Resolved cover.below_minimum Critical WindowEnded"]);
}

#[test]
fn a_nurses_strike_holds_wards_against_their_night_duty_number() {
    let mut trust = Trust::new("08:30");
    trust.ward(Ward {
        code: "A9".parse().unwrap(),
        night_duty_registered_nurses: Some(3),
        ..ward(WardKind::AdultInpatient)
    });
    let nurses = Strike { staff_group: StaffGroup::Nurses, mode: StrikeMode::NightDutyCover, ..april() };
    trust.strike(nurses);
    let said = trust.figures("A9", 10, 2);
    assert_eq!(of("cover.", &said), ["A9: Raised cover.below_baseline Warning"]);
    assert_eq!(
        trust.message("cover.below_baseline"),
        "Ward A9: 2 registered nurses, below the night-duty baseline of 3. Observed 08:30."
    );
    assert!(of("cover.no_senior", &trust.cover("ALL", doctors(&[(Consultant, 0)]))).is_empty(), "doctors work");
    let said = trust.until("17:00");
    assert_eq!(of("Resolved cover.below_b", &said), ["A9: Resolved cover.below_baseline Warning WindowEnded"]);
}

#[test]
fn a_trust_with_groups_of_its_own_has_no_group_all() {
    let mut trust = Trust::new("08:30");
    trust.strike(april());
    assert_eq!(
        of("cover.", &trust.cover("ALL", doctors(&[(Consultant, 0)]))),
        ["ALL: Raised cover.no_senior Critical"]
    );
    trust.group(group("GENMED", &["A1"], &[]));
    let said = trust.until("08:31");
    assert_eq!(of("cover.no_senior", &said), ["ALL: Resolved cover.no_senior Critical RegisterChanged"]);
}

#[test]
fn elective_work_delivered_on_a_day_that_was_to_stand_down_is_seen() {
    let mut trust = Trust::new("12:00");
    trust.strike(april());
    let said = trust.activity("2016-04-26", ActivityCategory::DayCase, 3, 80);
    assert_eq!(said, ["RJ1: Raised elective.not_stood_down Warning"]);
    assert_eq!(
        trust.message("elective.not_stood_down"),
        "RJ1: 3 operations and appointments delivered on 2016-04-26, limit 0 (emergency care only)."
    );
    let said = trust.activity("2016-04-26", ActivityCategory::DayCase, 0, 80);
    assert_eq!(said, ["RJ1: Resolved elective.not_stood_down Warning Corrected"]);
    assert!(trust.activity("2016-04-25", ActivityCategory::DayCase, 3, 80).is_empty(), "no strike that day");
}

#[test]
fn a_strike_that_maintains_elective_work_asks_for_no_standing_down() {
    let mut trust = Trust::new("12:00");
    trust.strike(Strike { elective: ElectivePolicy::Maintain, ..april() });
    assert!(trust.activity("2016-04-26", ActivityCategory::Inpatient, 10, 100).is_empty(), "the target is off");
}
