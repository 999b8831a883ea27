//! What responders do, and what happens when nobody does (domain.md section 5).

use crate::domain::{
    Act, ActRefusal, ActionCode, AlertState, Cause, CloseReason, CoverPeriod,
    MedicalGrade::{Consultant, Registrar},
    ResponderRole, Tier, Time,
};
use crate::rules::Decision;
use crate::rules::tests::fixture::{Bay, adult, at, flag, nurses, patients, said, said_of, shift};
use crate::rules::tests::trust::{Trust, doctors, group};
use crate::rules::tests::windows::strike;

const RATIO: &str = "ratio.over_limit";
/// Nine for each nurse: a warning.
const WARNING: (u32, u32) = (27, 3);
/// Twelve for each nurse: critical.
const CRITICAL: (u32, u32) = (36, 3);
/// Seven for each nurse.
const GOOD: (u32, u32) = (21, 3);

fn acknowledge(expires: Option<Time>) -> Act {
    Act::Acknowledge { action: ActionCode::Redeploying, expires }
}

fn at_ten(figures: (u32, u32)) -> Bay {
    let mut bay = adult();
    bay.report("10:00", shift(figures.0, figures.1));
    bay
}

fn refusal(decision: &Decision) -> ActRefusal {
    decision.acted.clone().unwrap().unwrap_err()
}

/// To whom an alert was escalated, and when.
fn shown_to(bay: &Bay) -> Option<(ResponderRole, Time)> {
    bay.alert(RATIO).escalation.map(|e| (e.role, e.at))
}

#[test]
fn a_critical_alert_nobody_takes_on_goes_to_the_site_manager_after_15_minutes_and_the_chief_nurse_after_45() {
    let mut bay = at_ten(CRITICAL);
    assert_eq!(bay.subject.next_check, Some(at("10:15")));
    assert!(said(&bay.tick("10:14:59")).is_empty());
    let first = bay.tick("10:15");
    assert_eq!(said(&first), ["Escalated ratio.over_limit Critical"]);
    assert_eq!(first.events[0].cause, Cause::Timer);
    assert_eq!(
        (shown_to(&bay), first.next_check),
        (Some((ResponderRole::SiteManager, at("10:15"))), Some(at("10:45")))
    );
    assert!(said(&bay.tick("10:44:59")).is_empty());
    assert_eq!(said(&bay.tick("10:45")), ["Escalated ratio.over_limit Critical"]);
    assert_eq!(shown_to(&bay), Some((ResponderRole::ChiefNurse, at("10:45"))));
    assert!(said(&bay.tick("11:00")).is_empty(), "each step once");
}

#[test]
fn when_both_steps_are_due_only_the_higher_is_taken() {
    let mut bay = at_ten(CRITICAL);
    assert_eq!(said(&bay.tick("10:50")), ["Escalated ratio.over_limit Critical"]);
    assert_eq!(shown_to(&bay), Some((ResponderRole::ChiefNurse, at("10:50"))));
    assert!(said(&bay.tick("10:55")).is_empty());
}

#[test]
fn a_warning_does_not_escalate() {
    let mut bay = at_ten(WARNING);
    assert!(said(&bay.tick("11:00")).is_empty());
}

#[test]
fn the_ladder_counts_from_the_first_critical_and_a_fall_does_not_start_it_anew() {
    let mut bay = at_ten(CRITICAL);
    bay.report("10:05", shift(WARNING.0, WARNING.1));
    assert!(said(&bay.tick("10:16")).is_empty(), "it is a warning now");
    let risen = bay.report("10:20", shift(CRITICAL.0, CRITICAL.1));
    assert_eq!(said(&risen), ["SeverityChanged ratio.over_limit Critical", "Escalated ratio.over_limit Critical"]);
    assert!(matches!(risen.events[0].cause, Cause::Report(_)));
    assert_eq!((&risen.events[1].cause, risen.next_check), (&Cause::Timer, Some(at("10:45"))));
}

#[test]
fn what_clears_goes_to_nobody_until_it_breaches_again() {
    let mut bay = at_ten(CRITICAL);
    assert_eq!(said(&bay.report("10:05", shift(GOOD.0, GOOD.1))).len(), 1);
    assert!(said(&bay.tick("10:16")).is_empty());
    let again = bay.report("10:20", shift(CRITICAL.0, CRITICAL.1));
    assert_eq!(said(&again), ["Updated ratio.over_limit Critical", "Escalated ratio.over_limit Critical"]);
}

