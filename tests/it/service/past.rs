//! Alerts as they stood, and alerts on plans: what lists and subscriptions give out.

use std::collections::BTreeMap;

use tonic::{Code, Status};
use wardwatch::domain::{Clock as _, Span, Time};
use wardwatch::wire::pb::subscribe_request::Start;
use wardwatch::wire::pb::subscribe_response::Response;
use wardwatch::wire::pb::{self, AlertCondition, AlertFilter, AlertState, ListAlertsRequest, Severity};
use wardwatch::wire::{timestamp_to, to_time};

use super::strike_cover::{doctors, hospital, planned};
use crate::support::acting::ack;
use crate::support::hospital::{clock, fields, figures, morning, pass, reason, ward};
use crate::support::service::{Place, Service, eventually, on_both_stores, within};

fn as_of(time: Time) -> ListAlertsRequest {
    let filter = Some(AlertFilter { include_forecasts: true, ..Default::default() });
    ListAlertsRequest { filter, as_of_time: Some(timestamp_to(time)), ..Default::default() }
}

/// All pages of one alert each.
async fn listed(service: &Service, request: ListAlertsRequest) -> Vec<pb::Alert> {
    let mut request = ListAlertsRequest { page_size: 1, ..request };
    let mut alerts = Vec::new();
    loop {
        let page = within(service.alerts().list_alerts(request.clone())).await.unwrap().into_inner();
        alerts.extend(page.alerts);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return alerts;
        }
    }
}

async fn refused(service: &Service, request: ListAlertsRequest) -> Status {
    within(service.alerts().list_alerts(request)).await.unwrap_err()
}

