//! What subscribers cost, as the kernel counts it.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use wardwatch::wire::pb::SubscribeRequest;

use super::house::{House, after, each, everything};
use super::raw::{GOOD, Manners, Raw, WIDE};

/// Bytes of one that has nothing to do, at most. What was measured is in docs/reliability.md, also below.
const IDLE: usize = 16 << 10;
/// Bytes of one that is stuck in a backlog, at most: its send buffer, a piece beside it, the rest of a message of 32 KiB.
const STUCK: usize = IDLE + (16 << 10) + (16 << 10) + (32 << 10);
/// Bytes that the kernel holds for a stuck connection, at most: twice what it is told.
const KERNEL: usize = 256 << 10;
/// Subscriptions of one connection.
const STREAMS: usize = 100;

/// Grants next to nothing, so that each stream stands still with all that it can cost.
const MISERLY: Manners = Manners { window: 1_000, grants: false, ..GOOD };
/// Grants everything, and reads nothing from its socket.
const DEAF: Manners = Manners { window: WIDE, grants: false, answers: false, narrow: true };

/// So many connections with subscriptions, asked for at once.
async fn lines(house: &House, count: usize, manners: Manners, request: &SubscribeRequest) -> Vec<Raw> {
    let lines = (0..count).map(async |_| {
        let mut raw = Raw::connect(house.address(), manners).await;
        for _ in 0..STREAMS {
            raw.subscribe(request);
        }
        assert!(raw.flush().await);
        raw
    });
    join_all(lines).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_ten_thousand_subscribers_at_once_cost_little_each_and_all_hear_of_one_breach() {
    let mut house = House::open(&[]).await;
    let (from, _) = house.report(20).await;
    let before = house.resident();
    let mut lines = lines(&house, 100, GOOD, &everything()).await;
    join_all(lines.iter_mut().map(Raw::opened)).await;
    let idle = each(before, house.resident(), 100 * STREAMS);
    let began = Instant::now();
    let (newest, receipt) = house.report(1).await;
    assert!(newest > from);
    join_all(lines.iter_mut().map(|raw| raw.follow(newest))).await;
    let told = each(before, house.resident(), 100 * STREAMS);
    println!(
        "10,000 subscribers: {idle} bytes each, {told} when all were told, in {:?}; receipt {receipt:?}",
        began.elapsed()
    );
    assert!(told < IDLE, "{told} bytes a subscriber");
}

/// Opens stuck subscribers at the log's beginning, `count` connections of them, and says what each costs.
async fn stuck(house: &House, count: usize, manners: Manners) -> (usize, Vec<Raw>) {
    let beginning = house.beginning().await;
    let before = house.resident();
    let mut lines = lines(house, count, manners, &after(&beginning)).await;
    if manners.narrow {
        join_all(lines.iter().map(Raw::sent_something)).await;
    } else {
        join_all(lines.iter_mut().map(Raw::spent)).await;
    }
    settled(house).await;
    (each(before, house.resident(), count * STREAMS), lines)
}

/// Returns when the process's memory has not grown for half a second: what happens inside it nobody else can see.
async fn settled(house: &House) {
    let (mut most, mut since) = (0, Instant::now());
    while since.elapsed() < Duration::from_millis(500) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if house.resident() > most {
            (most, since) = (house.resident(), Instant::now());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_subscribers_stuck_in_a_backlog_cost_a_message_and_a_send_buffer_each_and_hold_up_no_receipt() {
    let mut house = House::open(&[]).await;
    house.report(1_500).await;
    let (cost, held) = stuck(&house, 20, MISERLY).await;
    let (_, receipt) = house.report(1).await;
    println!(
        "2,000 stuck on HTTP/2, from memory: {cost} bytes each; most {}; receipt {receipt:?}",
        house.most_resident()
    );
    assert!(cost < STUCK, "{cost} bytes a stuck subscriber");
    drop(held);
    for (manners, what) in [(MISERLY, "HTTP/2"), (DEAF, "the socket")] {
        // After a restart nothing of the log is in memory: each reads its own from the store.
        house = house.cut(&[]).await;
        let (cost, _held) = stuck(&house, 5, manners).await;
        let (_, receipt) = house.report(1).await;
        let kernel = house.most_held_by_kernel();
        println!(
            "500 stuck on {what}, from the store: {cost} bytes each; receipt {receipt:?}; the kernel holds {kernel}"
        );
        assert!(cost < STUCK, "{cost} bytes a stuck subscriber");
        assert!(kernel < KERNEL, "the kernel holds {kernel} bytes for a connection");
    }
}
