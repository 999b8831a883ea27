//! Plans: gaps seen days before (domain.md section 4, contract.md section 1).

use crate::domain::{
    Attribution, CoverGroup, CoverPeriod,
    MedicalGrade::{Consultant, F1, Registrar},
    Shift, ShiftName, Shifts, Strike, Tier,
};
use crate::rules::tests::trust::{Trust, doctors, group};
use crate::rules::tests::windows::strike;

const WINDOW: (&str, &str) = ("08:00", "17:00");
const GROUP: &str = "coverGroups/GENMED";

/// The day before, with the strike announced.
fn day_before() -> Trust {
    let mut trust = Trust::new("25 10:00");
    trust.group(group("GENMED", &["A1", "A2"], &[(Tier::Two, CoverPeriod::AllDay, 1)]));
    trust.strike(strike("bma-2016-04-26", &[("2016-04-26T08:00", "2016-04-26T17:00")]));
    trust
}

fn of<'a>(rule: &str, said: &'a [String]) -> Vec<&'a str> {
    said.iter().map(String::as_str).filter(|s| s.contains(rule)).collect()
}

#[test]
fn a_gap_in_the_plan_is_a_forecast_and_a_new_plan_ends_it_at_once() {
    let mut trust = day_before();
    let said = trust.plan("GENMED", WINDOW, doctors(&[(Consultant, 1), (Registrar, 0)]));
    assert_eq!(of("plan_gap", &said), ["GENMED: Raised cover.plan_gap Critical"]);
    let alert = trust.alert("cover.plan_gap");
    assert!(alert.forecast);
    assert_eq!(alert.instance, "2016-04-26T07:00:00Z/2016-04-26T16:00:00Z");
    assert_eq!(
        alert.message,
        "Cover group GENMED: doctors planned below minimum: tier 2 0 of 1. Planned 26 Apr 08:00-17:00."
    );
    trust.until("25 11:00");
    let said = trust.plan("GENMED", WINDOW, doctors(&[(Consultant, 1), (Registrar, 1)]));
    assert_eq!(of("plan_gap", &said), ["GENMED: Resolved cover.plan_gap Critical PlanReplaced"]);
}

#[test]
fn a_withdrawn_plan_ends_its_forecast_and_is_missing() {
    let mut trust = day_before();
    trust.until("25 10:01");
    let said = trust.plan("GENMED", WINDOW, doctors(&[(Consultant, 1), (Registrar, 0)]));
    assert_eq!(of("plan_missing", &said), ["RJ1: Resolved cover.plan_missing Critical ReturnReceived"]);
    trust.until("25 10:02");
    let said = trust.withdraw(GROUP, WINDOW);
    assert_eq!(of("plan_gap", &said), ["GENMED: Resolved cover.plan_gap Critical PlanReplaced"]);
    assert_eq!(of("plan_missing", &said), ["RJ1: Reopened cover.plan_missing Critical"]);
}

#[test]
fn an_actual_return_ends_the_forecast_for_its_time() {
    let mut trust = day_before();
    trust.plan("GENMED", WINDOW, doctors(&[(Consultant, 1), (Registrar, 0)]));
    trust.until("08:05");
    let said = trust.cover("GENMED", doctors(&[(Consultant, 1), (Registrar, 1)]));
    assert_eq!(of("plan_gap", &said), ["GENMED: Resolved cover.plan_gap Critical Overtaken"]);
}

#[test]
fn a_forecast_nobody_overtook_ends_with_its_period() {
    let mut trust = day_before();
    trust.plan("GENMED", WINDOW, doctors(&[(Consultant, 1), (Registrar, 0)]));
    let said = trust.until("17:00");
    assert_eq!(of("Resolved cover.plan_gap", &said), ["GENMED: Resolved cover.plan_gap Critical Expired"]);
}

#[test]
fn a_plan_for_a_time_without_a_strike_has_no_gap() {
    let mut trust = day_before();
    assert!(of("plan_gap", &trust.plan("GENMED", ("17:00", "20:00"), doctors(&[(Registrar, 0)]))).is_empty());
}

