//! ListAlerts, GetAlert, ListAlertEvents.

use tonic::{Code, Status};
use wardwatch::wire::pb::{
    AlertCondition, AlertFilter, AlertState, GetAlertRequest, ListAlertEventsRequest, ListAlertsRequest,
    ListAlertsResponse, Severity,
};

use super::rig::*;

async fn list(replica: &Replica, request: ListAlertsRequest) -> Result<ListAlertsResponse, Status> {
    Ok(replica.client().await.list_alerts(request).await?.into_inner())
}

/// Instances of all pages.
async fn listed(replica: &Replica, mut request: ListAlertsRequest) -> Vec<String> {
    let mut instances = Vec::new();
    loop {
        let page = list(replica, request.clone()).await.unwrap();
        instances.extend(page.alerts.into_iter().map(|a| a.instance));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return instances;
        }
    }
}

fn text(values: impl IntoIterator<Item = i64>) -> Vec<String> {
    values.into_iter().map(|v| v.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_open_alerts_in_raise_time_page_by_page() {
    let hand = Hand::new().await;
    hand.append(&[(0..120).rev().map(|i| raised("A1", i)).collect()]).await;
    hand.append_each((0..10).map(|i| raised("A1", i).resolved())).await;
    let replica = hand.replica(Settings::default()).await;
    let page = list(&replica, ListAlertsRequest::default()).await.unwrap();
    assert_eq!(page.alerts.len(), 50);
    assert_eq!(listed(&replica, ListAlertsRequest::default()).await, text(10..120));
    let newest_first = ListAlertsRequest { order_by: "raise_time desc".into(), page_size: 7, ..Default::default() };
    assert_eq!(listed(&replica, newest_first).await, text((10..120).rev()));
    let resolved = ListAlertsRequest { states: vec![AlertState::Resolved as i32], ..Default::default() };
    assert_eq!(listed(&replica, resolved).await, text(0..10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_takes_the_filter_the_condition_and_the_beginning_of_a_name() {
    let hand = Hand::new().await;
    hand.append(&[vec![raised("A1", 1)], vec![raised("A2", 2).rule("rn.none").severity(Severity::Critical)]]).await;
    hand.append(&[vec![raised("B1", 3)]]).await;
    let replica = hand.replica(Settings::default()).await;
    let filtered = |filter| ListAlertsRequest { filter: Some(filter), ..Default::default() };
    let region = filtered(AlertFilter { regions: vec!["Y56".into()], ..Default::default() });
    assert_eq!(listed(&replica, region).await, ["1", "2"]);
    let critical = filtered(AlertFilter { min_severity: 3, ..Default::default() });
    assert_eq!(listed(&replica, critical).await, ["2"]);
    let ward = filtered(AlertFilter { wards: vec!["organisations/RXX/wards/B1".into()], ..Default::default() });
    assert_eq!(listed(&replica, ward).await, ["3"]);
    let breaching = ListAlertsRequest { condition: AlertCondition::Breaching as i32, ..Default::default() };
    assert_eq!(listed(&replica, breaching).await.len(), 3);
    let clearing = ListAlertsRequest { condition: AlertCondition::Clearing as i32, ..Default::default() };
    assert!(listed(&replica, clearing).await.is_empty());
    let uuid = raised("B1", 3).id().0.to_string();
    for prefix in [&uuid[..8], &uuid[..14], &uuid.to_uppercase(), &uuid.replace('-', "")] {
        let request = ListAlertsRequest { name_prefix: prefix.into(), ..Default::default() };
        assert_eq!(listed(&replica, request).await, ["3"], "{prefix}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_then_a_subscription_after_its_cursor_has_no_gap() {
    let hand = Hand::new().await;
    hand.append(&[(0..5).map(|i| raised("A1", i)).collect()]).await;
    let replica = hand.replica(Settings::default()).await;
    let request = ListAlertsRequest { page_size: 2, ..Default::default() };
    let first = list(&replica, request.clone()).await.unwrap();
    hand.append(&[vec![raised("A2", 77)]]).await;
    let next = ListAlertsRequest { page_token: first.next_page_token, ..request };
    let second = list(&replica, next).await.unwrap();
    assert_eq!(second.cursor, first.cursor, "every page has the cursor read before the first");
    let mut reader = Reader::open(&mut replica.client().await, after(&first.cursor)).await.unwrap();
    assert_eq!(reader.positions(1).await, [6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_list_request_names_each_wrong_field() {
    let hand = Hand::new().await;
    hand.append(&[(0..5).map(|i| raised("A1", i)).collect()]).await;
    let replica = hand.replica(Settings::default()).await;
    let request = ListAlertsRequest {
        states: vec![1, 9],
        condition: 5,
        order_by: "severity".into(),
        name_prefix: "12345".into(),
        ..Default::default()
    };
    let status = list(&replica, request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let names: Vec<_> = fields(&status).into_iter().map(|(field, _)| field).collect();
    assert_eq!(names, ["states[1]", "condition", "order_by", "name_prefix"]);
    let status = list(&replica, ListAlertsRequest { page_size: -1, ..Default::default() }).await.unwrap_err();
    assert_eq!(fields(&status)[0].0, "page_size");

    let request = ListAlertsRequest { page_size: 2, ..Default::default() };
    let page_token = list(&replica, request).await.unwrap().next_page_token;
    let other = ListAlertsRequest { page_token, order_by: "raise_time desc".into(), ..Default::default() };
    let status = list(&replica, other).await.unwrap_err();
    assert_eq!((status.code(), fields(&status)[0].0.as_str()), (Code::InvalidArgument, "page_token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_found_by_its_name_with_its_events() {
    let hand = Hand::new().await;
    let alert = raised("A1", 1);
    hand.append(&[vec![alert.clone()], vec![raised("A1", 2)]]).await;
    hand.append(&[vec![alert.clone().resolved()]]).await;
    let replica = hand.replica(Settings::default()).await;
    let mut client = replica.client().await;
    let name = alert.id().to_string();
    let found = client.get_alert(GetAlertRequest { name: name.clone() }).await.unwrap().into_inner().alert;
    assert_eq!(found, Some(alert.clone().resolved().alert()));

    let mut request = ListAlertEventsRequest { parent: name, page_size: 1, ..Default::default() };
    let first = client.list_alert_events(request.clone()).await.unwrap().into_inner();
    request.page_token.clone_from(&first.next_page_token);
    let second = client.list_alert_events(request).await.unwrap().into_inner();
    let positions = |events: &[wardwatch::wire::pb::AlertEvent]| events.iter().map(|e| e.position).collect::<Vec<_>>();
    assert_eq!((positions(&first.events), positions(&second.events)), (vec![1], vec![3]));
    assert!(second.next_page_token.is_empty() && second.cursor == first.cursor);
    assert!(second.events[0].event_time.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_name_is_a_bad_request_and_an_unknown_one_is_not_found() {
    let hand = Hand::new().await;
    let replica = hand.replica(Settings::default()).await;
    let mut client = replica.client().await;
    let unknown = raised("A1", 9).id().to_string();
    for (name, code) in [("alerts/1", Code::InvalidArgument), (unknown.as_str(), Code::NotFound)] {
        let get = client.get_alert(GetAlertRequest { name: name.into() }).await.unwrap_err();
        let events = ListAlertEventsRequest { parent: name.into(), ..Default::default() };
        let events = client.list_alert_events(events).await.unwrap_err();
        assert_eq!((get.code(), events.code()), (code, code), "{name}");
        if code == Code::InvalidArgument {
            assert_eq!((fields(&get)[0].0.as_str(), fields(&events)[0].0.as_str()), ("name", "parent"));
        }
    }
}
