//! A strike day on the running service: what opens, is missing and is derived is published once, by whichever replica,
//! with no report arriving (T1).

use std::sync::Arc;

use wardwatch::clock::ManualClock;
use wardwatch::domain::{Span, Time};
use wardwatch::wire::pb::{self, CauseKind, MedicalGrade, Severity, StaffingReport};
use wardwatch::wire::timestamp_to;

use crate::service::promises::{LATEST, settled, two};
use crate::support::hospital::{adult, clock, figures, morning, report, ward};
use crate::support::service::{Service, eventually, on_both_stores};

const GROUP: &str = "organisations/RJ1/coverGroups/GENMED";

/// The wards, a cover group of the first with one registrar as its minimum, and a strike from 10:00 to 17:00 UTC.
pub async fn announce(service: &Service) {
    service.register_wards(vec![adult(&ward(1)), adult(&ward(2))]).await;
    let minimum = pb::CoverMinimum { tier: 2, period: pb::CoverPeriod::AllDay.into(), doctors: Some(1) };
    let group =
        pb::CoverGroup { name: GROUP.into(), wards: vec![ward(1)], minima: vec![minimum], ..Default::default() };
    let request = pb::UpsertCoverGroupsRequest { cover_groups: vec![group], validate_only: false };
    service.register().upsert_cover_groups(request).await.unwrap();
    let window = pb::StrikeWindow {
        start_local: "2016-04-26T11:00".into(),
        end_local: "2016-04-26T18:00".into(),
        ..Default::default()
    };
    let scope = pb::StrikeScope { organisations: vec!["organisations/RJ1".into()], ..Default::default() };
    let strike = pb::Strike {
        name: "strikes/bma".into(),
        union: "BMA".into(),
        staff_group: pb::StaffGroup::ResidentDoctors.into(),
        mode: pb::StrikeMode::FullWithdrawal.into(),
        elective_policy: pb::ElectivePolicy::EmergencyOnly.into(),
        scope: Some(scope),
        windows: vec![window],
        ..Default::default()
    };
    let request = pb::CreateStrikeRequest { strike: Some(strike), ..Default::default() };
    service.strikes().create_strike(request).await.unwrap();
}

pub fn cover(at: Time, grades: &[(MedicalGrade, i32)]) -> StaffingReport {
    let grade = |(grade, at_work): &(MedicalGrade, i32)| pb::GradeCover {
        grade: (*grade).into(),
        at_work: Some(*at_work),
        ..Default::default()
    };
    let medical_cover = Some(pb::MedicalCover { grades: grades.iter().map(grade).collect() });
    StaffingReport { ward: String::new(), cover_group: GROUP.into(), medical_cover, ..report("", at, "MEDROTA") }
}

fn planned(at: Time, registrars: i32) -> StaffingReport {
    let (start, end) = (morning() + Span::hours(2), morning() + Span::hours(9));
    let (start_time, end_time) = (Some(timestamp_to(start)), Some(timestamp_to(end)));
    let plan_period = Some(pb::PlanPeriod { start_time, end_time, withdrawn: false });
    StaffingReport { plan_period, ..cover(at, &[(MedicalGrade::Consultant, 1), (MedicalGrade::Registrar, registrars)]) }
}

/// Open alerts, forecasts too: rule, subject's code, severity.
async fn open(service: &Service) -> Vec<(String, String, Severity)> {
    let filter = pb::AlertFilter { include_forecasts: true, ..Default::default() };
    let alerts = service.list(pb::ListAlertsRequest { filter: Some(filter), ..Default::default() }).await;
    let mut open: Vec<_> = alerts
        .iter()
        .map(|a| (a.rule.clone(), a.subject.rsplit('/').next().unwrap_or_default().to_owned(), a.severity()))
        .collect();
    open.sort();
    open
}

fn said(rule: &str, code: &str, severity: Severity) -> (String, String, Severity) {
    (rule.to_owned(), code.to_owned(), severity)
}

