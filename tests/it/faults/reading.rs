//! Reads what is true at the end, through the API.

use std::collections::{BTreeMap, HashMap};

use tonic::transport::Channel;
use wardwatch::domain::{Span, Time};
use wardwatch::feed::cursor;
use wardwatch::wire::pb::alert_service_client::AlertServiceClient;
use wardwatch::wire::pb::subscribe_request::Start;
use wardwatch::wire::pb::subscribe_response::Response;
use wardwatch::wire::pb::{self, AlertEvent, AlertState};
use wardwatch::wire::timestamp_to;

use super::cluster::Cluster;
use super::history::{Truth, now};
use super::load::{GROUP, WARDS};
use crate::support::hospital::ward;
use crate::support::service::within;

/// The first `count` events of the log.
pub async fn events(mut alerts: AlertServiceClient<Channel>, count: usize) -> Vec<AlertEvent> {
    let request = pb::SubscribeRequest {
        filter: Some(pb::AlertFilter { include_forecasts: true, ..Default::default() }),
        start: Some(Start::SinceTime(timestamp_to(Time::from_micros(0)))),
        ..Default::default()
    };
    let mut stream = within(alerts.subscribe(request)).await.unwrap().into_inner();
    let mut events = Vec::with_capacity(count);
    while events.len() < count {
        let message = within(stream.message()).await.unwrap().expect("the log goes on");
        if let Some(Response::Events(more)) = message.response {
            events.extend(more.events);
        }
    }
    events.truncate(count);
    events
}

/// Everything but the log and what is open; reports observed since a time.
pub async fn rest(cluster: &Cluster, since: Time) -> Truth {
    let mut stored: HashMap<String, (pb::StaffingReport, usize)> = HashMap::new();
    let mut current = BTreeMap::new();
    for name in (1..=WARDS).map(ward).chain([GROUP.to_owned()]) {
        for report in reports(cluster, &name, since).await {
            stored.entry(report.report_id.clone()).or_insert((report, 0)).1 += 1;
        }
        let blocks = blocks(cluster, &name).await;
        current.insert(name, blocks.into_iter().map(|b| (b.block, b.report_id)).collect());
    }
    Truth { stored, audit: audit(cluster).await, current, ..Truth::default() }
}

async fn reports(cluster: &Cluster, subject: &str, since: Time) -> Vec<pb::StaffingReport> {
    let mut client = cluster.reporting(0).await;
    let mut request = pb::ListReportsRequest {
        parent: subject.to_owned(),
        start_time: Some(timestamp_to(since - Span::hours(1))),
        end_time: Some(timestamp_to(now() + Span::hours(1))),
        page_size: 1_000,
        ..Default::default()
    };
    let mut found = Vec::new();
    loop {
        let page = within(client.list_reports(request.clone())).await.unwrap().into_inner();
        found.extend(page.reports.into_iter().filter_map(|r| r.report));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return found;
        }
    }
}

async fn blocks(cluster: &Cluster, subject: &str) -> Vec<pb::CurrentBlock> {
    let mut register = cluster.registering(0).await;
    let name = subject.to_owned();
    if subject == GROUP {
        within(register.get_cover_group(pb::GetCoverGroupRequest { name })).await.unwrap().into_inner().blocks
    } else {
        within(register.get_ward(pb::GetWardRequest { name })).await.unwrap().into_inner().blocks
    }
}

/// Open and acknowledged alerts, and the position of the log they are as of.
pub async fn open(cluster: &Cluster) -> (Vec<pb::Alert>, i64) {
    let mut alerts = cluster.alerts(0).await;
    let request = pb::ListAlertsRequest {
        filter: Some(pb::AlertFilter { include_forecasts: true, ..Default::default() }),
        states: vec![AlertState::Open.into(), AlertState::Acknowledged.into()],
        page_size: 1_000,
        ..Default::default()
    };
    let listed = within(alerts.list_alerts(request)).await.unwrap().into_inner();
    let (_, point) = cursor::decode(&listed.cursor).expect("a list has a cursor");
    (listed.alerts, point.position)
}

async fn audit(cluster: &Cluster) -> Vec<pb::AuditEntry> {
    let mut alerts = cluster.alerts(0).await;
    let mut request = pb::ListAuditEntriesRequest { page_size: 1_000, ..Default::default() };
    let mut found = Vec::new();
    loop {
        let page = within(alerts.list_audit_entries(request.clone())).await.unwrap().into_inner();
        found.extend(page.entries);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return found;
        }
    }
}
