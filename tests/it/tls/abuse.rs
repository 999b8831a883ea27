//! Hostile and honest clients on one server with TLS. What the hostile do, they do to themselves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsConnector;
use wardwatch::client::Client;
use wardwatch::clock::SystemClock;
use wardwatch::domain::{Clock, Span, Time};
use wardwatch::wire::pb::subscribe_request::Start;
use wardwatch::wire::pb::{SubmitReportsRequest, SubscribeRequest};
use wardwatch::wire::timestamp_to;

use super::binary::{address, serve};
use super::handshakes::{closed, config, half, secured, socket};
use super::house::{Papers, Secure, register, report, report_of};
use crate::readers::raw::{GOOD, Heard, Manners, Raw, WIDE};
use crate::support::hospital::{figures, ward};
use crate::support::service::{Place, within};

/// A way to a service for those who speak HTTP/2 by hand: plain on this side, TLS on the other, and next to nothing held in
/// between.
async fn tunnel(config: Arc<ClientConfig>, to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let connector = TlsConnector::from(Arc::clone(&config));
            tokio::spawn(async move {
                let far = socket("127.0.0.7", to).await;
                SockRef::from(&far).set_recv_buffer_size(4_096).unwrap();
                SockRef::from(&near).set_send_buffer_size(4_096).unwrap();
                let Ok(mut far) = connector.connect("localhost".try_into().unwrap(), far).await else { return };
                // Either side may end it as it likes.
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    address
}

/// One frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Streams opened and reset at once, until the connection is closed; what was heard last.
async fn reset_rapidly(by: SocketAddr) -> Vec<Heard> {
    let mut flood = Raw::connect(by, GOOD).await;
    for _ in 0..1_000 {
        let id = flood.subscribe(&SubscribeRequest::default());
        flood.reset(id);
    }
    flood.flush().await;
    let mut heard = Vec::new();
    while let Some(next) = within(flood.hear()).await {
        heard.push(next);
    }
    heard
}

/// Headers without end: a first frame that does not end them, and continuations; how many bytes of them were taken.
async fn send_huge_headers(secure: &Secure) -> usize {
    let mut client = secured(&secure.papers, &[b"h2"], secure.running.address).await.unwrap();
    client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    client.write_all(&frame(4, 0, 0, &[])).await.unwrap();
    client.write_all(&frame(1, 0, 1, &[0x83, 0x86])).await.unwrap();
    // Literal headers "a: xxx...", nothing indexed: 126 bytes of a value each, 16 KiB a frame.
    let header = [&[0x00, 1, b'a', 126][..], &[b'x'; 126]].concat();
    let more = frame(9, 0, 1, &header.repeat(126));
    let mut taken = 0;
    while taken < 64 << 20 && client.write_all(&more).await.is_ok() {
        taken += more.len();
    }
    closed(client).await;
    taken
}

/// Counts calls of an honest client until it is told to stop; each must succeed.
async fn be_honest(client: Client, ward: usize, stop: Arc<AtomicBool>, calls: Arc<AtomicUsize>) {
    while !stop.load(Ordering::Relaxed) {
        let nurses = i32::try_from(calls.fetch_add(1, Ordering::Relaxed) % 3).unwrap();
        report_of(&client, ward, 18, nurses + 1).await.expect("an honest call succeeds");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_clients_are_closed_and_every_honest_call_succeeds() {
    let secure = Secure::open(|_, settings| settings.tls.handshake_timeout = Duration::from_secs(3)).await;
    let (to, papers) = (secure.running.address, &secure.papers);
    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let client = secure.client().await;
    register(&client).await;
    let honest: Vec<_> =
        [1, 2].map(|ward| tokio::spawn(be_honest(client.clone(), ward, Arc::clone(&stop), Arc::clone(&calls)))).into();

    let (mut silent, mut stuck, mut mute) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..50 {
        silent.push(socket("127.0.0.8", to).await);
        stuck.push(half(papers, "127.0.0.9", to).await);
        mute.push(secured(papers, &[b"h2"], to).await.unwrap());
    }
    let by = tunnel(config(papers, &[b"h2"]), to).await;
    let mut heard = Vec::new();
    for _ in 0..10 {
        heard.extend(reset_rapidly(by).await);
        // Newcomers get in meanwhile.
        assert!(secure.client().await.is_serving().await.unwrap());
    }
    // ENHANCE_YOUR_CALM, unless the end of the connection overtook it; and nothing else.
    assert!(heard.contains(&Heard::GoAway(11)) && heard.iter().all(|h| *h == Heard::GoAway(11)), "{heard:?}");
    let taken = send_huge_headers(&secure).await;
    assert!(taken < 8 << 20, "{taken} bytes of headers were taken");
    for socket in silent.into_iter().chain(stuck) {
        closed(socket).await;
    }
    for stream in mute {
        closed(stream).await;
    }
    let before = calls.load(Ordering::Relaxed);
    assert!(before > 20, "the honest go on: {before}");
    stop.store(true, Ordering::Relaxed);
    for one in honest {
        within(one).await.unwrap();
    }
    secure.stop().await;
}

/// A thousand reports, each of which changes alerts.
async fn report_a_thousand(client: &Client) {
    let began = SystemClock::default().now() - Span::minutes(30);
    for round in 0..2 {
        let at = |n: usize| began + Span::millis(round * 500 + i64::try_from(n).unwrap());
        let reports = (0..500).map(|n| figures(&ward(1), at(n), [20, 16, 40][n % 3], 2)).collect();
        let request = SubmitReportsRequest { reports, validate_only: false };
        within(client.submit_reports(request)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s1_a_reader_that_takes_nothing_is_noticed_below_tls() {
    let secure = Secure::open(|_, settings| settings.streams.stall_limit = Duration::from_secs(1)).await;
    let client = secure.client().await;
    register(&client).await;
    report_a_thousand(&client).await;
    let by = tunnel(config(&secure.papers, &[b"h2"]), secure.running.address).await;
    // It grants the widest windows and reads nothing: its socket takes nothing more.
    let deaf = Manners { window: WIDE, grants: false, answers: true, narrow: true };
    let mut raw = Raw::connect(by, deaf).await;
    let start = Some(Start::SinceTime(timestamp_to(Time::default())));
    for _ in 0..8 {
        raw.subscribe(&SubscribeRequest { start: start.clone(), ..Default::default() });
    }
    let began = Instant::now();
    raw.cut().await;
    // Pings that nobody answers would take 30 s and more.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    report(&client, 18, 1).await.unwrap();
    secure.stop().await;
}

/// Prints how much the others notice of a hostile client; it promises nothing, because other tests run beside it, and because the
/// hostile client takes its part of the same cores. Run it alone, in release:
/// `cargo test --release --test it tls::abuse -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: it needs the machine for itself"]
async fn how_much_slower_the_others_report_beside_a_hostile_client() {
    let (place, papers) = (Place::sqlite(), Papers::new());
    let process = serve(&place, &papers, &[]);
    let to = address(&process);
    let client = within(Client::connect(&papers.target(to))).await.unwrap();
    register(&client).await;
    let measured = async |name: &str| {
        let began = Instant::now();
        let mut calls = 0_u32;
        while began.elapsed() < Duration::from_secs(5) {
            report(&client, 18, 1).await.unwrap();
            calls += 1;
        }
        let rate = f64::from(calls) / began.elapsed().as_secs_f64();
        println!("{name}: {rate:.0} calls a second");
        rate
    };
    let alone = measured("alone").await;
    let mut held = Vec::new();
    for _ in 0..200 {
        held.push(half(&papers, "127.0.0.9", to).await);
    }
    let beside = measured("beside 200 half handshakes").await;
    println!("the others keep {:.1} %", 100.0 * beside / alone);
    let by = tunnel(config(&papers, &[b"h2"]), to).await;
    // Twenty connections a second with 1,000 streams each, as one machine elsewhere might make them.
    let flood = tokio::spawn(async move {
        let mut beats = tokio::time::interval(Duration::from_millis(50));
        loop {
            beats.tick().await;
            reset_rapidly(by).await;
        }
    });
    let beside = measured("beside these and 20,000 streams a second opened and reset").await;
    flood.abort();
    println!("the others keep {:.1} %", 100.0 * beside / alone);
    measured("alone again").await;
}
