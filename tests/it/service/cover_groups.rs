//! Cover groups: the one that stands for a whole organisation, those that are registered, and the doctors they report;
//! each on both stores.

use tonic::{Code, Status};
use wardwatch::domain::Span;
use wardwatch::wire::pb::{
    self, BlockKind, CoverGroup, CoverPeriod, Evaluation, MedicalGrade, ReceiptOutcome, RejectReason, Resolution,
    StaffingReport, WardStatus,
};
use wardwatch::wire::to_time;

use crate::service::strikes::{april, create};
use crate::support::hospital::{adult, clock, fields, figures, morning, report, violations, ward};
use crate::support::service::{Service, on_both_stores, within};

fn group(code: &str) -> String {
    format!("organisations/RJ1/coverGroups/{code}")
}

/// General medicine over the first two wards, with four doctors in tier 1 by day and two by night.
fn medicine() -> CoverGroup {
    let minimum =
        |period: CoverPeriod, doctors| pb::CoverMinimum { tier: 1, period: period.into(), doctors: Some(doctors) };
    CoverGroup {
        name: group("GENMED"),
        display_name: "General medicine".into(),
        specialty: "300".into(),
        wards: vec![ward(1), ward(2)],
        minima: vec![minimum(CoverPeriod::AllDay, 4), minimum(CoverPeriod::Night, 2)],
        ..Default::default()
    }
}

fn grade(grade: MedicalGrade, at_work: i32) -> pb::GradeCover {
    pb::GradeCover { grade: grade.into(), at_work: Some(at_work), ..Default::default() }
}

/// The doctors of a group: a consultant acts down in tier 1, one of three.
fn doctors(code: &str) -> StaffingReport {
    let consultants = pb::GradeCover {
        acting_as_tier1: Some(1),
        absent_industrial_action: Some(0),
        ..grade(MedicalGrade::Consultant, 3)
    };
    let juniors =
        pb::GradeCover { absent_industrial_action: Some(5), absent_other: Some(1), ..grade(MedicalGrade::Core, 2) };
    StaffingReport {
        cover_group: group(code),
        medical_cover: Some(pb::MedicalCover { grades: vec![consultants, juniors] }),
        ..report("", morning(), "ROTA")
    }
}

async fn upsert(service: &Service, cover_groups: Vec<CoverGroup>) -> Result<(i32, i32, i32), Status> {
    let request = pb::UpsertCoverGroupsRequest { cover_groups, validate_only: false };
    let done = within(service.register().upsert_cover_groups(request)).await?.into_inner();
    Ok((done.created_count, done.updated_count, done.unchanged_count))
}

async fn get(service: &Service, code: &str) -> Result<pb::GetCoverGroupResponse, Status> {
    let request = pb::GetCoverGroupRequest { name: group(code) };
    Ok(within(service.register().get_cover_group(request)).await?.into_inner())
}

/// The codes of the groups that are listed.
async fn listed(service: &Service) -> Vec<String> {
    let request = pb::ListCoverGroupsRequest { parent: "organisations/-".into(), ..Default::default() };
    let page = within(service.register().list_cover_groups(request)).await.unwrap().into_inner();
    page.cover_groups.iter().map(|g| g.name.replace("organisations/", "").replace("/coverGroups", "")).collect()
}

