//! P1-P6, H1, S1, D1: one test named after each promise, and some more where a promise has two sides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tonic::Code;
use wardwatch::domain::Time;
use wardwatch::feed::cursor;
use wardwatch::store::{LogPoint, Store};
use wardwatch::wire::pb::alert_service_client::AlertServiceClient;
use wardwatch::wire::pb::subscribe_response::Response;
use wardwatch::wire::pb::{self, AlertFilter, SubscribeRequest};

use super::proxy::proxy;
use super::rig::*;
use super::switch::Reads;

fn upto(last: i64) -> Vec<i64> {
    (1..=last).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_ordered_events_reach_a_subscriber_in_position_order() {
    for hand in Hand::each().await {
        let replica = hand.replica(narrow()).await;
        let mut client = replica.client().await;
        let mut readers = Vec::new();
        for _ in 0..3 {
            readers.push(Reader::open(&mut client, SubscribeRequest::default()).await.unwrap());
        }
        let writers = ["A1", "A2", "B1"].map(|ward| {
            let hand = Arc::clone(&hand);
            tokio::spawn(async move { hand.append_each((0..40).map(|i| raised(ward, i))).await })
        });
        for reader in &mut readers {
            let events = reader.messages(120).await.concat();
            assert_eq!(events.iter().map(|e| e.position).collect::<Vec<_>>(), upto(120));
            let time = |e: &pb::AlertEvent| e.event_time.map(|t| (t.seconds, t.nanos)).unwrap();
            assert!(events.is_sorted_by_key(time), "the log's time falls");
        }
        for writer in writers {
            writer.await.unwrap();
        }
        drop(readers);
        replica.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_unique_no_event_comes_twice_on_a_stream_that_goes_from_the_store_to_the_window_and_back() {
    for hand in Hand::each().await {
        let mut settings = narrow();
        settings.feed.message_bytes = 1_000;
        let replica = hand.replica(settings).await;
        let mut reader = Reader::open(&mut replica.client().await, since(Time::default())).await.unwrap();
        let mut seen = Vec::new();
        for round in 0..20 {
            // One commit of many inputs overflows the window and sends the stream to the store; single ones it sees live.
            hand.append(&(0..9).map(|i| vec![raised("A1", round * 10 + i)]).collect::<Vec<_>>()).await;
            hand.append(&[vec![raised("A1", round * 10 + 9)]]).await;
            seen.extend(reader.positions(10).await);
        }
        assert_eq!(seen, upto(200));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_reliable_nothing_that_matches_is_left_out() {
    for hand in Hand::each().await {
        let replica = hand.replica(narrow()).await;
        let mut client = replica.client().await;
        let rules = ["rn.none", "red_flag.raised", "ratio.over_limit"];
        let event = |i: i64| raised("A1", i).rule(rules[usize::try_from(i % 3).unwrap()]);
        hand.append_each((0..30).map(event)).await;
        let filter = AlertFilter { rules: vec!["ratio.*".into(), "rn.none".into()], ..Default::default() };
        let request = SubscribeRequest { filter: Some(filter), ..since(Time::default()) };
        let mut reader = Reader::open(&mut client, request).await.unwrap();
        hand.append(&(30..60).map(|i| vec![event(i)]).collect::<Vec<_>>()).await;
        hand.append_each((60..90).map(event)).await;
        // Position n holds event n - 1, and every third is a red flag.
        let wanted: Vec<_> = upto(90).into_iter().filter(|p| (p - 1) % 3 != 1).collect();
        assert_eq!(reader.positions(60).await, wanted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_atomic_an_inputs_events_come_in_one_message_and_no_resume_splits_them() {
    for hand in Hand::each().await {
        let mut settings = narrow();
        settings.feed.message_bytes = 1_500;
        let replica = hand.replica(settings).await;
        let mut client = replica.client().await;
        let (mut instance, mut inputs) = (0, BTreeMap::new());
        for number in 0..40 {
            let size = fastrand::usize(1..6);
            let ward = ["A1", "A2", "B1"][number % 3];
            let input: Vec<_> = (0..size).map(|i| raised(ward, instance + i)).collect();
            inputs.extend((0..size).map(|i| ((instance + i).to_string(), (number, size))));
            instance += size;
            hand.append(&[input, vec![raised(ward, 1_000_000 + number)]]).await;
        }
        let total = inputs.len() + 40;
        let mut reader = Reader::open(&mut client, since(Time::default())).await.unwrap();
        let (mut cursors, mut all) = (Vec::new(), Vec::new());
        while all.len() < total {
            let message = reader.events().await;
            let mut whole = BTreeMap::<_, usize>::new();
            for alert in message.iter().filter_map(|e| e.alert.as_ref()) {
                if let Some(input) = inputs.get(&alert.instance) {
                    *whole.entry(*input).or_default() += 1;
                }
            }
            assert!(whole.iter().all(|((_, size), seen)| size == seen), "an input was split over messages");
            all.extend(message.iter().map(|e| e.position));
            cursors.push((reader.cursor.clone(), all.len()));
        }
        assert!(cursors.len() > 10, "the run is one of many messages");
        for (cursor, read) in cursors {
            let rest = &all[read..];
            let mut resumed = Reader::open(&mut client, after(&cursor)).await.unwrap();
            assert_eq!(resumed.positions(rest.len()).await, rest);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_an_input_larger_than_a_message_is_one_message_from_the_window_and_from_the_store() {
    for hand in Hand::each().await {
        let replica = hand.replica(Settings::default()).await;
        let mut client = replica.client().await;
        let mut live = Reader::open(&mut client, SubscribeRequest::default()).await.unwrap();
        let large = (0..400).map(|i| raised("A1", i).padding(1_000)).collect::<Vec<_>>();
        hand.append(&[large, vec![raised("A1", 1_000)], vec![raised("A1", 1_001)]]).await;
        let sizes = |messages: Vec<Vec<pb::AlertEvent>>| messages.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(live.messages(402).await), [400, 2]);
        let other = hand.other_replica().await;
        let mut late = Reader::open(&mut other.client().await, since(Time::default())).await.unwrap();
        assert_eq!(sizes(late.messages(402).await), [400, 2]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_resumable_from_any_cursor_on_another_replica_and_after_a_restart() {
    for hand in Hand::each().await {
        let first = hand.replica(Settings::default()).await;
        hand.append_each((0..10).map(|i| raised("A1", i))).await;
        let mut reader = Reader::open(&mut first.client().await, since(Time::default())).await.unwrap();
        reader.positions(10).await;
        hand.append_each((10..13).map(|i| raised("A1", i))).await;
        let second = hand.other_replica().await;
        let mut resumed = Reader::open(&mut second.client().await, after(&reader.cursor)).await.unwrap();
        assert_eq!(resumed.positions(3).await, [11, 12, 13]);
        drop((reader, resumed));
        first.stop().await;
        second.stop().await;

        // A restart: the database is closed and opened again.
        let point = hand.store.head().await.unwrap();
        let cursor = cursor::encode(point.log_id, point.point);
        hand.reopen().await;
        let third = hand.replica(Settings::default()).await;
        let mut resumed = Reader::open(&mut third.client().await, after(&cursor)).await.unwrap();
        hand.append(&[vec![raised("A2", 0)]]).await;
        assert_eq!(resumed.positions(1).await, [14]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_a_cursor_ahead_of_a_replicas_tail_is_checked_against_the_store_and_not_refused() {
    for hand in Hand::each().await {
        let behind = hand.replica(Settings { deaf: true, ..Settings::default() }).await;
        let mut client = behind.client().await;
        let tail = Reader::open(&mut client, SubscribeRequest::default()).await.unwrap().start().await;
        let committed = hand.append(&[vec![raised("A1", 1)]]).await;
        let log_id = hand.store.head().await.unwrap().log_id;
        let cursor = cursor::encode(log_id, committed.point);
        let mut reader = Reader::open(&mut client, after(&cursor)).await.unwrap();
        assert_eq!(reader.start().await, cursor);
        let still = Reader::open(&mut client, SubscribeRequest::default()).await.unwrap().start().await;
        assert_eq!(still, tail, "the replica was not behind: the test proves nothing");
        let stranger = cursor::encode(log_id, LogPoint { tag: committed.point.tag ^ 1, ..committed.point });
        let status = Reader::open(&mut client, after(&stranger)).await.err().unwrap();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::OutOfRange, "CURSOR_EPOCH_CHANGED"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p6_bookmarkable_a_heartbeats_cursor_covers_all_that_did_not_match() {
    for hand in Hand::each().await {
        let replica = hand.replica(narrow()).await;
        let mut client = replica.client().await;
        let filter = Some(AlertFilter { rules: vec!["rn.none".into()], ..Default::default() });
        let heartbeat_interval = every(50);
        let request = SubscribeRequest { filter, heartbeat_interval, ..since(Time::default()) };
        hand.append_each((0..20).map(|i| raised("A1", i))).await;
        let mut reader = Reader::open(&mut client, request).await.unwrap();
        let head = hand.store.head().await.unwrap();
        reader.heartbeat_at(&cursor::encode(head.log_id, head.point)).await;
        // Without a filter, the rest after it is what came later and nothing else.
        hand.append(&[vec![raised("A1", 20)]]).await;
        let mut resumed = Reader::open(&mut client, after(&reader.cursor)).await.unwrap();
        assert_eq!(resumed.positions(1).await, [21]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h1_a_heartbeat_comes_whenever_nothing_was_sent_for_the_interval() {
    for hand in Hand::each().await {
        let replica = hand.replica(quick()).await;
        let request = SubscribeRequest { heartbeat_interval: every(50), ..Default::default() };
        // Before the service begins to count: it may be a while until this test hears of it.
        let since = Instant::now();
        let mut reader = Reader::open(&mut replica.client().await, request).await.unwrap();
        let opened = reader.message().await.unwrap();
        let Response::Opened(opened) = opened else { panic!("{opened:?}") };
        assert_eq!(opened.heartbeat_interval, every(50));
        let at = reader.cursor.clone();
        for _ in 0..3 {
            assert!(matches!(reader.message().await.unwrap(), Response::Heartbeat(_)));
            assert_eq!(reader.cursor, at);
        }
        assert!(since.elapsed() > Duration::from_millis(100), "heartbeats came before the interval");
        hand.append(&[vec![raised("A1", 1)]]).await;
        assert_eq!(reader.positions(1).await, [1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h1_heartbeats_come_while_a_stream_catches_up() {
    for hand in Hand::each().await {
        let replica = hand.replica(narrow()).await;
        hand.append_each((0..20).map(|i| raised("A1", i))).await;
        let mut client = replica.client().await;
        let start = Reader::open(&mut client, since(Time::default())).await.unwrap().start().await;
        hand.store.reads(Reads::StreamsHeld);
        let request = SubscribeRequest { heartbeat_interval: every(50), ..after(&start) };
        let mut reader = Reader::open(&mut client, request).await.unwrap();
        assert!(matches!(reader.message().await.unwrap(), Response::Opened(_)));
        for _ in 0..3 {
            assert!(matches!(reader.message().await.unwrap(), Response::Heartbeat(_)));
            assert_eq!(reader.cursor, start, "a heartbeat must not promise what was not read");
        }
        hand.store.reads(Reads::Answered);
        assert_eq!(reader.positions(20).await, upto(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_a_subscriber_that_does_not_read_delays_nobody_and_goes_on_where_it_was() {
    for hand in Hand::each().await {
        let replica = hand.replica(narrow()).await;
        // HTTP/2's smallest windows, so that a reader that stops is a reader that blocks its stream.
        let small = endpoint(replica.address).initial_stream_window_size(65_535).initial_connection_window_size(65_535);
        let mut sleepy = AlertServiceClient::new(small.connect().await.unwrap());
        let mut asleep = Reader::open(&mut sleepy, SubscribeRequest::default()).await.unwrap();
        let mut awake = Reader::open(&mut replica.client().await, SubscribeRequest::default()).await.unwrap();
        for round in 0..20 {
            hand.append(&(0..50).map(|i| vec![raised("A1", round * 50 + i).padding(2_000)]).collect::<Vec<_>>()).await;
        }
        assert_eq!(awake.positions(1_000).await, upto(1_000));
        assert_eq!(asleep.positions(1_000).await, upto(1_000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_a_socket_that_takes_no_byte_for_the_limit_is_closed() {
    for hand in Hand::each().await {
        let mut settings = narrow();
        settings.listener.stall_limit = Duration::from_millis(500);
        let replica = hand.replica(settings).await;
        let (reading, gate) = watch::channel(true);
        let wide = endpoint(proxy(replica.address, gate).await);
        let wide = wide.initial_stream_window_size(1 << 30).initial_connection_window_size(1 << 30);
        let mut client = AlertServiceClient::new(wide.connect().await.unwrap());
        let request = SubscribeRequest { subscriber: "STUCK".into(), ..Default::default() };
        let mut stuck = Reader::open(&mut client, request).await.unwrap();
        stuck.message().await.unwrap();
        let request = SubscribeRequest { subscriber: "WELL".into(), ..Default::default() };
        let mut well = Reader::open(&mut replica.client().await, request).await.unwrap();
        let well = tokio::spawn(async move { (well.positions(800).await, well) });
        reading.send_replace(false);
        // More than the kernel's buffers take on loopback.
        for round in 0..16 {
            hand.append(&(0..50).map(|i| vec![raised("A1", round * 50 + i).padding(20_000)]).collect::<Vec<_>>()).await;
        }
        let (positions, _well) = well.await.unwrap();
        assert_eq!(positions, upto(800));
        eventually("the stuck stream is gone", async || {
            replica.feed.audience().listening().into_keys().collect::<BTreeSet<_>>() == BTreeSet::from(["WELL".into()])
        })
        .await;
        reading.send_replace(true);
        assert_eq!(stuck.end().await.code(), Code::Unknown, "a cut connection is not an answer of the service");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_on_drain_each_reader_gets_goodbye_with_its_cursor_and_serving_ends() {
    for hand in Hand::each().await {
        let replica = hand.replica(Settings::default()).await;
        let mut readers = Vec::new();
        for _ in 0..3 {
            readers.push(Reader::open(&mut replica.client().await, SubscribeRequest::default()).await.unwrap());
        }
        let committed = hand.append(&[vec![raised("A1", 1)]]).await;
        let place = cursor::encode(hand.store.head().await.unwrap().log_id, committed.point);
        for reader in &mut readers {
            assert_eq!(reader.positions(1).await, [1]);
        }
        let mut client = replica.client().await;
        replica.lifecycle.begin_drain();
        for reader in &mut readers {
            let goodbye = reader.message().await.unwrap();
            let Response::Goodbye(goodbye) = goodbye else { panic!("{goodbye:?}") };
            assert_eq!((goodbye.reason.as_str(), reader.cursor.as_slice()), ("SERVER_DRAINING", &place[..]));
            let status = reader.end().await;
            assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "SERVER_DRAINING"));
            let retry = tonic_types::StatusExt::get_error_details(&status).retry_info().and_then(|r| r.retry_delay);
            let said = goodbye.retry_after.and_then(|d| Duration::try_from(d).ok());
            assert!(said.is_some() && retry == said, "{retry:?} {said:?}");
        }
        within(replica.served).await.unwrap();
        let refused = Reader::open(&mut client, SubscribeRequest::default()).await.err().unwrap();
        // What tonic's client says when the connection closed under its call: CANCELLED, or UNKNOWN if it was reset.
        assert!(matches!(refused.code(), Code::Unavailable | Code::Cancelled | Code::Unknown), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_a_reader_that_does_not_read_cannot_hold_the_drain_beyond_its_limit() {
    for hand in Hand::each().await {
        let mut settings = Settings::default();
        settings.listener.drain_limit = Duration::from_millis(300);
        let replica = hand.replica(settings).await;
        let small = endpoint(replica.address).initial_stream_window_size(65_535).initial_connection_window_size(65_535);
        let mut client = AlertServiceClient::new(small.connect().await.unwrap());
        let mut asleep = Reader::open(&mut client, SubscribeRequest::default()).await.unwrap();
        // One message is read; the second, in memory by then, is larger than what the stream may send.
        hand.append(&(0..10).map(|i| vec![raised("A1", i).padding(300_000)]).collect::<Vec<_>>()).await;
        asleep.events().await;
        let asked = Instant::now();
        replica.lifecycle.begin_drain();
        within(replica.served).await.unwrap();
        assert!(asked.elapsed() >= Duration::from_millis(300), "nothing held the drain: the test proves nothing");
        eventually("the cut stream is gone", async || replica.feed.audience().listening().is_empty()).await;
    }
}