#[test]
fn an_end_starts_the_ladder_anew() {
    let mut bay = at_ten(CRITICAL);
    bay.tick("10:15");
    bay.report("10:20", shift(GOOD.0, GOOD.1));
    bay.tick("10:50");
    let reopened = bay.report("11:00", shift(CRITICAL.0, CRITICAL.1));
    assert_eq!(said(&reopened), ["Reopened ratio.over_limit Critical"]);
    assert_eq!((shown_to(&bay), reopened.next_check), (None, Some(at("11:15"))));
}

/// Medicine without a registrar on the strike's day, where it has to have one.
fn hole() -> (Trust, Vec<String>) {
    let mut trust = Trust::new("07:30");
    trust.group(group("GENMED", &["A1"], &[(Tier::Two, CoverPeriod::AllDay, 1)]));
    trust.strike(strike("bma-2016-04-26", &[("2016-04-26T08:00", "2016-04-26T17:00")]));
    trust.cover("GENMED", doctors(&[(Consultant, 1), (Registrar, 0)]));
    let opened = trust.until("08:00");
    (trust, opened)
}

#[test]
fn alerts_on_doctors_go_to_the_medical_director() {
    let (mut trust, opened) = hole();
    assert!(opened.contains(&"GENMED: Raised cover.below_minimum Critical".to_owned()), "{opened:?}");
    let escalated = "GENMED: Escalated cover.below_minimum Critical".to_owned();
    assert!(!trust.until("2016-04-26T08:14:59+01:00").contains(&escalated));
    assert!(trust.until("08:15").contains(&escalated));
    let role = |trust: &Trust| trust.alert("cover.below_minimum").escalation.unwrap().role;
    assert_eq!(role(&trust), ResponderRole::SiteManager);
    assert!(trust.until("08:45").contains(&escalated));
    assert_eq!(role(&trust), ResponderRole::MedicalDirector);
}

#[test]
fn a_double_gap_on_a_ward_goes_to_the_medical_director_too() {
    let (mut trust, _) = hole();
    trust.figures("A1", CRITICAL.0, CRITICAL.1);
    assert!(trust.alert("ward.double_gap").escalation.is_none());
    trust.until("08:45");
    assert_eq!(trust.alert("ward.double_gap").escalation.unwrap().role, ResponderRole::MedicalDirector);
    assert_eq!(trust.alert(RATIO).escalation.unwrap().role, ResponderRole::ChiefNurse);
}

#[test]
fn a_forecast_goes_to_nobody_however_critical() {
    let mut trust = Trust::new("25 10:00");
    trust.group(group("GENMED", &["A1"], &[(Tier::Two, CoverPeriod::AllDay, 1)]));
    trust.strike(strike("bma-2016-04-26", &[("2016-04-26T08:00", "2016-04-26T17:00")]));
    let said = trust.plan("GENMED", ("08:00", "17:00"), doctors(&[(Consultant, 1), (Registrar, 0)]));
    assert!(said.contains(&"GENMED: Raised cover.plan_gap Critical".to_owned()), "{said:?}");
    let night = trust.until("07:00");
    assert!(!night.iter().any(|s| s.contains("Escalated cover.plan")), "{night:?}");
}

#[test]
fn an_acknowledgement_holds_two_hours_when_critical_and_twelve_otherwise() {
    for (figures, until) in [(CRITICAL, "12:10"), (WARNING, "22:10")] {
        let mut bay = at_ten(figures);
        let taken = bay.act("10:10", RATIO, acknowledge(None));
        assert_eq!(taken.acted, Some(Ok(())));
        assert!(said(&taken)[0].starts_with("Acknowledged ratio.over_limit"));
        assert!(matches!(&taken.events[0].cause, Cause::Responder(by) if by.role == ResponderRole::SiteManager));
        assert_eq!(taken.events[0].previous_state, Some(AlertState::Open));
        let ack = bay.alert(RATIO).acknowledgement.clone().unwrap();
        assert_eq!((ack.at, ack.expires, ack.severity), (at("10:10"), at(until), bay.alert(RATIO).severity));
    }
}

#[test]
fn while_someone_looks_after_it_nothing_escalates_and_afterwards_at_once() {
    let mut bay = at_ten(CRITICAL);
    bay.act("10:10", RATIO, acknowledge(Some(at("11:00"))));
    assert_eq!(bay.subject.next_check, Some(at("11:00")));
    assert!(said(&bay.tick("10:59:59")).is_empty());
    let expired = bay.tick("11:00");
    assert_eq!(said(&expired), ["Unacknowledged ratio.over_limit Critical", "Escalated ratio.over_limit Critical"]);
    assert_eq!(expired.events[0].cause, Cause::Timer);
    assert_eq!(expired.events[0].previous_state, Some(AlertState::Acknowledged));
    assert_eq!(shown_to(&bay), Some((ResponderRole::ChiefNurse, at("11:00"))), "it counted from 10:00");
    assert!(said(&bay.tick("11:01")).is_empty());
}