fn tiers(answer: &pb::GetCoverGroupResponse) -> Vec<(i32, Option<i32>, Option<i32>)> {
    answer.tiers.iter().map(|t| (t.tier, t.doctors, t.minimum)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organisation_that_registers_no_group_has_one_for_every_ward() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(3).await;
        assert_eq!(listed(&service).await, ["RJ1/ALL"]);
        let all = get(&service, "ALL").await.unwrap();
        assert!(all.cover_group.unwrap().implicit);
        assert_eq!(all.wards, [ward(1), ward(2), ward(3)]);
        assert_eq!((all.status, all.blocks.len()), (WardStatus::NeverReported.into(), 0));

        let receipt = service.report(doctors("ALL")).await;
        assert_eq!(receipt.outcome(), ReceiptOutcome::Accepted, "{receipt:?}");
        let all = get(&service, "ALL").await.unwrap();
        assert_eq!(all.status(), WardStatus::Ok, "no strike asks anything of it");
        assert_eq!(tiers(&all), [(1, Some(3), None), (2, None, None), (3, Some(2), None)]);
        assert_eq!(all.blocks.iter().map(pb::CurrentBlock::block).collect::<Vec<_>>(), [BlockKind::MedicalCover]);
        assert_eq!(all.blocks[0].overdue_time, None, "medical cover ages only inside a strike");
        assert!(all.evaluations.iter().all(|e| e.evaluation() == Evaluation::Disabled), "{:?}", all.evaluations);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_absent_and_why_is_shown_of_no_group() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        let receipt = service.report(doctors("ALL")).await;
        let current = get(&service, "ALL").await.unwrap().current.unwrap();
        let request = pb::GetReportRequest { name: receipt.name.clone() };
        let stored = within(service.reporting().get_report(request)).await.unwrap().into_inner().report.unwrap();
        let request = pb::ListReportsRequest {
            parent: group("ALL"),
            start_time: Some(wardwatch::wire::timestamp_to(morning())),
            end_time: Some(wardwatch::wire::timestamp_to(morning() + Span::hours(1))),
            ..Default::default()
        };
        let listed = within(service.reporting().list_reports(request)).await.unwrap().into_inner();
        for shown in [Some(current), stored.report, listed.reports[0].report.clone()] {
            let grades = shown.unwrap().medical_cover.unwrap().grades;
            assert_eq!(grades.iter().map(|g| g.at_work).collect::<Vec<_>>(), [Some(2), Some(3)]);
            assert!(grades.iter().all(|g| g.absent_industrial_action.is_none() && g.absent_other.is_none()));
        }
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_registered_group_takes_the_place_of_all_until_it_is_closed() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(3).await;
        assert_eq!(upsert(&service, vec![medicine()]).await.unwrap(), (1, 0, 0));
        assert_eq!(upsert(&service, vec![medicine()]).await.unwrap(), (0, 0, 1));
        assert_eq!(listed(&service).await, ["RJ1/GENMED"]);
        let status = get(&service, "ALL").await.unwrap_err();
        let text = "organisations/RJ1/coverGroups/ALL (nearest: organisations/RJ1/coverGroups/GENMED) does not exist";
        assert_eq!((status.code(), status.message()), (Code::NotFound, text));
        let refused = violations(&service.report(doctors("ALL")).await).remove(0);
        assert_eq!((refused.0.as_str(), refused.1), ("cover_group", RejectReason::UnknownSubject));
        assert!(refused.2.contains("(nearest: organisations/RJ1/coverGroups/GENMED)"), "{}", refused.2);

        let receipt = service.report(doctors("GENMED")).await;
        assert_eq!(receipt.outcome(), ReceiptOutcome::Accepted, "{receipt:?}");
        let found = get(&service, "GENMED").await.unwrap();
        assert_eq!(found.wards, [ward(1), ward(2)]);
        // 08:00 UTC is the day shift: the minimum of the night is not in force.
        assert_eq!(tiers(&found), [(1, Some(3), Some(4)), (2, None, None), (3, Some(2), None)]);

        let closed = CoverGroup { state: pb::WardState::Closed.into(), ..medicine() };
        assert_eq!(upsert(&service, vec![closed]).await.unwrap(), (0, 1, 0));
        assert_eq!(listed(&service).await, ["RJ1/ALL", "RJ1/GENMED"]);
        assert_eq!(get(&service, "GENMED").await.unwrap().status(), WardStatus::Closed);
        assert_eq!(service.report(doctors("ALL")).await.outcome(), ReceiptOutcome::Accepted);
        let refused = violations(&service.report(doctors("GENMED")).await).remove(0);
        assert_eq!((refused.0.as_str(), refused.1), ("cover_group", RejectReason::UnknownSubject));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_reports_doctors_on_a_ward_is_told_its_cover_groups() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(3).await;
        let told = async |n| {
            let report =
                StaffingReport { medical_cover: doctors("ALL").medical_cover, ..figures(&ward(n), morning(), 3, 3) };
            let (field, reason, text) = violations(&service.report(report).await).remove(0);
            assert_eq!((field.as_str(), reason), ("medical_cover", RejectReason::CoverGroupNeeded));
            text.replace("doctors are counted once, on a cover group", "").replace("organisations/RJ1/coverGroups/", "")
        };
        assert_eq!(told(1).await, ": ALL");
        let surgery = CoverGroup { name: group("SURG"), wards: vec![ward(2)], ..Default::default() };
        upsert(&service, vec![medicine(), surgery]).await.unwrap();
        assert_eq!([told(1).await, told(2).await], [": GENMED", ": GENMED or SURG"]);
        assert_eq!(told(3).await, ", and none covers this ward: name it in one's wards");
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_groups_are_all_named_and_none_is_written() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(2).await;
        let two = medicine().minima[0];
        let rows = vec![
            medicine(),
            CoverGroup { name: "organisations/RJ1/wards/A1".into(), ..medicine() },
            CoverGroup {
                name: group("SURG"),
                minima: vec![two, two],
                wards: vec!["organisations/RXX/wards/B1".into()],
                ..Default::default()
            },
            medicine(),
        ];
        let status = upsert(&service, rows).await.unwrap_err();
        let expected =
            ["cover_groups[1].name", "cover_groups[2].wards[0]", "cover_groups[2].minima[1]", "cover_groups[3].name"];
        assert_eq!((status.code(), fields(&status)), (Code::InvalidArgument, expected.map(String::from).to_vec()));
        assert_eq!(listed(&service).await, ["RJ1/ALL"]);

        let elsewhere = CoverGroup { name: "organisations/RJ2/coverGroups/GENMED".into(), ..Default::default() };
        let unknown = CoverGroup { wards: vec![ward(2), ward(7), ward(1)], ..medicine() };
        let status = upsert(&service, vec![unknown, elsewhere]).await.unwrap_err();
        assert_eq!(fields(&status), ["cover_groups[0].wards[1]", "cover_groups[1].name"]);
        let text =
            "organisations/RJ1/wards/A7 is not registered (nearest: organisations/RJ1/wards/A1): register it first";
        assert!(status.message().contains(text), "{}", status.message());
        assert!(status.message().contains("(nearest: organisations/RJ1)"), "{}", status.message());

        let request = pb::UpsertCoverGroupsRequest { cover_groups: vec![medicine()], validate_only: true };
        let answer = within(service.register().upsert_cover_groups(request)).await.unwrap().into_inner();
        assert_eq!((answer.created_count, listed(&service).await), (1, vec!["RJ1/ALL".to_owned()]));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_may_be_registered_to_give_the_whole_organisation_minima() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(2).await;
        let all = CoverGroup { name: group("ALL"), minima: medicine().minima, ..Default::default() };
        assert_eq!(
            upsert(&service, vec![all]).await.unwrap(),
            (0, 1, 0),
            "it takes the place of the one that was there"
        );
        service.register_many(3).await;
        let found = get(&service, "ALL").await.unwrap();
        assert!(!found.cover_group.unwrap().implicit);
        assert_eq!(found.wards, [ward(1), ward(2), ward(3)], "also a ward that was registered later");
        upsert(&service, vec![medicine()]).await.unwrap();
        assert_eq!(listed(&service).await, ["RJ1/ALL", "RJ1/GENMED"], "what someone registered stays in force");
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_come_page_by_page_in_order() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_wards(vec![adult("organisations/RXX/wards/B1"), adult(&ward(1))]).await;
        let rows = (0..5).map(|n| CoverGroup { name: group(&format!("G{n}")), ..Default::default() }).collect();
        upsert(&service, rows).await.unwrap();
        let parent = "organisations/-".to_owned();
        let mut request = pb::ListCoverGroupsRequest { parent, page_size: 4, ..Default::default() };
        let first = within(service.register().list_cover_groups(request.clone())).await.unwrap().into_inner();
        request.page_token = first.next_page_token;
        let second = within(service.register().list_cover_groups(request)).await.unwrap().into_inner();
        assert!(!first.cursor.is_empty() && first.cursor == second.cursor && second.next_page_token.is_empty());
        let names: Vec<_> = first.cover_groups.iter().chain(&second.cover_groups).map(|g| g.name.as_str()).collect();
        let mut expected: Vec<_> = (0..5).map(|n| group(&format!("G{n}"))).collect();
        expected.push("organisations/RXX/coverGroups/ALL".to_owned());
        assert_eq!(names, expected);
        let only = pb::ListCoverGroupsRequest { parent: "organisations/RXX".into(), ..Default::default() };
        let only = within(service.register().list_cover_groups(only)).await.unwrap().into_inner();
        assert_eq!(only.cover_groups.len(), 1);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organisation_from_before_there_were_groups_gets_its_own_when_it_is_written_again() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        service.stop().await;
        place.execute("DELETE FROM subject_cold WHERE number IN (SELECT number FROM subject WHERE kind = 2)").await;
        for table in ["config", "subject"] {
            place.execute(&format!("DELETE FROM {table} WHERE kind = 2")).await;
        }
        let service = place.serve_by(&clock()).await;
        assert_eq!(listed(&service).await, [""; 0]);
        let organisation = pb::Organisation { name: "organisations/RJ1".into(), ..Default::default() };
        let request = pb::UpsertOrganisationsRequest { organisations: vec![organisation], validate_only: false };
        let answer = within(service.register().upsert_organisations(request)).await.unwrap().into_inner();
        assert_eq!((answer.created_count, answer.unchanged_count), (0, 1));
        assert_eq!(listed(&service).await, ["RJ1/ALL"]);
        service.stop().await;
    })
    .await;
}

