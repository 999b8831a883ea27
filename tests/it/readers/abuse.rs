//! What HTTP/2 itself lets a client do: streams opened and given up at once, pings that nobody answers, snapshots that nobody
//! reads to the end.

use std::time::Duration;

use wardwatch::wire::pb::SubscribeRequest;
use wardwatch::wire::pb::subscribe_response::Response;

use super::house::{House, after, everything};
use super::proxy::{Flow, Proxy};
use super::raw::{GOOD, Heard, Manners, Raw};
use crate::feed::rig::{Hand, Reader, Settings, raised, snapshot};
use crate::support::service::{eventually, within};

/// Descriptors of SQLite's own readers, opened as they are needed.
const POOL: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_streams_opened_and_reset_at_once_is_cut_off_and_the_others_are_served() {
    let mut house = House::open(&["limits.subscriptions=50"]).await;
    house.report(20).await;
    let mut well = Raw::connect(house.address(), GOOD).await;
    well.subscribe(&everything());
    well.opened().await;
    let (before, descriptors) = (house.resident(), house.descriptors() + POOL);
    let mut answers = Vec::new();
    for _ in 0..10 {
        // CVE-2023-44487: far more than the streams of a connection, none of them open for long.
        let mut flood = Raw::connect(house.address(), GOOD).await;
        for _ in 0..1_000 {
            let id = flood.subscribe(&everything());
            flood.reset(id);
        }
        flood.flush().await;
        while let Some(heard) = within(flood.hear()).await {
            answers.push(heard);
        }
        let (newest, _) = house.report(1).await;
        well.follow(newest).await;
    }
    // ENHANCE_YOUR_CALM, unless the reset that follows it overtook it.
    assert!(answers.contains(&Heard::GoAway(11)), "{answers:?}");
    assert!(answers.iter().all(|a| *a == Heard::GoAway(11)), "a flood is answered: {answers:?}");
    println!("resident before {before}, after {}", house.resident());
    assert!(house.resident() < before + (32 << 20), "a flood leaves something behind");
    eventually("its descriptors are given back", async || house.descriptors() <= descriptors).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_given_up_again_and_again_leave_no_place_taken() {
    let mut house = House::open(&["limits.subscriptions=50"]).await;
    house.report(20).await;
    let beginning = house.beginning().await;
    let mut fickle = Raw::connect(house.address(), GOOD).await;
    // Each is given up when it is open and the log is on its way.
    for _ in 0..40 {
        let ids: Vec<_> = (0..40).map(|_| fickle.subscribe(&after(&beginning))).collect();
        // Those before may not have left yet: a stream that finds no place ends at once.
        while !fickle.streams.values().all(|s| s.opened) {
            within(fickle.hear()).await.expect("the connection goes on");
        }
        for id in ids {
            fickle.reset(id);
        }
    }
    assert!(fickle.flush().await);
    eventually("there is room for fifty", async || {
        let mut fifty = Raw::connect(house.address(), GOOD).await;
        for _ in 0..50 {
            fifty.subscribe(&everything());
        }
        // A refused stream ends, and never opens.
        while fifty.streams.len() == 50 && !fifty.streams.values().all(|s| s.opened) {
            within(fifty.hear()).await.unwrap();
        }
        fifty.streams.len() == 50
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_a_reader_that_answers_no_ping_and_one_that_vanished_are_noticed_and_the_others_stay() {
    let hand = Hand::new().await;
    let mut settings = Settings::default();
    (settings.listener.ping_interval, settings.listener.ping_timeout) =
        (Duration::from_millis(200), Duration::from_secs(1));
    let replica = hand.replica(settings).await;
    let named = |code: &str| SubscribeRequest { subscriber: code.into(), ..everything() };
    let mut well = Raw::connect(replica.address, GOOD).await;
    well.subscribe(&named("WELL"));
    well.opened().await;
    let reading = tokio::spawn(async move {
        while !well.have(1) {
            well.hear().await.expect("it answers pings");
        }
    });
    let mut mute = Raw::connect(replica.address, Manners { answers: false, ..GOOD }).await;
    mute.subscribe(&named("MUTE"));
    mute.opened().await;
    let hole = Proxy::to(replica.address, Flow::Open).await;
    let mut gone = Raw::connect(hole.address, GOOD).await;
    gone.subscribe(&named("GONE"));
    gone.opened().await;
    hole.flow.send_replace(Flow::Still);
    drop(gone);
    while let Some(heard) = within(mute.hear()).await {
        assert!(!matches!(heard, Heard::Message(..)), "{heard:?}");
    }
    eventually("only the well one is left", async || replica.feed.audience().listening().keys().eq(["WELL"])).await;
    hand.append(&[vec![raised("A1", 1)]]).await;
    within(reading).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_that_nobody_reads_to_the_end_are_few_in_memory_and_newcomers_still_learn_everything() {
    let hand = Hand::new().await;
    let mut settings = Settings::default();
    settings.feed.snapshot_shared = Duration::ZERO;
    let replica = hand.replica(settings).await;
    let mut held = Vec::new();
    // Each stops inside a snapshot of another place of the log.
    for n in 0..8 {
        hand.append(&(0..20).map(|i| vec![raised("A1", n * 20 + i).padding(2_000)]).collect::<Vec<_>>()).await;
        let mut stuck = Raw::connect(replica.address, Manners { window: 5_000, grants: false, ..GOOD }).await;
        stuck.subscribe(&snapshot());
        stuck.spent().await;
        held.push(stuck);
    }
    let mut client = replica.client().await;
    let mut newcomer = Reader::open(&mut client, snapshot()).await.unwrap();
    let mut alerts = 0;
    let count = loop {
        match newcomer.message().await.unwrap() {
            Response::SnapshotAlerts(some) => alerts += some.alerts.len(),
            Response::SnapshotComplete(complete) => break complete.alert_count,
            Response::Opened(_) | Response::Heartbeat(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(usize::try_from(count).unwrap(), alerts);
    assert_eq!(alerts, 80, "it shares the fourth snapshot, when there are four");
    // The rest it learns from the log: what was raised since.
    assert_eq!(newcomer.positions(80).await, (81..=160).collect::<Vec<_>>());
    // When those are read or gone, snapshots are new again.
    drop(held);
    eventually("a snapshot of now", async || {
        let mut client = replica.client().await;
        let mut reader = Reader::open(&mut client, snapshot()).await.unwrap();
        loop {
            match reader.message().await.unwrap() {
                Response::SnapshotComplete(complete) => return complete.alert_count == 160,
                Response::SnapshotAlerts(_) | Response::Opened(_) | Response::Heartbeat(_) => {}
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}
