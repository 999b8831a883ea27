//! The view, in the words of a control room.

use std::collections::BTreeSet;

use crate::domain::{
    Attribution, CoverPeriod, Day, ElectivePolicy, GradeCover, MedicalCover, MedicalGrade, Scope, StaffGroup, Strike,
    StrikeId, StrikeMode, Subject, Tier, Time, Window, Zone,
};
use crate::rules::tests::trust::{Trust, at_work_of, doctors, group, on};
use crate::situation::{Ask, Material, situation};
use crate::store::{ActivityRow, AlertQuery, Head, LogPoint, SubjectRow};
use crate::wire::{self, pb, to_time};

/// 26 April 2016.
const DAY: i64 = 16_917;

/// 26 and 27 April 2016, 08:00 to 17:00.
fn april() -> Strike {
    let window = |id, day: &str| {
        let local = |clock: &str| format!("2016-04-{day}T{clock}").parse().unwrap();
        let (start, end) = (on(&format!("{day} 08:00")), on(&format!("{day} 17:00")));
        Window { id, start_local: local("08:00"), end_local: local("17:00"), start, end, called_off: None }
    };
    Strike {
        id: StrikeId::from_id("bma-2016-04-26").unwrap(),
        union: "BMA".parse().unwrap(),
        staff_group: StaffGroup::ResidentDoctors,
        mode: StrikeMode::FullWithdrawal,
        elective: ElectivePolicy::EmergencyOnly,
        scope: Scope::England,
        zone: Zone::london(),
        attribution: Attribution::Clock,
        windows: vec![window(1, "26"), window(2, "27")],
        derogations: Vec::new(),
        version: 1,
        changed_by: None,
        changed: Time::default(),
    }
}

/// At 06:00 on the first day, wards A1 to A3, and a cover group of two of them that needs two doctors of tier 1 and a
/// consultant.
fn trust() -> Trust {
    let mut trust = Trust::new("06:00");
    trust.group(group(
        "GENMED",
        &["A1", "A2"],
        &[(Tier::One, CoverPeriod::AllDay, 2), (Tier::Three, CoverPeriod::AllDay, 1)],
    ));
    trust.strike(april());
    trust
}

fn row(subject: &Subject) -> SubjectRow {
    SubjectRow {
        number: subject.number,
        organisation: 1,
        name: subject.name.clone(),
        etag: 1,
        generation: 1,
        next_check: subject.next_check,
        hot: wire::hot_to(&subject.state),
        cold: wire::cold_to(&subject.state),
        summary: wire::summary_to(&subject.state.summary),
    }
}

fn material(trust: &Trust) -> Material {
    let point = LogPoint { position: 7, tag: 9 };
    let (log_time, trimmed) = (trust.now, LogPoint::default());
    Material {
        head: Head { log_id: 1, point, log_time, generation: trust.book.generation, trimmed, now: trust.now },
        point,
        now: trust.now,
        subjects: trust.subjects.values().map(row).collect(),
        past: None,
        hour_ago: None,
        activity: Vec::new(),
    }
}

fn ask() -> Ask {
    let day = |n| Day::from_number(n).unwrap();
    let (first_day, last_day) = (day(DAY - 8), day(DAY + 6));
    Ask {
        query: AlertQuery::default(),
        as_of: None,
        first_day,
        last_day,
        total_only: false,
        planned: BTreeSet::default(),
    }
}

fn seen(trust: &Trust) -> pb::Situation {
    situation(&material(trust), &trust.book, &ask(), trust.now)
}

fn total(trust: &Trust) -> pb::SituationBlock {
    seen(trust).total.unwrap()
}

fn cover(juniors: u32, consultants: u32) -> MedicalCover {
    doctors(&[(MedicalGrade::F1, juniors), (MedicalGrade::Consultant, consultants)])
}

#[test]
fn a_ward_above_its_limit_without_doctors_is_the_worst_place_and_nobody_has_it() {
    let mut trust = trust();
    trust.until("08:05");
    trust.figures("A1", 28, 3);
    trust.figures("A3", 28, 2);
    trust.cover("GENMED", cover(1, 0));
    trust.until("08:12");
    let block = total(&trust);
    let holes = block.holes.unwrap();
    assert_eq!((holes.double_gaps, holes.cover_below_minimum, holes.cover_no_senior), (1, 1, 1));
    assert_eq!((holes.wards_above_limit, holes.wards_severe), (2, 1), "14 a nurse on A3 is severe, 9.3 on A1 is not");
    let rules: Vec<_> = block.worst.iter().map(|a| a.rule.as_str()).collect();
    assert_eq!(rules[0], "ward.double_gap");
    assert!(rules[1..4].iter().all(|r| *r != "ward.double_gap") && block.worst[4].severity() == pb::Severity::Warning);
    let who = block.responders.unwrap();
    assert_eq!((who.unacknowledged_criticals, who.acknowledged_criticals, who.escalated), (4, 0, 0));
    assert_eq!(to_time(who.oldest_unacknowledged_time.unwrap()), Some(on("08:05")));
    assert_eq!(who.oldest_unacknowledged_seconds, 7 * 60);
    trust.until("08:25");
    assert_eq!(total(&trust).responders.unwrap().escalated, 4, "15 minutes with nobody");
}

