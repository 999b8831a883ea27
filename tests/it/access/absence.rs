//! Who was absent and why is special-category data: totals of organisations only, small ones for the employer's own planner.

use wardwatch::clock::SystemClock;
use wardwatch::domain::Clock;
use wardwatch::wire::{pb, timestamp_to};

use super::rig::{As, Guarded, Permissions};
use crate::support::hospital::report;
use crate::support::service::within;

fn group(organisation: &str) -> String {
    format!("organisations/{organisation}/coverGroups/GENMED")
}

fn absent(organisation: &str, industrial: i32, other: i32) -> pb::StaffingReport {
    let now = SystemClock::default().now();
    let grade = |grade: pb::MedicalGrade, industrial, other| pb::GradeCover {
        grade: grade.into(),
        at_work: Some(5),
        absent_industrial_action: Some(industrial),
        absent_other: Some(other),
        ..Default::default()
    };
    let grades = vec![grade(pb::MedicalGrade::F1, industrial - 1, other), grade(pb::MedicalGrade::Consultant, 1, 0)];
    pb::StaffingReport {
        ward: String::new(),
        cover_group: group(organisation),
        observed_time: Some(timestamp_to(now)),
        medical_cover: Some(pb::MedicalCover { grades }),
        ..report("", now, "MEDROTA")
    }
}

async fn hospitals() -> (Guarded, String, String) {
    let mut permissions = Permissions::new();
    let planner = permissions.token("planner", "planner", "RJ1");
    let subscriber = permissions.token("subscriber", "subscriber", "RJ1 RYJ");
    let guarded = Guarded::start(permissions).await.with_wards().await;
    let root = guarded.by(&guarded.root).await;
    let groups = ["RJ1", "RYJ"].map(|organisation| pb::CoverGroup { name: group(organisation), ..Default::default() });
    let request = pb::UpsertCoverGroupsRequest { cover_groups: groups.to_vec(), validate_only: false };
    within(root.register().upsert_cover_groups(request)).await.unwrap();
    let reports = vec![absent("RJ1", 3, 20), absent("RYJ", 12, 9)];
    let request = pb::SubmitReportsRequest { reports, validate_only: false };
    let receipts = within(root.reporting().submit_reports(request)).await.unwrap().into_inner().receipts;
    assert!(receipts.iter().all(|r| r.outcome() == pb::ReceiptOutcome::Accepted), "{receipts:?}");
    (guarded, planner, subscriber)
}

async fn seen(by: &As) -> (Option<pb::SituationAbsence>, Vec<Option<pb::SituationAbsence>>) {
    let answer = within(by.situations().get_situation(pb::GetSituationRequest::default())).await.unwrap();
    let situation = answer.into_inner().situation.unwrap();
    (situation.total.unwrap().absence, situation.organisations.into_iter().map(|o| o.absence).collect())
}

fn shown(industrial: i32, other: i32, suppressed_organisations: i32) -> pb::SituationAbsence {
    let (industrial_action, other) = (Some(industrial), Some(other));
    pb::SituationAbsence { industrial_action, other, suppressed_organisations }
}

#[tokio::test]
async fn one_to_seven_absent_doctors_are_suppressed_with_all_that_would_tell_them() {
    let (guarded, _, subscriber) = hospitals().await;
    let suppressed = pb::SituationAbsence { suppressed_organisations: 1, ..Default::default() };
    for token in [&subscriber, &guarded.root] {
        let (total, organisations) = seen(&guarded.by(token).await).await;
        assert_eq!(
            organisations,
            [Some(suppressed), Some(shown(12, 9, 0))],
            "also for those bound to all organisations"
        );
        assert_eq!(total, Some(shown(12, 9, 1)), "and not to be had by subtraction");
    }
}

/// Otherwise whoever may report could raise the sum until it is shown, and take off what was added.
#[tokio::test]
async fn a_small_figure_of_one_group_is_not_shown_by_making_anothers_great_nor_while_a_group_is_missing() {
    let (guarded, _, subscriber) = hospitals().await;
    let root = guarded.by(&guarded.root).await;
    let of = async || seen(&guarded.by(&subscriber).await).await.1;
    let surgery = "organisations/RYJ/coverGroups/SURG".to_owned();
    let group = pb::CoverGroup { name: surgery.clone(), ..Default::default() };
    let request = pb::UpsertCoverGroupsRequest { cover_groups: vec![group], validate_only: false };
    within(root.register().upsert_cover_groups(request)).await.unwrap();
    let suppressed = Some(pb::SituationAbsence { suppressed_organisations: 1, ..Default::default() });
    assert_eq!(of().await[1], suppressed, "one of two groups is not the organisation");
    for (industrial, other, expected) in [(3, 40, suppressed), (30, 40, Some(shown(42, 49, 0)))] {
        let report = pb::StaffingReport { cover_group: surgery.clone(), ..absent("RYJ", industrial, other) };
        let request = pb::SubmitReportsRequest { reports: vec![report], validate_only: false };
        within(root.reporting().submit_reports(request)).await.unwrap();
        assert_eq!(of().await[1], expected);
    }
}

#[tokio::test]
async fn the_employers_own_planner_sees_its_own_figures() {
    let (guarded, planner, _) = hospitals().await;
    let (total, organisations) = seen(&guarded.by(&planner).await).await;
    assert_eq!((total, organisations), (Some(shown(3, 20, 0)), vec![Some(shown(3, 20, 0))]));
}

#[tokio::test]
async fn why_doctors_were_absent_is_in_no_other_answer() {
    let (guarded, planner, _) = hospitals().await;
    let by = guarded.by(&planner).await;
    let get = pb::GetCoverGroupRequest { name: group("RJ1") };
    let current = within(by.register().get_cover_group(get)).await.unwrap().into_inner().current.unwrap();
    let grades = current.medical_cover.unwrap().grades;
    assert_eq!(grades.len(), 2);
    assert!(grades.iter().all(|g| g.absent_industrial_action.is_none() && g.absent_other.is_none()), "{grades:?}");
    let as_of_site = pb::SituationFilter { organisations: vec!["organisations/RJ1".into()], ..Default::default() };
    let past = pb::GetSituationRequest {
        filter: Some(as_of_site),
        as_of_time: Some(timestamp_to(SystemClock::default().now())),
        ..Default::default()
    };
    let situation = within(by.situations().get_situation(past)).await.unwrap().into_inner().situation.unwrap();
    assert_eq!(situation.total.unwrap().absence, None, "nor as of a past time");
}