#[test]
fn an_acknowledgement_ends_in_the_next_24_hours_and_not_in_the_past() {
    let mut bay = at_ten(WARNING);
    let latest = at("+1 10:10");
    for wrong in [at("10:10"), at("10:09"), at("+1 10:10:01")] {
        let refused = bay.act("10:10", RATIO, acknowledge(Some(wrong)));
        assert_eq!((refusal(&refused), said(&refused)), (ActRefusal::BadExpiry(latest), vec![]), "{wrong}");
        assert_eq!(bay.alert(RATIO).state, AlertState::Open);
    }
    assert_eq!(bay.act("10:10", RATIO, acknowledge(Some(latest))).acted, Some(Ok(())));
}

#[test]
fn acknowledging_again_replaces_what_was_said() {
    let mut bay = at_ten(CRITICAL);
    bay.act("10:05", RATIO, acknowledge(None));
    let again = Act::Acknowledge { action: ActionCode::BankRequested, expires: Some(at("10:30")) };
    assert_eq!(said(&bay.act("10:06", RATIO, again)), ["Acknowledged ratio.over_limit Critical"]);
    let ack = bay.alert(RATIO).acknowledgement.clone().unwrap();
    assert_eq!((ack.action, ack.at, ack.expires), (ActionCode::BankRequested, at("10:06"), at("10:30")));
}

#[test]
fn it_lapses_when_the_alert_becomes_more_severe_than_it_was() {
    let mut bay = at_ten(WARNING);
    bay.act("10:05", RATIO, acknowledge(None));
    let worse = bay.report("10:10", shift(CRITICAL.0, CRITICAL.1));
    assert_eq!(said(&worse), ["SeverityChanged ratio.over_limit Critical", "Unacknowledged ratio.over_limit Critical"]);
    assert!(worse.events.iter().all(|e| matches!(e.cause, Cause::Report(_))), "the rise ended it, not time");
    let states: Vec<_> = worse.events.iter().map(|e| e.alert.state).collect();
    assert_eq!(states, [AlertState::Acknowledged, AlertState::Open]);
    assert_eq!((worse.next_check, bay.alert(RATIO).acknowledgement.clone()), (Some(at("10:25")), None));
}

#[test]
fn it_stays_through_a_fall_and_back_to_where_it_was_given() {
    let mut bay = at_ten(CRITICAL);
    bay.act("10:05", RATIO, acknowledge(None));
    assert_eq!(said(&bay.report("10:10", shift(WARNING.0, WARNING.1))), ["SeverityChanged ratio.over_limit Warning"]);
    assert_eq!(
        said(&bay.report("10:15", shift(CRITICAL.0, CRITICAL.1))),
        ["SeverityChanged ratio.over_limit Critical"]
    );
    assert_eq!(bay.alert(RATIO).state, AlertState::Acknowledged);
}

/// Acknowledged at 10:05 as a warning, ended at 10:40.
fn ended(expires: &str) -> Bay {
    let mut bay = at_ten(WARNING);
    bay.act("10:05", RATIO, acknowledge(Some(at(expires))));
    bay.report("10:10", shift(GOOD.0, GOOD.1));
    assert_eq!(said(&bay.tick("10:40")), ["Resolved ratio.over_limit Warning DemandFell"]);
    bay
}

#[test]
fn it_stays_through_an_end_and_a_reopening() {
    let mut bay = ended("12:00");
    let reopened = bay.report("11:00", shift(WARNING.0, WARNING.1));
    assert_eq!(said(&reopened), ["Reopened ratio.over_limit Warning"]);
    assert_eq!(bay.alert(RATIO).state, AlertState::Acknowledged);
    assert_eq!(reopened.next_check, Some(at("12:00")));
}

#[test]
fn one_that_ran_out_meanwhile_or_was_given_for_less_does_not() {
    let mut expired = ended("11:00");
    expired.report("11:00", shift(WARNING.0, WARNING.1));
    let mut worse = ended("12:00");
    worse.report("11:00", shift(CRITICAL.0, CRITICAL.1));
    for bay in [expired, worse] {
        let alert = bay.alert(RATIO);
        assert_eq!((alert.state, &alert.acknowledgement), (AlertState::Open, &None));
    }
}