#[test]
fn an_alert_that_clears_is_no_hole_and_stands_behind_those_that_breach() {
    let mut trust = trust();
    trust.figures("A1", 28, 2);
    trust.figures("A2", 28, 2);
    trust.until("06:10");
    trust.figures("A1", 20, 4);
    let block = total(&trust);
    assert_eq!(block.holes.unwrap().wards_above_limit, 1);
    assert_eq!(block.responders.unwrap().unacknowledged_criticals, 1);
    let shown: Vec<_> = block.worst.iter().map(|a| (a.subject.rsplit('/').next().unwrap(), a.condition())).collect();
    assert_eq!(shown, [("A2", pb::AlertCondition::Breaching), ("A1", pb::AlertCondition::Clearing)]);
}

#[test]
fn what_is_not_known_is_counted_apart_and_never_as_none() {
    let mut trust = trust();
    let block = total(&trust);
    let unknown = block.unknown.unwrap();
    assert_eq!((unknown.never_reported_wards, unknown.stale_wards, unknown.cover_groups_without_return), (3, 0, 0));
    assert_eq!((block.rns_counted, block.rns_above_limit, block.rns_at_or_above_limit), (None, None, None));
    assert_eq!(block.holes_hour_ago, None);
    assert!(block.doctors.unwrap().tiers.is_empty());
    let counts = block.activity.unwrap().total.unwrap();
    assert_eq!((counts.planned, counts.delivered, counts.postponed), (None, None, None));

    trust.figures("A1", 28, 2);
    trust.until("08:00");
    assert_eq!(
        total(&trust).unknown.unwrap().cover_groups_without_return,
        1,
        "the window opened, and nobody said who is there"
    );
    trust.until("10:00");
    let block = total(&trust);
    let unknown = block.unknown.unwrap();
    assert_eq!((unknown.never_reported_wards, unknown.stale_wards), (2, 1));
    assert_eq!(block.holes.unwrap().wards_above_limit, 1, "silence mends nothing");
    assert_eq!(block.rns_counted, None, "old figures are not nurses at work now");
}

#[test]
fn a_closed_ward_and_a_group_not_in_force_are_not_part_of_it() {
    let mut trust = trust();
    let mut closed = crate::rules::tests::fixture::ward(crate::domain::WardKind::AdultInpatient);
    closed.code = "A9".parse().unwrap();
    closed.state = crate::domain::WardState::Closed;
    trust.ward(closed);
    let block = total(&trust);
    assert_eq!((block.ward_count, block.cover_group_count), (3, 1), "ALL is not in force beside GENMED");
    assert_eq!(block.unknown.unwrap().never_reported_wards, 3);
}

#[test]
fn nurses_at_exactly_eight_are_at_or_above_and_not_above() {
    let mut trust = trust();
    trust.figures("A1", 28, 3);
    trust.figures("A2", 24, 3);
    trust.figures("A3", 20, 5);
    let block = total(&trust);
    assert_eq!((block.rns_counted, block.rns_above_limit, block.rns_at_or_above_limit), (Some(11), Some(3), Some(6)));
    let limit = block.rns_limit.unwrap();
    assert_eq!((limit.numerator, limit.denominator, block.rns_ward_count), (8, 1, 3));
    // Ten patients and a night nurse too few: a ward without any nurse adds none.
    trust.figures("A3", 20, 0);
    let block = total(&trust);
    assert_eq!((block.rns_counted, block.rns_ward_count), (Some(6), 2));
    let holes = block.holes.unwrap();
    assert_eq!((holes.wards_below_minimum_rns, holes.wards_without_rn), (1, 1));
}

#[test]
fn wards_with_different_limits_have_no_common_one() {
    let mut trust = trust();
    let mut acute = crate::rules::tests::fixture::ward(crate::domain::WardKind::AcuteMedical);
    acute.code = "AMU".parse().unwrap();
    trust.ward(acute);
    trust.figures("A1", 24, 3);
    trust.figures("AMU", 21, 3);
    let block = total(&trust);
    assert_eq!((block.rns_counted, block.rns_above_limit, block.rns_limit), (Some(6), Some(3), None));
}

