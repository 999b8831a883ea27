//! Nursing hours and judgements: what holds for a shift.

use crate::domain::{Judgement, WardStatus};
use crate::rules::evaluate;
use crate::rules::status::Answer;
use crate::rules::tests::fixture::{adult, at, breaches, hours, judged, nothing, patients, said, said_of, shift};

/// Available and required hours in tenths, and whether it is a breach (domain.md section 3).
const VECTORS: [(u32, u32, bool); 13] = [
    (3200, 4000, false),
    (3190, 4000, true),
    (1125, 1500, false),
    (1100, 1500, true),
    (2400, 3200, false),
    (2390, 3200, true),
    (3700, 4500, false),
    (3690, 4500, true),
    (1800, 2400, false),
    (1790, 2400, true),
    (550, 750, true),
    (7200, 8000, false),
    (7190, 8000, true),
];

#[test]
fn hours_are_short_by_more_than_eight_or_more_than_a_quarter() {
    for (available, required, short) in VECTORS {
        let mut bay = adult();
        // Hundredths of an hour to minutes: 60/100.
        bay.report("10:00", hours(available * 60 / 100, required * 60 / 100));
        assert_eq!(!breaches(&bay, "10:00").is_empty(), short, "{available}/{required}");
    }
}

#[test]
fn no_hours_required_cannot_be_short() {
    let mut bay = adult();
    bay.report("10:00", hours(0, 0));
    let answers = evaluate(bay.facts(), &bay.subject.state, &[], at("10:00"));
    let answer = answers.into_iter().find(|e| e.rule == "rn.hours_shortfall").unwrap().answer;
    assert!(matches!(answer, Answer::NotEvaluable(_)), "{answer:?}");
}

#[test]
fn one_limb_is_a_warning_and_both_are_critical() {
    let mut bay = adult();
    assert_eq!(said(&bay.report("10:00", hours(71 * 60, 80 * 60))), ["Raised rn.hours_shortfall Warning"]);
    assert_eq!(said(&bay.report("10:10", hours(5 * 60, 7 * 60 + 30))), ["Updated rn.hours_shortfall Warning"]);
    assert_eq!(said(&bay.report("10:20", hours(20 * 60, 40 * 60))), ["SeverityChanged rn.hours_shortfall Critical"]);
}

#[test]
fn more_hours_end_a_shortfall_after_half_an_hour() {
    let mut bay = adult();
    bay.report("10:00", hours(20 * 60, 40 * 60));
    assert_eq!(said(&bay.report("10:10", hours(40 * 60, 40 * 60))), ["Updated rn.hours_shortfall Critical Clearing"]);
    assert_eq!(said(&bay.tick("10:40")), ["Resolved rn.hours_shortfall Critical StaffingImproved"]);
}

#[test]
fn a_shortfall_ends_with_its_shift() {
    let mut bay = adult();
    let decision = bay.report("10:00", hours(20 * 60, 40 * 60));
    assert_eq!(decision.next_check, Some(at("20:00")).min(decision.next_check));
    assert_eq!(said_of("rn.", &bay.tick("19:59:59")), ["Escalated rn.hours_shortfall Critical"]);
    assert_eq!(said_of("rn.", &bay.tick("20:00")), ["Resolved rn.hours_shortfall Critical Expired"]);
}

#[test]
fn hours_of_a_shift_that_is_over_raise_nothing() {
    let mut bay = adult();
    assert!(said_of("rn.", &bay.late("20:30", "19:50", hours(0, 600))).is_empty());
}

#[test]
fn hours_short_on_an_empty_ward_are_no_alert() {
    let mut bay = adult();
    assert!(said(&bay.report("10:00", shift(0, 2).and(hours(20 * 60, 40 * 60)))).is_empty());
}

#[test]
fn hours_short_on_a_ward_that_was_empty_when_last_heard_of_are_not_raised_by_silence() {
    let mut bay = adult();
    bay.report("10:00", shift(0, 2).and(hours(20 * 60, 40 * 60)));
    assert!(said_of("rn.", &bay.tick("11:30")).is_empty());
}

#[test]
fn a_ward_that_empties_holds_a_shortfall_for_half_an_hour_from_then() {
    let mut bay = adult();
    bay.report("08:00", shift(4, 2).and(hours(20 * 60, 40 * 60)));
    let emptied = bay.report("09:00", shift(0, 2));
    assert_eq!(said(&emptied), ["Updated rn.hours_shortfall Critical Clearing"]);
    assert!(said(&bay.tick("09:29:59")).is_empty());
    assert_eq!(said(&bay.tick("09:30")), ["Resolved rn.hours_shortfall Critical DemandFell"]);
}

#[test]
fn a_judgement_holds_for_twelve_hours() {
    let mut bay = adult();
    bay.report("08:00", judged(Judgement::Unsafe));
    assert!(said_of("judgement.", &bay.tick("19:59:59")).is_empty());
    assert_eq!(said_of("judgement.", &bay.tick("20:00")), ["Resolved judgement.unsafe Warning Expired"]);
}

#[test]
fn a_judgement_does_not_make_a_ward_reported() {
    let mut bay = adult();
    bay.report("01:00", judged(Judgement::Safe));
    assert_eq!(bay.status("01:00").0, WardStatus::NeverReported);
}

#[test]
fn hours_without_both_counts_are_not_evaluable() {
    let mut bay = adult();
    let half = hours(0, 600).with(|r| r.nursing_hours.as_mut().unwrap().available_minutes = None);
    assert!(said(&bay.report("10:00", half.and(patients(10)).and(nothing()))).is_empty());
}
