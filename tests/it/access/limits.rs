//! How much one identity may ask for.

use std::time::Duration;

use tonic::Code;
use tonic_types::StatusExt;
use wardwatch::clock::SystemClock;
use wardwatch::domain::Clock;
use wardwatch::wire::pb;

use super::rig::{Guarded, Permissions};
use crate::support::hospital::{beds, reason};
use crate::support::service::{eventually, within};

#[tokio::test]
async fn an_identity_has_so_many_streams_whatever_its_connections_and_others_have_theirs() {
    let mut permissions = Permissions::new();
    let wall = permissions.token_with("wall", "subscriber", "RJ1", "", "streams = 3");
    let other = permissions.token("other", "subscriber", "RJ1");
    let guarded = Guarded::start(permissions).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut alerts = guarded.by(&wall).await.alerts();
        let stream = within(alerts.subscribe(pb::SubscribeRequest::default())).await.unwrap().into_inner();
        open.push((alerts, stream));
    }
    let mut fourth = guarded.by(&wall).await.alerts();
    let refused = within(fourth.subscribe(pb::SubscribeRequest::default())).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "TOO_MANY_STREAMS"));
    assert!(refused.get_details_retry_info().is_some(), "it is told when to come back");
    let mut others = guarded.by(&other).await.alerts();
    assert!(within(others.subscribe(pb::SubscribeRequest::default())).await.is_ok());
    drop(open.pop());
    let again = async || fourth.clone().list_alerts(pb::ListAlertsRequest::default()).await.is_ok();
    eventually("its place is free again", again).await;
}

#[tokio::test]
async fn an_address_has_its_share_of_the_connections_and_no_more() {
    let guarded = Guarded::start_with(Permissions::new(), |settings| settings.limits.connections_per_address = 2).await;
    // The rig has one.
    let second = guarded.by(&guarded.root).await;
    assert!(within(second.info().get_server_info(pb::GetServerInfoRequest {})).await.is_ok());
    let address = guarded.service.running.address.to_string();
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap();
    let third = within(endpoint.connect()).await;
    let refused = match third {
        Err(_) => true,
        Ok(channel) => {
            let mut info = pb::server_service_client::ServerServiceClient::new(channel);
            within(info.get_server_info(pb::GetServerInfoRequest {})).await.unwrap_err().code() != Code::Unauthenticated
        }
    };
    assert!(refused, "the third is closed");
    assert!(within(second.info().get_server_info(pb::GetServerInfoRequest {})).await.is_ok());
    drop(second);
    eventually("its place is free again", async || {
        let Ok(channel) = endpoint.connect().await else { return false };
        let mut info = pb::server_service_client::ServerServiceClient::new(channel);
        let answer = info.get_server_info(pb::GetServerInfoRequest {}).await;
        answer.is_err_and(|status| status.code() == Code::Unauthenticated)
    })
    .await;
}

#[tokio::test]
async fn whoever_sends_more_reports_than_it_may_is_told_when_to_come_back_and_others_are_not_held_up() {
    let mut permissions = Permissions::new();
    let wild = permissions.token_with("wild", "reporter", "RJ1", "", "reports_per_second = 1");
    let calm = permissions.token("calm", "reporter", "RJ1");
    let guarded = Guarded::start(permissions).await.with_wards().await;
    let now = SystemClock::default().now().as_micros();
    let report = |n: i64| {
        let at = wardwatch::domain::Time::from_micros(now - n * 1_000_000);
        beds("organisations/RJ1/wards/A1", at, 10)
    };
    // A burst has room for one full message.
    let request = pb::SubmitReportsRequest { reports: (0..1_000).map(report).collect(), validate_only: true };
    let mut by = guarded.by(&wild).await.reporting();
    assert_eq!(within(by.submit_reports(request)).await.unwrap().into_inner().receipts.len(), 1_000);
    let request = |count| pb::SubmitReportsRequest { reports: (0..count).map(report).collect(), validate_only: true };
    let refused = within(by.submit_reports(request(30))).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "TOO_MANY_REPORTS"));
    let after = refused.get_details_retry_info().and_then(|info| info.retry_delay).unwrap();
    assert!((Duration::from_secs(20)..Duration::from_secs(31)).contains(&after), "{after:?}");
    let mut calm = guarded.by(&calm).await.reporting();
    assert!(within(calm.submit_reports(request(30))).await.is_ok());
}
