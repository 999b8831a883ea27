//! How reports become facts: order, duplicates, corrections, refusals; each on both stores.

use std::sync::Arc;

use uuid::Uuid;
use wardwatch::clock::ManualClock;
use wardwatch::domain::{Clock, Span};
use wardwatch::wire::pb::{
    self, BlockOutcome, ReceiptOutcome, RejectReason, Resolution, Severity, StaffingReport, WardStatus,
};
use wardwatch::wire::{timestamp_to, to_time};

use crate::support::hospital::{adult, beds, clock, figures, morning, nurses, outcomes, pass, violations, ward};
use crate::support::service::{Place, Service, on_both_stores, within};

use ReceiptOutcome::{Accepted, Duplicate, Rejected, Superseded};

/// The ward's patients and nurses now.
async fn now(service: &Service, name: &str) -> (Option<i32>, Option<i32>) {
    let current = service.ward(name).await.current.unwrap();
    (current.patients.and_then(|p| p.bedded), current.nursing.and_then(|n| n.registered_nurses))
}

/// A second replica where the store allows one.
async fn another(place: &Place, clock: &Arc<ManualClock>) -> Option<Service> {
    match place {
        Place::Sqlite(_) => None,
        Place::Postgres(_) => Some(place.serve_by(clock).await),
    }
}

/// As after a break, when two systems send again at once: what is current when the call comes is not when its turn comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_sent_again_behind_a_newer_one_is_a_duplicate() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        let at = |minutes| morning() - Span::minutes(minutes);
        let first = beds(&ward(1), at(30), 10);
        assert_eq!(outcomes(&service.submit(vec![first.clone()]).await), [Accepted]);
        let newer = beds(&ward(1), at(10), 12);
        assert_eq!(outcomes(&service.submit(vec![newer, first]).await), [Accepted, Duplicate]);
        assert_eq!(place.number("SELECT count(*) FROM report").await, 2);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_order_of_arrival_ends_with_the_newest_figures() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        let at = |minutes| morning() - Span::minutes(minutes);
        let name = ward(1);
        let sent = vec![
            beds(&name, at(30), 10),
            beds(&name, at(10), 12),
            nurses(&name, at(40), 3),
            beds(&name, at(20), 11),
            nurses(&name, at(5), 2),
            beds(&name, at(1), 14),
            beds(&name, at(2), 13),
        ];
        let receipts = service.submit(sent).await;
        let expected = [Accepted, Accepted, Accepted, Superseded, Accepted, Accepted, Superseded];
        assert_eq!(outcomes(&receipts), expected);
        let block = receipts[3].blocks[0];
        assert_eq!(block.outcome(), BlockOutcome::Superseded);
        assert_eq!(to_time(block.current_observed_time.unwrap()), Some(at(10)));
        assert_eq!(now(&service, &name).await, (Some(14), Some(2)));
        // What was superseded is kept all the same.
        assert_eq!(place.number("SELECT count(*) FROM report").await, 7);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_sent_again_is_a_duplicate_in_the_same_message_later_and_after_a_restart() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(1).await;
        let first = figures(&ward(1), morning() - Span::minutes(10), 20, 2);
        let later = figures(&ward(1), morning() - Span::minutes(5), 10, 2);
        let older = figures(&ward(1), morning() - Span::minutes(20), 30, 2);
        let all = vec![first.clone(), first.clone(), later.clone(), older.clone(), older.clone(), first.clone()];
        let receipts = service.submit(all.clone()).await;
        assert_eq!(outcomes(&receipts), [Accepted, Duplicate, Accepted, Superseded, Duplicate, Duplicate]);
        assert_eq!(receipts[0].name, receipts[1].name, "a duplicate has the name of the one that is stored");
        assert_eq!(receipts[5].status(), receipts[2].status(), "and the ward's status of now");
        let again = service.submit(all.clone()).await;
        assert!(outcomes(&again).iter().all(|o| *o == Duplicate), "{again:?}");
        service.stop().await;

        let service = place.serve_by(&clock).await;
        let again = service.submit(all).await;
        assert!(outcomes(&again).iter().all(|o| *o == Duplicate), "{again:?}");
        assert_eq!(place.number("SELECT count(*) FROM report").await, 3);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_with_another_body_is_rejected() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(2).await;
        let at = morning() - Span::minutes(10);
        let first = figures(&ward(1), at, 20, 3);
        let id = first.report_id.clone();
        let with_id = |r: StaffingReport| StaffingReport { report_id: id.clone(), ..r };
        let attempts = [
            with_id(figures(&ward(1), at, 21, 3)),
            with_id(figures(&ward(1), at + Span::minutes(1), 20, 3)),
            with_id(figures(&ward(1), at - Span::minutes(1), 20, 3)),
            StaffingReport { revision: 1, ..first.clone() },
        ];
        service.report(first.clone()).await;
        for attempt in attempts {
            let receipt = service.report(attempt).await;
            let text = format!("{id} already names another report of this subject: give each report an id of its own");
            assert_eq!(violations(&receipt), [("report_id".to_owned(), RejectReason::IdReused, text)]);
            assert_eq!((receipt.name.as_str(), receipt.status()), ("", WardStatus::Unspecified));
        }
        // An id is a name within its subject: another ward may use the same.
        assert_eq!(service.report(with_id(figures(&ward(2), at, 20, 3))).await.outcome(), Accepted);
        assert_eq!(now(&service, &ward(1)).await, (Some(20), Some(3)));
        service.stop().await;
    })
    .await;
}

