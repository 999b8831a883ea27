//! New figures of an alert: shown when they differ to a reader, and at most once a minute.

use crate::domain::{Freshness, Limit};
use crate::rules::tests::fixture::{adult, nurses, patients, said, said_of, shift};

#[test]
fn a_changed_tenth_is_shown() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    let updated = bay.report("10:01", shift(29, 3));
    assert_eq!(said(&updated), ["Updated ratio.over_limit Warning"]);
    assert_eq!(updated.events[0].alert.measured.as_ref().unwrap().numerator, 29);
}

#[test]
fn a_change_within_a_minute_of_the_last_event_is_not_shown_and_not_sent_later_by_itself() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    assert!(said(&bay.report("10:00:59.999999", shift(29, 3))).is_empty());
    assert!(said(&bay.tick("10:05")).is_empty());
    assert_eq!(said(&bay.report("10:06", shift(29, 3))), ["Updated ratio.over_limit Warning"], "with the next report");
}

#[test]
fn a_change_no_reader_would_see_is_not_shown() {
    let mut bay = adult();
    bay.report("10:00", shift(801, 99));
    // 8.091 and 8.083: both shown as 8.1, and both lack two nurses.
    assert!(said(&bay.report("10:10", shift(809, 100))).is_empty());
}

#[test]
fn a_missing_whole_nurse_more_is_shown() {
    let mut bay = adult();
    // Both are shown as 8.1 (8.02, 8.04); the first lacks one nurse, the second two.
    bay.report("10:00", shift(1604, 200));
    assert_eq!(said(&bay.report("10:10", shift(1609, 200))), ["Updated ratio.over_limit Warning"]);
}

#[test]
fn an_input_that_falls_overdue_is_shown_as_stale_and_one_that_returns_as_fresh() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    let stale = bay.tick("11:30");
    assert_eq!(said_of("ratio.", &stale), ["Updated ratio.over_limit Warning"]);
    let freshness: Vec<_> = stale.events[0].alert.inputs.iter().map(|i| i.freshness).collect();
    assert_eq!(freshness, [Freshness::Stale, Freshness::Stale]);
    let fresh = bay.report("11:40", shift(28, 3));
    assert_eq!(said_of("ratio.", &fresh), ["Updated ratio.over_limit Warning"]);
    assert!(fresh.events[0].alert.inputs.iter().all(|i| i.freshness == Freshness::Fresh));
}

#[test]
fn figures_of_two_sources_each_count() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    assert_eq!(said(&bay.report("10:02", nurses(2))), ["SeverityChanged ratio.over_limit Critical"]);
    assert_eq!(said(&bay.report("10:04", patients(30))), ["Updated ratio.over_limit Critical"]);
}

#[test]
fn a_limit_changed_in_the_register_is_shown_at_the_tick() {
    let mut bay = adult();
    bay.report("10:00", shift(28, 3));
    bay.register(|w| w.limit = Some(Limit::whole(7)));
    let updated = bay.tick("10:05");
    assert_eq!(said(&updated), ["Updated ratio.over_limit Warning"]);
    assert_eq!(updated.events[0].alert.limit_source, "ward register");
}
