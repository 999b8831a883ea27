//! Strikes of several windows, and those by shift start: what is due anew, and what is not known. Each was a difference
//! that the oracle found (`tests/strike_day.py`).

use crate::domain::{
    Attribution, BaselineMode, CoverBaseline, CoverGroup,
    MedicalGrade::{AdvancedClinicalPractitioner, Consultant},
    Strike, StrikeMode,
};
use crate::rules::tests::trust::{Trust, doctors, group};
use crate::rules::tests::windows::strike;

const FIRST: (&str, &str) = ("2016-04-26T08:00", "2016-04-26T17:00");
const SECOND: (&str, &str) = ("2016-04-27T08:00", "2016-04-27T17:00");

fn of<'a>(rule: &str, said: &'a [String]) -> Vec<&'a str> {
    said.iter().map(String::as_str).filter(|s| s.contains(rule)).collect()
}

#[test]
fn what_was_missing_on_the_first_day_has_an_hour_again_on_the_second() {
    let mut trust = Trust::new("08:05");
    trust.strike(strike("bma-2016-04-26", &[FIRST, SECOND]));
    trust.cover("ALL", doctors(&[(Consultant, 1)]));
    assert_eq!(of("Raised cover.not_reported", &trust.until("17:00")).len(), 1, "nothing came at nine");
    assert!(of("not_reported", &trust.until("2016-04-27T08:59:59+01:00")).is_empty());
    assert_eq!(of("not_reported", &trust.until("27 09:00")), ["RJ1: Raised cover.not_reported Warning"]);
}

#[test]
fn two_unions_one_after_the_other_are_one_time_in_which_a_missing_return_stays_missing() {
    let mut trust = Trust::new("07:00");
    trust.strike(strike("bma", &[("2016-04-26T08:00", "2016-04-26T12:00")]));
    trust.strike(strike("hcsa", &[("2016-04-26T12:00", "2016-04-26T17:00")]));
    assert_eq!(of("Raised cover.not_reported", &trust.until("09:00")).len(), 1);
    let said = trust.until("13:30");
    assert!(of("Resolved cover.not_reported", &said).is_empty(), "{said:?}");
}

#[test]
fn by_shift_start_the_first_return_is_due_when_the_first_struck_shift_begins() {
    let mut trust = Trust::new("07:50");
    let attribution = Attribution::ShiftStart;
    trust.strike(Strike { attribution, ..strike("bma", &[("2016-04-26T08:00", "2016-04-27T07:00")]) });
    trust.cover("ALL", doctors(&[(Consultant, 0)]));
    assert!(of("not_reported", &trust.until("2016-04-26T20:59:59+01:00")).is_empty(), "by day everybody is at work");
    assert_eq!(of("no_senior", &trust.until("20:59")), [""; 0], "as said at 20:00");
    assert_eq!(of("not_reported", &trust.until("21:00")), ["RJ1: Raised cover.not_reported Warning"]);
}

#[test]
fn a_second_day_without_a_plan_is_missing_when_the_first_day_has_one() {
    let mut trust = Trust::new("24 10:00");
    trust.group(group("GENMED", &["A1"], &[]));
    trust.strike(strike("bma-2016-04-26", &[FIRST, SECOND]));
    let said = trust.plan("GENMED", ("08:00", "17:00"), doctors(&[(Consultant, 1)]));
    assert!(of("Resolved", &said).is_empty(), "{said:?}");
    let alert = trust.alert("cover.plan_missing");
    assert_eq!((alert.severity, alert.is_open()), (crate::domain::Severity::Warning, true));
    trust.until("24 10:01");
    let said = trust.plan("GENMED", ("27 08:00", "27 17:00"), doctors(&[(Consultant, 1)]));
    assert_eq!(of("plan_missing", &said), ["RJ1: Resolved cover.plan_missing Warning ReturnReceived"]);
}

#[test]
fn practitioners_beside_the_doctors_say_nothing_of_how_many_doctors_there_are() {
    let mut trust = Trust::new("08:30");
    let baselines = vec![CoverBaseline { mode: BaselineMode::ChristmasDay, doctors: 4 }];
    trust.group(CoverGroup { baselines, ..group("GENMED", &["A1"], &[]) });
    trust.strike(Strike { mode: StrikeMode::ChristmasDayCover, ..strike("bma", &[FIRST]) });
    assert!(of("baseline", &trust.cover("GENMED", doctors(&[(AdvancedClinicalPractitioner, 3)]))).is_empty());
    let said = trust.cover("GENMED", doctors(&[(AdvancedClinicalPractitioner, 3), (Consultant, 3)]));
    assert_eq!(of("baseline", &said), ["GENMED: Raised cover.below_baseline Warning"]);
}

#[test]
fn where_on_call_counts_a_number_on_call_that_nobody_reported_is_not_zero() {
    let mut trust = Trust::new("08:30");
    trust.group(CoverGroup { tier3_on_call_counts: true, ..group("SURG", &["A1"], &[]) });
    trust.strike(strike("bma", &[FIRST]));
    assert!(of("no_senior", &trust.cover("SURG", doctors(&[(Consultant, 0)]))).is_empty());
}

#[test]
fn nurses_planned_across_the_opening_of_their_strike_are_held_against_the_nights_number() {
    let mut trust = Trust::new("25 10:00");
    trust.ward(crate::domain::Ward {
        code: "A9".parse().unwrap(),
        beds: Some(16),
        night_duty_registered_nurses: Some(3),
        ..crate::rules::tests::fixture::ward(crate::domain::WardKind::AdultInpatient)
    });
    let staff_group = crate::domain::StaffGroup::Nurses;
    trust.strike(Strike { staff_group, ..strike("rcn", &[FIRST]) });
    let said = trust.nurses_planned("A9", ("07:00", "20:00"), 2);
    assert_eq!(said, ["A9: Raised cover.below_baseline Warning"]);
}
