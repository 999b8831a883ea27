//! Acting on alerts: acknowledging, giving back, closing; and what happens when nobody does.

use tonic::Code;
use wardwatch::domain::{Clock as _, Span, Time};
use wardwatch::wire::pb::{
    self, AlertEventType, AlertState, CauseKind, CloseReason, ReceiptOutcome, Resolution, ResponderRole, Severity,
    StaffingReport,
};
use wardwatch::wire::{timestamp_to, to_time};

use crate::support::acting::{ack, ack_until, two};
use crate::support::hospital::{clock, fields, figures, morning, pass, reason, report, ward};
use crate::support::service::{Service, on_both_stores, within};

const RATIO: &str = "ratio.over_limit";

/// Ward A1 at twelve patients a nurse: critical.
fn critical(at: Time) -> StaffingReport {
    figures(&ward(1), at, 36, 3)
}
/// At nine: a warning.
fn warning(at: Time) -> StaffingReport {
    figures(&ward(1), at, 27, 3)
}
/// At seven.
fn good(at: Time) -> StaffingReport {
    figures(&ward(1), at, 21, 3)
}

async fn send(service: &Service, report: StaffingReport) {
    assert_eq!(service.report(report).await.outcome(), ReceiptOutcome::Accepted);
}

fn flag(at: Time, event: &str) -> StaffingReport {
    let flag = pb::RedFlag {
        r#type: "nice.sg1.pain_relief_delayed".into(),
        event_id: event.into(),
        noticed_time: Some(timestamp_to(at)),
        ..Default::default()
    };
    StaffingReport { red_flags: vec![flag], ..report(&ward(1), at, "ROSTER") }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_what_nobody_takes_on_goes_up_the_ladder_by_time_alone_once_from_any_replica() {
    on_both_stores(async |place| {
        let clock = clock();
        let services = two(&place, &clock).await;
        services[0].register_many(1).await;
        send(&services[0], critical(morning())).await;
        let name = services[1].alert(RATIO).await.name;
        for (minutes, steps, role) in [
            (14, 0, None),
            (1, 1, Some(ResponderRole::SiteManager)),
            (29, 1, None),
            (1, 2, Some(ResponderRole::ChiefNurse)),
            (5, 2, None),
        ] {
            pass(&clock, minutes);
            for service in &services {
                service.settled().await;
            }
            let events = services[0].events(&name).await;
            let escalated: Vec<_> = events.iter().filter(|e| e.r#type() == AlertEventType::Escalated).collect();
            assert_eq!(escalated.len(), steps, "at {}", clock.now());
            if let Some(role) = role {
                let last = escalated.last().unwrap();
                assert_eq!(last.alert.clone().unwrap().escalation.unwrap().role(), role);
                assert_eq!(last.cause.clone().unwrap().kind(), CauseKind::Timer);
                let late = to_time(last.event_time.unwrap()).unwrap() - clock.now();
                assert!((Span::seconds(0)..=Span::seconds(2)).contains(&late), "{late:?}");
            }
        }
        let escalation = services[1].alert(RATIO).await.escalation.unwrap();
        assert_eq!(escalation.escalate_time, Some(timestamp_to(morning() + Span::minutes(45))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t1_an_acknowledgement_runs_out_by_time_alone_and_what_waited_goes_up_at_once() {
    on_both_stores(async |place| {
        let clock = clock();
        let services = two(&place, &clock).await;
        services[0].register_many(1).await;
        send(&services[0], critical(morning())).await;
        let name = services[0].alert(RATIO).await.name;
        pass(&clock, 5);
        let taken = services[1].acknowledge(ack_until(&name, morning() + Span::minutes(50))).await.unwrap();
        assert_eq!(taken.state(), AlertState::Acknowledged);
        let acknowledgement = taken.acknowledgement.clone().unwrap();
        assert_eq!(
            (acknowledgement.role(), acknowledgement.client_system.as_str()),
            (ResponderRole::SiteManager, "DESK")
        );
        assert_eq!(services[0].alert(RATIO).await, taken, "what was answered is what there is");
        pass(&clock, 44);
        for service in &services {
            service.settled().await;
        }
        use AlertEventType::{Acknowledged, Escalated, Raised, Unacknowledged};
        assert_eq!(services[0].happened(&name).await, [Raised, Acknowledged], "looked after, it goes to nobody");
        pass(&clock, 1);
        for service in &services {
            service.settled().await;
        }
        let events = services[0].events(&name).await;
        let kinds: Vec<_> = events.iter().map(pb::AlertEvent::r#type).collect();
        assert_eq!(kinds, [Raised, Acknowledged, Unacknowledged, Escalated]);
        assert_eq!(events[2].cause.clone().unwrap().kind(), CauseKind::Timer);
        let escalation = events[3].alert.clone().unwrap().escalation.unwrap();
        assert_eq!(escalation.role(), ResponderRole::ChiefNurse, "45 minutes from the first critical");
        assert_eq!(events[2].event_time, events[3].event_time);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_lapses_on_a_rise_in_one_input_and_holds_through_a_fall_an_end_and_a_reopening() {
    on_both_stores(async |place| {
        use AlertEventType::{Acknowledged, Raised, Reopened, Resolved, SeverityChanged, Unacknowledged, Updated};
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(1).await;
        send(&service, warning(morning())).await;
        let name = service.alert(RATIO).await.name;
        let taken = service.acknowledge(ack(&name)).await.unwrap().acknowledgement.unwrap();
        assert_eq!(taken.expire_time, Some(timestamp_to(morning() + Span::hours(12))), "a warning: twelve hours");
        pass(&clock, 2);
        send(&service, critical(clock.now())).await;
        let events = service.events(&name).await;
        let kinds: Vec<_> = events.iter().map(pb::AlertEvent::r#type).collect();
        assert_eq!(kinds, [Raised, Acknowledged, SeverityChanged, Unacknowledged]);
        assert_eq!(events[3].position, events[2].position + 1);
        assert_eq!((events[2].event_time, events[2].cause.clone()), (events[3].event_time, events[3].cause.clone()));
        let entry = service.audit(pb::ListAuditEntriesRequest::default()).await.pop().unwrap();
        assert_eq!((entry.changed.len(), entry.position), (2, events[3].position), "one input, one entry");

        let taken = service.acknowledge(ack(&name)).await.unwrap().acknowledgement.unwrap();
        assert_eq!(taken.expire_time, Some(timestamp_to(clock.now() + Span::hours(2))), "critical: two hours");
        for report in [warning, critical, good] {
            pass(&clock, 2);
            send(&service, report(clock.now())).await;
        }
        pass(&clock, 30);
        service.settled().await;
        let ended = service.happened(&name).await;
        let after = [Acknowledged, SeverityChanged, SeverityChanged, Updated, Resolved];
        assert_eq!(ended[4..], after, "a fall, back again, good, the end");
        pass(&clock, 5);
        send(&service, critical(clock.now())).await;
        let back = service.alert(RATIO).await;
        assert_eq!((back.name.as_str(), back.state()), (name.as_str(), AlertState::Acknowledged));
        assert_eq!(back.acknowledgement.unwrap(), taken);
        assert_eq!(service.happened(&name).await.last(), Some(&Reopened));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_hides_nothing_can_be_closed() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(2).await;
        send(&service, critical(morning())).await;
        let name = service.alert(RATIO).await.name;
        let refused = service.close(&name, CloseReason::PutRight).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "STILL_BREACHING"));
        assert_eq!(service.happened(&name).await, [AlertEventType::Raised], "and nothing was done");
        pass(&clock, 2);
        send(&service, good(clock.now())).await;
        let closed = service.close(&name, CloseReason::PutRight).await.unwrap();
        assert_eq!((closed.state(), closed.resolution()), (AlertState::Resolved, Resolution::ClosedByResponder));
        for refused in [
            service.close(&name, CloseReason::PutRight).await.unwrap_err(),
            service.acknowledge(ack(&name)).await.unwrap_err(),
            service.unacknowledge(&name).await.unwrap_err(),
        ] {
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "ALERT_RESOLVED"));
        }
        // Figures that fell overdue say nothing of now.
        let other = figures(&ward(2), clock.now(), 27, 3);
        send(&service, other).await;
        let name = service.alert(RATIO).await.name;
        pass(&clock, 89);
        let refused = service.close(&name, CloseReason::FiguresStale).await.unwrap_err();
        assert_eq!(reason(&refused), "STILL_BREACHING");
        pass(&clock, 1);
        let closed = service.close(&name, CloseReason::FiguresStale).await.unwrap();
        assert_eq!(closed.resolution(), Resolution::ClosedByResponder);
        let overdue = service.events(&name).await;
        let causes: Vec<_> = overdue.iter().map(|e| e.cause.clone().unwrap().kind()).collect();
        use CauseKind::{Report, Responder, Timer};
        assert_eq!(causes, [Report, Timer, Responder], "that the figures fell overdue was time's doing");
        // A ward that closes takes its alerts with it.
        send(&service, critical(clock.now())).await;
        let name = service.alert(RATIO).await.name;
        let shut = pb::Ward { state: pb::WardState::Closed.into(), ..crate::support::hospital::adult(&ward(1)) };
        service.register_wards(vec![shut]).await;
        let refused = service.close(&name, CloseReason::WardClosed).await.unwrap_err();
        assert_eq!(reason(&refused), "ALERT_RESOLVED");
        assert_eq!(
            service.events(&name).await.last().unwrap().alert.clone().unwrap().resolution(),
            Resolution::WardClosed
        );
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_red_flag_that_was_closed_is_final_for_seven_days() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(1).await;
        let event = uuid::Uuid::new_v4().to_string();
        send(&service, flag(morning(), &event)).await;
        let name = service.alert("red_flag.raised").await.name;
        let closed = service.close(&name, CloseReason::RaisedInError).await.unwrap();
        assert_eq!(closed.resolution(), Resolution::ClosedByResponder);
        let flags = async || {
            let rules = vec!["red_flag.raised".to_owned()];
            let filter = Some(pb::AlertFilter { rules, ..Default::default() });
            service.list(pb::ListAlertsRequest { filter, ..Default::default() }).await.len()
        };
        for (minutes, open) in [(1, 0), (7 * 24 * 60 - 2, 0), (1, 1)] {
            pass(&clock, minutes);
            service.report(flag(clock.now(), &event)).await;
            assert_eq!(flags().await, open, "at {}", clock.now());
        }
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_people_who_act_on_what_they_both_read_one_is_told_so() {
    on_both_stores(async |place| {
        let clock = clock();
        let services = two(&place, &clock).await;
        services[0].register_many(1).await;
        send(&services[0], critical(morning())).await;
        let read = services[0].alert(RATIO).await;
        let theirs = pb::AcknowledgeAlertRequest { etag: read.etag.clone(), ..ack(&read.name) };
        let done = tokio::join!(services[0].acknowledge(theirs.clone()), services[1].acknowledge(theirs.clone()));
        let (won, lost): (Vec<_>, Vec<_>) = <[_; 2]>::from(done).into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        let lost = lost.into_iter().next().unwrap().unwrap_err();
        assert_eq!((lost.code(), reason(&lost).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
        use AlertEventType::{Acknowledged, Raised};
        assert_eq!(services[0].happened(&read.name).await, [Raised, Acknowledged]);
        // With what it is now, it works; and new figures alone are no reason to refuse.
        pass(&clock, 2);
        let now = services[0].alert(RATIO).await;
        send(&services[0], figures(&ward(1), clock.now(), 39, 3)).await;
        let again = pb::AcknowledgeAlertRequest { etag: now.etag, ..theirs };
        assert_eq!(services[1].acknowledge(again).await.unwrap().state(), AlertState::Acknowledged);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_request_names_each_wrong_field_and_changes_nothing() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(1).await;
        send(&service, warning(morning())).await;
        let name = service.alert(RATIO).await.name;
        let nothing = service.acknowledge(pb::AcknowledgeAlertRequest::default()).await.unwrap_err();
        assert_eq!(nothing.code(), Code::InvalidArgument);
        assert_eq!(fields(&nothing), ["name", "role", "client_system", "action"]);
        let unknown =
            pb::AcknowledgeAlertRequest { role: 9, action: 99, client_system: "a desk".into(), ..ack("alerts/1") };
        assert_eq!(
            fields(&service.acknowledge(unknown).await.unwrap_err()),
            ["name", "role", "client_system", "action"]
        );
        let request = pb::CloseAlertRequest { name: name.clone(), ..Default::default() };
        let unsaid = within(service.alerts().close_alert(request)).await.unwrap_err();
        assert_eq!(fields(&unsaid), ["role", "client_system", "reason"]);
        let latest = morning() + Span::hours(24);
        for wrong in [morning(), morning() - Span::hours(1), latest + Span::seconds(1)] {
            let refused = service.acknowledge(ack_until(&name, wrong)).await.unwrap_err();
            assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec!["expire_time".to_owned()]));
            assert!(refused.message().contains("2016-04-27T08:00:00Z"), "{}", refused.message());
        }
        let refused = service.unacknowledge(&name).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "NOT_ACKNOWLEDGED"));
        let nobody = "alerts/00000000-0000-8000-8000-000000000000";
        assert_eq!(service.acknowledge(ack(nobody)).await.unwrap_err().code(), Code::NotFound);
        let alert = service.alert(RATIO).await;
        assert_eq!((alert.state(), alert.severity(), alert.transition_count), (AlertState::Open, Severity::Warning, 1));
        assert_eq!(service.acknowledge(ack_until(&name, latest)).await.unwrap().state(), AlertState::Acknowledged);
        service.stop().await;
    })
    .await;
}