#[test]
fn a_consultant_acting_down_is_one_doctor() {
    let mut trust = trust();
    trust.until("08:05");
    let acting = GradeCover { acting_as_tier1: Some(2), ..at_work_of(MedicalGrade::Consultant, 3) };
    trust.cover("GENMED", MedicalCover::new(vec![acting, at_work_of(MedicalGrade::F2, 1)]));
    let doctors = total(&trust).doctors.unwrap();
    let tiers: Vec<_> = doctors.tiers.iter().map(|t| (t.tier, t.at_work)).collect();
    assert_eq!(tiers, [(1, 3), (3, 1)], "tier 2 was not reported, and is not zero");
    let grades: Vec<_> = doctors.grades.iter().map(|g| (g.grade(), g.at_work, g.acting_as_tier1)).collect();
    assert_eq!(grades, [(pb::MedicalGrade::F2, 1, None), (pb::MedicalGrade::Consultant, 3, Some(2))]);
    // At 09:00 a new return is due; an hour later the old one is nobody's.
    trust.until("10:00");
    let block = total(&trust);
    assert_eq!(
        (block.doctors.unwrap().cover_groups_counted, block.unknown.unwrap().cover_groups_without_return),
        (0, 1)
    );
}

#[test]
fn the_work_postponed_in_april_2016_is_the_number_in_the_papers() {
    let trust = trust();
    let mut material = material(&trust);
    let rows = [(1, 4_187), (2, 8_524), (3, 112_856)];
    material.activity = rows.map(|(category, postponed)| planned_work(DAY, category, Some(postponed))).to_vec();
    material.activity.push(planned_work(DAY + 1, 1, None));
    let activity = situation(&material, &trust.book, &ask(), trust.now).total.unwrap().activity.unwrap();
    let postponed = |counts: &Option<pb::SituationCounts>| counts.as_ref().unwrap().postponed.unwrap();
    assert_eq!((postponed(&activity.inpatient), postponed(&activity.day_case)), (4_187, 8_524));
    assert_eq!(postponed(&activity.operations), 12_711);
    assert_eq!((postponed(&activity.outpatient), postponed(&activity.total)), (112_856, 125_567));
    assert_eq!((activity.organisations_counted, activity.total.unwrap().delivered), (1, None));
}

fn planned_work(day: i64, category: i32, postponed: Option<i64>) -> ActivityRow {
    let (planned, delivered, source) = (None, None, "PAS".to_owned());
    ActivityRow { organisation: 1, day, category, planned, delivered, postponed, source, received: Time::default() }
}

#[test]
fn a_strike_is_on_until_its_last_instant_and_the_next_is_coming() {
    let mut trust = trust();
    let shown = |trust: &Trust| {
        let strikes = total(trust).strikes;
        strikes.iter().map(|s| (s.window_id, s.state(), s.seconds_left)).collect::<Vec<_>>()
    };
    let (on, coming) = (pb::SituationStrikeState::On, pb::SituationStrikeState::Coming);
    assert_eq!(shown(&trust), [(1, coming, 2 * 3_600), (2, coming, 26 * 3_600)]);
    trust.until("08:00");
    assert_eq!(shown(&trust), [(1, on, 9 * 3_600), (2, coming, 24 * 3_600)]);
    trust.until("17:00");
    assert_eq!(shown(&trust), [(2, coming, 15 * 3_600)], "the night is in neither");
    trust.until("27 17:00");
    assert!(shown(&trust).is_empty());
}

#[test]
fn the_next_forecast_is_the_one_that_begins_first_and_is_no_hole() {
    let mut trust = trust();
    trust.plan("GENMED", ("27 08:00", "27 17:00"), cover(0, 1));
    trust.plan("GENMED", ("08:00", "17:00"), cover(1, 1));
    let block = total(&trust);
    let next = block.next_forecast.unwrap();
    assert_eq!((next.rule.as_str(), to_time(next.forecast_start_time.unwrap())), ("cover.plan_gap", Some(on("08:00"))));
    assert_eq!(block.forecast_count, 2);
    assert_eq!(block.holes.unwrap(), pb::SituationHoles::default());
    assert_eq!(block.responders.unwrap().unacknowledged_criticals, 0);
    assert!(block.worst.is_empty());
}

#[test]
fn a_missing_plan_is_a_forecast_about_the_opening_of_the_window() {
    let next = total(&trust()).next_forecast.unwrap();
    assert_eq!(
        (next.rule.as_str(), to_time(next.forecast_start_time.unwrap())),
        ("cover.plan_missing", Some(on("08:00")))
    );
    assert_eq!(next.forecast_end_time, None);
}

