//! The readiness return of a cover group, shift by shift.

use std::sync::Arc;

use crate::domain::{
    BlockKey, Blocks, Context, CoverGroup, CoverMinimum, CoverPeriod, Current, Derogation, DerogationState, GradeCover,
    GroupFacts, MedicalCover, MedicalGrade, Period, Plan, ShiftName, Strike, StrikeMode, SubjectName, SubjectState,
    Tier, Time,
};
use crate::rules::tests::fixture::{id, organisation};
use crate::rules::tests::windows::{at, strike};
use crate::rules::{CoverBasis, CoverRow, TierRow, TierStanding, strike_cover};

fn group() -> SubjectName {
    "organisations/RJ1/coverGroups/GENMED".parse().unwrap()
}

/// A group with these minima, under one strike.
fn facts(strike: &Strike, minima: &[(Tier, CoverPeriod, u32)]) -> GroupFacts {
    let minimum = |(tier, period, doctors): &(Tier, CoverPeriod, u32)| CoverMinimum {
        tier: *tier,
        period: *period,
        doctors: *doctors,
    };
    let group = CoverGroup {
        code: "GENMED".parse().unwrap(),
        minima: minima.iter().map(minimum).collect(),
        implicit: false,
        ..CoverGroup::implicit_all("RJ1".parse().unwrap())
    };
    GroupFacts {
        number: 7,
        group: Arc::new(group),
        organisation: Arc::new(organisation()),
        context: Arc::new(Context { strikes: vec![Arc::new(strike.clone())], ..Context::default() }),
        wards: Vec::new(),
        in_force: true,
    }
}

fn at_work(grade: MedicalGrade, at_work: u32) -> GradeCover {
    GradeCover {
        grade,
        expected: None,
        at_work,
        on_call: None,
        acting_as_tier1: None,
        acting_as_tier2: None,
        absent_industrial_action: None,
        absent_other: None,
    }
}

fn blocks(observed: &str, grades: Vec<GradeCover>) -> Blocks {
    let key = BlockKey { observed: at(observed), revision: 0, report: id(1) };
    let (source, heard) = ("ROTA".parse().unwrap(), at(observed));
    let body = MedicalCover::new(grades);
    let cover = Current { key, digest: 0, source, heard, correction: false, doubt: None, body };
    Blocks { medical_cover: Some(cover), ..Blocks::default() }
}

fn plan(start: &str, end: &str, grades: Vec<GradeCover>) -> Plan {
    let period = Period::new(at(start), at(end)).unwrap();
    Plan { blocks: blocks("2016-04-25T09:00:00Z", grades), ..Plan::new(period) }
}

fn april() -> Strike {
    strike("bma", &[("2016-04-26T08:00", "2016-04-26T17:00")])
}

fn rows(strike: &Strike, facts: &GroupFacts, state: &SubjectState, basis: CoverBasis, now: &str) -> Vec<CoverRow> {
    let windows: Vec<_> = strike.planned().collect();
    strike_cover(strike, &windows, (&group(), facts, state), basis, at(now))
}

fn planned(strike: &Strike, facts: &GroupFacts, plans: Vec<Plan>) -> Vec<CoverRow> {
    let state = SubjectState { plans, ..SubjectState::default() };
    rows(strike, facts, &state, CoverBasis::Plan, "2016-04-25T10:00:00Z")
}

fn actual(strike: &Strike, facts: &GroupFacts, blocks: Blocks, now: &str) -> CoverRow {
    let state = SubjectState { blocks, ..SubjectState::default() };
    rows(strike, facts, &state, CoverBasis::Actual, now).remove(0)
}

fn times(rows: &[CoverRow]) -> Vec<(String, String)> {
    let hhmm = |t: Time| t.to_string()[11..16].to_owned();
    rows.iter().map(|r| (hhmm(r.start), hhmm(r.end))).collect()
}

fn standings(row: &CoverRow) -> [TierStanding; 3] {
    row.tiers.map(|t| t.standing)
}

const CONSULTANT: MedicalGrade = MedicalGrade::Consultant;

#[test]
fn a_plan_for_a_part_of_the_shift_leaves_the_rest_not_reported() {
    let strike = april();
    let facts = facts(&strike, &[(Tier::One, CoverPeriod::AllDay, 2)]);
    let grades = vec![at_work(MedicalGrade::F2, 2), at_work(CONSULTANT, 1)];
    let plans = vec![plan("2016-04-26T06:00:00Z", "2016-04-26T12:00:00Z", grades)];
    let rows = planned(&strike, &facts, plans);
    let hours = [("07:00", "12:00"), ("12:00", "16:00")].map(|(from, to)| (from.to_owned(), to.to_owned()));
    assert_eq!(times(&rows), hours);
    assert_eq!(standings(&rows[0]), [TierStanding::Covered, TierStanding::NoMinimum, TierStanding::Covered]);
    let unknown = TierStanding::NotReported;
    assert_eq!(standings(&rows[1]), [unknown, TierStanding::NoMinimum, unknown], "never taken for zero");
    let from = rows[0].from.as_ref().unwrap();
    assert_eq!((from.source.as_str(), from.period.map(|p| p.end)), ("ROTA", Some(at("2016-04-26T12:00:00Z"))));
    assert!(rows[1].from.is_none() && rows[1].stale && !rows[0].stale);
    assert_eq!(rows[1].tiers[0].doctors, None);
}

