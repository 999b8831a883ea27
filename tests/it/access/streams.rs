//! A stream outlives the call that opened it, but not the right to it.

use tonic::{Code, Status, Streaming};
use wardwatch::clock::SystemClock;
use wardwatch::domain::{Clock, Span, Time};
use wardwatch::wire::pb::{self, subscribe_response::Response};

use super::rig::{As, Guarded, Permissions};
use crate::support::hospital::{figures, reason};
use crate::support::service::within;

const A1: &str = "organisations/RJ1/wards/A1";
const B1: &str = "organisations/RYJ/wards/B1";

/// How long a token lasts whose end a test waits for. It is made before the service starts, which takes a while on a
/// busy machine.
const SHORT: Span = Span::seconds(8);

fn now() -> Time {
    SystemClock::default().now()
}

/// Everything until the stream ends: all messages, and how.
async fn rest(mut stream: Streaming<pb::SubscribeResponse>) -> (Vec<pb::SubscribeResponse>, Status) {
    let mut messages = Vec::new();
    loop {
        match within(stream.message()).await {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => panic!("it ended well"),
            Err(status) => return (messages, status),
        }
    }
}

async fn subscribe(by: &As, request: pb::SubscribeRequest) -> Streaming<pb::SubscribeResponse> {
    within(by.alerts().subscribe(request)).await.unwrap().into_inner()
}

async fn report(guarded: &Guarded, ward: &str, nurses: i32) {
    let request = pb::SubmitReportsRequest { reports: vec![figures(ward, now(), 20, nurses)], validate_only: false };
    let by = guarded.by(&guarded.root).await;
    let receipts = within(by.reporting().submit_reports(request)).await.unwrap().into_inner().receipts;
    assert_eq!(receipts[0].outcome(), pb::ReceiptOutcome::Accepted, "{receipts:?}");
}

fn events(messages: &[pb::SubscribeResponse]) -> Vec<&pb::AlertEvent> {
    let of = |m: &pb::SubscribeResponse| matches!(m.response, Some(Response::Events(_)));
    messages
        .iter()
        .filter(|m| of(m))
        .flat_map(|m| match &m.response {
            Some(Response::Events(events)) => events.events.iter().collect::<Vec<_>>(),
            _ => Vec::new(),
        })
        .collect()
}

#[tokio::test]
async fn a_subscription_ends_with_its_token_and_goes_on_from_its_cursor_with_the_next() {
    let mut permissions = Permissions::new();
    let until = now() + SHORT;
    let short = permissions.token_with("wall", "subscriber", "RJ1", &until.to_string(), "");
    let next = permissions.token("wall-too", "subscriber", "RJ1");
    let guarded = Guarded::start(permissions).await.with_wards().await;
    let stream = subscribe(&guarded.by(&short).await, pb::SubscribeRequest::default()).await;
    report(&guarded, A1, 2).await;
    let (messages, status) = rest(stream).await;
    assert!(now() >= until, "not before its time");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "TOKEN_EXPIRED"));
    let seen = events(&messages).len();
    assert!(seen > 0, "{messages:?}");
    let last = messages.last().unwrap();
    let Some(Response::Goodbye(goodbye)) = &last.response else { panic!("no goodbye: {last:?}") };
    assert_eq!(goodbye.reason, "TOKEN_EXPIRED");
    report(&guarded, A1, 1).await;
    let start = Some(pb::subscribe_request::Start::AfterCursor(last.cursor.clone()));
    let mut stream = subscribe(&guarded.by(&next).await, pb::SubscribeRequest { start, ..Default::default() }).await;
    let mut more = Vec::new();
    while events(&more).is_empty() {
        more.push(within(stream.message()).await.unwrap().unwrap());
    }
    let (before, after) = (events(&messages).last().unwrap().position, events(&more)[0].position);
    assert!(after > before, "goes on after {before}, not at {after}");
}