#[test]
fn a_plan_is_missing_from_three_days_before_and_critical_from_one() {
    let mut trust = Trust::new("2016-04-22T10:00:00+01:00");
    trust.group(group("GENMED", &["A1"], &[]));
    trust.group(group("SURG", &["A2"], &[]));
    trust.strike(strike("bma-2016-04-26", &[("2016-04-26T08:00", "2016-04-26T17:00")]));
    assert!(of("plan_missing", &trust.until("2016-04-23T07:59:59+01:00")).is_empty());
    let said = trust.until("2016-04-23T08:00:00+01:00");
    assert_eq!(of("plan_missing", &said), ["RJ1: Raised cover.plan_missing Warning"]);
    assert!(trust.alert("cover.plan_missing").forecast);
    assert_eq!(
        trust.message("cover.plan_missing"),
        "RJ1: no plan from 2 of 2 cover groups for the strike that opens 26 Apr 08:00."
    );
    trust.plan("SURG", WINDOW, doctors(&[(Consultant, 1)]));
    let said = trust.until("2016-04-25T08:00:00+01:00");
    assert_eq!(of("SeverityChanged", &said), ["RJ1: SeverityChanged cover.plan_missing Critical"]);
    let said = trust.until("08:00");
    assert_eq!(of("cover.plan_missing", &said), ["RJ1: Resolved cover.plan_missing Critical Expired"]);
}

#[test]
fn nurses_planned_without_patients_are_judged_at_the_funded_beds() {
    let mut trust = Trust::new("25 10:00");
    let said = trust.nurses_planned("A1", ("08:00", "20:00"), 3);
    assert_eq!(said, ["A1: Raised ratio.over_limit Warning"]);
    let alert = trust.alert("ratio.over_limit");
    assert!(alert.forecast);
    assert_eq!(
        alert.message,
        "Ward A1: 28 patients (its funded beds), 3 registered nurses: 9.3 per nurse, above the safe limit of 8. \
         Planned 26 Apr 08:00-20:00."
    );
    trust.until("25 10:05");
    let said = trust.nurses_planned("A1", ("08:00", "20:00"), 4);
    assert_eq!(said, ["A1: Resolved ratio.over_limit Warning PlanReplaced"]);
}

#[test]
fn a_forecast_is_not_taken_for_actual() {
    let mut trust = Trust::new("25 10:00");
    trust.figures("A1", 20, 4);
    trust.nurses_planned("A1", ("08:00", "20:00"), 1);
    let name = "organisations/RJ1/wards/A1";
    let (facts, subject) = (&trust.book.wards[&name.parse().unwrap()], &trust.subjects[name]);
    let (status, _) = crate::rules::status(facts, &subject.state, &[], trust.now);
    assert_eq!(status, crate::domain::WardStatus::Ok);
    assert!(trust.until("25 11:30").iter().all(|s| !s.contains("Escalated")), "nobody is called to a forecast");
}

#[test]
fn a_plan_sent_again_is_a_duplicate_and_an_older_one_changes_nothing() {
    let mut trust = day_before();
    trust.plan("GENMED", WINDOW, doctors(&[(Consultant, 1), (Registrar, 1), (F1, 1)]));
    let name = format!("organisations/RJ1/{GROUP}");
    let before = trust.subjects[&name].state.plans.clone();
    assert_eq!(before.len(), 1);
    trust.now = trust.now - crate::domain::Span::minutes(5);
    let said = trust.plan("GENMED", WINDOW, doctors(&[(Consultant, 0), (Registrar, 0)]));
    assert!(said.is_empty(), "older figures: {said:?}");
    assert_eq!(trust.subjects[&name].state.plans, before);
}

#[test]
fn a_group_with_shifts_of_its_own_owes_a_plan_for_those_that_are_struck() {
    let mut trust = Trust::new("25 10:00");
    let shift = |name, start: u16, end: u16| Shift { name, start: start * 60, end: end * 60 };
    let shifts = Shifts::new(vec![shift(ShiftName::Day, 9, 21), shift(ShiftName::Night, 21, 9)]).ok();
    trust.group(CoverGroup { shifts, ..group("GENMED", &["A1"], &[]) });
    trust.group(group("SURG", &["A2"], &[]));
    // Between 08:00 and 12:00 no shift of the trust begins, and one of general medicine does.
    let morning = strike("bma-2016-04-26", &[("2016-04-26T08:00", "2016-04-26T12:00")]);
    let said = trust.strike(Strike { attribution: Attribution::ShiftStart, ..morning });
    assert_eq!(of("plan_missing", &said), ["RJ1: Raised cover.plan_missing Critical"]);
    let alert = trust.alert("cover.plan_missing");
    assert_eq!((alert.group_count, alert.cover_groups[0].code()), (1, "GENMED"));
    let said = trust.plan("GENMED", ("09:00", "21:00"), doctors(&[(Consultant, 1)]));
    assert_eq!(of("plan_missing", &said), ["RJ1: Resolved cover.plan_missing Critical ReturnReceived"]);
}
