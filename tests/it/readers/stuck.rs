//! S1: those that do not read, that drip, and that are gone, beside those that do.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::house::{House, after, everything};
use super::proxy::{Flow, Proxy};
use super::raw::{GOOD, Manners, Raw, WIDE};
use crate::metrics::scrape::Scrape;
use crate::support::service::within;

/// Grants the widest windows and reads nothing: its socket takes nothing more.
const DEAF: Manners = Manners { window: WIDE, grants: false, answers: true, narrow: true };
/// Grants next to nothing: its streams stand still on a connection that is well.
const MISERLY: Manners = Manners { window: 1_000, grants: false, ..GOOD };
/// Streams of each stuck connection.
const STREAMS: usize = 8;
/// Reports in each half of the comparison.
const ROUNDS: usize = 60;

/// A healthy subscriber on a connection of its own, which reads for ever.
struct Well {
    last: watch::Receiver<Option<i64>>,
    reading: JoinHandle<()>,
}

impl Well {
    async fn open(house: &House) -> Self {
        let mut raw = Raw::connect(house.address(), GOOD).await;
        let id = raw.subscribe(&everything());
        raw.opened().await;
        let (sender, last) = watch::channel(None);
        let reading = tokio::spawn(async move {
            while raw.hear().await.is_some() {
                sender.send_replace(raw.streams[&id].last);
            }
        });
        Self { last, reading }
    }
    async fn reaches(&self, position: i64) {
        within(self.last.clone().wait_for(|last| *last >= Some(position))).await.expect("it was sent every event");
    }
}

/// Median times until the receipt of a report, and until all healthy subscribers have heard what came of it.
#[derive(Clone, Copy, Debug)]
struct Medians {
    receipt: Duration,
    heard: Duration,
}

impl Medians {
    async fn of(house: &mut House, wells: &[Well]) -> Self {
        let (mut receipts, mut heard) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let began = Instant::now();
            let (newest, took) = house.report(1).await;
            receipts.push(took);
            join_all(wells.iter().map(|well| well.reaches(newest))).await;
            heard.push(began.elapsed());
        }
        receipts.sort();
        heard.sort();
        Self { receipt: receipts[ROUNDS / 2], heard: heard[ROUNDS / 2] }
    }
}

/// Asks for subscriptions from the log's beginning on.
async fn ask(raw: &mut Raw, beginning: &Bytes) {
    for _ in 0..STREAMS {
        raw.subscribe(&after(beginning));
    }
    assert!(raw.flush().await);
}

async fn stuck(address: SocketAddr, manners: Manners, beginning: &Bytes) -> Raw {
    let mut raw = Raw::connect(address, manners).await;
    ask(&mut raw, beginning).await;
    raw
}

fn furthest(raw: &Raw) -> i64 {
    raw.streams.values().filter_map(|s| s.last).max().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_subscribers_that_never_read_drip_or_vanish_delay_nobody_and_are_caught_up_when_they_read_again() {
    let mut house = House::open(&[]).await;
    let beginning = house.beginning().await;
    let (backlog, _) = house.report(1_500).await;
    let wells = join_all((0..4).map(|_| Well::open(&house))).await;
    let without = Medians::of(&mut house, &wells).await;

    let mut deaf = stuck(house.address(), DEAF, &beginning).await;
    let mut miserly = stuck(house.address(), MISERLY, &beginning).await;
    let mut leak = Proxy::to(house.address(), Flow::Drip).await;
    let mut dripping = stuck(leak.address, GOOD, &beginning).await;
    let mut hole = Proxy::to(house.address(), Flow::Open).await;
    let mut gone = Raw::connect(hole.address, GOOD).await;
    assert!(gone.flush().await);
    within(hole.taken.wait_for(|taken| *taken > 0)).await.unwrap();
    hole.flow.send_replace(Flow::Still);
    ask(&mut gone, &beginning).await;
    drop(gone);
    // Each is being served by now, as far as it lets itself be.
    deaf.sent_something().await;
    miserly.spent().await;
    within(leak.taken.wait_for(|taken| *taken > 0)).await.unwrap();

    let with = Medians::of(&mut house, &wells).await;
    println!("without them {without:?}, with them {with:?}");
    let (newest, _) = house.report(1).await;
    let size = usize::try_from(house.place.number("SELECT sum(length(payload)) FROM event").await).unwrap();
    assert!(*leak.taken.borrow_and_update() < 1_000, "the dripping one was not dripping: the test proves nothing");
    assert!(*hole.taken.borrow_and_update() < STREAMS * size, "the vanished one was served all the same");
    assert!(furthest(&miserly) < backlog && furthest(&deaf) == 0);
    let admin = house.process.admin.parse().unwrap();
    let behind =
        Scrape::at(admin, "*/*").await.value("wardwatch_subscriber_lag_positions", &[("subscriber", "unnamed")]);
    assert!(behind > 0.0, "operators see that somebody is behind");
    assert!(with.receipt < without.receipt * 5 + Duration::from_millis(50), "receipts are delayed");
    assert!(with.heard < without.heard * 5 + Duration::from_millis(50), "other subscribers are delayed");
    join_all(wells.iter().map(|well| well.reaches(newest))).await;

    // P1, P2, P3: whatever reads again goes on where it was; `Raw` fails at a gap, a double or a disorder.
    miserly.reform();
    leak.flow.send_replace(Flow::Open);
    tokio::join!(deaf.follow(newest), miserly.follow(newest), dripping.follow(newest));
    for well in wells {
        well.reading.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_a_connection_that_takes_no_byte_is_closed_and_the_log_says_why() {
    let mut house = House::open(&["streams.stall_limit=1s"]).await;
    let beginning = house.beginning().await;
    house.report(1_500).await;
    let well = Well::open(&house).await;
    let mut deaf = stuck(house.address(), DEAF, &beginning).await;
    deaf.sent_something().await;
    let (newest, _) = house.report(1).await;
    well.reaches(newest).await;
    deaf.cut().await;
    let admin = house.process.admin.parse().unwrap();
    let closed =
        Scrape::at(admin, "*/*").await.value("wardwatch_connections_closed_total", &[("reason", "slow_consumer")]);
    assert_eq!(closed, 1.0);
    well.reading.abort();
    house.process.signal("TERM");
    let (status, log) = house.process.wait().await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(log.matches(r#""reason":"slow_consumer""#).count(), 1, "{log}");
}