#[tokio::test]
async fn a_subscription_hears_of_its_own_organisation_alone() {
    let mut permissions = Permissions::new();
    let wall = permissions.token("wall", "subscriber", "RJ1");
    let guarded = Guarded::start(permissions).await.with_wards().await;
    let mut stream = subscribe(&guarded.by(&wall).await, pb::SubscribeRequest::default()).await;
    report(&guarded, B1, 2).await;
    report(&guarded, A1, 2).await;
    let mut messages = Vec::new();
    while events(&messages).is_empty() {
        messages.push(within(stream.message()).await.unwrap().unwrap());
    }
    let organisations =
        events(&messages).iter().map(|e| e.alert.as_ref().unwrap().organisation.clone()).collect::<Vec<_>>();
    assert!(organisations.iter().all(|o| o == "organisations/RJ1"), "{organisations:?}");
    let snapshot = Some(pb::subscribe_request::Start::Snapshot(pb::Snapshot {}));
    let mut stream =
        subscribe(&guarded.by(&wall).await, pb::SubscribeRequest { start: snapshot, ..Default::default() }).await;
    loop {
        match within(stream.message()).await.unwrap().unwrap().response {
            Some(Response::SnapshotAlerts(alerts)) => {
                assert!(alerts.alerts.iter().all(|a| a.organisation == "organisations/RJ1"), "{alerts:?}");
            }
            Some(Response::SnapshotComplete(complete)) => break assert!(complete.alert_count > 0),
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_permission_that_is_taken_ends_the_stream_and_one_that_is_given_does_not() {
    let mut permissions = Permissions::new();
    let wall = permissions.token("wall", "subscriber", "RJ1");
    let board = permissions.token("board", "subscriber", "RJ1");
    let mut guarded = Guarded::start(permissions).await.with_wards().await;
    let taken = subscribe(&guarded.by(&wall).await, pb::SubscribeRequest::default()).await;
    let kept = subscribe(&guarded.by(&board).await, pb::SubscribeRequest::default()).await;
    guarded.permissions.remove("wall");
    let organisations = "organisations = [\"RJ1\"]";
    guarded.permissions.replace(organisations, "organisations = [\"RJ1\", \"RYJ\"]");
    guarded.permissions.write();
    let (messages, status) = rest(taken).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "PERMISSION_WITHDRAWN"));
    let last = messages.last().unwrap();
    assert!(matches!(&last.response, Some(Response::Goodbye(g)) if g.reason == "PERMISSION_WITHDRAWN"), "{last:?}");
    report(&guarded, A1, 2).await;
    let mut kept = kept;
    loop {
        let message = within(kept.message()).await.unwrap().unwrap();
        if matches!(message.response, Some(Response::Events(_))) {
            break;
        }
    }
}

#[tokio::test]
async fn a_stream_of_reports_ends_with_its_token_after_the_receipts_of_all_it_took() {
    let mut permissions = Permissions::new();
    let until = now() + SHORT;
    let short = permissions.token_with("roster", "reporter", "RJ1", &until.to_string(), "");
    let guarded = Guarded::start(permissions).await.with_wards().await;
    let (to, from) = tokio::sync::mpsc::channel(1);
    let by = guarded.by(&short).await;
    let requests = tokio_stream::wrappers::ReceiverStream::new(from);
    let mut stream = within(by.reporting().stream_reports(requests)).await.unwrap().into_inner();
    let mut sent = 0;
    let mut receipts = 0;
    let status = loop {
        // Sending fails once the stream has ended.
        let reports = vec![figures(A1, now(), 20, 4)];
        if to.send(pb::StreamReportsRequest { reports }).await.is_ok() {
            sent += 1;
        }
        match within(stream.message()).await {
            Ok(Some(message)) => receipts += message.receipts.len(),
            Ok(None) => panic!("it ended well"),
            Err(status) => break status,
        }
    };
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "TOKEN_EXPIRED"));
    assert!(now() >= until && receipts > 0 && receipts >= sent - 1, "{receipts} receipts of {sent}");
}

#[tokio::test]
async fn a_watch_of_the_situation_ends_with_its_token() {
    let mut permissions = Permissions::new();
    let until = now() + SHORT;
    let short = permissions.token_with("room", "subscriber", "RJ1", &until.to_string(), "");
    let guarded = Guarded::start(permissions).await.with_wards().await;
    let by = guarded.by(&short).await;
    let mut stream =
        within(by.situations().watch_situation(pb::WatchSituationRequest::default())).await.unwrap().into_inner();
    let status = loop {
        match within(stream.message()).await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ended well"),
            Err(status) => break status,
        }
    };
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "TOKEN_EXPIRED"));
}
