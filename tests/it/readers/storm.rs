//! A reconnect storm: everyone is cut at once and comes back at once, again and again.

use futures_util::future::join_all;

use super::house::{House, after, each, everything};
use super::raw::{GOOD, Raw, Subscribed};
use crate::support::service::eventually;

/// Connections, and subscriptions on each.
const LINES: usize = 20;
const STREAMS: usize = 100;
/// Descriptors of SQLite's own readers, opened as they are needed.
const POOL: usize = 8;
/// What the process may keep, for each subscriber, of a storm that is over: the allocator's, not ours.
const KEPT: usize = 16 << 10;

/// Everyone comes back with the cursor of where they were.
async fn back(house: &House, places: Vec<Vec<Subscribed>>) -> Vec<Raw> {
    let lines = places.into_iter().map(async |places| {
        let mut raw = Raw::connect(house.address(), GOOD).await;
        for place in places {
            raw.resume(&after(&place.cursor), place.last);
        }
        assert!(raw.flush().await);
        raw
    });
    join_all(lines).await
}

/// Everyone is cut; where they were.
fn cut(lines: Vec<Raw>) -> Vec<Vec<Subscribed>> {
    lines.into_iter().map(|line| line.streams.into_values().collect()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p5_in_a_reconnect_storm_everyone_goes_on_without_a_gap_and_nothing_is_left_behind() {
    let mut house = House::open(&[]).await;
    house.report(100).await;
    let (descriptors, mut resident) = (house.descriptors() + POOL, Vec::new());
    let mut lines = join_all((0..LINES).map(async |_| {
        let mut raw = Raw::connect(house.address(), GOOD).await;
        for _ in 0..STREAMS {
            raw.subscribe(&everything());
        }
        raw.opened().await;
        raw
    }))
    .await;
    for round in 0..4 {
        let (newest, _) = house.report(60).await;
        // Every other connection is cut wherever it is when the others have read everything.
        join_all(lines.iter_mut().skip(round % 2).step_by(2).map(|raw| raw.follow(newest))).await;
        lines = back(&house, cut(lines)).await;
        join_all(lines.iter_mut().map(|raw| raw.follow(newest))).await;
        resident.push(house.resident());
    }
    let (newest, _) = house.report(1).await;
    join_all(lines.iter_mut().map(|raw| raw.follow(newest))).await;
    drop(lines);
    eventually("every descriptor is given back", async || house.descriptors() <= descriptors).await;
    println!("resident after each storm of {} subscribers: {resident:?}", LINES * STREAMS);
    let growth = each(resident[0], resident[3], LINES * STREAMS);
    assert!(growth < KEPT, "each storm leaves something behind: {resident:?}");
}