/// A morning of ups and downs on three wards.
async fn ups_and_downs(service: &Service, clock: &wardwatch::clock::ManualClock) {
    service.register_many(3).await;
    for (n, bedded) in [(1, 36), (2, 27), (3, 21), (1, 27), (2, 21), (3, 36), (1, 21), (2, 27), (3, 27)] {
        service.report(figures(&ward(n), clock.now(), bedded, 3)).await;
        service.settled().await;
        pass(clock, 7);
    }
    let open = service.list(ListAlertsRequest::default()).await;
    service.acknowledge(ack(&open.last().unwrap().name)).await.unwrap();
    pass(clock, 35);
    service.settled().await;
    service.report(figures(&ward(1), clock.now(), 36, 3)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_as_of_a_time_are_what_a_subscriber_had_seen_then() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        ups_and_downs(&service, &clock).await;
        let seen = service.seen(&place).await;
        let time = |event: &pb::AlertEvent| to_time(event.event_time.unwrap()).unwrap();
        let mut times: Vec<_> = seen.iter().map(time).flat_map(|at| [at - Span::micros(1), at]).collect();
        times.dedup();
        assert!(times.len() > 20, "{}", times.len());
        for at in times {
            let mut known = BTreeMap::new();
            for event in seen.iter().filter(|e| time(e) <= at) {
                let alert = event.alert.clone().unwrap();
                known.insert((to_time(alert.raise_time.unwrap()).unwrap(), alert.name.clone()), alert);
            }
            let were = |so: &dyn Fn(&pb::Alert) -> bool| known.values().filter(|a| so(a)).cloned().collect::<Vec<_>>();
            let open = |a: &pb::Alert| a.state() != AlertState::Resolved;
            assert_eq!(listed(&service, as_of(at)).await, were(&open), "as of {at}");
            let ended = ListAlertsRequest { states: vec![AlertState::Resolved.into()], ..as_of(at) };
            assert_eq!(listed(&service, ended).await, were(&|a| !open(a)), "ended by {at}");
            let clearing = ListAlertsRequest { condition: AlertCondition::Clearing.into(), ..as_of(at) };
            assert_eq!(
                listed(&service, clearing).await,
                were(&|a| open(a) && a.condition() == AlertCondition::Clearing)
            );
            let filter = Some(AlertFilter { min_severity: Severity::Critical.into(), ..Default::default() });
            let mut critical =
                listed(&service, ListAlertsRequest { filter, order_by: "raise_time desc".into(), ..as_of(at) }).await;
            critical.reverse();
            assert_eq!(critical, were(&|a| open(a) && a.peak_severity() == Severity::Critical));
        }
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_after_the_past_tells_what_happened_since() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        ups_and_downs(&service, &clock).await;
        let seen = service.seen(&place).await;
        let at = to_time(seen[4].event_time.unwrap()).unwrap();
        let page = within(service.alerts().list_alerts(as_of(at))).await.unwrap().into_inner();
        let start = Some(Start::AfterCursor(page.cursor));
        let request = pb::SubscribeRequest { start, ..Default::default() };
        let mut stream = within(service.alerts().subscribe(request)).await.unwrap().into_inner();
        let first = loop {
            match within(stream.message()).await.unwrap().unwrap().response {
                Some(Response::Events(events)) => break events.events[0].clone(),
                _ => continue,
            }
        };
        let next = seen.iter().find(|e| to_time(e.event_time.unwrap()).unwrap() > at).unwrap();
        assert_eq!(&first, next);
        service.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_the_future_nor_what_retention_let_go_can_be_listed() {
    on_both_stores(async |place| {
        let clock = clock();
        let service = place.serve_by(&clock).await;
        service.register_many(1).await;
        let before = morning() - Span::hours(1);
        assert!(listed(&service, as_of(before)).await.is_empty(), "before the log began there was nothing");
        service.report(figures(&ward(1), morning(), 36, 3)).await;
        let future = refused(&service, as_of(clock.now() + Span::seconds(1))).await;
        assert_eq!((future.code(), fields(&future)), (Code::InvalidArgument, vec!["as_of_time".to_owned()]));
        assert_eq!(listed(&service, as_of(clock.now())).await.len(), 1);
        pass(&clock, 400 * 24 * 60 + 60);
        service.settled().await;
        // What time did just now is the newest; the next round of retention lets go of what was before.
        pass(&clock, 11);
        eventually("retention trims the log", async || place.number("SELECT trimmed_position FROM head").await > 0)
            .await;
        let gone = refused(&service, as_of(morning())).await;
        assert_eq!((gone.code(), reason(&gone).as_str()), (Code::OutOfRange, "TIME_EXPIRED"));
        assert!(!listed(&service, as_of(clock.now())).await.is_empty());
        service.stop().await;
    })
    .await;
}

async fn forecast_and_breach(place: &Place) -> Service {
    let clock = std::sync::Arc::new(wardwatch::clock::ManualClock::new(morning() - Span::days(1)));
    let service = place.serve_by(&clock).await;
    hospital(&service).await;
    let day = ["2016-04-26T07:00:00Z", "2016-04-26T16:00:00Z"];
    service.submit(vec![planned(doctors("GENMED", clock.now(), 1), day[0], day[1])]).await;
    service.settled().await;
    service.report(figures(&ward(1), clock.now(), 36, 3)).await;
    service
}

/// What a filter gives: in lists, in a snapshot, and the rule of the first event in the log.
async fn given(service: &Service, filter: AlertFilter) -> (Vec<String>, Vec<String>, String) {
    let filter = Some(filter);
    let request = ListAlertsRequest { filter: filter.clone(), ..Default::default() };
    let rules = |alerts: Vec<pb::Alert>| alerts.into_iter().map(|a| a.rule).collect::<Vec<_>>();
    let listed = rules(service.list(request).await);
    let start = Some(Start::Snapshot(pb::Snapshot {}));
    let request = pb::SubscribeRequest { filter: filter.clone(), start, ..Default::default() };
    let mut stream = within(service.alerts().subscribe(request)).await.unwrap().into_inner();
    let mut shown = Vec::new();
    loop {
        match within(stream.message()).await.unwrap().unwrap().response {
            Some(Response::SnapshotAlerts(alerts)) => shown.extend(rules(alerts.alerts)),
            Some(Response::SnapshotComplete(_)) => break,
            _ => {}
        }
    }
    let start = Some(Start::SinceTime(timestamp_to(Time::from_micros(0))));
    let request = pb::SubscribeRequest { filter, start, ..Default::default() };
    let mut stream = within(service.alerts().subscribe(request)).await.unwrap().into_inner();
    loop {
        if let Some(Response::Events(events)) = within(stream.message()).await.unwrap().unwrap().response {
            return (listed, shown, events.events[0].alert.clone().unwrap().rule);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forecasts_come_to_those_who_ask_and_groups_and_strikes_can_be_asked_for() {
    on_both_stores(async |place| {
        let service = forecast_and_breach(&place).await;
        let all = AlertFilter { include_forecasts: true, ..Default::default() };
        let (listed, shown, _) = given(&service, all.clone()).await;
        assert!(listed.contains(&"cover.plan_gap".to_owned()) && listed.contains(&"ratio.over_limit".to_owned()));
        assert_eq!(listed, shown);
        let (listed, shown, first) = given(&service, AlertFilter::default()).await;
        assert_eq!((&listed, first.as_str()), (&vec!["ratio.over_limit".to_owned()], "ratio.over_limit"));
        assert_eq!(listed, shown, "a snapshot follows the filter");
        let one = |text: &str| vec![text.to_owned()];
        let gap = (one("cover.plan_gap"), one("cover.plan_gap"), "cover.plan_gap".to_owned());
        let group = "organisations/RJ1/coverGroups/GENMED";
        assert_eq!(given(&service, AlertFilter { cover_groups: one(group), ..all.clone() }).await, gap);
        let both = AlertFilter { cover_groups: one(group), wards: vec![ward(1)], ..all.clone() };
        assert_eq!(given(&service, both).await.0, ["cover.plan_gap", "ratio.over_limit"], "either, not neither");
        let strike = AlertFilter { strikes: one("strikes/bma-2016-04-26"), ..all.clone() };
        let (of_strike, ..) = given(&service, strike).await;
        assert!(
            of_strike.contains(&"cover.plan_gap".to_owned()) && !of_strike.contains(&"ratio.over_limit".to_owned())
        );
        let wrong = AlertFilter {
            cover_groups: one("organisations/RJ1/coverGroups/GENMEDI"),
            strikes: one("strikes/bma-2016-04-27"),
            ..all
        };
        let refused = refused(&service, ListAlertsRequest { filter: Some(wrong), ..Default::default() }).await;
        assert_eq!(fields(&refused), ["filter.cover_groups[0]", "filter.strikes[0]"]);
        assert!(refused.message().contains("nearest known is organisations/RJ1/coverGroups/GENMED;"));
        assert!(refused.message().contains("nearest known is strikes/bma-2016-04-26"), "{}", refused.message());
        service.stop().await;
    })
    .await;
}
