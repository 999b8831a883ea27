//! Clients that get stuck before they have said a word.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wardwatch::client::Client;
use wardwatch::grpc::tls::Reason;

use super::house::{Papers, Secure};
use crate::support::service::{eventually, within};

/// A client of its own, which offers these protocols.
pub fn config(papers: &Papers, alpn: &[&[u8]]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let pem = papers.servers.pem();
    roots.add(rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}

fn localhost() -> ServerName<'static> {
    "localhost".try_into().unwrap()
}

/// A socket from an address of this host.
pub async fn socket(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    within(socket.connect(to)).await.unwrap()
}

/// TLS over a socket.
pub async fn secured(papers: &Papers, alpn: &[&[u8]], to: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
    let socket = socket("127.0.0.1", to).await;
    within(TlsConnector::from(config(papers, alpn)).connect(localhost(), socket)).await
}

/// A client that says hello and nothing more.
pub async fn half(papers: &Papers, from: &str, to: SocketAddr) -> TcpStream {
    let mut hello = Vec::new();
    ClientConnection::new(config(papers, &[b"h2"]), localhost()).unwrap().write_tls(&mut hello).unwrap();
    let mut socket = socket(from, to).await;
    socket.write_all(&hello).await.unwrap();
    socket
}

/// Returns when the other side has closed; everything it said.
pub async fn closed(mut socket: impl tokio::io::AsyncRead + Unpin) -> Vec<u8> {
    let mut said = Vec::new();
    // A reset is an end too.
    let _ = within(socket.read_to_end(&mut said)).await;
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_gets_stuck_in_a_handshake_is_closed_when_its_time_is_up() {
    let limit = Duration::from_millis(700);
    let secure = Secure::open(|_, settings| settings.tls.handshake_timeout = limit).await;
    let (began, to) = (Instant::now(), secure.running.address);
    let silent = socket("127.0.0.1", to).await;
    let stuck = half(&secure.papers, "127.0.0.1", to).await;
    closed(silent).await;
    assert!(!closed(stuck).await.is_empty(), "the service has answered its hello");
    assert!(began.elapsed() >= limit, "each has its time");
    eventually("both are counted", async || secure.failed(Reason::Timeout) == 2).await;
    assert!(secure.client().await.is_serving().await.unwrap());
    secure.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_at_a_time_are_bounded_and_one_address_has_half_of_them() {
    let secure = Secure::open(|_, settings| {
        settings.limits.handshakes = 4;
        settings.tls.handshake_timeout = Duration::from_secs(8);
    })
    .await;
    let to = secure.running.address;
    // Two of them are answered, which is all that one address may have; the others wait for their turn.
    let mut stuck = Vec::new();
    for _ in 0..6 {
        stuck.push(half(&secure.papers, "127.0.0.9", to).await);
    }
    let answered = async || {
        let mut count = 0;
        for socket in &stuck {
            let mut byte = [0];
            let peek = tokio::time::timeout(Duration::from_millis(1), socket.peek(&mut byte)).await;
            count += usize::from(matches!(peek, Ok(Ok(1))));
        }
        count
    };
    eventually("two are under way", async || answered().await == 2).await;
    // The others' address is another: they are served at once.
    for _ in 0..10 {
        assert!(secure.client().await.is_serving().await.unwrap());
    }
    assert_eq!(answered().await, 2, "nobody else of that address had a turn");
    assert_eq!(secure.failed(Reason::Timeout) + secure.failed(Reason::Busy), 0, "and none had to give up for it");
    for socket in stuck {
        closed(socket).await;
    }
    eventually("all six are counted", async || secure.failed(Reason::Timeout) + secure.failed(Reason::Busy) == 6).await;
    secure.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_shakes_hands_and_says_nothing_or_little_is_closed_and_who_speaks_stays() {
    let secure = Secure::open(|_, _| ()).await;
    let to = secure.running.address;
    let client = secure.client().await;
    let silent = secured(&secure.papers, &[b"h2"], to).await.unwrap();
    // Twenty bytes of a preface of 24, each in a record of its own: far more than 24 bytes on the socket.
    let mut slow = secured(&secure.papers, &[b"h2"], to).await.unwrap();
    for byte in &b"PRI * HTTP/2.0\r\n\r\nSM"[..] {
        slow.write_all(&[*byte]).await.unwrap();
        slow.flush().await.unwrap();
    }
    let began = Instant::now();
    closed(silent).await;
    closed(slow).await;
    assert!(began.elapsed() > Duration::from_secs(5), "it has ten seconds");
    assert!(client.is_serving().await.unwrap());
    assert_eq!(secure.status().handshakes(), 3, "the client that spoke was not closed: it did not come anew");
    secure.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_offer_http_2_is_refused() {
    let secure = Secure::open(|_, _| ()).await;
    let to = secure.running.address;
    let error = secured(&secure.papers, &[b"http/1.1"], to).await.unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
    let mut nothing = secured(&secure.papers, &[], to).await.unwrap();
    let _ = nothing.write_all(b"GET / HTTP/1.1\r\n\r\n").await;
    assert!(closed(nothing).await.is_empty());
    eventually("both are counted", async || secure.failed(Reason::NoHttp2) == 2).await;
    secure.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_its_handshake_holds_up_no_drain() {
    let secure = Secure::open(|_, settings| settings.tls.handshake_timeout = Duration::from_hours(1)).await;
    let to = secure.running.address;
    let (silent, stuck) = (socket("127.0.0.1", to).await, half(&secure.papers, "127.0.0.1", to).await);
    within(stuck.peek(&mut [0])).await.unwrap();
    assert!(Client::connect(&secure.target()).await.is_ok());
    let began = Instant::now();
    secure.stop().await;
    assert!(began.elapsed() < Duration::from_secs(15), "the drain's limit is 20 s: {:?}", began.elapsed());
    closed(silent).await;
    closed(stuck).await;
}
