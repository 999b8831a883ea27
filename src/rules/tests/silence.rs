//! A source whose wards fall silent together is one alert of the organisation.

use crate::domain::{SourceSilence, SubjectName, Summary, Time};
use crate::rules::tests::fixture::{Bay, adult, at, nurses, patients, said, shift, silences, trust};

/// One ward's silences: a source, and since when.
fn child(n: usize, source: &str, since: Option<&str>) -> (SubjectName, Summary) {
    let name: SubjectName = format!("organisations/RJ1/wards/W{n}").parse().unwrap();
    (name, silences(vec![SourceSilence { source: source.parse().unwrap(), since: since.map(at) }]))
}

fn trust_with(since: &[Option<&str>]) -> Bay {
    let mut trust = trust();
    trust.subject.reads = since.iter().enumerate().map(|(n, s)| child(n, "BEDS", *s)).collect();
    trust
}

#[test]
fn three_of_six_wards_silent_within_five_minutes_are_one_critical_alert() {
    let mut trust = trust_with(&[Some("10:00"), Some("10:02"), Some("10:05"), None, None, None]);
    let raised = trust.tick("10:05");
    assert_eq!(said(&raised), ["Raised source.silent Critical"]);
    let alert = &raised.events[0].alert;
    assert_eq!((alert.instance.as_str(), alert.ward_count, alert.wards.len()), ("BEDS", 3, 3));
    assert!(said(&trust.tick("10:06")).is_empty(), "once");
}

#[test]
fn two_wards_are_not_a_source() {
    assert!(said(&trust_with(&[Some("10:00"), Some("10:00")]).tick("10:05")).is_empty());
}

#[test]
fn fewer_than_half_are_not_a_source() {
    let since = [Some("10:00"), Some("10:00"), Some("10:00"), None, None, None, None];
    assert!(said(&trust_with(&since).tick("10:05")).is_empty());
}

#[test]
fn wards_that_fell_silent_one_by_one_are_not_a_source() {
    let since = [Some("10:00"), Some("10:03"), Some("10:05:01"), Some("10:09")];
    assert!(said(&trust_with(&since).tick("10:10")).is_empty());
}

#[test]
fn each_source_is_counted_by_itself() {
    let mut trust = trust();
    trust.subject.reads = vec![
        child(1, "BEDS", Some("10:00")),
        child(2, "BEDS", Some("10:00")),
        child(3, "ROSTER", Some("10:00")),
        child(4, "ROSTER", Some("10:00")),
    ];
    assert!(said(&trust.tick("10:05")).is_empty());
}

#[test]
fn a_source_that_is_heard_again_ends_it_after_half_an_hour() {
    let mut trust = trust_with(&[Some("10:00"), Some("10:00"), Some("10:00")]);
    trust.tick("10:05");
    trust.subject.reads = (0..3).map(|n| child(n, "BEDS", None)).collect();
    let heard = trust.tick("10:20");
    assert_eq!(said(&heard), ["Updated source.silent Critical Clearing"]);
    assert_eq!(heard.next_check, Some(at("10:50")));
    assert!(said(&trust.tick("10:49:59")).is_empty());
    assert_eq!(said(&trust.tick("10:50")), ["Resolved source.silent Critical ReportingResumed"]);
}

#[test]
fn a_source_that_no_ward_has_any_more_ends_too() {
    let mut trust = trust_with(&[Some("10:00"), Some("10:00"), Some("10:00")]);
    trust.tick("10:05");
    trust.subject.reads.clear();
    assert_eq!(said(&trust.tick("10:20")), ["Updated source.silent Critical Clearing"]);
    assert_eq!(said(&trust.tick("10:50")), ["Resolved source.silent Critical ReportingResumed"]);
}

#[test]
fn more_wards_falling_silent_are_shown_at_most_once_a_minute() {
    let four = |last| [Some("10:00"), Some("10:00"), Some("10:00"), last];
    let mut trust = trust_with(&four(None));
    trust.tick("10:05");
    trust.subject.reads = trust_with(&four(Some("10:05:30"))).subject.reads;
    assert!(said(&trust.tick("10:05:30")).is_empty());
    let shown = trust.tick("10:06");
    assert_eq!(said(&shown), ["Updated source.silent Critical"]);
    assert_eq!(shown.events[0].alert.ward_count, 4);
}

#[test]
fn an_alert_names_two_hundred_wards_and_counts_all() {
    let since = vec![Some("10:00"); 250];
    let raised = trust_with(&since).tick("10:05");
    let alert = &raised.events[0].alert;
    assert_eq!((alert.wards.len(), alert.ward_count), (200, 250));
}

fn told(bay: &Bay) -> Vec<(String, Option<Time>)> {
    bay.subject.state.summary.silences.iter().map(|s| (s.source.to_string(), s.since)).collect()
}

#[test]
fn a_ward_tells_its_organisation_who_reports_on_it_and_who_fell_silent() {
    let mut bay = adult();
    let first = bay.report("10:00", patients(20).from("PAS"));
    assert!(first.summary_changed);
    assert_eq!(told(&bay), [("PAS".to_owned(), None)]);
    assert!(bay.report("10:10", nurses(3).from("ROSTER")).summary_changed);
    assert!(!bay.report("10:20", nurses(4).from("ROSTER")).summary_changed, "nothing new to tell");
    let silent = bay.tick("11:30");
    assert!(silent.summary_changed);
    assert_eq!(told(&bay), [("PAS".to_owned(), Some(at("11:30"))), ("ROSTER".to_owned(), None)]);
    assert!(!bay.tick("11:31").summary_changed);
    assert!(bay.report("11:40", patients(20).from("PAS")).summary_changed);
    assert_eq!(told(&bay)[0].1, None);
}

#[test]
fn a_closed_ward_is_no_ones_silence() {
    let mut bay = adult();
    bay.report("10:00", shift(20, 3));
    bay.register(|w| w.state = crate::domain::WardState::Closed);
    assert!(bay.tick("10:10").summary_changed);
    assert!(told(&bay).is_empty());
}