#[test]
fn giving_back_opens_it_and_only_what_was_taken_can_be_given_back() {
    let mut bay = at_ten(CRITICAL);
    assert_eq!(refusal(&bay.act("10:01", RATIO, Act::Unacknowledge)), ActRefusal::NotAcknowledged);
    bay.act("10:02", RATIO, acknowledge(None));
    let back = bay.act("10:20", RATIO, Act::Unacknowledge);
    assert_eq!(said(&back), ["Unacknowledged ratio.over_limit Critical", "Escalated ratio.over_limit Critical"]);
    assert!(matches!(back.events[0].cause, Cause::Responder(_)));
    assert_eq!(shown_to(&bay), Some((ResponderRole::SiteManager, at("10:20"))));
}

#[test]
fn whoever_read_an_older_state_is_refused() {
    let mut bay = at_ten(WARNING);
    let read = bay.alert(RATIO).etag();
    assert_eq!(bay.act_on("10:01", RATIO, acknowledge(None), Some(&read)).acted, Some(Ok(())));
    let second = bay.act_on("10:01", RATIO, acknowledge(None), Some(&read));
    assert_eq!((refusal(&second), said(&second)), (ActRefusal::EtagMismatch, vec![]));
    let read = bay.alert(RATIO).etag();
    assert!(!said(&bay.report("10:03", shift(28, 3))).is_empty(), "the figures changed");
    assert_eq!(bay.act_on("10:04", RATIO, Act::Unacknowledge, Some(&read)).acted, Some(Ok(())), "which is no matter");
}

#[test]
fn a_breach_cannot_be_closed_and_what_clears_can() {
    let mut bay = at_ten(CRITICAL);
    let close = Act::Close(CloseReason::PutRight);
    let refused = bay.act("10:01", RATIO, close);
    assert_eq!((refusal(&refused), said(&refused)), (ActRefusal::StillBreaching, vec![]));
    bay.report("10:05", shift(GOOD.0, GOOD.1));
    let closed = bay.act("10:06", RATIO, close);
    assert_eq!(said(&closed), ["Resolved ratio.over_limit Critical ClosedByResponder"]);
    assert!(matches!(closed.events[0].cause, Cause::Responder(_)));
    for act in [close, acknowledge(None), Act::Unacknowledge] {
        assert_eq!(refusal(&bay.act("10:07", RATIO, act)), ActRefusal::AlreadyResolved);
    }
    let again = bay.report("10:20", shift(CRITICAL.0, CRITICAL.1));
    assert_eq!(said(&again), ["Reopened ratio.over_limit Critical"], "closing it does not silence it");
}

#[test]
fn what_is_stale_can_be_closed_and_comes_back_with_figures_that_breach() {
    let mut bay = at_ten(WARNING);
    bay.report("11:15", patients(27));
    let close = Act::Close(CloseReason::FiguresStale);
    assert_eq!(refusal(&bay.act("11:29:59", RATIO, close)), ActRefusal::StillBreaching);
    let closed = bay.act("11:31", RATIO, close);
    assert_eq!(said_of(RATIO, &closed).last().unwrap(), "Resolved ratio.over_limit Warning ClosedByResponder");
    assert!(said_of(RATIO, &bay.tick("11:40")).is_empty());
    assert_eq!(said_of(RATIO, &bay.report("12:00", nurses(3))), ["Reopened ratio.over_limit Warning"]);
}

#[test]
fn silence_itself_cannot_be_closed() {
    let mut bay = at_ten(WARNING);
    assert_eq!(said_of("report.overdue", &bay.tick("11:30")).len(), 1);
    let refused = bay.act("11:31", "report.overdue", Act::Close(CloseReason::FiguresStale));
    assert_eq!(refusal(&refused), ActRefusal::StillBreaching);
}

#[test]
fn a_red_flag_can_be_closed_and_is_final_for_seven_days() {
    let mut bay = adult();
    bay.report("10:00", flag(900, "09:50"));
    let closed = bay.act("10:10", "red_flag.raised", Act::Close(CloseReason::RaisedInError));
    assert_eq!(said(&closed), ["Resolved red_flag.raised Critical ClosedByResponder"]);
    assert!(said_of("red_flag.", &bay.report("10:20", flag(900, "09:50"))).is_empty());
    assert!(said_of("red_flag.", &bay.report("+7 10:09", flag(900, "09:50"))).is_empty());
    assert_eq!(said_of("red_flag.", &bay.report("+7 10:10", flag(900, "09:50"))), ["Raised red_flag.raised Critical"]);
}
