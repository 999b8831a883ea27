//! The client against a service that misbehaves on purpose.

use bytes::Bytes;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use wardwatch::client::{Client, Error, ItemKind, Start, Subscription, pb};

use crate::fake::{Fake, draining, events, opened, sent};
use pb::subscribe_request::Start as WireStart;
use pb::subscribe_response::Response as Sent;

/// Sends `count` reports and reads the receipts; the last error, if any.
async fn report(client: &Client, count: usize) -> (Vec<(usize, String)>, Option<Error>) {
    let (sender, mut receipts) = client.report();
    let send = async move {
        for n in 0..count {
            let report = pb::StaffingReport {
                report_id: format!("r{n}"),
                patients: Some(pb::Patients::default()),
                ..Default::default()
            };
            if sender.send(n, report).await.is_err() {
                break;
            }
        }
    };
    let receive = async {
        let (mut got, mut error) = (Vec::new(), None);
        while let Some(receipt) = receipts.next().await {
            match receipt {
                Ok((tag, receipt)) => got.push((tag, receipt.report_id)),
                Err(e) => error = Some(e),
            }
        }
        (got, error)
    };
    tokio::join!(send, receive).1
}

fn in_order(count: usize) -> Vec<(usize, String)> {
    (0..count).map(|n| (n, format!("r{n}"))).collect()
}

#[tokio::test]
async fn every_report_gets_one_receipt_in_order_over_any_number_of_breaks() {
    let fake = Fake::default();
    let broken = Status::unknown("connection reset");
    fake.0.lock().unwrap().breaks = [(700, draining()), (1, broken), (800, draining())].into();
    let client = fake.serve().await;
    let (got, error) = report(&client, 3_000).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(got, in_order(3_000));
    let state = fake.0.lock().unwrap();
    assert_eq!(state.streams.len(), 4);
    // A new stream begins with the first report that has no receipt.
    let begins: Vec<_> = state.streams.iter().map(|ids| ids[0].as_str()).collect();
    assert_eq!(begins, ["r0", "r700", "r701", "r1501"]);
}

#[tokio::test]
async fn no_more_reports_are_under_way_than_the_window_holds() {
    let fake = Fake::default();
    fake.0.lock().unwrap().breaks = [(1, Status::permission_denied("no"))].into();
    let client = fake.serve().await;
    let (got, error) = report(&client, 10_000).await;
    assert_eq!(got, in_order(1));
    assert!(matches!(error, Some(Error::Refused(r)) if r.code == Code::PermissionDenied));
    let sent = fake.0.lock().unwrap().streams[0].len();
    assert!(sent <= wardwatch::client::WINDOW + 1, "{sent} reports were sent");
}

#[tokio::test]
async fn nothing_to_report_opens_no_stream() {
    let fake = Fake::default();
    let client = fake.serve().await;
    let (got, error) = report(&client, 0).await;
    assert!(got.is_empty() && error.is_none());
    assert!(fake.0.lock().unwrap().streams.is_empty());
}

#[expect(clippy::unnecessary_wraps, reason = "as it is on the wire")]
fn after(cursor: &'static [u8]) -> Option<WireStart> {
    Some(WireStart::AfterCursor(Bytes::from_static(cursor)))
}

/// Positions received until `last`.
async fn follow(client: &Client, subscription: Subscription, last: i64) -> Vec<i64> {
    let mut subscriber = client.subscribe(subscription);
    let mut positions = Vec::new();
    while positions.last() != Some(&last) {
        if let ItemKind::Events(events) = subscriber.next().await.unwrap().kind {
            positions.extend(events.iter().map(|e| e.position));
        }
    }
    positions
}

#[tokio::test]
async fn a_subscriber_resumes_after_breaks_and_silence_without_a_gap() {
    let fake = Fake::default();
    fake.0.lock().unwrap().scripts = [
        (vec![opened(b"0"), events(b"2", &[1, 2]), Err(draining())], false),
        (vec![opened(b"2"), sent(b"5", Sent::Heartbeat(pb::Heartbeat::default()))], true),
        (vec![opened(b"5"), events(b"7", &[6, 7])], false),
        (vec![opened(b"7"), events(b"8", &[8])], true),
    ]
    .into();
    let client = fake.serve().await;
    assert_eq!(follow(&client, Subscription::default(), 8).await, [1, 2, 6, 7, 8]);
    assert_eq!(fake.0.lock().unwrap().starts, [None, after(b"2"), after(b"5"), after(b"7")]);
}

#[tokio::test]
async fn a_subscriber_whose_token_ends_goes_on_with_the_next_one_and_one_that_was_never_known_gives_up() {
    let ended = || Err(Status::unauthenticated("the token has ended"));
    let fake = Fake::default();
    fake.0.lock().unwrap().scripts = [
        (vec![opened(b"0"), events(b"2", &[1, 2]), ended()], false),
        // The next one is a little late.
        (vec![ended()], false),
        (vec![opened(b"2"), events(b"3", &[3])], true),
        (vec![ended()], false),
    ]
    .into();
    let client = fake.serve().await;
    assert_eq!(follow(&client, Subscription::default(), 3).await, [1, 2, 3]);
    let error = client.subscribe(Subscription::default()).next().await.unwrap_err();
    assert!(error.is_unauthenticated(), "{error:?}");
}

#[tokio::test]
async fn a_lost_history_is_told_or_answered_by_a_snapshot() {
    let lost = || {
        let mut details = ErrorDetails::new();
        details.set_error_info("CURSOR_EPOCH_CHANGED", "wardwatch", std::collections::HashMap::new());
        Status::with_error_details(Code::OutOfRange, "another history", details)
    };
    let fake = Fake::default();
    let alert = pb::SnapshotAlerts { alerts: vec![pb::Alert::default()] };
    fake.0.lock().unwrap().scripts = [
        (vec![Err(lost())], false),
        (vec![Err(lost())], false),
        (vec![opened(b""), sent(b"", Sent::SnapshotAlerts(alert)), Err(draining())], false),
        (vec![opened(b""), sent(b"9", Sent::SnapshotComplete(pb::SnapshotComplete { alert_count: 1 }))], true),
    ]
    .into();
    let client = fake.serve().await;
    let start = Start::After(Bytes::from_static(b"old"));
    let subscription = Subscription { start, ..Default::default() };
    let error = client.subscribe(subscription.clone()).next().await.unwrap_err();
    assert!(matches!(error, Error::HistoryChanged), "{error:?}");

    let mut subscriber = client.subscribe(Subscription { snapshot_if_lost: true, ..subscription });
    let mut kinds = Vec::new();
    loop {
        let item = subscriber.next().await.unwrap();
        match item.kind {
            ItemKind::Restarted(_) => kinds.push("restarted"),
            ItemKind::Opened(_) => kinds.push("opened"),
            ItemKind::SnapshotAlerts(_) => kinds.push("alerts"),
            ItemKind::SnapshotComplete(_) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(kinds, ["restarted", "opened", "alerts", "restarted", "opened"]);
}