#[test]
fn an_hour_ago_is_not_known_of_what_nobody_had_registered() {
    let mut trust = trust();
    trust.until("06:30");
    trust.figures("A1", 28, 2);
    let mut material = material(&trust);
    let hour_ago =
        |material: &Material| situation(material, &trust.book, &ask(), trust.now).total.unwrap().holes_hour_ago;
    material.hour_ago = Some(Vec::new());
    assert_eq!(hour_ago(&material), None, "registered at 06:00");
    material.now = on("07:00");
    assert_eq!(hour_ago(&material), Some(pb::SituationHoles::default()), "there was nothing then, and that is known");
    material.hour_ago = Some(vec![trust.alert("ratio.over_limit").clone()]);
    assert_eq!(hour_ago(&material).unwrap().wards_above_limit, 1);
    material.hour_ago = None;
    assert_eq!(hour_ago(&material), None, "the log does not reach back");
}

#[test]
fn the_past_shows_alerts_and_no_figures() {
    let mut trust = trust();
    trust.figures("A1", 28, 2);
    let alert = trust.alert("ratio.over_limit").clone();
    trust.until("07:00");
    trust.figures("A2", 28, 2);
    let material = Material { past: Some(vec![alert]), now: on("06:10"), ..material(&trust) };
    let ask = Ask { as_of: Some(on("06:10")), ..ask() };
    let then = situation(&material, &trust.book, &ask, trust.now);
    let block = then.total.unwrap();
    assert_eq!((block.holes.unwrap().wards_above_limit, block.worst.len()), (1, 1));
    assert_eq!(block.responders.unwrap().oldest_unacknowledged_seconds, 600);
    assert!(block.unknown.is_none() && block.rns_counted.is_none() && block.doctors.is_none());
    assert!(block.activity.is_none());
    assert_eq!(
        (to_time(then.as_of_time.unwrap()), to_time(then.server_time.unwrap())),
        (Some(on("06:10")), Some(trust.now))
    );
}

#[test]
fn an_organisation_a_region_and_the_total_are_the_same_block() {
    let mut trust = trust();
    trust.figures("A1", 28, 2);
    let (_, mut other) = trust.book.organisations[&"RJ1".parse().unwrap()].clone();
    let elsewhere = std::sync::Arc::make_mut(&mut other);
    elsewhere.code = "RXX".parse().unwrap();
    elsewhere.region = "Y61".parse().ok();
    trust.book.organisations.insert("RXX".parse().unwrap(), (99, other));
    trust.book = std::mem::take(&mut trust.book).linked();
    let all = seen(&trust);
    let counts = |b: &pb::SituationBlock| (b.organisation_count, b.ward_count, b.holes.unwrap().wards_above_limit);
    assert_eq!(counts(all.total.as_ref().unwrap()), (2, 3, 1));
    let regions: Vec<_> = all.regions.iter().map(|b| (b.region.as_str(), counts(b))).collect();
    assert_eq!(regions, [("Y56", (1, 3, 1)), ("Y61", (1, 0, 0))]);
    let names: Vec<_> = all.organisations.iter().map(|b| (b.organisation.as_str(), counts(b))).collect();
    assert_eq!(names, [("organisations/RJ1", (1, 3, 1)), ("organisations/RXX", (1, 0, 0))]);
    assert_eq!(all.organisations[1].holes_hour_ago, None);
    assert_eq!(all.total.unwrap().strikes[0].organisation_count, 2);

    let of_region = |region: &str| {
        let query = AlertQuery { regions: vec![region.to_owned()], ..AlertQuery::default() };
        situation(&material(&trust), &trust.book, &Ask { query, total_only: true, ..ask() }, trust.now)
    };
    assert_eq!(counts(&of_region("Y61").total.unwrap()), (1, 0, 0));
    let one = of_region("Y56");
    assert!(one.organisations.is_empty() && one.regions.is_empty());
    assert_eq!(one.total.unwrap().display_name, "Guy's and St Thomas'");
}

#[test]
fn with_a_site_what_concerns_the_whole_organisation_is_left_out() {
    let mut trust = trust();
    trust.figures("A1", 28, 2);
    let of_site = |site: &str| {
        let query = AlertQuery { sites: vec![site.to_owned()], ..AlertQuery::default() };
        situation(&material(&trust), &trust.book, &Ask { query, ..ask() }, trust.now).total.unwrap()
    };
    let here = of_site("RJ121");
    assert_eq!((here.ward_count, here.holes.unwrap().wards_above_limit, here.forecast_count), (3, 1, 0));
    assert!(here.activity.is_none());
    let there = of_site("RJ122");
    assert_eq!((there.ward_count, there.cover_group_count, there.holes.unwrap().wards_above_limit), (0, 0, 0));
}