#[test]
fn a_consultant_acting_down_fills_the_tier_she_acts_in_and_is_shown() {
    let strike = april();
    let facts = facts(&strike, &[(Tier::One, CoverPeriod::Day, 3), (Tier::Two, CoverPeriod::Day, 1)]);
    let down = GradeCover { acting_as_tier1: Some(1), on_call: Some(2), expected: Some(3), ..at_work(CONSULTANT, 2) };
    let grades = vec![at_work(MedicalGrade::F1, 1), at_work(MedicalGrade::Registrar, 0), down];
    let rows = planned(&strike, &facts, vec![plan("2016-04-26T07:00:00Z", "2016-04-26T16:00:00Z", grades)]);
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(standings(row), [TierStanding::Gap(1), TierStanding::Gap(1), TierStanding::Covered]);
    let expected = TierRow {
        tier: Tier::One,
        standing: TierStanding::Gap(1),
        minimum: Some(3),
        doctors: Some(2),
        acting_down: Some(1),
        on_call: None,
        granted: None,
        expected: None,
    };
    assert_eq!(row.tiers[0], expected);
    let three = row.tiers[2];
    assert_eq!((three.doctors, three.on_call, three.expected, three.minimum), (Some(1), Some(2), Some(3), Some(1)));
}

#[test]
fn a_full_withdrawal_asks_for_a_senior_and_only_a_group_that_says_so_counts_one_on_call() {
    let strike = april();
    let on_call = vec![GradeCover { on_call: Some(1), ..at_work(CONSULTANT, 0) }];
    let all_day = || vec![plan("2016-04-26T07:00:00Z", "2016-04-26T16:00:00Z", on_call.clone())];
    let at_work_only = facts(&strike, &[]);
    assert_eq!(standings(&planned(&strike, &at_work_only, all_day())[0])[2], TierStanding::Gap(1));
    let group = CoverGroup { tier3_on_call_counts: true, ..CoverGroup::clone(&at_work_only.group) };
    let counts = GroupFacts { group: Arc::new(group), ..at_work_only.clone() };
    assert_eq!(standings(&planned(&strike, &counts, all_day())[0])[2], TierStanding::Covered);
    let emergency = Strike { mode: StrikeMode::EmergencyCareOnly, ..strike };
    assert_eq!(standings(&planned(&emergency, &at_work_only, all_day())[0])[2], TierStanding::NoMinimum);
}

#[test]
fn the_night_has_its_own_minimum() {
    let strike = strike("bma", &[("2016-04-26T08:00", "2016-04-27T08:00")]);
    let facts = facts(&strike, &[(Tier::One, CoverPeriod::AllDay, 4), (Tier::One, CoverPeriod::Night, 2)]);
    let rows = planned(&strike, &facts, Vec::new());
    let minima: Vec<_> = rows.iter().map(|r| (r.shift, r.tiers[0].minimum)).collect();
    assert_eq!(minima, [(ShiftName::Day, Some(4)), (ShiftName::Night, Some(2)), (ShiftName::Day, Some(4))]);
}

#[test]
fn what_the_union_grants_is_expected_and_lowers_no_minimum() {
    let mut strike = april();
    let (effective, state) = (at("2016-04-26T07:00:00Z"), DerogationState::Granted);
    strike.derogations.push(Derogation { group: group(), tier: Tier::Two, effective, number: 2, state });
    let facts = facts(&strike, &[(Tier::Two, CoverPeriod::AllDay, 3)]);
    let tier = planned(&strike, &facts, Vec::new())[0].tiers[1];
    assert_eq!((tier.granted, tier.expected, tier.minimum), (Some(2), Some(2), Some(3)));
    assert_eq!(tier.standing, TierStanding::NotReported);
}

#[test]
fn two_plans_for_the_same_hours_are_both_shown() {
    let strike = april();
    let facts = facts(&strike, &[]);
    let day = || vec![at_work(CONSULTANT, 1)];
    let plans = vec![
        plan("2016-04-26T06:30:00Z", "2016-04-26T19:00:00Z", day()),
        plan("2016-04-26T15:00:00Z", "2016-04-26T23:00:00Z", day()),
    ];
    let hours = [("07:00", "15:00"), ("15:00", "16:00"), ("15:00", "16:00")];
    assert_eq!(times(&planned(&strike, &facts, plans)), hours.map(|(from, to)| (from.to_owned(), to.to_owned())));
}

#[test]
fn doctors_at_work_are_shown_while_the_shift_is_on_and_overdue_ones_are_no_cover() {
    let strike = april();
    let facts = facts(&strike, &[(Tier::One, CoverPeriod::AllDay, 1)]);
    let doctors = || blocks("2016-04-26T06:30:00Z", vec![at_work(MedicalGrade::F1, 1), at_work(CONSULTANT, 1)]);
    let before = actual(&strike, &facts, doctors(), "2016-04-26T06:45:00Z");
    assert_eq!((before.from, standings_of(before.tiers)), (None, TierStanding::NotReported), "not for later");
    let open = actual(&strike, &facts, doctors(), "2016-04-26T07:59:00Z");
    assert_eq!((open.stale, standings_of(open.tiers)), (false, TierStanding::Covered), "held until an hour after");
    let overdue = actual(&strike, &facts, doctors(), "2016-04-26T08:00:00Z");
    assert_eq!((overdue.stale, standings_of(overdue.tiers)), (true, TierStanding::NotReported));
    assert_eq!(overdue.tiers[0].doctors, Some(1), "the old figure is shown, and is stale");
    let inside = blocks("2016-04-26T15:00:00Z", vec![at_work(MedicalGrade::F1, 1)]);
    let after = actual(&strike, &facts, inside, "2016-04-26T18:00:00Z");
    assert_eq!((after.stale, standings_of(after.tiers)), (false, TierStanding::Covered), "as it was");
}

fn standings_of(tiers: [TierRow; 3]) -> TierStanding {
    tiers[0].standing
}
