//! D1 through the binary: on SIGTERM nothing that was received is lost, everyone is told, and the process ends.

use std::time::{Duration, Instant};

use tonic::Code;
use wardwatch::clock::SystemClock;
use wardwatch::domain::{Clock, Span};
use wardwatch::wire::pb::alert_service_client::AlertServiceClient;
use wardwatch::wire::pb::register_service_client::RegisterServiceClient;
use wardwatch::wire::pb::reporting_service_client::ReportingServiceClient;
use wardwatch::wire::pb::subscribe_request::Start;
use wardwatch::wire::pb::subscribe_response::Response;
use wardwatch::wire::pb::{self, ReceiptOutcome};

use crate::support::hospital::{adult, figures, outcomes, reason, ward};
use crate::support::process::Process;
use crate::support::service::{LONG, ReportStream, eventually, on_both_stores, within};

async fn register(process: &Process, wards: usize) {
    let wards = (1..=wards).map(|n| adult(&ward(n))).collect();
    let mut client = RegisterServiceClient::new(process.channel().await);
    within(client.upsert_wards(pb::UpsertWardsRequest { wards, validate_only: false })).await.unwrap();
}

/// The next message of a subscription, whatever it is.
async fn next(stream: &mut tonic::Streaming<pb::SubscribeResponse>) -> Result<pb::SubscribeResponse, tonic::Status> {
    within(stream.message()).await.map(|m| m.expect("a subscription ends with a status"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d1_on_sigterm_receipts_are_flushed_subscribers_are_told_and_it_ends_well() {
    on_both_stores(async |place| {
        let process = Process::serve(&place.url(), &[]);
        register(&process, 20).await;
        let mut client = AlertServiceClient::new(process.channel().await);
        let mut alerts = within(client.subscribe(pb::SubscribeRequest::default())).await.unwrap().into_inner();
        assert!(matches!(next(&mut alerts).await.unwrap().response, Some(Response::Opened(_))));
        let mut stream = ReportStream::open(process.channel().await).await;
        let now = SystemClock::default().now();
        let reports: Vec<_> = (0..2_000)
            .map(|n: usize| figures(&ward(1 + n % 20), now - Span::millis(i64::try_from(n).unwrap()), 20, 2))
            .collect();
        // Each alert is seen, so the subscriber's place is known; then there is more under way when the signal comes.
        stream.send(reports[..20].to_vec()).await;
        stream.receipts(20).await;
        let mut cursor = bytes::Bytes::new();
        let mut seen = 0;
        while seen < 20 {
            let message = next(&mut alerts).await.unwrap();
            if let Some(Response::Events(events)) = message.response {
                seen += events.events.len();
                cursor = message.cursor;
            }
        }
        for chunk in reports[20..].chunks(300) {
            stream.send(chunk.to_vec()).await;
        }
        let began = Instant::now();
        process.signal("TERM");

        // The client's side stays open: a stream that the client has finished may end well.
        let (receipts, end) = stream.rest_open().await;
        let end = end.expect("it says why the stream ended");
        assert_eq!((end.code(), reason(&end)), (Code::Unavailable, "SERVER_DRAINING".to_owned()));
        let text = "the service is going down: come back with your last cursor, resend what has no receipt";
        assert_eq!(end.message(), text);
        assert!(outcomes(&receipts).iter().all(|o| *o != ReceiptOutcome::Rejected));

        let goodbye = loop {
            let message = next(&mut alerts).await.unwrap();
            match message.response {
                Some(Response::Goodbye(goodbye)) => {
                    assert_eq!(message.cursor, cursor, "nothing happened since");
                    break goodbye;
                }
                Some(Response::Heartbeat(_)) => cursor = message.cursor,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(goodbye.reason, "SERVER_DRAINING");
        assert!(goodbye.retry_after.is_some());
        let end = next(&mut alerts).await.unwrap_err();
        assert_eq!((end.code(), reason(&end)), (Code::Unavailable, "SERVER_DRAINING".to_owned()));
        let (status, log) = process.wait().await;
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(began.elapsed().as_secs() < 20, "within the drain limit");

        // What was receipted is there; what was not is sent again; the subscriber goes on where it was.
        let process = Process::serve(&place.url(), &[]);
        let mut stream = ReportStream::open(process.channel().await).await;
        let receipted = 20 + receipts.len();
        assert!(place.number("SELECT count(*) FROM report").await >= i64::try_from(receipted).unwrap());
        for chunk in reports[receipted..].chunks(500) {
            stream.send(chunk.to_vec()).await;
            stream.receipts(chunk.len()).await;
        }
        assert_eq!(place.number("SELECT count(*) FROM report").await, 2_000);
        let mut client = AlertServiceClient::new(process.channel().await);
        let request = pb::SubscribeRequest { start: Some(Start::AfterCursor(cursor)), ..Default::default() };
        let mut alerts = within(client.subscribe(request)).await.unwrap().into_inner();
        assert!(matches!(next(&mut alerts).await.unwrap().response, Some(Response::Opened(_))));
        stream.send(vec![figures(&ward(1), now + Span::seconds(1), 40, 2)]).await;
        stream.receipts(1).await;
        let Some(Response::Events(events)) = next(&mut alerts).await.unwrap().response else { panic!("events") };
        assert_eq!(events.events[0].position, 21, "the next after the twenty that were seen");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d1_a_second_signal_ends_it_at_once() {
    on_both_stores(async |place| {
        let process = Process::serve(&place.url(), &[]);
        register(&process, 1).await;
        // Storage stands still, so the drain cannot finish by itself.
        let blocked = place.block().await;
        let channel = process.channel().await;
        let mut stream = ReportStream::open(channel.clone()).await;
        let now = SystemClock::default().now();
        stream.send(vec![figures(&ward(1), now, 20, 2)]).await;
        // What came after it on the same connection was told that storage stands still: so it was read.
        let reports = vec![figures(&ward(1), now - Span::seconds(1), 20, 2)];
        let mut request = tonic::Request::new(pb::SubmitReportsRequest { reports, validate_only: false });
        // The answer comes at nine tenths of it: what is left must do for a busy machine.
        request.set_timeout(Duration::from_secs(5));
        let refused = within(ReportingServiceClient::new(channel).submit_reports(request)).await.unwrap_err();
        assert_eq!(reason(&refused), "STORAGE_UNAVAILABLE");
        process.signal("TERM");
        // Two signals at once would count as one.
        eventually("it drains", async || process.get("/readyz").await.0 == 503).await;
        assert_eq!(process.get("/livez").await.0, 200);
        let began = Instant::now();
        process.signal("TERM");
        let (status, log) = process.wait().await;
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(began.elapsed() < LONG / 6, "at once, not at the drain limit");
        assert!(stream.message().await.is_err(), "what has no receipt must be sent again");
        blocked.release().await;
    })
    .await;
}
