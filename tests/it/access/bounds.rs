//! What an identity sees: its own organisations, and nothing that tells what else there is.

use tonic::{Code, Status};
use uuid::Uuid;
use wardwatch::clock::SystemClock;
use wardwatch::domain::{Clock, Time};
use wardwatch::wire::pb;

use super::rig::{As, Guarded, Permissions};
use crate::support::hospital::{figures, reason, violations};
use crate::support::service::within;

const A1: &str = "organisations/RJ1/wards/A1";
const B1: &str = "organisations/RYJ/wards/B1";
const NOWHERE: &str = "organisations/RRV/wards/C1";

fn now() -> Time {
    SystemClock::default().now()
}

struct Two {
    guarded: Guarded,
    /// Everything but the national role, for RJ1.
    rj1: As,
    root: As,
}

/// RJ1 and RYJ with wards, and an alert on A1 and on B1.
async fn two() -> Two {
    let mut permissions = Permissions::new();
    let roles = "reporter subscriber responder planner configurer policy_owner auditor";
    let rj1 = permissions.token_with("rj1", roles, "RJ1", "", "responder_roles = [\"matron\"]");
    let guarded = Guarded::start(permissions).await.with_wards().await;
    let (rj1, root) = (guarded.by(&rj1).await, guarded.by(&guarded.root).await);
    let reports = vec![figures(A1, now(), 20, 2), figures(B1, now(), 20, 2)];
    let request = pb::SubmitReportsRequest { reports, validate_only: false };
    within(root.reporting().submit_reports(request)).await.unwrap();
    Two { guarded, rj1, root }
}

fn denied<T: std::fmt::Debug>(answer: Result<T, Status>, what: &str) -> String {
    let status = answer.expect_err(what);
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "PERMISSION_DENIED"), "{what}");
    status.message().to_owned()
}

async fn alerts_of(by: &As, filter: pb::AlertFilter) -> Result<Vec<pb::Alert>, Status> {
    let request = pb::ListAlertsRequest { filter: Some(filter), ..Default::default() };
    Ok(within(by.alerts().list_alerts(request)).await?.into_inner().alerts)
}

#[tokio::test]
async fn a_report_for_another_organisation_is_rejected_alone_whether_the_ward_exists_or_not() {
    let two = two().await;
    let reports = vec![figures(A1, now(), 20, 4), figures(B1, now(), 20, 4), figures(NOWHERE, now(), 20, 4)];
    let request = pb::SubmitReportsRequest { reports, validate_only: false };
    let receipts = within(two.rj1.reporting().submit_reports(request)).await.unwrap().into_inner().receipts;
    assert_eq!(receipts[0].outcome(), pb::ReceiptOutcome::Accepted);
    let told = receipts[1..].iter().map(violations).collect::<Vec<_>>();
    assert_eq!(told[0][0].1, pb::RejectReason::PermissionDenied);
    assert_eq!(told[0], told[1], "the two answers are the same");
    let b1 = pb::GetWardRequest { name: B1.into() };
    let ward = within(two.root.register().get_ward(b1)).await.unwrap().into_inner();
    assert_eq!(ward.current.unwrap().nursing.unwrap().registered_nurses, Some(2), "nothing was stored");
}

#[tokio::test]
async fn without_a_filter_one_sees_ones_own_alerts_and_a_foreign_name_in_one_is_refused() {
    let two = two().await;
    let own = alerts_of(&two.rj1, pb::AlertFilter::default()).await.unwrap();
    assert!(!own.is_empty() && own.iter().all(|a| a.organisation == "organisations/RJ1"), "{own:?}");
    assert!(alerts_of(&two.root, pb::AlertFilter::default()).await.unwrap().len() > own.len());
    let of = |organisation: &str| pb::AlertFilter { organisations: vec![organisation.into()], ..Default::default() };
    let ward = |ward: &str| pb::AlertFilter { wards: vec![ward.into()], ..Default::default() };
    let there = denied(alerts_of(&two.rj1, of("organisations/RYJ")).await, "an organisation that exists");
    let not = denied(alerts_of(&two.rj1, of("organisations/RRV")).await, "one that does not");
    assert_eq!(there, not);
    assert_eq!(
        denied(alerts_of(&two.rj1, ward(B1)).await, "a ward that exists"),
        denied(alerts_of(&two.rj1, ward(NOWHERE)).await, "one that does not"),
    );
    let mut alerts = two.rj1.alerts();
    let request = pb::SubscribeRequest { filter: Some(of("organisations/RYJ")), ..Default::default() };
    denied(within(alerts.subscribe(request)).await.map(drop), "a subscription");
    let wrong = alerts_of(&two.rj1, ward("organisations/RJ1/wards/A9")).await.unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument, "of one's own the error helps");
    assert!(wrong.message().contains("organisations/RJ1/wards/A"), "{wrong:?}");
}

