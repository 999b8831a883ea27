//! Policies: set, inherited, set for later, tried out, and changed by two people at once; each on both stores.

use tonic::{Code, Status};
use wardwatch::domain::{Span, Time};
use wardwatch::wire::pb::{self, AlertEventType, CauseKind, Evaluation, Resolution, Severity};
use wardwatch::wire::timestamp_to;

use crate::support::hospital::{adult, clock, fields, figures, morning, pass, reason, ward};
use crate::support::service::{Service, on_both_stores, within};

const OWN: &str = "organisations/RJ1/policy";
const EVERY_STATE: [pb::AlertState; 3] = [pb::AlertState::Open, pb::AlertState::Acknowledged, pb::AlertState::Resolved];
const DEFAULT: &str = "policies/default";

/// A policy of one value more than nothing.
fn policy(name: &str, change: impl FnOnce(&mut pb::Policy)) -> pb::Policy {
    let mut policy = pb::Policy { name: name.to_owned(), ..Default::default() };
    change(&mut policy);
    policy
}

/// The adult limit.
fn adults(name: &str, patients: f64) -> pb::Policy {
    policy(name, |p| {
        let limit_patients_per_rn = Some(patients);
        let kind = pb::WardKind::AdultInpatient.into();
        p.limits = vec![pb::KindLimit { kind, limit_patients_per_rn, night_limit_patients_per_rn: None }];
    })
}

async fn ask(service: &Service, request: pb::UpdatePolicyRequest) -> Result<pb::UpdatePolicyResponse, Status> {
    Ok(within(service.policies().update_policy(request)).await?.into_inner())
}

async fn update(service: &Service, policy: pb::Policy) -> pb::Policy {
    let request = pb::UpdatePolicyRequest { policy: Some(policy), ..Default::default() };
    ask(service, request).await.unwrap().policy.unwrap()
}

async fn update_from(service: &Service, policy: pb::Policy, from: Time) -> pb::Policy {
    let effective_time = Some(timestamp_to(from));
    let request = pb::UpdatePolicyRequest { policy: Some(policy), effective_time, validate_only: false };
    ask(service, request).await.unwrap().policy.unwrap()
}

async fn preview(service: &Service, policy: pb::Policy) -> pb::PolicyPreview {
    let request = pb::UpdatePolicyRequest { policy: Some(policy), effective_time: None, validate_only: true };
    ask(service, request).await.unwrap().preview.unwrap()
}

async fn refused(service: &Service, policy: pb::Policy) -> Status {
    let request = pb::UpdatePolicyRequest { policy: Some(policy), ..Default::default() };
    ask(service, request).await.unwrap_err()
}

async fn get(service: &Service, name: &str, effective: bool) -> pb::Policy {
    let request = pb::GetPolicyRequest { name: name.to_owned(), effective };
    within(service.policies().get_policy(request)).await.unwrap().into_inner().policy.unwrap()
}

async fn versions(service: &Service, name: &str) -> Vec<String> {
    let mut request = pb::ListPolicyVersionsRequest { name: name.to_owned(), page_size: 2, ..Default::default() };
    let mut found = Vec::new();
    loop {
        let page = within(service.policies().list_policy_versions(request.clone())).await.unwrap().into_inner();
        found.extend(page.versions.into_iter().map(|v| v.version));
        if page.next_page_token.is_empty() {
            return found;
        }
        request.page_token = page.next_page_token;
    }
}

/// Three wards of RJ1 and one elsewhere, with 27, 24, 30 and 27 patients to 3 nurses.
pub async fn four_wards(service: &Service) {
    let elsewhere = "organisations/RXX/wards/B1";
    service.register_wards(vec![adult(&ward(1)), adult(&ward(2)), adult(&ward(3)), adult(elsewhere)]).await;
    let all = [(ward(1), 27), (ward(2), 24), (ward(3), 30), (elsewhere.to_owned(), 27)];
    service.submit(all.iter().map(|(ward, bedded)| figures(ward, morning(), *bedded, 3)).collect()).await;
    service.settled().await;
}

async fn ratios(service: &Service) -> Vec<(String, Severity)> {
    let open = service.open_alerts().await;
    open.into_iter().filter(|(rule, ..)| rule == "ratio.over_limit").map(|(_, ward, s)| (ward, s)).collect()
}

