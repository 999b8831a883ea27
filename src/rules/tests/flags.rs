//! Red flags that staff raise: events, applied once, whatever the time of the report.

use crate::domain::{RejectReason, WardStatus};
use crate::rules::tests::fixture::{adult, at, flag, id, nothing, outcome, rejection, said, said_of, shift};

#[test]
fn a_red_flag_is_critical_until_its_event_is_resolved() {
    let mut bay = adult();
    let raised = bay.report("10:00", flag(900, "09:50"));
    assert_eq!(said(&raised), ["Raised red_flag.raised Critical"]);
    let alert = &raised.events[0].alert;
    assert_eq!((alert.instance.clone(), alert.observed), (id(900).to_string(), at("09:50")));
    assert_eq!(bay.status("10:00").0, WardStatus::Critical);
    let resolved = bay.report("10:30", flag(900, "09:50").resolved("10:25"));
    assert_eq!(said(&resolved), ["Resolved red_flag.raised Critical RedFlagResolved"]);
}

#[test]
fn a_red_flag_is_raised_once_however_often_it_is_sent() {
    let mut bay = adult();
    bay.report("10:00", flag(900, "09:50"));
    let again = bay.report("10:10", flag(900, "09:50"));
    assert_eq!((said(&again).len(), outcome(&again)), (0, "superseded"));
    let with_figures = bay.report("10:14", shift(20, 4).and(flag(900, "09:50")));
    assert_eq!((said(&with_figures).len(), outcome(&with_figures)), (0, "accepted"));
}

#[test]
fn the_same_red_flag_twice_in_one_report_is_one() {
    let mut bay = adult();
    assert_eq!(said(&bay.report("10:00", flag(900, "09:50").and(flag(900, "09:50")))).len(), 1);
}

#[test]
fn a_red_flag_on_a_late_report_counts() {
    let mut bay = adult();
    bay.report("10:00", shift(20, 4));
    let late = bay.late("10:10", "08:00", shift(21, 4).and(flag(900, "07:55")));
    assert_eq!((said(&late), outcome(&late)), (vec!["Raised red_flag.raised Critical".to_owned()], "accepted"));
}

#[test]
fn a_resolved_red_flag_is_final_for_seven_days() {
    let mut bay = adult();
    bay.report("10:00", flag(900, "09:50"));
    bay.report("10:30", flag(900, "09:50").resolved("10:25"));
    assert!(said(&bay.report("10:40", flag(900, "09:50"))).is_empty());
    assert!(said_of("red_flag.", &bay.report("+7 10:29", flag(900, "09:50"))).is_empty());
    assert_eq!(said_of("red_flag.", &bay.report("+7 10:30", flag(900, "09:50"))), ["Raised red_flag.raised Critical"]);
}

#[test]
fn a_red_flag_first_heard_of_when_resolved_is_final_and_raises_nothing() {
    let mut bay = adult();
    let resolved = bay.report("10:00", flag(900, "09:50").resolved("09:55"));
    assert_eq!((said(&resolved).len(), outcome(&resolved)), (0, "accepted"));
    assert!(resolved.cold_changed);
    assert!(said(&bay.late("10:10", "09:50", flag(900, "09:50"))).is_empty());
}

#[test]
fn a_final_red_flag_is_kept_also_when_another_one_lapses_in_the_same_report() {
    let mut bay = adult();
    bay.report("10:00", flag(900, "09:50").resolved("09:55"));
    let decision = bay.report("+7 10:00", flag(901, "+7 09:50").resolved("+7 09:55"));
    assert!(decision.cold_changed, "one lapsed and one came: as many as before, but not the same");
}

#[test]
fn silence_never_ends_a_red_flag() {
    let mut bay = adult();
    bay.report("10:00", flag(900, "09:50"));
    bay.tick("+6 10:00");
    assert!(bay.open().contains(&"red_flag.raised Critical Breaching".to_owned()));
}

#[test]
fn fifty_red_flags_may_be_open_and_no_more() {
    let mut bay = adult();
    let fifty = (0..50).fold(nothing(), |f, n| f.and(flag(900 + n, "09:50")));
    assert_eq!(bay.report("10:00", fifty.clone()).events.len(), 50);
    let refused = bay.report("10:05", flag(1000, "10:00"));
    assert_eq!(rejection(&refused), [("red_flags".to_owned(), RejectReason::TooMany)]);
    // Those already open may come again, with figures.
    assert_eq!(outcome(&bay.report("10:10", shift(20, 4).and(fifty))), "accepted");
    // One resolved makes room for another.
    assert_eq!(outcome(&bay.report("10:15", flag(900, "09:50").resolved("10:14"))), "accepted");
    assert_eq!(outcome(&bay.report("10:20", flag(1000, "10:00"))), "accepted");
}