#[tokio::test]
async fn an_alert_of_another_organisation_is_as_good_as_none() {
    let two = two().await;
    let all = alerts_of(&two.root, pb::AlertFilter::default()).await.unwrap();
    let foreign = all.iter().find(|a| a.organisation == "organisations/RYJ").unwrap().name.clone();
    let none = format!("alerts/{}", Uuid::new_v4());
    let told = async |name: &str| {
        let get = pb::GetAlertRequest { name: name.into() };
        let events = pb::ListAlertEventsRequest { parent: name.into(), ..Default::default() };
        let acknowledge = pb::AcknowledgeAlertRequest {
            name: name.into(),
            role: pb::ResponderRole::Matron.into(),
            client_system: "WALL".into(),
            action: pb::ActionCode::Redeploying.into(),
            ..Default::default()
        };
        let mut alerts = two.rj1.alerts();
        [
            within(alerts.get_alert(get)).await.unwrap_err(),
            within(alerts.list_alert_events(events)).await.unwrap_err(),
            within(alerts.acknowledge_alert(acknowledge)).await.unwrap_err(),
        ]
        .map(|status| (status.code(), status.message().replace(name, "NAME")))
    };
    let (foreign, none) = (told(&foreign).await, told(&none).await);
    assert_eq!(foreign, none);
    assert!(foreign.iter().all(|(code, _)| *code == Code::NotFound), "{foreign:?}");
}

#[tokio::test]
async fn wards_reports_policies_and_rows_of_another_organisation_are_refused_before_anything_is_said_of_them() {
    let two = two().await;
    for (there, not) in [(B1, NOWHERE)] {
        let get = |name: &str| pb::GetWardRequest { name: name.into() };
        let mut register = two.rj1.register();
        assert_eq!(
            denied(within(register.get_ward(get(there))).await, "a ward"),
            denied(within(register.get_ward(get(not))).await, "no ward"),
        );
        let rows = |name: &str| pb::UpsertWardsRequest {
            wards: vec![crate::support::hospital::adult(name)],
            validate_only: true,
        };
        denied(within(register.upsert_wards(rows(there))).await, "a row of a ward");
        denied(within(register.upsert_wards(rows(not))).await, "a row of a new one");
        let list = |parent: &str| pb::ListWardsRequest { parent: parent.into(), ..Default::default() };
        denied(within(register.list_wards(list("organisations/RYJ"))).await, "its wards");
        denied(within(register.list_wards(list("organisations/RRV"))).await, "those of none");
        let all = within(register.list_wards(list("organisations/-"))).await.unwrap().into_inner().wards;
        assert_eq!(all.len(), 2, "one's own: {all:?}");
        let organisations = pb::ListOrganisationsRequest::default();
        let listed = within(register.list_organisations(organisations)).await.unwrap().into_inner().organisations;
        assert_eq!(listed.len(), 1, "{listed:?}");
        let policy = |name: &str| pb::GetPolicyRequest { name: name.into(), effective: true };
        let mut policies = two.rj1.policies();
        denied(within(policies.get_policy(policy("organisations/RYJ/policy"))).await, "a policy");
        denied(within(policies.get_policy(policy("organisations/RRV/policy"))).await, "no policy");
        assert!(within(policies.get_policy(policy("policies/default"))).await.is_ok());
        let mut changed =
            within(policies.get_policy(pb::GetPolicyRequest { name: "policies/default".into(), effective: false }))
                .await
                .unwrap()
                .into_inner();
        let update =
            pb::UpdatePolicyRequest { policy: changed.policy.take(), validate_only: true, ..Default::default() };
        denied(within(policies.update_policy(update)).await, "what holds for all organisations");
        let activity = pb::Activity { organisation: "organisations/RYJ".into(), ..Default::default() };
        let activity = pb::SubmitActivityRequest { activities: vec![activity], validate_only: true };
        denied(within(two.rj1.reporting().submit_activity(activity)).await, "its planned work");
    }
}

