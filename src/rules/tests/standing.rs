//! Dedup without an index of ids (engine.md section 4).

use crate::domain::Report;
use crate::rules::tests::fixture::{Bay, Facts, adult, at, flag, nurses, outcome, patients, rejection, shift};
use crate::rules::{Standing, standing};
use crate::wire;

fn stands(bay: &Bay, report: &Report) -> Standing {
    standing(&bay.subject.state, report, wire::digest(&wire::encode_report(report)))
}

fn after(facts: Facts) -> (Bay, Report) {
    let mut bay = adult();
    let report = bay.sent("10:00", facts);
    bay.receive(at("10:00"), &report);
    (bay, report)
}

#[test]
fn a_report_with_a_newer_block_was_never_stored() {
    let (mut bay, _) = after(shift(20, 3));
    let next = bay.sent("10:01", nurses(3));
    assert_eq!(stands(&bay, &next), Standing::Fresh);
}

#[test]
fn a_first_block_of_its_kind_is_newer_than_none() {
    let (mut bay, _) = after(patients(20));
    let next = bay.sent("09:00", nurses(3));
    assert_eq!(stands(&bay, &next), Standing::Fresh);
}

#[test]
fn a_report_whose_block_is_current_is_known_by_its_digest() {
    let (bay, report) = after(shift(20, 3));
    assert_eq!(stands(&bay, &report), Standing::Duplicate);
    let mut other = report;
    other.patients.as_mut().unwrap().bedded = 21;
    assert_eq!(stands(&bay, &other), Standing::IdReused);
}

#[test]
fn a_report_of_which_one_block_is_still_current_is_known_by_it() {
    let (mut bay, report) = after(shift(20, 3));
    bay.report("10:05", patients(21));
    assert_eq!(stands(&bay, &report), Standing::Duplicate);
}

#[test]
fn a_report_all_of_whose_blocks_are_older_is_for_the_store_to_know() {
    let (mut bay, report) = after(shift(20, 3));
    bay.report("10:05", shift(21, 3));
    assert_eq!(stands(&bay, &report), Standing::Older);
    assert_eq!(outcome(&bay.receive(at("10:06"), &report)), "duplicate");
    let mut other = report;
    other.patients.as_mut().unwrap().bedded = 25;
    assert_eq!(rejection(&bay.receive(at("10:07"), &other)).len(), 1, "same key, another body");
}

#[test]
fn red_flags_alone_are_for_the_store_to_know() {
    let (mut bay, report) = after(flag(900, "09:50"));
    assert_eq!(stands(&bay, &report), Standing::Older);
    assert_eq!(outcome(&bay.receive(at("10:06"), &report)), "duplicate");
}

#[test]
fn an_id_among_the_last_eight_with_a_later_time_is_reused() {
    let (mut bay, _) = after(shift(20, 3).named(1000));
    for n in 1..8 {
        bay.report(&format!("10:0{n}"), shift(20, 3));
    }
    let reused = bay.sent("10:10", shift(20, 3).named(1000));
    assert_eq!(stands(&bay, &reused), Standing::IdReused);
    bay.report("10:09", shift(20, 3));
    assert_eq!(stands(&bay, &reused), Standing::Fresh, "the ninth is forgotten");
}

#[test]
fn two_reports_of_one_time_are_ordered_by_their_ids() {
    let mut bay = adult();
    let (low, high) = (bay.sent("10:00", shift(20, 3).named(1)), bay.sent("10:00", shift(22, 3).named(2)));
    bay.receive(at("10:00"), &high);
    assert_eq!(outcome(&bay.receive(at("10:01"), &low)), "superseded");
    assert_eq!(bay.subject.state.blocks.patients.as_ref().unwrap().body.bedded, 22);
}