fn told(open: &[(&str, Severity)]) -> Vec<(String, Severity)> {
    open.iter().map(|(ward, severity)| ((*ward).to_owned(), *severity)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_limit_rejudges_the_trusts_wards_at_once_and_each_alert_names_its_version() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        four_wards(&service).await;
        let w = Severity::Warning;
        assert_eq!(ratios(&service).await, told(&[("A1", w), ("A3", w), ("B1", w)]));
        let first = service.list(pb::ListAlertsRequest::default()).await.remove(0);
        assert_eq!(first.policy_version, "policies/default@1");

        let set = update(&service, adults(OWN, 9.5)).await;
        assert_eq!((set.version.as_str(), set.effective_time.is_some()), ("organisations/RJ1/policy@1", true));
        service.settled().await;
        assert_eq!(ratios(&service).await, told(&[("A3", w), ("B1", w)]));
        let ended = service.events(&first.name).await.pop().unwrap();
        let alert = ended.alert.clone().unwrap();
        assert_eq!((ended.r#type(), alert.resolution()), (AlertEventType::Resolved, Resolution::PolicyChanged));
        assert_eq!(alert.policy_version, set.version);
        assert_eq!(ended.cause.unwrap().kind(), CauseKind::Policy);

        // 24 to 3 is 8.0: one and a third times 6, no alert before and a warning now; 30 to 3 is severe.
        update(&service, adults(OWN, 6.0)).await;
        service.settled().await;
        let expected = told(&[("A1", Severity::Critical), ("A2", w), ("A3", Severity::Critical), ("B1", w)]);
        assert_eq!(ratios(&service).await, expected);
        for alert in service.list(pb::ListAlertsRequest::default()).await {
            let own = if alert.organisation == "organisations/RJ1" {
                "organisations/RJ1/policy@2"
            } else {
                "policies/default@1"
            };
            assert_eq!(alert.policy_version, own, "{}", alert.subject);
        }
        // Everything is as it was set after a restart, too.
        service.stop().await;
        let service = place.serve_by(&clock()).await;
        assert_eq!(versions(&service, OWN).await, ["organisations/RJ1/policy@2", "organisations/RJ1/policy@1"]);
        assert_eq!(get(&service, OWN, true).await.limits[0].limit_patients_per_rn, Some(6.0));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_a_policy_for_later_acts_by_time_alone() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        four_wards(&service).await;
        let before = ratios(&service).await;
        let later = update_from(&service, adults(OWN, 10.0), morning() + Span::minutes(30)).await;
        assert_eq!(later.effective_time, Some(timestamp_to(morning() + Span::minutes(30))));
        service.settled().await;
        assert_eq!(ratios(&service).await, before);
        assert_eq!(get(&service, OWN, true).await.version, "policies/default@1", "not in force yet");
        assert_eq!(get(&service, OWN, false).await.version, "organisations/RJ1/policy@1");

        pass(&clock, 29);
        service.settled().await;
        assert_eq!(ratios(&service).await, before);
        pass(&clock, 1);
        service.settled().await;
        assert_eq!(ratios(&service).await, told(&[("B1", Severity::Warning)]));
        assert_eq!(get(&service, OWN, true).await.version, "organisations/RJ1/policy@1");
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_previewed_is_what_then_happens() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        four_wards(&service).await;
        let events = async || {
            let alerts = service
                .list(pb::ListAlertsRequest { states: EVERY_STATE.map(Into::into).into(), ..Default::default() })
                .await;
            let mut counts = [0; 3];
            for alert in alerts {
                for event in service.events(&alert.name).await {
                    match event.r#type() {
                        AlertEventType::Raised | AlertEventType::Reopened => counts[0] += 1,
                        AlertEventType::SeverityChanged | AlertEventType::Updated => counts[1] += 1,
                        AlertEventType::Resolved => counts[2] += 1,
                        _ => {}
                    }
                }
            }
            counts
        };
        let corridor = policy(DEFAULT, |p| {
            p.limits = adults(DEFAULT, 7.5).limits;
            p.minimum_registered_nurses = Some(4);
        });
        let looser = policy(DEFAULT, |p| {
            p.limits = adults(DEFAULT, 9.5).limits;
            p.rules = [("rn.below_minimum".to_owned(), false)].into();
        });
        for (name, wanted) in [("more", corridor), ("less", looser), ("one trust", adults(OWN, 6.0))] {
            let before = events().await;
            let said = preview(&service, wanted.clone()).await;
            assert_eq!(events().await, before, "a preview writes nothing");
            update(&service, wanted.clone()).await;
            service.settled().await;
            let after = events().await;
            let happened = [0, 1, 2].map(|n| after[n] - before[n]);
            assert_eq!([said.raised_count, said.changed_count, said.resolved_count], happened, "{name}");
            assert!(happened.iter().sum::<i32>() > 0, "{name} does something");
            // Four wards, two trusts, and the cover group that each has.
            assert_eq!(said.subject_count, if wanted.name == OWN { 5 } else { 8 }, "{name}");
            let again = preview(&service, wanted).await;
            assert_eq!((again.raised_count, again.changed_count, again.resolved_count), (0, 0, 0), "{name}");
            pass(&clock, 2);
        }
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trust_inherits_field_by_field() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        let nothing = get(&service, OWN, false).await;
        assert_eq!((nothing.version.as_str(), nothing.clear_after_minutes), ("", None));
        let built_in = get(&service, DEFAULT, false).await;
        assert_eq!((built_in.version.as_str(), built_in.clear_after_minutes), ("policies/default@1", Some(30)));
        assert_eq!(built_in.effective_time, None);

        update(&service, policy(OWN, |p| p.clear_after_minutes = Some(20))).await;
        update(
            &service,
            policy(DEFAULT, |p| {
                p.clear_after_minutes = Some(40);
                p.reopen_within_minutes = Some(90);
            }),
        )
        .await;
        let own = get(&service, OWN, true).await;
        assert_eq!(
            (own.clear_after_minutes, own.reopen_within_minutes, own.severe_percent),
            (Some(20), Some(90), Some(150))
        );
        assert_eq!(own.version, "organisations/RJ1/policy@1");
        let national = get(&service, DEFAULT, true).await;
        assert_eq!((national.version.as_str(), national.clear_after_minutes), ("policies/default@2", Some(40)));
        assert_eq!(get(&service, OWN, false).await.reopen_within_minutes, None, "only what it sets itself");

        // A new version replaces the one before whole: what it does not set is inherited again.
        update(&service, policy(OWN, |p| p.severe_percent = Some(200))).await;
        assert_eq!(get(&service, OWN, true).await.clear_after_minutes, Some(40));
        let same = update(&service, policy(OWN, |p| p.severe_percent = Some(200))).await;
        assert_eq!(same.version, "organisations/RJ1/policy@2", "what is so already makes no version");
        assert_eq!(versions(&service, DEFAULT).await, ["policies/default@2", "policies/default@1"]);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_people_who_change_a_policy_at_once_one_is_told() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        let read = get(&service, OWN, false).await;
        let one = pb::Policy { clear_after_minutes: Some(20), ..read.clone() };
        let other = pb::Policy { clear_after_minutes: Some(40), ..read };
        let set = update(&service, one).await;
        let status = refused(&service, other.clone()).await;
        assert_eq!((status.code(), reason(&status)), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
        assert_eq!(get(&service, OWN, true).await.clear_after_minutes, Some(20), "nothing half-applied");
        update(&service, pb::Policy { etag: set.etag, ..other }).await;
        assert_eq!(get(&service, OWN, true).await.clear_after_minutes, Some(40));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_cannot_be_is_refused_by_field_and_nothing_is_written() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        let bad = policy(OWN, |p| {
            p.clear_after_minutes = Some(1_441);
            p.census_times = vec!["24:00".into()];
            p.rules = [("ratio.over".to_owned(), true)].into();
        });
        let status = refused(&service, bad).await;
        assert_eq!((status.code(), reason(&status)), (Code::InvalidArgument, "INVALID_REQUEST".to_owned()));
        let mut named = fields(&status);
        named.sort();
        assert_eq!(named, ["policy.census_times[0]", "policy.clear_after_minutes", "policy.rules[ratio.over]"]);
        let status = refused(&service, policy("organisations/RXX/policy", |_| ())).await;
        assert_eq!(status.code(), Code::NotFound, "{}", status.message());
        assert_eq!(fields(&refused(&service, policy("", |_| ())).await), ["policy.name"]);
        let times = [morning() - Span::minutes(1), morning() + Span::days(367)];
        for effective in times {
            let effective_time = Some(timestamp_to(effective));
            let request =
                pb::UpdatePolicyRequest { policy: Some(adults(OWN, 7.0)), effective_time, validate_only: false };
            assert_eq!(fields(&ask(&service, request).await.unwrap_err()), ["effective_time"], "{effective}");
        }

        // A trust's own value may contradict a new default: the trust is named.
        update(&service, policy(OWN, |p| p.escalate_second_minutes = Some(30))).await;
        let status = refused(&service, policy(DEFAULT, |p| p.escalate_first_minutes = Some(40))).await;
        assert_eq!(fields(&status), ["policy.escalate_first_minutes"]);
        assert!(status.message().contains("(in organisations/RJ1/policy)"), "{}", status.message());
        // And what it will inherit from then on counts.
        let soon = morning() + Span::hours(1);
        update_from(&service, policy(DEFAULT, |p| p.escalate_first_minutes = Some(20)), soon).await;
        let status = refused(&service, policy(OWN, |p| p.escalate_second_minutes = Some(18))).await;
        assert_eq!(fields(&status), ["policy.escalate_second_minutes"]);
        assert_eq!(versions(&service, OWN).await, ["organisations/RJ1/policy@1"]);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_switched_off_is_disabled_on_every_ward() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        four_wards(&service).await;
        update(&service, policy(DEFAULT, |p| p.rules = [("ratio.over_limit".to_owned(), false)].into())).await;
        service.settled().await;
        assert_eq!(ratios(&service).await, []);
        let answer = service.ward(&ward(1)).await;
        let says = answer.evaluations.iter().find(|e| e.rule == "ratio.over_limit").unwrap();
        assert_eq!((says.evaluation(), says.reason.as_str()), (Evaluation::Disabled, "switched off in the policy"));
        service.stop().await;
    })
    .await;
}