#[tokio::test]
async fn a_strike_is_changed_only_by_those_bound_to_all_whom_it_calls_out() {
    let two = two().await;
    let strike = |id: &str, organisations: &[&str]| pb::CreateStrikeRequest {
        strike: Some(pb::Strike {
            union: "BMA".into(),
            staff_group: pb::StaffGroup::ResidentDoctors.into(),
            mode: pb::StrikeMode::FullWithdrawal.into(),
            elective_policy: pb::ElectivePolicy::EmergencyOnly.into(),
            scope: Some(pb::StrikeScope {
                organisations: organisations.iter().map(|o| format!("organisations/{o}")).collect(),
                ..Default::default()
            }),
            windows: vec![pb::StrikeWindow {
                start_local: "2030-04-26T08:00".into(),
                end_local: "2030-04-26T17:00".into(),
                ..Default::default()
            }],
            ..Default::default()
        }),
        strike_id: id.into(),
        validate_only: false,
    };
    let mut own = two.rj1.strikes();
    denied(within(own.create_strike(strike("both", &["RJ1", "RYJ"]))).await, "one of both");
    within(own.create_strike(strike("own", &["RJ1"]))).await.unwrap();
    let mut root = two.root.strikes();
    within(root.create_strike(strike("both", &["RJ1", "RYJ"]))).await.unwrap();
    within(root.create_strike(strike("other", &["RYJ"]))).await.unwrap();
    let listed = within(own.list_strikes(pb::ListStrikesRequest::default())).await.unwrap().into_inner().strikes;
    let names: Vec<_> = listed.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["strikes/both", "strikes/own"]);
    let get = |name: &str| pb::GetStrikeRequest { name: name.into(), version: None };
    let effect = within(own.get_strike(get("strikes/both"))).await.unwrap().into_inner().effect.unwrap();
    assert_eq!((effect.organisation_count, effect.organisations), (2, vec!["organisations/RJ1".to_owned()]));
    let call_off = |name: &str| pb::CallOffStrikeRequest {
        name: name.into(),
        reason: pb::CallOffReason::Suspended.into(),
        ..Default::default()
    };
    denied(within(own.call_off_strike(call_off("strikes/both"))).await, "one of both");
    for name in ["strikes/other", "strikes/nothing"] {
        assert_eq!(within(own.get_strike(get(name))).await.unwrap_err().code(), Code::NotFound, "{name}");
        assert_eq!(within(own.call_off_strike(call_off(name))).await.unwrap_err().code(), Code::NotFound, "{name}");
    }
    within(own.call_off_strike(call_off("strikes/own"))).await.unwrap();
}

