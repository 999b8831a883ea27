//! Reading back: reports, what the service is, whether it is well; each on both stores.

use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use wardwatch::domain::{Span, Time};
use wardwatch::wire::pb::subscribe_request::Start;
use wardwatch::wire::pb::{self, StaffingReport};
use wardwatch::wire::{timestamp_to, to_time};

use crate::support::hospital::{beds, clock, fields, figures, morning, pass, reason, ward};
use crate::support::process::get;
use crate::support::service::{Service, eventually, on_both_stores, within};

async fn get_report(service: &Service, name: &str) -> Result<pb::StoredReport, tonic::Status> {
    let request = pb::GetReportRequest { name: name.to_owned() };
    Ok(within(service.reporting().get_report(request)).await?.into_inner().report.unwrap())
}

fn between(parent: &str, from: Time, to: Time) -> pb::ListReportsRequest {
    pb::ListReportsRequest {
        parent: parent.to_owned(),
        start_time: Some(timestamp_to(from)),
        end_time: Some(timestamp_to(to)),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_is_read_back_by_the_name_in_its_receipt() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(1).await;
        let sent = StaffingReport { revision: 3, ..figures(&ward(1), morning() - Span::micros(1), 20, 2) };
        let receipt = service.report(sent.clone()).await;
        pass(&clock, 10);
        let stored = get_report(&service, &receipt.name).await.unwrap();
        assert_eq!((stored.name, stored.report), (receipt.name.clone(), Some(sent)));
        assert_eq!(to_time(stored.received_time.unwrap()), Some(morning()));

        let other = receipt.name.replace(receipt.report_id.as_str(), "00000000-0000-4000-8000-000000000000");
        let status = get_report(&service, &other).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::NotFound, &*format!("{other} does not exist")));
        let unknown = receipt.name.replace("A1", "A2");
        assert_eq!(get_report(&service, &unknown).await.unwrap_err().code(), Code::NotFound);
        let status = get_report(&service, "reports/1").await.unwrap_err();
        let text = "name: 'reports/1' is not a report's name: \
                    organisations/{ods}/wards/{ward}/reports/{observed microseconds}-{report_id}";
        assert_eq!((status.message(), fields(&status)), (text, vec!["name".to_owned()]));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_of_a_ward_come_in_observed_order_page_by_page() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(2).await;
        let at = |n: i64| morning() - Span::hours(24) + Span::minutes(n);
        // Two of each minute, sent from the last to the first; and another ward's.
        let reports: Vec<_> = (0..60).rev().map(|n| beds(&ward(1), at(n / 2), 10)).collect();
        service.submit(reports.clone()).await;
        service.report(beds(&ward(2), at(5), 10)).await;
        let mut expected: Vec<_> =
            reports.iter().map(|r| (to_time(r.observed_time.unwrap()).unwrap(), r.report_id.clone())).collect();
        expected.sort();

        let mut request = pb::ListReportsRequest { page_size: 7, ..between(&ward(1), at(0), at(30)) };
        let mut seen = Vec::new();
        loop {
            let page = within(service.reporting().list_reports(request.clone())).await.unwrap().into_inner();
            assert!(page.reports.len() <= 7 && !page.cursor.is_empty());
            seen.extend(page.reports.into_iter().map(|r| r.report.unwrap()));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        let seen: Vec<_> =
            seen.iter().map(|r| (to_time(r.observed_time.unwrap()).unwrap(), r.report_id.clone())).collect();
        assert_eq!(seen, expected);

        // Half open: the end is not in it.
        let request = between(&ward(1), at(3), at(5));
        let page = within(service.reporting().list_reports(request.clone())).await.unwrap().into_inner();
        assert_eq!(page.reports.len(), 4);
        // A token is of its own request.
        let page = pb::ListReportsRequest { page_size: 1, ..request.clone() };
        let token = within(service.reporting().list_reports(page)).await.unwrap().into_inner().next_page_token;
        let other = pb::ListReportsRequest { page_token: token, ..between(&ward(2), at(3), at(5)) };
        assert_eq!(fields(&within(service.reporting().list_reports(other)).await.unwrap_err()), ["page_token"]);

        let week = morning() - Span::days(7);
        assert!(service.reporting().list_reports(between(&ward(1), week, morning())).await.is_ok());
        let text = "end_time: must be after start_time and at most 7 days later";
        for (parent, from, to, expected) in [
            (ward(1), week - Span::micros(1), morning(), text),
            (ward(1), morning(), morning(), text),
            (
                "organisations/RJ1".to_owned(),
                at(0),
                at(1),
                "parent: 'organisations/RJ1' is neither a ward, organisations/{ods}/wards/{ward}, nor a cover group",
            ),
        ] {
            let status = within(service.reporting().list_reports(between(&parent, from, to))).await.unwrap_err();
            assert_eq!((status.code(), status.message()), (Code::InvalidArgument, expected));
        }
        let open = pb::ListReportsRequest { end_time: None, ..request };
        let status = within(service.reporting().list_reports(open)).await.unwrap_err();
        assert_eq!(status.message(), "end_time: is required: an instant");
        let status = within(service.reporting().list_reports(between(&ward(9), at(0), at(1)))).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_says_what_it_is_and_how_far_its_log_reaches() {
    on_both_stores(async |place| {
        let service = place.serve_with(clock(), |s| s.server.environment = "training".into()).await;
        service.register_many(1).await;
        service.report(figures(&ward(1), morning(), 20, 2)).await;
        let info = within(service.info().get_server_info(pb::GetServerInfoRequest {})).await.unwrap().into_inner();
        assert_eq!((info.version.as_str(), info.environment.as_str()), (env!("CARGO_PKG_VERSION"), "training"));
        assert_eq!(info.store, if place.url().starts_with("sqlite") { "sqlite" } else { "postgres" });
        assert_eq!(to_time(info.server_time.unwrap()), Some(morning()));
        let limits = info.limits.unwrap();
        assert_eq!((limits.reports_per_message, limits.message_bytes), (1_000, 1 << 20));
        assert_eq!((limits.report_retention_days, limits.event_retention_days), (35, 400));
        assert_eq!((limits.streams_per_connection, limits.unreceipted_reports_per_stream), (128, 1_024));

        // After the oldest comes everything; after the newest, what is to come.
        let after = async |cursor: &bytes::Bytes| {
            let request =
                pb::SubscribeRequest { start: Some(Start::AfterCursor(cursor.clone())), ..Default::default() };
            let mut stream = within(service.alerts().subscribe(request)).await.unwrap().into_inner();
            let opened = within(stream.message()).await.unwrap().unwrap();
            assert_eq!(opened.cursor, cursor);
            stream
        };
        let (mut old, mut new) = (after(&info.oldest_cursor).await, after(&info.newest_cursor).await);
        service.report(figures(&ward(1), morning() + Span::seconds(1), 30, 2)).await;
        for (stream, first) in [(&mut old, 1), (&mut new, 2)] {
            let message = within(stream.message()).await.unwrap().unwrap();
            let Some(pb::subscribe_response::Response::Events(events)) = message.response else {
                panic!("{message:?}")
            };
            assert_eq!(events.events[0].position, first);
        }
        drop((old, new));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_ready_when_it_has_started_and_says_not_serving_when_it_drains() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        let admin = service.running.admin_address.to_string();
        assert_eq!(get(&admin, "/livez").await, (200, "ok\n".to_owned()));
        assert_eq!(get(&admin, "/readyz").await, (200, "ok\n".to_owned()));
        assert_eq!(get(&admin, "/nothing").await.0, 404);
        let mut health = HealthClient::new(service.another_connection().await);
        let ask = |name: &str| HealthCheckRequest { service: name.to_owned() };
        for name in ["", "wardwatch.v1.AlertService", "wardwatch.v1.ReportingService"] {
            assert_eq!(within(health.check(ask(name))).await.unwrap().into_inner().status(), ServingStatus::Serving);
        }
        assert_eq!(within(health.check(ask("nobody"))).await.unwrap_err().code(), Code::NotFound);
        let mut watched = within(health.watch(ask(""))).await.unwrap().into_inner();
        let said = |m: Option<HealthCheckResponse>| m.map(|m| m.status());
        assert_eq!(said(within(watched.message()).await.unwrap()), Some(ServingStatus::Serving));

        // Somebody still listens to alerts while it drains.
        let request = pb::SubscribeRequest::default();
        let mut alerts = within(service.alerts().subscribe(request)).await.unwrap().into_inner();
        within(alerts.message()).await.unwrap();
        service.running.drain();
        // Whoever watches is told so, or that the service goes down; and does not hold up the drain.
        let end = loop {
            match within(watched.message()).await {
                Ok(told) => assert_eq!(said(told), Some(ServingStatus::NotServing)),
                Err(end) => break end,
            }
        };
        assert_eq!((end.code(), reason(&end)), (Code::Unavailable, "SERVER_DRAINING".to_owned()));
        eventually("/readyz says no", async || get(&admin, "/readyz").await.0 == 503).await;
        assert_eq!(get(&admin, "/livez").await.0, 200);
        drop((alerts, watched, health));
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_database_file_ends_the_service() {
    let place = crate::support::service::Place::sqlite();
    let service = place.serve_with(clock(), |s| s.streams.drain_limit = std::time::Duration::from_secs(1)).await;
    let path = place.url().strip_prefix("sqlite:").unwrap().to_owned();
    std::fs::rename(&path, format!("{path}.moved")).unwrap();
    let lifecycle = service.running.lifecycle.clone();
    within(lifecycle.soft.cancelled()).await;
    let failed = within(service.running.wait()).await.unwrap_err();
    assert_eq!(failed.to_string(), "a part of the service failed; see the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_are_kept_for_35_days_and_events_for_400() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(1).await;
        let receipt = service.report(figures(&ward(1), morning(), 20, 2)).await;
        let info = within(service.info().get_server_info(pb::GetServerInfoRequest {})).await.unwrap().into_inner();
        let reports = async || place.number("SELECT count(*) FROM report").await;
        clock.advance_to(morning() + Span::days(35));
        service.settled().await;
        assert_eq!(reports().await, 1);
        pass(&clock, 11);
        eventually("the report is gone", async || reports().await == 0).await;
        assert_eq!(get_report(&service, &receipt.name).await.unwrap_err().code(), Code::NotFound);
        // The alert stands, for silence resolves nothing; and so does its history.
        assert!(service.open_alerts().await.iter().any(|(rule, ..)| rule == "ratio.over_limit"));
        assert_eq!(service.events(&receipt.changed_alerts[0]).await[0].position, 1);

        clock.advance_to(morning() + Span::days(401));
        let first = async || place.number("SELECT min(position) FROM event").await;
        eventually("the oldest events are gone", async || first().await > 1).await;
        let start = Some(Start::AfterCursor(info.oldest_cursor));
        let request = pb::SubscribeRequest { start, ..Default::default() };
        let refused = match within(service.alerts().subscribe(request)).await {
            Err(status) => status,
            Ok(stream) => within(stream.into_inner().message()).await.unwrap_err(),
        };
        assert_eq!((refused.code(), reason(&refused)), (Code::OutOfRange, "CURSOR_EXPIRED".to_owned()));
        let oldest = within(service.info().get_server_info(pb::GetServerInfoRequest {})).await.unwrap().into_inner();
        let start = Some(Start::AfterCursor(oldest.oldest_cursor));
        let mut stream = within(service.alerts().subscribe(pb::SubscribeRequest { start, ..Default::default() }))
            .await
            .unwrap()
            .into_inner();
        assert!(within(stream.message()).await.is_ok());
        assert!(service.open_alerts().await.iter().any(|(rule, ..)| rule == "ratio.over_limit"), "still open");
        drop(stream);
        service.stop().await;
    })
    .await;
}
