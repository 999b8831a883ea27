//! How a stream ends, and what does not end it.

use std::time::Duration;

use tonic::Code;
use wardwatch::domain::Time;
use wardwatch::store::{Store, Trim};
use wardwatch::wire::pb::subscribe_response::Response;
use wardwatch::wire::pb::{AlertFilter, GetAlertRequest, ListAlertsRequest, SubscribeRequest};

use super::rig::*;
use super::switch::Reads;

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_at_its_greatest_age_says_goodbye_and_can_be_resumed() {
    let hand = Hand::new().await;
    let mut settings = Settings::default();
    settings.feed.max_age = Duration::from_millis(200);
    let replica = hand.replica(settings).await;
    let mut client = replica.client().await;
    let mut reader = Reader::open(&mut client, SubscribeRequest::default()).await.unwrap();
    reader.message().await.unwrap();
    let goodbye = reader.message().await.unwrap();
    assert!(matches!(goodbye, Response::Goodbye(g) if g.reason == "STREAM_AGE"));
    let status = reader.end().await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "STREAM_AGE"));
    hand.append(&[vec![raised("A1", 1)]]).await;
    // On another replica: on this one it would have to be quick, or come to its greatest age itself.
    let usual = hand.replica(Settings::default()).await;
    let mut resumed = Reader::open(&mut usual.client().await, after(&reader.cursor)).await.unwrap();
    assert_eq!(resumed.positions(1).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_outlives_its_storage_being_away() {
    let hand = Hand::new().await;
    let replica = hand.replica(quick()).await;
    let request = SubscribeRequest { heartbeat_interval: every(50), ..Default::default() };
    let mut reader = Reader::open(&mut replica.client().await, request).await.unwrap();
    let cursor = reader.start().await;
    hand.store.reads(Reads::Failing);
    hand.append(&[vec![raised("A1", 1)]]).await;
    for _ in 0..3 {
        assert!(matches!(reader.message().await.unwrap(), Response::Heartbeat(_)));
        assert_eq!(reader.cursor, cursor, "a heartbeat must not promise what was not read");
    }
    hand.store.reads(Reads::Answered);
    assert_eq!(reader.positions(1).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_needs_storage_while_it_is_away_is_refused_and_can_be_tried_again() {
    let hand = Hand::new().await;
    hand.append(&[vec![raised("A1", 1)]]).await;
    let mut settings = Settings::default();
    settings.feed.patience = Duration::from_millis(200);
    let replica = hand.replica(settings).await;
    let mut client = replica.client().await;
    Reader::open(&mut client, SubscribeRequest::default()).await.unwrap().start().await;
    hand.store.reads(Reads::Failing);
    let status = Reader::open(&mut client, since(Time::default())).await.err().unwrap();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "STORAGE_UNAVAILABLE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_log_ends_every_stream() {
    let hand = Hand::new().await;
    hand.append(&[vec![raised("A1", 1)]]).await;
    let replica = hand.replica(Settings::default()).await;
    let mut client = replica.client().await;
    let mut reader = Reader::open(&mut client, SubscribeRequest::default()).await.unwrap();
    let old = reader.start().await;
    hand.store.swap(sqlite(hand.dir.path(), "other.db").await);
    let status = reader.end().await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::OutOfRange, "CURSOR_EPOCH_CHANGED"));
    let status = Reader::open(&mut client, after(&old)).await.err().unwrap();
    assert_eq!(reason(&status), "CURSOR_EPOCH_CHANGED");
    hand.reload().await;
    let mut reader = Reader::open(&mut client, SubscribeRequest::default()).await.unwrap();
    hand.append(&[vec![raised("A1", 1)]]).await;
    assert_eq!(reader.positions(1).await, [1], "the feed follows the new log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_ends_every_stream_even_when_it_has_grown_as_long_as_the_lost_tail() {
    for regrown in [0, 2, 5] {
        let hand = Hand::new().await;
        hand.append_each((0..3).map(|i| raised("A1", i))).await;
        hand.store.close().await;
        let file = |name: &str| hand.dir.path().join(name);
        for part in ["", "-wal"] {
            // The write-ahead log is there if it was not folded into the file.
            let _ = std::fs::copy(file(&format!("log.db{part}")), file(&format!("backup.db{part}")));
        }
        hand.store.swap(sqlite(hand.dir.path(), "log.db").await);
        hand.append_each((3..5).map(|i| raised("A1", i))).await;
        let replica = hand.replica(Settings::default()).await;
        let mut client = replica.client().await;
        let mut reader = Reader::open(&mut client, since(Time::default())).await.unwrap();
        reader.positions(5).await;
        let backup = sqlite(hand.dir.path(), "backup.db").await;
        let live = hand.store.inner();
        // The replica sees the backup only when it has grown as long as it will be.
        hand.store.reads(Reads::Failing);
        assert_eq!(backup.head().await.unwrap().point.position, 3, "the backup holds what was there: it is one");
        hand.store.swap(backup);
        hand.reload().await;
        hand.append_each((10..10 + regrown).map(|i| raised("A2", i))).await;
        hand.store.reads(Reads::Answered);
        let status = reader.end().await;
        assert_eq!((status.code(), reason(&status).as_str()), (Code::OutOfRange, "CURSOR_EPOCH_CHANGED"));
        live.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_overtaken_by_retention_is_told_so() {
    let hand = Hand::new().await;
    let replica = hand.replica(narrow()).await;
    let mut client = replica.client().await;
    let mut reader = Reader::open(&mut client, SubscribeRequest::default()).await.unwrap();
    reader.start().await;
    hand.store.reads(Reads::StreamsHeld);
    hand.append(&(0..50).map(|i| vec![raised("A1", i)]).collect::<Vec<_>>()).await;
    hand.append(&[vec![raised("A1", 50)]]).await;
    let newest = hand.store.head().await.unwrap().log_time;
    hand.store.trim(&Trim { reports_before: newest, events_before: newest, limit: 100 }).await.unwrap();
    hand.store.reads(Reads::Answered);
    let status = reader.end().await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::OutOfRange, "CURSOR_EXPIRED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_above_the_limit_is_refused_with_the_limit_on_every_kind_of_call() {
    let hand = Hand::new().await;
    let replica = hand.replica(Settings::default()).await;
    let mut client = replica.client().await;
    let huge = "x".repeat(1 << 20);
    let filter = Some(AlertFilter { sites: vec![huge.clone()], ..Default::default() });
    let subscribe = SubscribeRequest { filter: filter.clone(), ..Default::default() };
    let list = ListAlertsRequest { filter, ..Default::default() };
    let refused = [
        client.subscribe(subscribe).await.err(),
        client.list_alerts(list).await.err(),
        client.get_alert(GetAlertRequest { name: huge }).await.err(),
    ];
    for status in refused.map(Option::unwrap) {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE"));
    }
}
