//! Where a stream may start, and what is refused.

use std::time::Duration;

use tonic::Code;
use wardwatch::domain::Time;
use wardwatch::feed::cursor;
use wardwatch::store::{LogPoint, Store, Trim};
use wardwatch::wire::pb::subscribe_response::Response;
use wardwatch::wire::pb::{self, AlertFilter, OnExpired, Severity, SubscribeRequest};

use super::rig::*;
use super::switch::Reads;

async fn refusal(replica: &Replica, request: SubscribeRequest) -> tonic::Status {
    Reader::open(&mut replica.client().await, request).await.err().expect("it should have been refused")
}

/// The alerts of a snapshot, up to its end.
async fn snapshot_of(reader: &mut Reader) -> Vec<pb::Alert> {
    let mut alerts = Vec::new();
    loop {
        match reader.message().await.unwrap() {
            Response::SnapshotAlerts(more) => alerts.extend(more.alerts),
            Response::SnapshotComplete(complete) => {
                assert_eq!(usize::try_from(complete.alert_count).unwrap(), alerts.len());
                assert!(!reader.cursor.is_empty());
                return alerts;
            }
            Response::Opened(_) | Response::Heartbeat(_) => {}
            other => panic!("{other:?} within a snapshot"),
        }
        assert!(reader.cursor.is_empty(), "half a snapshot is nothing to resume after");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_start_a_stream_begins_now_and_says_where_that_is() {
    let hand = Hand::new().await;
    hand.append_each((0..5).map(|i| raised("A1", i))).await;
    let replica = hand.replica(Settings::default()).await;
    let mut reader = Reader::open(&mut replica.client().await, SubscribeRequest::default()).await.unwrap();
    let Response::Opened(opened) = reader.message().await.unwrap() else { panic!("opened comes first") };
    let head = hand.store.head().await.unwrap();
    assert_eq!(reader.cursor, cursor::encode(head.log_id, head.point));
    assert_eq!(opened.log_id, cursor::log_name(head.log_id));
    assert_eq!(opened.heartbeat_interval.map(|d| d.seconds), Some(15));
    hand.append(&[vec![raised("A1", 5)]]).await;
    assert_eq!(reader.positions(1).await, [6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_since_a_time_begins_at_the_first_event_at_or_after_it() {
    let hand = Hand::new().await;
    let mut times = Vec::new();
    for i in 0..5 {
        times.push(hand.append(&[vec![raised("A1", i), raised("A1", 100 + i)]]).await.log_time);
    }
    let replica = hand.replica(Settings::default()).await;
    let mut client = replica.client().await;
    for (i, time) in times.iter().enumerate() {
        let first = times.iter().position(|t| t == time).unwrap_or(i);
        let mut reader = Reader::open(&mut client, since(*time)).await.unwrap();
        assert_eq!(reader.events().await[0].position, i64::try_from(first * 2).unwrap() + 1);
    }
    let later = *times.last().unwrap() + wardwatch::domain::Span::hours(1);
    let mut reader = Reader::open(&mut client, since(later)).await.unwrap();
    hand.append(&[vec![raised("A2", 9)]]).await;
    assert_eq!(reader.positions(1).await, [11], "a start in the future is a start from now");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_and_the_events_after_it_have_no_gap() {
    let hand = Hand::new().await;
    hand.append_each((0..30).map(|i| raised("A1", i))).await;
    hand.append_each((0..10).map(|i| raised("A1", i).resolved())).await;
    let mut settings = narrow();
    settings.feed.message_bytes = 1_000;
    settings.feed.snapshot_shared = Duration::ZERO;
    let replica = hand.replica(settings).await;
    let mut client = replica.client().await;
    let writer = tokio::spawn({
        let hand = hand.clone();
        async move { hand.append_each((100..200).map(|i| raised("A2", i))).await }
    });
    for _ in 0..5 {
        let mut reader = Reader::open(&mut client, snapshot()).await.unwrap();
        let mut names: Vec<_> = snapshot_of(&mut reader).await.into_iter().map(|a| a.name).collect();
        assert!(names.len() >= 20);
        let seen = names.len();
        for event in reader.messages(120 - seen).await.concat() {
            names.push(event.alert.unwrap().name);
        }
        let mut wanted: Vec<_> = (10..30).map(|i| raised("A1", i).id().to_string()).collect();
        wanted.extend((100..200).map(|i| raised("A2", i).id().to_string()));
        names.sort();
        wanted.sort();
        assert_eq!(names, wanted, "every alert once: in the snapshot, or after it");
    }
    writer.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_shared_with_a_later_subscriber_is_followed_by_all_that_came_since() {
    let hand = Hand::new().await;
    hand.append_each((0..3).map(|i| raised("A1", i))).await;
    let mut settings = Settings::default();
    settings.feed.snapshot_shared = Duration::from_mins(1);
    let replica = hand.replica(settings).await;
    let mut client = replica.client().await;
    let mut first = Reader::open(&mut client, snapshot()).await.unwrap();
    assert_eq!(snapshot_of(&mut first).await.len(), 3);
    hand.append_each((3..5).map(|i| raised("A1", i))).await;
    assert_eq!(first.positions(2).await, [4, 5]);
    let mut second = Reader::open(&mut client, snapshot()).await.unwrap();
    assert_eq!(snapshot_of(&mut second).await.len(), 3, "it was read once");
    assert_eq!(second.positions(2).await, [4, 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_in_raise_time_and_shows_what_the_filter_wants() {
    let hand = Hand::new().await;
    hand.append_each([5, 3, 4].map(|i| raised("A1", i))).await;
    hand.append(&[vec![raised("B1", 1).severity(Severity::Critical)]]).await;
    let replica = hand.replica(Settings::default()).await;
    let filter = AlertFilter { organisations: vec!["organisations/RJ1".into()], ..Default::default() };
    let request = SubscribeRequest { filter: Some(filter), ..snapshot() };
    let mut reader = Reader::open(&mut replica.client().await, request).await.unwrap();
    let instances: Vec<_> = snapshot_of(&mut reader).await.into_iter().map(|a| a.instance).collect();
    assert_eq!(instances, ["3", "4", "5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_waits_for_storage_with_heartbeats_and_without_a_cursor() {
    let hand = Hand::new().await;
    hand.append(&[vec![raised("A1", 1)]]).await;
    let replica = hand.replica(quick()).await;
    let mut client = replica.client().await;
    Reader::open(&mut client, SubscribeRequest::default()).await.unwrap().start().await;
    hand.store.reads(Reads::Failing);
    let request = SubscribeRequest { heartbeat_interval: every(50), ..snapshot() };
    let mut reader = Reader::open(&mut client, request).await.unwrap();
    assert!(matches!(reader.message().await.unwrap(), Response::Opened(_)));
    for _ in 0..2 {
        assert!(matches!(reader.message().await.unwrap(), Response::Heartbeat(_)));
        assert!(reader.cursor.is_empty());
    }
    hand.store.reads(Reads::Answered);
    assert_eq!(snapshot_of(&mut reader).await.len(), 1);
}

/// Each heartbeat ends a wait. What waits for storage beneath must not be one more task each time.
#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_waits_for_storage_for_long_costs_no_more_than_at_first() {
    let hand = Hand::new().await;
    hand.append(&[vec![raised("A1", 1)]]).await;
    let replica = hand.replica(quick()).await;
    let mut client = replica.client().await;
    Reader::open(&mut client, SubscribeRequest::default()).await.unwrap().start().await;
    hand.store.reads(Reads::StreamsHeld);
    let request = SubscribeRequest { heartbeat_interval: every(5), ..snapshot() };
    let mut reader = Reader::open(&mut client, request).await.unwrap();
    assert!(matches!(reader.message().await.unwrap(), Response::Opened(_)));
    assert!(matches!(reader.message().await.unwrap(), Response::Heartbeat(_)));
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for _ in 0..50 {
        assert!(matches!(reader.message().await.unwrap(), Response::Heartbeat(_)));
    }
    assert!(tasks() < before + 25, "{} tasks, {before} before", tasks());
    hand.store.reads(Reads::Answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_older_than_the_log_is_refused_with_the_oldest_or_becomes_a_snapshot() {
    let hand = Hand::new().await;
    for i in 0..5 {
        hand.append(&[vec![raised("A1", i)]]).await;
    }
    let head = hand.store.head().await.unwrap();
    let start = cursor::encode(head.log_id, LogPoint::default());
    let everything = Trim { reports_before: Time::default(), events_before: head.log_time, limit: 100 };
    hand.store.trim(&everything).await.unwrap();
    let trimmed = hand.store.head().await.unwrap().trimmed;
    assert_ne!(trimmed, LogPoint::default(), "nothing was trimmed: the test proves nothing");
    let replica = hand.replica(Settings::default()).await;
    for request in [after(&start), since(Time::default())] {
        let status = refusal(&replica, request.clone()).await;
        assert_eq!((status.code(), reason(&status).as_str()), (Code::OutOfRange, "CURSOR_EXPIRED"));
        let details = tonic_types::StatusExt::get_error_details(&status);
        let oldest = details.error_info().unwrap().metadata["oldest_cursor"].clone();
        let oldest: Vec<u8> = oldest.as_bytes().chunks(2).map(hex_pair).collect();
        assert_eq!(oldest, cursor::encode(head.log_id, trimmed));
        let mut resumed = Reader::open(&mut replica.client().await, after(&oldest)).await.unwrap();
        assert_eq!(resumed.positions(1).await, [trimmed.position + 1]);

        let request = SubscribeRequest { on_expired: OnExpired::Snapshot as i32, ..request };
        let mut reader = Reader::open(&mut replica.client().await, request).await.unwrap();
        assert_eq!(snapshot_of(&mut reader).await.len(), 5);
    }
}

fn hex_pair(pair: &[u8]) -> u8 {
    u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_or_foreign_cursor_is_refused_each_in_its_way() {
    let hand = Hand::new().await;
    hand.append_each((0..3).map(|i| raised("A1", i))).await;
    let replica = hand.replica(Settings::default()).await;
    let head = hand.store.head().await.unwrap();
    let place = |position, tag| LogPoint { position, tag };
    let status = refusal(&replica, after(b"not a cursor")).await;
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "CURSOR_MALFORMED"));
    for foreign in [
        cursor::encode(head.log_id + 1, head.point),
        cursor::encode(head.log_id, place(3, head.point.tag ^ 1)),
        cursor::encode(head.log_id, place(2, head.point.tag)),
        cursor::encode(head.log_id, place(4, head.point.tag)),
    ] {
        let status = refusal(&replica, after(&foreign)).await;
        assert_eq!((status.code(), reason(&status).as_str()), (Code::OutOfRange, "CURSOR_EPOCH_CHANGED"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_name_in_a_filter_is_refused_with_its_field_and_the_nearest_known() {
    let hand = Hand::new().await;
    let replica = hand.replica(Settings::default()).await;
    let text = |values: &[&str]| values.iter().map(ToString::to_string).collect();
    let filter = AlertFilter {
        organisations: text(&["organisations/RJ1", "organisations/RJ2"]),
        sites: text(&["RJ123"]),
        regions: text(&["Y57"]),
        wards: text(&["organisations/RJ1/wards/A1", "organisations/RJ1/wards/A9", "A1"]),
        cover_groups: text(&["organisations/RJ1/coverGroups/GENMED"]),
        strikes: text(&["strikes/1"]),
        rules: text(&["ratio.*", "ratio.over_limits", "cover.*"]),
        event_types: vec![1, 0, 99],
        min_severity: 9,
        include_forecasts: false,
    };
    let request = SubscribeRequest {
        filter: Some(filter),
        heartbeat_interval: Some(prost_types::Duration { seconds: 4, nanos: 999_999_999 }),
        on_expired: 7,
        subscriber: "no blanks".into(),
        ..Default::default()
    };
    let status = refusal(&replica, request).await;
    assert_eq!(status.code(), Code::InvalidArgument);
    let fields = fields(&status);
    let names: Vec<_> = fields.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(
        names,
        [
            "heartbeat_interval",
            "on_expired",
            "subscriber",
            "filter.organisations[1]",
            "filter.sites[0]",
            "filter.regions[0]",
            "filter.wards[1]",
            "filter.wards[2]",
            "filter.cover_groups[0]",
            "filter.strikes[0]",
            "filter.rules[1]",
            "filter.rules[2]",
            "filter.event_types[1]",
            "filter.event_types[2]",
            "filter.min_severity",
        ]
    );
    let said = |field: &str| fields.iter().find(|(f, _)| f == field).unwrap().1.clone();
    assert!(said("filter.organisations[1]").contains("organisations/RJ1"));
    assert!(said("filter.sites[0]").contains("RJ12"));
    assert!(said("filter.wards[1]").contains("organisations/RJ1/wards/A"));
    assert!(said("filter.rules[1]").contains("ratio.over_limit"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_a_filter_selects_what_it_says() {
    let hand = Hand::new().await;
    let replica = hand.replica(Settings::default()).await;
    let mut client = replica.client().await;
    hand.append(&[vec![raised("A1", 1)]]).await;
    hand.append(&[vec![raised("A2", 2).rule("rn.none").severity(Severity::Critical)]]).await;
    hand.append(&[vec![raised("B1", 3)]]).await;
    hand.append(&[vec![raised("A1", 1).resolved()]]).await;
    let one = |value: &str| vec![value.to_owned()];
    let cases = [
        (AlertFilter { organisations: one("organisations/RJ1"), ..Default::default() }, vec![1, 2, 4]),
        (AlertFilter { sites: one("RXX01"), ..Default::default() }, vec![3]),
        (AlertFilter { regions: one("Y56"), ..Default::default() }, vec![1, 2, 4]),
        (AlertFilter { wards: one("organisations/RJ1/wards/A2"), ..Default::default() }, vec![2]),
        (AlertFilter { rules: one("ratio.*"), ..Default::default() }, vec![1, 3, 4]),
        (AlertFilter { event_types: vec![7], ..Default::default() }, vec![4]),
        (AlertFilter { min_severity: 3, ..Default::default() }, vec![2]),
        (AlertFilter { regions: one("Y56"), rules: one("ratio.over_limit"), ..Default::default() }, vec![1, 4]),
    ];
    for (filter, wanted) in cases {
        let request = SubscribeRequest { filter: Some(filter.clone()), ..since(Time::default()) };
        let mut reader = Reader::open(&mut client, request).await.unwrap();
        assert_eq!(reader.positions(wanted.len()).await, wanted, "{filter:?}");
    }
}