/// Rule and subject of the open alerts about doctors.
async fn about_doctors(service: &Service) -> Vec<(String, String)> {
    service.settled().await;
    let open = service.open_alerts().await.into_iter();
    let doctors = open.filter(|(rule, ..)| rule.starts_with("cover.") || rule == "ward.double_gap");
    doctors.filter(|(rule, ..)| !rule.starts_with("cover.plan")).map(|(rule, subject, _)| (rule, subject)).collect()
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(rule, subject)| ((*rule).to_owned(), (*subject).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_ward_list_judges_the_wards_anew_that_were_and_that_will_be_covered() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(2).await;
        create(&service, april()).await;
        upsert(&service, vec![CoverGroup { wards: vec![ward(1)], ..medicine() }]).await.unwrap();
        service.submit(vec![figures(&ward(1), morning(), 20, 2), figures(&ward(2), morning(), 20, 2)]).await;
        service.report(doctors("GENMED")).await;
        let expected = pairs(&[("cover.below_minimum", "GENMED"), ("ward.double_gap", "A1")]);
        assert_eq!(about_doctors(&service).await, expected);

        let found = get(&service, "GENMED").await.unwrap();
        assert_eq!((found.status(), found.freshness()), (WardStatus::Critical, pb::Freshness::Fresh));
        let minimum = found.evaluations.iter().find(|e| e.rule == "cover.below_minimum").unwrap();
        assert_eq!(minimum.evaluation(), Evaluation::Breaching);
        // Figures of 08:00 UTC are those of the return at 09:00 in London; the next is due when the next day's window
        // opens.
        assert_eq!(to_time(found.blocks[0].overdue_time.unwrap()), Some(morning() + Span::hours(24)));

        upsert(&service, vec![CoverGroup { wards: vec![ward(2)], ..medicine() }]).await.unwrap();
        let expected = pairs(&[("cover.below_minimum", "GENMED"), ("ward.double_gap", "A2")]);
        assert_eq!(about_doctors(&service).await, expected);
        let ended = service.list(pb::ListAlertsRequest { states: vec![3], ..Default::default() }).await;
        let ended: Vec<_> = ended.iter().filter(|a| a.rule == "ward.double_gap").map(pb::Alert::resolution).collect();
        assert_eq!(ended, [Resolution::RegisterChanged]);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_open_about_all_ends_when_a_group_is_registered() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(2).await;
        create(&service, april()).await;
        let nobody = pb::MedicalCover { grades: vec![grade(MedicalGrade::Consultant, 0)] };
        service.report(StaffingReport { medical_cover: Some(nobody), ..doctors("ALL") }).await;
        service.report(figures(&ward(2), morning(), 20, 2)).await;
        let expected = pairs(&[("cover.no_senior", "ALL"), ("ward.double_gap", "A2")]);
        assert_eq!(about_doctors(&service).await, expected);
        upsert(&service, vec![CoverGroup { wards: vec![ward(1)], ..medicine() }]).await.unwrap();
        let open = about_doctors(&service).await;
        assert!(open.iter().all(|(rule, _)| rule == "cover.not_reported"), "{open:?}");
        let ended = service.list(pb::ListAlertsRequest { states: vec![3], ..Default::default() }).await;
        let ended: Vec<_> = ended.iter().map(|a| (a.rule.as_str(), a.resolution())).collect();
        assert!(ended.contains(&("cover.no_senior", Resolution::RegisterChanged)), "{ended:?}");
        assert!(ended.contains(&("ward.double_gap", Resolution::RegisterChanged)), "{ended:?}");
        service.stop().await;
    })
    .await;
}
