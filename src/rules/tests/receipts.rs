//! What a sender is told.

use crate::domain::{BlockKind, Freshness, Outcome, RejectReason, WardState, WardStatus};
use crate::rules::tests::fixture::{RETENTION, adult, at, nurses, outcome, patients, rejection, said, shift};

#[test]
fn an_accepted_report_names_its_blocks_its_alerts_and_how_the_ward_stands() {
    let mut bay = adult();
    let decision = bay.report("10:00", shift(28, 3));
    let receipt = decision.receipt.unwrap();
    let Outcome::Accepted(blocks) = receipt.outcome else { panic!() };
    let blocks: Vec<_> = blocks.iter().map(|b| (b.block, b.applied, b.current)).collect();
    assert_eq!(blocks, [(BlockKind::Patients, true, at("10:00")), (BlockKind::Nursing, true, at("10:00"))]);
    assert_eq!(receipt.changed, [decision.events[0].alert.id]);
    assert_eq!(receipt.standing, Some((WardStatus::Warning, Freshness::Fresh)));
    assert!(decision.stored && decision.hot_changed && decision.cold_changed);
}

#[test]
fn a_report_of_which_one_block_is_old_is_accepted_and_says_so() {
    let mut bay = adult();
    bay.report("10:00", nurses(3));
    let mixed = bay.late("10:05", "09:55", shift(20, 9));
    let Outcome::Accepted(blocks) = mixed.receipt.unwrap().outcome else { panic!() };
    let blocks: Vec<_> = blocks.iter().map(|b| (b.applied, b.current)).collect();
    assert_eq!(blocks, [(true, at("09:55")), (false, at("10:00"))]);
}

#[test]
fn an_older_report_is_superseded_and_kept() {
    let mut bay = adult();
    bay.report("10:00", shift(20, 3));
    let older = bay.late("10:05", "09:55", shift(21, 3));
    assert_eq!((outcome(&older), older.stored), ("superseded", true));
}

#[test]
fn a_resend_is_a_duplicate_with_todays_status_and_changes_nothing() {
    let mut bay = adult();
    let report = bay.sent("10:00", shift(28, 3));
    bay.receive(at("10:00"), &report);
    bay.report("10:10", shift(36, 3));
    let state = bay.subject.state.clone();
    let again = bay.receive(at("10:20"), &report);
    assert_eq!(outcome(&again), "duplicate");
    assert_eq!(again.receipt.as_ref().unwrap().standing, Some((WardStatus::Critical, Freshness::Fresh)));
    assert!(!again.stored && !again.hot_changed && !again.cold_changed && !again.summary_changed);
    assert!(said(&again).is_empty());
    assert_eq!(again.state, state);
}

#[test]
fn one_id_is_not_for_two_reports() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3).named(1000));
    let reused = [("report_id".to_owned(), RejectReason::IdReused)];
    assert_eq!(rejection(&bay.late("10:01", "10:00", shift(29, 3).named(1000))), reused, "another body");
    assert_eq!(rejection(&bay.report("10:05", shift(28, 3).named(1000))), reused, "a later time");
    assert_eq!(rejection(&bay.late("10:06", "09:50", shift(28, 3).named(1000))), reused, "an earlier time");
    assert_eq!(rejection(&bay.late("10:07", "10:00", shift(28, 3).named(1000).revision(1))), reused, "a correction");
    assert_eq!(bay.subject.state.blocks.nursing.as_ref().unwrap().key.observed, at("10:00"));
}

#[test]
fn an_id_is_known_again_also_when_its_report_is_no_longer_among_the_last() {
    let mut bay = adult();
    bay.report("10:00", patients(28).named(1000));
    for n in 1..20 {
        bay.report(&format!("10:{n:02}"), nurses(4));
    }
    assert_eq!(
        rejection(&bay.late("10:30", "10:00", patients(28).named(1000).revision(1))),
        [("report_id".to_owned(), RejectReason::IdReused)],
        "its block is current still"
    );
}

#[test]
fn a_report_two_minutes_ahead_is_taken_and_a_later_one_refused() {
    let mut bay = adult();
    assert_eq!(outcome(&bay.late("10:00", "10:02", shift(20, 3))), "accepted");
    let future = bay.late("10:00", "10:02:00.000001", shift(20, 3));
    assert_eq!(rejection(&future), [("observed_time".to_owned(), RejectReason::Future)]);
    assert!(!future.stored && future.events.is_empty());
}

#[test]
fn a_report_older_than_reports_are_kept_is_refused() {
    let mut bay = adult();
    let old = bay.sent("10:00", shift(20, 3));
    assert_eq!(outcome(&bay.clone().receive(at("10:00") + RETENTION, &old)), "accepted");
    let late = bay.receive(at("10:00:00.000001") + RETENTION, &old);
    assert_eq!(rejection(&late), [("observed_time".to_owned(), RejectReason::TooOld)]);
    let receipt = late.receipt.unwrap();
    let Outcome::Rejected(error) = receipt.outcome else { panic!() };
    assert!(error.to_string().contains("--shift-to-now"));
    assert_eq!(receipt.standing, None);
}

#[test]
fn figures_that_cannot_be_true_of_the_ward_are_refused_field_by_field() {
    let mut bay = adult();
    bay.register(|w| w.beds = Some(20));
    assert_eq!(outcome(&bay.clone().report("10:00", shift(60, 44))), "accepted");
    let field = |name: &str| (name.to_owned(), RejectReason::Implausible);
    assert_eq!(rejection(&bay.clone().report("10:00", shift(61, 44))), [field("patients.bedded")]);
    // Twice the greater of beds and patients, and 4.
    assert_eq!(outcome(&bay.clone().report("10:00", shift(25, 54))), "accepted");
    assert_eq!(rejection(&bay.clone().report("10:00", shift(25, 55))), [field("nursing.registered_nurses")]);
    assert_eq!(
        rejection(&bay.report("10:00", shift(61, 200))),
        [field("patients.bedded"), field("nursing.registered_nurses")]
    );
    assert!(bay.subject.state.blocks.patients.is_none());
}

#[test]
fn without_beds_or_patients_nothing_is_known_to_be_implausible() {
    let mut bay = adult();
    assert_eq!(outcome(&bay.report("10:00", nurses(400))), "accepted");
}

#[test]
fn a_closed_wards_report_is_refused() {
    let mut bay = adult();
    bay.register(|w| w.state = WardState::Closed);
    assert_eq!(rejection(&bay.report("10:00", shift(20, 3))), [("ward".to_owned(), RejectReason::WardClosed)]);
}

#[test]
fn a_resend_to_a_ward_that_closed_since_is_a_duplicate() {
    let mut bay = adult();
    let report = bay.sent("10:00", shift(20, 3));
    bay.receive(at("10:00"), &report);
    bay.register(|w| w.state = WardState::Closed);
    assert_eq!(outcome(&bay.receive(at("10:05"), &report)), "duplicate");
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let mut bay = adult();
    bay.register(|w| w.beds = Some(10));
    bay.register(|w| w.state = WardState::Closed);
    let fields: Vec<String> =
        rejection(&bay.late("10:00", "11:00", shift(31, 3))).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["ward", "observed_time", "patients.bedded"]);
}
