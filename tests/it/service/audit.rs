//! A1: every change of state records who or what caused it, the inputs, the policy version; the trail is append-only.

use std::collections::BTreeMap;

use tonic::Code;
use wardwatch::domain::{Clock as _, Span};
use wardwatch::wire::pb::{self, ActionCode, CauseKind, CloseReason, ListAuditEntriesRequest, ResponderRole};
use wardwatch::wire::{timestamp_to, to_time};

use super::strikes::{april, create};
use crate::support::acting::ack;
use crate::support::hospital::{adult, clock, fields, figures, morning, pass, ward};
use crate::support::service::{Place, on_both_stores, within};

/// A morning on which everything that can change an alert does.
async fn a_morning(place: &Place) -> crate::support::service::Service {
    let clock = clock();
    let service = place.serve_by(&clock).await;
    service.register_many(3).await;
    service.report(figures(&ward(1), morning(), 36, 3)).await;
    service.report(figures(&ward(2), morning(), 27, 3)).await;
    let name = service.alert_on(&ward(1)).await.name;
    service.acknowledge(ack(&name)).await.unwrap();
    service.unacknowledge(&name).await.unwrap();
    create(&service, april()).await;
    service.settled().await;
    pass(&clock, 20);
    service.settled().await;
    service.report(figures(&ward(1), clock.now(), 21, 3)).await;
    service.close(&name, CloseReason::PutRight).await.unwrap();
    service.register_wards(vec![pb::Ward { state: pb::WardState::Closed.into(), ..adult(&ward(2)) }]).await;
    service.settled().await;
    pass(&clock, 100);
    service.settled().await;
    service
}

