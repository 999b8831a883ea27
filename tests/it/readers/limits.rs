//! How many may subscribe, and for how long one may hold a place without reading.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt;
use wardwatch::wire::pb::alert_service_client::AlertServiceClient;
use wardwatch::wire::pb::situation_service_client::SituationServiceClient;
use wardwatch::wire::pb::{SubscribeRequest, WatchSituationRequest};

use super::house::{House, after, everything};
use super::raw::{CANCEL, GOOD, Heard, Manners, Raw};
use crate::support::hospital::reason;
use crate::support::service::{eventually, within};

fn is_refused_for_now(status: &Status) {
    assert_eq!((status.code(), reason(status).as_str()), (Code::ResourceExhausted, "TOO_MANY_SUBSCRIPTIONS"));
    let delay = status.get_error_details().retry_info().and_then(|r| r.retry_delay);
    assert!(delay.is_some_and(|d| d > Duration::ZERO), "it says when to come back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_beyond_the_limit_is_refused_for_now_and_its_place_is_free_again_later() {
    let mut house = House::open(&["limits.subscriptions=3"]).await;
    let (first, second) = (house.process.channel().await, house.process.channel().await);
    let (mut alerts, mut others) = (AlertServiceClient::new(first.clone()), AlertServiceClient::new(second));
    let mut situations = SituationServiceClient::new(first);
    let mut kept = Vec::new();
    for _ in 0..2 {
        kept.push(within(alerts.subscribe(SubscribeRequest::default())).await.unwrap().into_inner());
    }
    let watched = within(situations.watch_situation(WatchSituationRequest::default())).await.unwrap();
    is_refused_for_now(&within(others.subscribe(SubscribeRequest::default())).await.unwrap_err());
    is_refused_for_now(&within(situations.watch_situation(WatchSituationRequest::default())).await.unwrap_err());
    // Reports and reads are not subscriptions.
    house.report(1).await;
    drop(watched);
    eventually("the place is free", async || others.clone().subscribe(SubscribeRequest::default()).await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_a_stream_that_is_never_read_is_cut_at_twice_the_greatest_age_although_its_connection_is_well() {
    // The house's own stream of reports must last until they are taken.
    let mut house = House::open(&["streams.max_age=3s", "limits.subscriptions=2"]).await;
    let beginning = house.beginning().await;
    house.report(200).await;
    let miserly = Manners { window: 500, grants: false, ..GOOD };
    let mut raw = Raw::connect(house.address(), miserly).await;
    let ids = [raw.subscribe(&after(&beginning)), raw.subscribe(&after(&beginning))];
    raw.spent().await;
    let mut ends = Vec::new();
    while ends.len() < ids.len() {
        match within(raw.hear()).await.expect("the connection is well") {
            Heard::Reset(id, code) => ends.push((id, code)),
            Heard::Message(..) => {}
            other => panic!("{other:?}"),
        }
    }
    ends.sort_unstable();
    assert_eq!(ends, ids.map(|id| (id, CANCEL)));
    // Their places are free, on the same connection too.
    raw.subscribe(&everything());
    raw.subscribe(&everything());
    raw.opened().await;
}