/// The database alone remembers the id by then: it is a mistake of the sender, not of the database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_reused_long_after_is_still_the_senders_mistake() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(2).await;
        let at = morning() - Span::minutes(30);
        let first = beds(&ward(1), at, 20);
        service.report(first.clone()).await;
        let roster = (1..=12).map(|n| nurses(&ward(1), at + Span::minutes(n), 3)).collect();
        service.submit(roster).await;
        let correction = StaffingReport { revision: 1, ..beds(&ward(1), at, 12) };
        let reused = StaffingReport { report_id: first.report_id.clone(), ..correction.clone() };
        let neighbour = figures(&ward(2), at, 16, 2);
        let receipts = service.submit(vec![neighbour, reused]).await;
        assert_eq!(outcomes(&receipts), [Accepted, Rejected]);
        assert_eq!(violations(&receipts[1])[0].1, RejectReason::IdReused, "{receipts:?}");
        // With an id of its own it is the correction it should have been.
        assert_eq!(service.report(correction).await.outcome(), Accepted);
        assert_eq!(now(&service, &ward(1)).await, (Some(12), Some(3)));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_rejected_is_rejected_again_and_never_called_a_duplicate() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        service.report(figures(&ward(1), morning(), 20, 3)).await;
        // 61 patients in 20 beds, older than what is current.
        let absurd = beds(&ward(1), morning() - Span::minutes(5), 61);
        let receipts = service.submit(vec![absurd.clone(), absurd.clone()]).await;
        assert_eq!(outcomes(&receipts), [Rejected, Rejected], "{receipts:?}");
        let corrected = StaffingReport { patients: beds("", morning(), 16).patients, ..absurd.clone() };
        let receipts = service.submit(vec![absurd, corrected]).await;
        assert_eq!(outcomes(&receipts), [Rejected, Superseded], "the id of a rejected report is still free");
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_acts_at_once() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        let wrong = figures(&ward(1), morning(), 20, 2);
        let receipt = service.report(wrong.clone()).await;
        assert_eq!((receipt.status(), receipt.changed_alerts.len()), (WardStatus::Warning, 1));
        let right = StaffingReport { revision: 1, ..figures(&ward(1), morning(), 12, 2) };
        let receipt = service.report(right).await;
        assert_eq!((receipt.outcome(), receipt.status()), (Accepted, WardStatus::Ok));
        let alert = service.list(pb::ListAlertsRequest { states: vec![3], ..Default::default() }).await.remove(0);
        assert_eq!((alert.name.as_str(), alert.resolution()), (&*receipt.changed_alerts[0], Resolution::Corrected));
        // The old figures do not come back.
        let again = StaffingReport { report_id: Uuid::new_v4().to_string(), ..wrong };
        assert_eq!(service.report(again).await.outcome(), Superseded);
        assert_eq!(service.open_alerts().await, []);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_may_be_two_minutes_ahead_and_thirty_five_days_old() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(2).await;
        let (ahead, old) = (morning() + Span::minutes(2), morning() - Span::days(35));
        for good in [beds(&ward(1), ahead, 3), beds(&ward(2), old, 3)] {
            assert_eq!(service.report(good).await.outcome(), Accepted);
        }
        let future = service.report(beds(&ward(1), ahead + Span::micros(1), 3)).await;
        let text = "2016-04-26T08:02:00.000001Z is more than 2 minutes ahead of the service's 2016-04-26T08:00:00Z: \
                    check the sender's clock";
        assert_eq!(violations(&future), [("observed_time".to_owned(), RejectReason::Future, text.to_owned())]);
        let stale = service.report(beds(&ward(2), old - Span::micros(1), 3)).await;
        let text = "2016-03-22T07:59:59.999999Z is older than reports are kept; to replay old reports use replay \
                    --shift-to-now";
        assert_eq!(violations(&stale), [("observed_time".to_owned(), RejectReason::TooOld, text.to_owned())]);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_ward_names_the_nearest() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        let empty = service.report(beds("organisations/RJ1/wards/A7", morning(), 3)).await;
        let text = "organisations/RJ1/wards/A7 is not registered: check the ward, or register it first";
        assert_eq!(violations(&empty), [("ward".to_owned(), RejectReason::UnknownSubject, text.to_owned())]);
        service.register_wards(vec![adult("organisations/RJ1/wards/ALBERT"), adult(&ward(1))]).await;
        let receipt = service.report(beds("organisations/RJ1/wards/ALBRET", morning(), 3)).await;
        let text = "organisations/RJ1/wards/ALBRET is not registered (nearest: organisations/RJ1/wards/ALBERT): \
                    check the ward, or register it first";
        assert_eq!(violations(&receipt), [("ward".to_owned(), RejectReason::UnknownSubject, text.to_owned())]);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ward_registered_through_another_replica_a_moment_ago_is_known() {
    on_both_stores(async |place| {
        let clock = clock();
        let first = place.serve_by(&clock).await;
        let second = another(&place, &clock).await;
        let second = second.as_ref().unwrap_or(&first);
        for n in 1..=20 {
            first.register_wards(vec![adult(&ward(n))]).await;
            let receipt = second.report(figures(&ward(n), morning(), 20, 2)).await;
            assert_eq!(receipt.outcome(), Accepted, "{receipt:?}");
            // Closed through the one, refused by the other, which knows the ward by now.
            first.register_wards(vec![pb::Ward { state: pb::WardState::Closed.into(), ..adult(&ward(n)) }]).await;
            let receipt = second.report(figures(&ward(n), morning(), 21, 2)).await;
            assert_eq!(violations(&receipt)[0].1, RejectReason::WardClosed, "{receipt:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_a_ward_ends_its_alerts_and_refuses_its_reports() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(1).await;
        service.report(figures(&ward(1), morning(), 20, 1)).await;
        assert_eq!(service.open_alerts().await.len(), 2, "over the limit and below the minimum");
        service.register_wards(vec![pb::Ward { state: pb::WardState::Closed.into(), ..adult(&ward(1)) }]).await;
        service.settled().await;
        assert_eq!(service.open_alerts().await, []);
        let ended = service.list(pb::ListAlertsRequest { states: vec![3], ..Default::default() }).await;
        assert!(ended.iter().all(|a| a.resolution() == Resolution::WardClosed), "{ended:?}");
        let receipt = service.report(figures(&ward(1), morning(), 20, 1)).await;
        let text = "organisations/RJ1/wards/A1 is closed in the register: reopen it there first";
        assert_eq!(violations(&receipt), [("ward".to_owned(), RejectReason::WardClosed, text.to_owned())]);
        assert_eq!(service.ward(&ward(1)).await.status(), WardStatus::Closed);
        // A closed ward is not overdue.
        pass(&clock, 24 * 60);
        service.settled().await;
        assert_eq!(service.open_alerts().await, []);
        service.register_many(1).await;
        let receipt = service.report(figures(&ward(1), clock.now(), 20, 3)).await;
        assert_eq!((receipt.outcome(), receipt.status()), (Accepted, WardStatus::Ok));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn validate_only_answers_as_if_sent_and_stores_nothing() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(2).await;
        service.report(figures(&ward(2), morning(), 16, 2)).await;
        service.settled().await;
        let tables = ["report", "event", "alert", "audit", "config"];
        let counts = async || {
            let mut counts = Vec::new();
            for table in tables {
                counts.push(place.number(&format!("SELECT count(*) FROM {table}")).await);
            }
            counts.push(place.number("SELECT max(etag) FROM subject WHERE kind = 1").await);
            counts
        };
        let before = counts().await;
        let over = figures(&ward(1), morning(), 20, 2);
        let reports = vec![over.clone(), over.clone(), beds(&ward(9), morning(), 3), beds(&ward(2), morning(), -1)];
        let request = pb::SubmitReportsRequest { reports: reports.clone(), validate_only: true };
        for _ in 0..2 {
            let receipts = within(service.reporting().submit_reports(request.clone())).await.unwrap().into_inner();
            assert_eq!(outcomes(&receipts.receipts), [Accepted, Duplicate, Rejected, Rejected]);
            assert_eq!(receipts.receipts[0].status(), WardStatus::Warning);
        }
        let wards = vec![pb::Ward { beds: Some(30), ..adult(&ward(1)) }, adult(&ward(3)), adult(&ward(2))];
        let request = pb::UpsertWardsRequest { wards, validate_only: true };
        let answer = within(service.register().upsert_wards(request)).await.unwrap().into_inner();
        assert_eq!((answer.created_count, answer.updated_count, answer.unchanged_count), (1, 1, 1));
        let organisations = vec![pb::Organisation { name: "organisations/RXX".into(), ..Default::default() }];
        let request = pb::UpsertOrganisationsRequest { organisations, validate_only: true };
        let answer = within(service.register().upsert_organisations(request)).await.unwrap().into_inner();
        assert_eq!(answer.created_count, 1);
        service.settled().await;
        assert_eq!(counts().await, before);
        assert_eq!(service.ward(&ward(1)).await.status(), WardStatus::NeverReported);
        // And then in earnest.
        assert_eq!(outcomes(&service.submit(reports).await), [Accepted, Duplicate, Rejected, Rejected]);
        assert_eq!(service.open_alerts().await, [("ratio.over_limit".to_owned(), "A1".to_owned(), Severity::Warning)]);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn validate_only_knows_what_another_replica_took_in_a_moment_ago() {
    on_both_stores(async |place| {
        let clock = clock();
        let first = place.serve_by(&clock).await;
        let second = another(&place, &clock).await;
        let second = second.as_ref().unwrap_or(&first);
        first.register_many(1).await;
        for n in 0..5 {
            let report = figures(&ward(1), morning() + Span::seconds(n), 16, 2);
            first.report(report.clone()).await;
            let request = pb::SubmitReportsRequest { reports: vec![report], validate_only: true };
            let receipts = within(second.reporting().submit_reports(request)).await.unwrap().into_inner().receipts;
            assert_eq!(outcomes(&receipts), [Duplicate]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn red_flags_are_events_and_each_counts_once() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(1).await;
        let event_id = Uuid::new_v4().to_string();
        let flag = |minutes: i64, resolved: Option<i64>| {
            let at = morning() - Span::minutes(minutes);
            let flag = pb::RedFlag {
                r#type: "nice.sg1.pain_relief_delayed".into(),
                event_id: event_id.clone(),
                noticed_time: Some(timestamp_to(morning() - Span::minutes(30))),
                resolved_time: resolved.map(|m| timestamp_to(morning() - Span::minutes(m))),
            };
            StaffingReport { red_flags: vec![flag], ..crate::support::hospital::report(&ward(1), at, "NURSES") }
        };
        let raised = flag(20, None);
        let receipts = service.submit(vec![raised.clone(), raised.clone(), flag(10, None)]).await;
        assert_eq!(outcomes(&receipts)[..2], [Accepted, Duplicate]);
        assert_eq!(service.open_alerts().await, [("red_flag.raised".to_owned(), "A1".to_owned(), Severity::Critical)]);
        let alert = service.list(pb::ListAlertsRequest::default()).await.remove(0);
        assert_eq!((alert.instance.as_str(), alert.transition_count), (&*event_id, 1));
        // Put right; what is heard of it afterwards, however late, does not raise it again.
        assert_eq!(service.report(flag(5, Some(6))).await.outcome(), Accepted);
        assert_eq!(service.open_alerts().await, []);
        service.submit(vec![flag(25, None), flag(1, None)]).await;
        assert_eq!(service.open_alerts().await, []);
        service.stop().await;
    })
    .await;
}
