//! Connections that are refused or given up, and those that would outlast a drain.

use std::time::{Duration, Instant};

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use wardwatch::wire::pb::SubscribeRequest;
use wardwatch::wire::pb::alert_service_client::AlertServiceClient;

use super::rig::*;

/// Whether the other side closes it.
async fn is_closed(socket: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    // What it had to say first, if anything, and then the end; or a reset.
    within(socket.read_to_end(&mut rest)).await.map_or(true, |_| true)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_does_not_speak_http2_in_time_is_closed() {
    let hand = Hand::new().await;
    let mut settings = Settings::default();
    // Long enough for a good client on a busy machine.
    settings.listener.preface_timeout = Duration::from_millis(500);
    let replica = hand.replica(settings).await;
    let mut silent = TcpStream::connect(replica.address).await.unwrap();
    assert!(is_closed(&mut silent).await);
    let mut halting = TcpStream::connect(replica.address).await.unwrap();
    halting.write_all(b"PRI * HTTP/2.0").await.unwrap();
    assert!(is_closed(&mut halting).await);
    let mut speaking = Reader::open(&mut replica.client().await, SubscribeRequest::default()).await.unwrap();
    hand.append(&[vec![raised("A1", 1)]]).await;
    assert_eq!(speaking.positions(1).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_beyond_the_cap_is_closed_and_its_place_is_free_again_later() {
    let hand = Hand::new().await;
    let mut settings = Settings::default();
    settings.listener.connections = 1;
    let replica = hand.replica(settings).await;
    let mut first = replica.client().await;
    let reader = Reader::open(&mut first, SubscribeRequest::default()).await.unwrap();
    let mut second = TcpStream::connect(replica.address).await.unwrap();
    assert!(is_closed(&mut second).await);
    drop((reader, first));
    eventually("the place is free", async || {
        let Ok(channel) = endpoint(replica.address).connect().await else { return false };
        let mut client = AlertServiceClient::new(channel);
        Reader::open(&mut client, SubscribeRequest::default()).await.is_ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_of_the_health_service_does_not_hold_the_drain() {
    let hand = Hand::new().await;
    let replica = hand.replica(Settings::default()).await;
    let mut client = HealthClient::new(endpoint(replica.address).connect().await.unwrap());
    let mut watch = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    within(watch.message()).await.unwrap();
    let asked = Instant::now();
    replica.lifecycle.begin_drain();
    let status = within(watch.message()).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "SERVER_DRAINING"));
    within(replica.served).await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(15), "the drain ran into its limit");
}

/// The one connection was used.
#[derive(Debug, thiserror::Error)]
#[error("there is no other connection")]
struct Gone;

/// On one thread, where nothing is served before this test waits: the system has the connection, the service does not know.
#[tokio::test]
async fn d1_a_call_on_a_connection_that_came_just_before_the_drain_is_told_and_not_reset() {
    let hand = Hand::new().await;
    let replica = hand.replica(Settings::default()).await;
    let socket = std::net::TcpStream::connect(replica.address).unwrap();
    replica.lifecycle.begin_drain();
    socket.set_nonblocking(true).unwrap();
    let mut socket = Some(TokioIo::new(TcpStream::from_std(socket).unwrap()));
    let once = tower::service_fn(move |_| std::future::ready(socket.take().ok_or(Gone)));
    let channel = endpoint(replica.address).connect_with_connector(once).await.unwrap();
    let refused = Reader::open(&mut AlertServiceClient::new(channel), SubscribeRequest::default()).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "SERVER_DRAINING"), "{refused}");
    within(replica.served).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_leaves_is_noticed_although_nothing_is_sent() {
    let hand = Hand::new().await;
    let replica = hand.replica(Settings::default()).await;
    let mut client = replica.client().await;
    let request = SubscribeRequest { subscriber: "WALL".into(), ..Default::default() };
    let mut reader = Reader::open(&mut client, request).await.unwrap();
    reader.start().await;
    assert_eq!(replica.feed.audience().listening()["WALL"], 1);
    drop(reader);
    eventually("nobody listens", async || replica.feed.audience().listening().is_empty()).await;
}