#[tokio::test]
async fn the_audit_names_who_did_what_and_shows_each_auditor_its_own() {
    let two = two().await;
    let own = alerts_of(&two.rj1, pb::AlertFilter::default()).await.unwrap();
    let alert = own.iter().find(|a| a.rule == "ratio.over_limit").unwrap().name.clone();
    let acknowledge = |role: pb::ResponderRole| pb::AcknowledgeAlertRequest {
        name: alert.clone(),
        role: role.into(),
        client_system: "WALL".into(),
        action: pb::ActionCode::Redeploying.into(),
        ..Default::default()
    };
    let refused =
        within(two.rj1.alerts().acknowledge_alert(acknowledge(pb::ResponderRole::ChiefNurse))).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "RESPONDER_ROLE_DENIED"));
    within(two.rj1.alerts().acknowledge_alert(acknowledge(pb::ResponderRole::Matron))).await.unwrap();
    let list =
        |parent: &str| pb::ListAuditEntriesRequest { parent: parent.into(), page_size: 1_000, ..Default::default() };
    let entries = within(two.rj1.alerts().list_audit_entries(list(""))).await.unwrap().into_inner().entries;
    assert!(entries.iter().all(|e| e.subject.starts_with("organisations/RJ1")), "{entries:?}");
    let acted = entries.iter().find(|e| e.method == "AcknowledgeAlert").unwrap();
    assert_eq!(acted.actor, "rj1");
    denied(within(two.rj1.alerts().list_audit_entries(list("organisations/RYJ"))).await, "another's audit");
    let all = within(two.root.alerts().list_audit_entries(list(""))).await.unwrap().into_inner().entries;
    let reported = all.iter().find(|e| !e.cause.as_ref().unwrap().report.is_empty()).unwrap();
    assert_eq!(reported.actor, "root", "who sent a report is there too");
    let registered = all.iter().find(|e| e.method == "UpsertWards").unwrap();
    assert_eq!(registered.actor, "root");
    drop(two.guarded);
}

#[tokio::test]
async fn the_national_role_reads_totals_and_no_ward() {
    let mut permissions = Permissions::new();
    let nation = permissions.token("nation", "national", "*");
    let guarded = Guarded::start(permissions).await.with_wards().await;
    let root = guarded.by(&guarded.root).await;
    let request = pb::SubmitReportsRequest { reports: vec![figures(A1, now(), 20, 1)], validate_only: false };
    within(root.reporting().submit_reports(request)).await.unwrap();
    let strike = pb::Strike {
        union: "BMA".into(),
        staff_group: pb::StaffGroup::ResidentDoctors.into(),
        mode: pb::StrikeMode::FullWithdrawal.into(),
        elective_policy: pb::ElectivePolicy::EmergencyOnly.into(),
        scope: Some(pb::StrikeScope { nation: "ENGLAND".into(), ..Default::default() }),
        windows: vec![pb::StrikeWindow {
            start_local: "2030-04-26T08:00".into(),
            end_local: "2030-04-26T17:00".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let create = pb::CreateStrikeRequest { strike: Some(strike), strike_id: "all".into(), validate_only: false };
    let effect = within(root.strikes().create_strike(create)).await.unwrap().into_inner().effect.unwrap();
    assert!(!effect.cover_groups.is_empty() && effect.organisations.len() == 2, "{effect:?}");
    let get = pb::GetStrikeRequest { name: "strikes/all".into(), version: None };
    let theirs =
        within(guarded.by(&nation).await.strikes().get_strike(get)).await.unwrap().into_inner().effect.unwrap();
    assert_eq!((theirs.organisations, theirs.ward_count), (effect.organisations, effect.ward_count));
    assert!(theirs.cover_groups.is_empty() && theirs.wards.is_empty(), "no group, no ward");
    let ask = async |by: &As| {
        let request = pb::GetSituationRequest::default();
        within(by.situations().get_situation(request)).await.unwrap().into_inner().situation.unwrap()
    };
    let (mine, theirs) = (ask(&guarded.by(&nation).await).await, ask(&root).await);
    let total = mine.total.unwrap();
    assert_eq!(total.holes, theirs.total.as_ref().unwrap().holes);
    assert!(!theirs.total.unwrap().worst.is_empty() && total.worst.is_empty());
    assert!(mine.organisations.iter().all(|o| o.worst.is_empty() && o.next_forecast.is_none()));
    assert_eq!(mine.organisations.len(), 2);
    // A site may be a single ward.
    let filter = Some(pb::SituationFilter { sites: vec!["RJ121".into()], ..Default::default() });
    let request = pb::GetSituationRequest { filter, ..Default::default() };
    denied(within(guarded.by(&nation).await.situations().get_situation(request)).await, "a site");
}
