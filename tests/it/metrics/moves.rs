//! Each metric moves when it should, and only then.

use tokio_stream::StreamExt as _;
use wardwatch::clock::SystemClock;
use wardwatch::domain::{Clock as _, Span};
use wardwatch::wire::pb::{self, CloseReason, SubscribeRequest};

use super::scrape::{Scrape, until};
use crate::support::acting::ack;
use crate::support::hospital::{beds, clock, figures, morning, nurses, pass, ward};
use crate::support::postgres::TestDatabase;
use crate::support::service::{Place, Service, on_both_stores, within};

/// A board that shows everything from now on.
async fn board(service: &Service, code: &str, filter: pb::AlertFilter) -> tonic::Streaming<pb::SubscribeResponse> {
    let request = SubscribeRequest { subscriber: code.into(), filter: Some(filter), ..Default::default() };
    let mut stream = within(service.alerts().subscribe(request)).await.unwrap().into_inner();
    within(stream.next()).await.unwrap().unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_are_counted_by_outcome_and_by_the_reason_of_a_rejection() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.register_many(1).await;
        let before = Scrape::of(&service).await;
        let report = figures(&ward(1), morning(), 20, 4);
        service.submit(vec![report.clone(), nurses(&ward(1), morning(), -1), beds(&ward(9), morning(), 3)]).await;
        service.report(report).await;
        service.report(figures(&ward(1), morning() - Span::hours(1), 20, 4)).await;
        let after = Scrape::of(&service).await;
        let grown = |outcome: &str, reason: &str| {
            let labels = [("outcome", outcome), ("reason", reason)];
            let of = |scrape: &Scrape| scrape.value("wardwatch_receipts_total", &labels);
            of(&after) - of(&before)
        };
        let kinds = [("accepted", ""), ("superseded", ""), ("duplicate", "")];
        assert_eq!(kinds.map(|(o, r)| grown(o, r)), [1.0, 1.0, 1.0]);
        let reasons = ["negative", "unknown_subject", "future", "internal"];
        assert_eq!(reasons.map(|r| grown("rejected", r)), [1.0, 1.0, 0.0, 0.0]);
        for histogram in ["wardwatch_evaluation_seconds_count", "wardwatch_commit_seconds_count"] {
            assert!(after.value(histogram, &[]) >= before.value(histogram, &[]) + 2.0, "{histogram}");
        }
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_critical_alert_is_unheard_until_a_board_shows_it_and_open_until_it_is_over() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(2).await;
        assert_eq!(Scrape::of(&service).await.get("wardwatch_criticals_unheard", &[]), None);
        service.report(figures(&ward(1), morning(), 28, 0)).await;
        pass(&clock, 2);
        let critical = |acknowledged| [("rule", "rn.none"), ("severity", "critical"), ("acknowledged", acknowledged)];
        let open = |scrape: &Scrape, acknowledged| scrape.get("wardwatch_open_alerts", &critical(acknowledged));
        let unheard = |scrape: &Scrape| scrape.get("wardwatch_criticals_unheard", &[("organisation", "RJ1")]);
        let raised = Scrape::of(&service).await;
        assert_eq!((open(&raised, "false"), open(&raised, "true"), unheard(&raised)), (Some(1.0), None, Some(1.0)));
        assert!((119.0..=125.0).contains(&raised.value("wardwatch_oldest_unacknowledged_critical_seconds", &[])));
        let followed = |s: &Scrape| s.value("wardwatch_log_head_position", &[]) >= 1.0;
        until(&service, "the tail has read the event", followed).await;
        assert_eq!(raised.value("wardwatch_wards", &[("status", "critical")]), 1.0);

        // A board of another ward does not show it; one of the trust does.
        let other = pb::AlertFilter { wards: vec![ward(2)], ..Default::default() };
        let other = board(&service, "WARD2", other).await;
        pass(&clock, 1);
        assert_eq!(unheard(&Scrape::of(&service).await), Some(1.0));
        let trust = pb::AlertFilter { organisations: vec!["organisations/RJ1".into()], ..Default::default() };
        let trust = board(&service, "TRUST", trust).await;
        pass(&clock, 1);
        let heard = Scrape::of(&service).await;
        assert_eq!(unheard(&heard), Some(0.0), "a nought and not a gap: of several replicas the least counts");
        assert_eq!(heard.value("wardwatch_subscribers", &[("subscriber", "TRUST")]), 1.0);
        drop((other, trust));
        let left = |s: &Scrape| s.get("wardwatch_subscribers", &[("subscriber", "TRUST")]) == Some(0.0);
        until(&service, "the board has gone", left).await;
        pass(&clock, 1);
        assert_eq!(unheard(&Scrape::of(&service).await), Some(1.0));

        let alert = service.alert("rn.none").await.name;
        service.acknowledge(ack(&alert)).await.unwrap();
        pass(&clock, 1);
        let acknowledged = Scrape::of(&service).await;
        assert_eq!((open(&acknowledged, "false"), open(&acknowledged, "true")), (None, Some(1.0)));
        assert_eq!(unheard(&acknowledged), None, "somebody has heard");
        assert_eq!(acknowledged.value("wardwatch_oldest_unacknowledged_critical_seconds", &[]), 0.0);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ward_that_stops_reporting_is_stale_and_its_source_ages() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(4).await;
        service.submit((1..=3).map(|n| figures(&ward(n), morning(), 20, 4)).collect()).await;
        pass(&clock, 1);
        let source = [("organisation", "RJ1"), ("source", "BEDS")];
        let age = "wardwatch_source_report_age_seconds";
        let fresh = Scrape::of(&service).await;
        assert_eq!(fresh.value("wardwatch_stale_wards", &[]), 1.0, "the one that never reported");
        assert_eq!(fresh.value("wardwatch_wards", &[("status", "never_reported")]), 1.0);
        assert!(fresh.value(age, &source) < 120.0);
        pass(&clock, 180);
        service.settled().await;
        let stale = Scrape::of(&service).await;
        assert_eq!(stale.value("wardwatch_stale_wards", &[]), 4.0);
        assert!(stale.value(age, &source) >= 180.0 * 60.0);
        let silent =
            |s: &Scrape| s.get("wardwatch_open_alerts", &[("rule", "source.silent")]).is_some_and(|n| n >= 1.0);
        // What a sweep publishes of an organisation comes with the next sweep.
        service.settled().await;
        pass(&clock, 1);
        let shown = Scrape::of(&service).await;
        assert!(silent(&shown), "{}", shown.text);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_the_pool_the_sweep_and_the_process_are_shown() {
    on_both_stores(async |place| {
        let service = place.serve_by(&clock()).await;
        service.settled().await;
        let scrape = Scrape::of(&service).await;
        let value = |name: &str| scrape.value(name, &[]);
        assert!(value("wardwatch_database_bytes") > 10_000.0);
        let (size, store) = if matches!(place, Place::Sqlite(_)) { (3.0, "sqlite") } else { (4.0, "postgres") };
        assert_eq!(value("wardwatch_pool_size"), size);
        let open = ["in_use", "idle"].map(|state| scrape.value("wardwatch_pool_connections", &[("state", state)]));
        assert!(open[0] + open[1] >= 1.0 && open[0] + open[1] <= size, "{open:?}");
        assert!(scrape.value("wardwatch_sweeps_total", &[("result", "ok")]) >= 1.0);
        assert!(value("wardwatch_sweep_age_seconds") < 60.0 && value("wardwatch_figures_age_seconds") < 60.0);
        assert_eq!(value("wardwatch_ready"), 1.0);
        assert_eq!(value("wardwatch_storage_waiting_seconds"), 0.0);
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert_eq!(scrape.value("wardwatch_build_info", &[("store", store), ("environment", "live")]), 1.0);
        assert_eq!(scrape.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scrape_is_answered_while_postgresql_is_away_with_the_figures_of_before() {
    let Some(database) = TestDatabase::create().await else { return };
    let place = Place::Postgres(database);
    let clock = clock();
    let service = place.serve_by(&clock).await;
    service.register_many(1).await;
    service.report(figures(&ward(1), morning(), 28, 0)).await;
    pass(&clock, 1);
    let before = Scrape::of(&service).await;
    assert_eq!(before.value("wardwatch_scrape_errors_total", &[]), 0.0);
    let away = place.take_away().await;
    pass(&clock, 1);
    let during = within(Scrape::of(&service)).await;
    assert_eq!(during.value("wardwatch_scrape_errors_total", &[]), 1.0);
    assert_eq!(during.value("wardwatch_open_alerts", &[("rule", "rn.none")]), 1.0);
    assert!(during.text.ends_with("# EOF\n"));
    let _ = during.value("wardwatch_figures_age_seconds", &[]);
    away.bring_back().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_set_back_before_a_restart_is_seen() {
    let place = Place::sqlite();
    let service = place.serve_by(&clock()).await;
    service.register_many(1).await;
    service.report(figures(&ward(1), morning(), 28, 0)).await;
    assert_eq!(Scrape::of(&service).await.value("wardwatch_clock_set_back_total", &[]), 0.0);
    service.stop().await;
    let earlier = std::sync::Arc::new(wardwatch::clock::ManualClock::new(morning() - Span::hours(1)));
    let service = place.serve_by(&earlier).await;
    let behind = |s: &Scrape| s.value("wardwatch_clock_behind_seconds", &[]) >= 3_600.0;
    let scrape = until(&service, "the log is ahead of the clock", behind).await;
    assert_eq!(scrape.value("wardwatch_clock_set_back_total", &[]), 1.0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_other_rooms_report_is_shown() {
    let place = Place::sqlite();
    let service = place.serve_by(&clock()).await;
    let events = &service.running.metrics.events;
    let expiry = "wardwatch_certificate_expiry_timestamp_seconds";
    assert_eq!(Scrape::of(&service).await.get(expiry, &[]), None, "without a certificate nothing can expire");
    events.reloaded("certificate", true);
    events.reloaded("permissions", true);
    events.reloaded("permissions", false);
    events.access_refusals_are("expired", 1);
    events.certificate_expires("server", Some(1_900_000_000));
    let scrape = Scrape::of(&service).await;
    let reloads = |what, result| scrape.get("wardwatch_reloads_total", &[("what", what), ("result", result)]);
    assert_eq!((reloads("certificate", "ok"), reloads("certificate", "failed")), (Some(1.0), None));
    assert_eq!((reloads("permissions", "ok"), reloads("permissions", "failed")), (Some(1.0), Some(1.0)));
    let last = |what| scrape.value("wardwatch_last_reload_ok", &[("what", what)]);
    assert_eq!((last("certificate"), last("permissions")), (1.0, 0.0));
    assert_eq!(scrape.value("wardwatch_access_refusals_total", &[("reason", "expired")]), 1.0);
    assert_eq!(scrape.value(expiry, &[("what", "server")]), 1_900_000_000.0);
    events.certificate_expires("server", None);
    assert_eq!(Scrape::of(&service).await.get(expiry, &[]), None);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_label_holds_a_ward_a_report_an_alert_or_more_codes_than_may_be() {
    let clock = clock();
    let place = Place::sqlite();
    let service = place.serve_by(&clock).await;
    service.register_many(3).await;
    let report = figures(&ward(1), morning(), 28, 0);
    service.report(report.clone()).await;
    let mut boards = Vec::new();
    for n in 0..110 {
        boards.push(board(&service, &format!("BOARD{n}"), pb::AlertFilter::default()).await);
    }
    pass(&clock, 1);
    let scrape = Scrape::of(&service).await;
    let alert = service.alert("rn.none").await.name;
    for secret in [ward(1).as_str(), "wards/", &report.report_id, &alert, "SiteManager"] {
        assert!(!scrape.text.contains(secret), "{secret} is in a scrape");
    }
    assert_eq!(scrape.text.matches("wardwatch_subscribers{").count(), 101);
    let all: f64 = scrape.value("wardwatch_subscribers", &[("subscriber", "other")]);
    assert_eq!(all, 10.0);
    drop(boards);
    service.close(&alert, CloseReason::Unspecified).await.expect_err("there is no such reason");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_the_systems_clock_nothing_is_behind() {
    let place = Place::sqlite();
    let clock = std::sync::Arc::new(SystemClock::default());
    let service = place.serve_with(clock.clone(), |_| ()).await;
    service.register_many(1).await;
    service.report(figures(&ward(1), clock.now(), 28, 0)).await;
    let scrape = Scrape::of(&service).await;
    assert_eq!(scrape.value("wardwatch_clock_set_back_total", &[]), 0.0);
    assert!(scrape.value("wardwatch_clock_behind_seconds", &[]) < 1.0);
    assert!(scrape.value("process_start_time_seconds", &[]) > 1.6e9);
    service.stop().await;
}