impl crate::support::service::Service {
    /// The one open alert of the ratio on a ward.
    pub async fn alert_on(&self, ward: &str) -> pb::Alert {
        let (wards, rules) = (vec![ward.to_owned()], vec!["ratio.over_limit".to_owned()]);
        let filter = Some(pb::AlertFilter { wards, rules, ..Default::default() });
        self.list(pb::ListAlertsRequest { filter, ..Default::default() }).await.remove(0)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a1_every_change_of_state_is_in_the_audit_with_who_or_what_caused_it_on_what_and_by_which_policy() {
    on_both_stores(async |place| {
        let service = a_morning(&place).await;
        let events = service.seen(&place).await;
        let audit = service.audit(ListAuditEntriesRequest { page_size: 3, ..Default::default() }).await;
        let mut kinds = BTreeMap::<i32, usize>::new();
        let mut next = 0;
        for entry in audit.iter().filter(|e| e.position > 0) {
            // An entry covers the events of one input: those that follow the ones before, up to its position.
            let count = entry.changed.len();
            let input = &events[next..next + count];
            next += count;
            assert_eq!(input.last().unwrap().position, entry.position);
            let changed: Vec<_> = input.iter().map(|e| e.alert.clone().unwrap()).collect();
            assert_eq!(entry.changed, changed.iter().map(|a| a.name.clone()).collect::<Vec<_>>());
            assert!(changed.iter().all(|a| a.subject == entry.subject && a.policy_version == entry.policy_version));
            assert!(!entry.policy_version.is_empty() && entry.generation > 0);
            assert_eq!(entry.cause, input[0].cause, "{entry:?}");
            assert_eq!(entry.record_time, input[0].event_time);
            let inputs = changed.iter().flat_map(|a| a.inputs.iter().map(|i| i.report_id.clone()));
            assert!(inputs.clone().all(|id| entry.inputs.iter().any(|name| name.ends_with(&id))), "{entry:?}");
            assert!(entry.inputs.iter().all(|name| name.starts_with(&entry.subject)));
            *kinds.entry(entry.cause.clone().unwrap().kind).or_default() += 1;
        }
        assert_eq!(next, events.len(), "no event without an entry");
        for kind in [CauseKind::Report, CauseKind::Timer, CauseKind::Responder, CauseKind::Register] {
            assert!(kinds.contains_key(&kind.into()), "{kind:?} {kinds:?}");
        }
        let methods: Vec<_> = audit.iter().map(|e| e.method.as_str()).filter(|m| !m.is_empty()).collect();
        assert_eq!(
            methods,
            ["UpsertWards", "AcknowledgeAlert", "UnacknowledgeAlert", "CreateStrike", "CloseAlert", "UpsertWards"]
        );
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a1_what_responders_said_and_in_which_role_is_in_the_audit_as_codes() {
    on_both_stores(async |place| {
        let service = a_morning(&place).await;
        let audit = service.audit(ListAuditEntriesRequest::default()).await;
        let by: Vec<_> = audit.iter().filter(|e| e.cause.clone().unwrap().kind() == CauseKind::Responder).collect();
        let said: Vec<_> = by.iter().map(|e| (e.cause.clone().unwrap().role(), e.action(), e.close_reason())).collect();
        let (no_action, no_reason) = (ActionCode::Unspecified, CloseReason::Unspecified);
        let expected = [
            (ResponderRole::SiteManager, ActionCode::Redeploying, no_reason),
            (ResponderRole::Matron, no_action, no_reason),
            (ResponderRole::Matron, no_action, CloseReason::PutRight),
        ];
        assert_eq!(said, expected);
        assert!(by.iter().all(|e| e.cause.clone().unwrap().client_system == "DESK" && e.actor.is_empty()));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a1_the_trail_can_neither_be_changed_nor_shortened() {
    on_both_stores(async |place| {
        let service = a_morning(&place).await;
        let before = service.audit(ListAuditEntriesRequest::default()).await;
        let mut tampering = vec!["UPDATE audit SET recorded = 0", "DELETE FROM audit WHERE sequence = 1"];
        if matches!(place, Place::Postgres(_)) {
            tampering.push("TRUNCATE audit");
        }
        for sql in tampering {
            let refused = place.try_execute(sql).await;
            assert!(refused.is_err_and(|e| e.contains("append-only")), "{sql}");
        }
        assert_eq!(service.audit(ListAuditEntriesRequest::default()).await, before);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_is_read_by_time_by_subject_and_page_by_page() {
    on_both_stores(async |place| {
        let service = a_morning(&place).await;
        let all = service.audit(ListAuditEntriesRequest::default()).await;
        let paged = service.audit(ListAuditEntriesRequest { page_size: 2, ..Default::default() }).await;
        assert_eq!(paged, all);
        let of = async |parent: &str| {
            service.audit(ListAuditEntriesRequest { parent: parent.to_owned(), ..Default::default() }).await
        };
        let about = |subject: &str| all.iter().filter(|e| e.subject == subject).cloned().collect::<Vec<_>>();
        assert_eq!(of(&ward(1)).await, about(&ward(1)));
        let trust: Vec<_> = all.iter().filter(|e| !e.subject.is_empty()).cloned().collect();
        assert_eq!(of("organisations/RJ1").await, trust, "an organisation with all it has");
        let noon = morning() + Span::minutes(20);
        let at = |e: &pb::AuditEntry| to_time(e.record_time.unwrap()).unwrap();
        let until = ListAuditEntriesRequest { end_time: Some(timestamp_to(noon)), ..Default::default() };
        assert_eq!(service.audit(until).await, all.iter().filter(|e| at(e) < noon).cloned().collect::<Vec<_>>());
        let since = ListAuditEntriesRequest { start_time: Some(timestamp_to(noon)), ..Default::default() };
        let (rest, later) = (service.audit(since).await, all.iter().filter(|e| at(e) >= noon).cloned());
        assert_eq!(rest, later.collect::<Vec<_>>());
        assert!(!rest.is_empty() && rest.len() < all.len());

        let refused = async |request| within(service.alerts().list_audit_entries(request)).await.unwrap_err();
        let time = Some(timestamp_to(noon));
        let backwards =
            ListAuditEntriesRequest { parent: "RJ1".into(), start_time: time, end_time: time, ..Default::default() };
        assert_eq!(fields(&refused(backwards).await), ["end_time", "parent"]);
        let nobody = ListAuditEntriesRequest { parent: ward(99), ..Default::default() };
        assert_eq!(refused(nobody).await.code(), Code::NotFound);
        let page = ListAuditEntriesRequest { page_token: "00".into(), ..Default::default() };
        assert_eq!(fields(&refused(page).await), ["page_token"]);
        service.stop().await;
    })
    .await;
}