async fn pass_to(clock: &Arc<ManualClock>, services: &[Arc<Service>; 2], at: Time) {
    clock.advance_to(at);
    settled(services).await;
    settled(services).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_a_window_opens_and_closes_and_a_hole_is_seen_with_no_report_arriving_once() {
    on_both_stores(async |place| {
        let clock = clock();
        let services = two(&place, &clock).await;
        announce(&services[0]).await;
        services[0].report(figures(&ward(1), morning(), 28, 3)).await;
        services[1].report(cover(morning(), &[(MedicalGrade::Consultant, 1), (MedicalGrade::Registrar, 0)])).await;
        services[1].report(planned(morning(), 1)).await;
        pass_to(&clock, &services, morning() + Span::hours(1)).await;
        services[0].report(figures(&ward(1), morning() + Span::hours(1), 28, 3)).await;
        services[0].report(figures(&ward(2), morning() + Span::hours(1), 16, 2)).await;
        pass_to(&clock, &services, morning() + Span::hours(2) - Span::millis(1)).await;
        assert_eq!(open(&services[1]).await, [said("ratio.over_limit", "A1", Severity::Warning)]);
        clock.advance_to(morning() + Span::hours(2) + LATEST);
        let holes = [
            said("cover.below_minimum", "GENMED", Severity::Critical),
            said("ratio.over_limit", "A1", Severity::Warning),
            said("ward.double_gap", "A1", Severity::Critical),
        ];
        eventually("the window's holes are seen", async || open(&services[1]).await == holes).await;
        settled(&services).await;
        for alert in services[0].list(pb::ListAlertsRequest::default()).await {
            if alert.rule != "ratio.over_limit" {
                let events = services[1].events(&alert.name).await;
                assert_eq!(events.len(), 1, "{events:?}");
                assert_eq!(events[0].cause.as_ref().unwrap().kind(), CauseKind::Timer);
                assert_eq!(alert.strike, "strikes/bma");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ward_and_its_cover_group_reported_in_one_call_are_a_double_gap() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        announce(&service).await;
        let now = morning() + Span::hours(2);
        clock.advance_to(now);
        service.settled().await;
        // The ward is in memory with what it read of its group before.
        service.report(figures(&ward(1), now, 16, 2)).await;
        let hole = cover(now, &[(MedicalGrade::Consultant, 1), (MedicalGrade::Registrar, 0)]);
        service.submit(vec![hole, figures(&ward(1), now + Span::seconds(1), 28, 3)]).await;
        let holes = [
            said("cover.below_minimum", "GENMED", Severity::Critical),
            said("ratio.over_limit", "A1", Severity::Warning),
            said("ward.double_gap", "A1", Severity::Critical),
        ];
        service.settled().await;
        let mut seen = open(&service).await;
        seen.retain(|(rule, ..)| rule != "report.overdue");
        assert_eq!(seen, holes);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_missing_returns_are_one_alert_of_the_organisation_an_hour_after_the_window_opened() {
    on_both_stores(async |place| {
        let clock = clock();
        let services = two(&place, &clock).await;
        announce(&services[0]).await;
        pass_to(&clock, &services, morning() + Span::hours(3) - Span::millis(1)).await;
        let missing = async |service: &Service| {
            let all = open(service).await;
            all.into_iter().filter(|(rule, ..)| rule == "cover.not_reported").collect::<Vec<_>>()
        };
        assert_eq!(missing(&services[0]).await, []);
        clock.advance_to(morning() + Span::hours(3) + LATEST);
        let warning = [said("cover.not_reported", "RJ1", Severity::Warning)];
        eventually("the return is missed", async || missing(&services[0]).await == warning).await;
        clock.advance_to(morning() + Span::hours(4) + LATEST);
        let critical = [said("cover.not_reported", "RJ1", Severity::Critical)];
        eventually("it is critical at twice the time", async || missing(&services[1]).await == critical).await;
        settled(&services).await;
        let alerts = services[0].list(pb::ListAlertsRequest::default()).await;
        let alert = alerts.iter().find(|a| a.rule == "cover.not_reported").unwrap();
        assert_eq!((alert.cover_groups.as_slice(), alert.cover_group_count), (&[GROUP.to_owned()][..], 1));
        assert_eq!(services[1].events(&alert.name).await.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strike_called_off_ends_its_alerts_with_its_reason_at_once() {
    on_both_stores(async |place| {
        let clock = clock();
        let services = two(&place, &clock).await;
        announce(&services[0]).await;
        pass_to(&clock, &services, morning() + Span::hours(2)).await;
        let now = morning() + Span::hours(2);
        services[0].report(cover(now, &[(MedicalGrade::Consultant, 0), (MedicalGrade::Registrar, 0)])).await;
        settled(&services).await;
        let request = pb::CallOffStrikeRequest {
            name: "strikes/bma".into(),
            reason: pb::CallOffReason::Suspended.into(),
            ..Default::default()
        };
        services[1].strikes().call_off_strike(request).await.unwrap();
        eventually("nothing of the strike stands", async || {
            settled(&services).await;
            open(&services[0]).await.iter().all(|(rule, ..)| !rule.starts_with("cover."))
        })
        .await;
        let ended = services[0].list(pb::ListAlertsRequest { states: vec![3], ..Default::default() }).await;
        let of_cover: Vec<_> = ended.iter().filter(|a| a.cover_group == GROUP).collect();
        assert_eq!(of_cover.len(), 2, "{of_cover:?}");
        for alert in of_cover {
            assert_eq!(alert.resolution(), pb::Resolution::Suspended);
            let events = services[0].events(&alert.name).await;
            assert_eq!(events.last().unwrap().cause.as_ref().unwrap().kind(), CauseKind::Strike);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_in_a_plan_is_a_forecast_until_a_new_plan_comes() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        announce(&service).await;
        let receipt = service.report(planned(morning(), 0)).await;
        assert_eq!((receipt.outcome(), receipt.changed_alerts.len()), (pb::ReceiptOutcome::Accepted, 1));
        service.settled().await;
        assert_eq!(open(&service).await, [said("cover.plan_gap", "GENMED", Severity::Critical)]);
        assert_eq!(service.open_alerts().await, [], "who asks for no forecasts gets none");
        let again = service.report(planned(morning() + Span::minutes(1), 1)).await;
        assert_eq!(again.changed_alerts, receipt.changed_alerts);
        assert_eq!(open(&service).await, []);
        let ended = service.events(&receipt.changed_alerts[0]).await;
        let end = ended.last().unwrap().alert.as_ref().unwrap();
        assert_eq!((end.resolution(), end.forecast), (pb::Resolution::PlanReplaced, true));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_doctors_were_absent_is_taken_in_and_given_back_to_nobody() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        announce(&service).await;
        let mut told = cover(morning(), &[(MedicalGrade::Registrar, 1)]);
        let grade = &mut told.medical_cover.as_mut().unwrap().grades[0];
        (grade.absent_industrial_action, grade.absent_other) = (Some(3), Some(1));
        let receipt = service.report(told).await;
        let request = pb::GetReportRequest { name: receipt.name };
        let stored = service.reporting().get_report(request).await.unwrap().into_inner().report.unwrap();
        let request = pb::GetCoverGroupRequest { name: GROUP.into() };
        let current = service.register().get_cover_group(request).await.unwrap().into_inner().current.unwrap();
        for report in [stored.report.unwrap(), current] {
            let grade = &report.medical_cover.unwrap().grades[0];
            assert_eq!((grade.at_work, grade.absent_industrial_action, grade.absent_other), (Some(1), None, None));
        }
    })
    .await;
}
