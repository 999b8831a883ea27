//! Our own connections under tonic's services: a settable send buffer, a socket that ends when its reader is gone, and a
//! drain with an end (engine.md section 9).

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::grpc::door::{Door, Entrance, Guest};
use crate::grpc::edge::{Api, Edge};
use crate::grpc::line::Line;
use crate::grpc::peer::Peer;
use crate::grpc::tls::Tls;
use crate::grpc::watched::{Stuck, Watched};
use crate::lifecycle::Lifecycle;
use crate::metrics::Metrics;

/// Bytes the kernel takes from us before it can send them. Without it, it takes up to 4 MiB for a reader that has stopped
/// (net.ipv4.tcp_wmem), which count against our container; what is on its way to a reader that reads is not limited.
const UNSENT: u32 = 128 << 10;

/// Bytes of a request's headers, decoded: a token of an issuer with many groups is about 8 KiB.
const HEADERS: u32 = 16 << 10;

/// Streams that a client has opened and reset and that nobody has looked at yet. More end the connection with
/// ENHANCE_YOUR_CALM: opening and resetting costs a client next to nothing, and us a call (CVE-2023-44487).
const RESET_UNSEEN: usize = 20;

/// Streams that we had to reset for what the client did on them. More end the connection (RUSTSEC-2024-0003). Well-behaved
/// clients cause some when they send to a stream that has just been cut.
const RESET_BY_US: usize = 1_024;

/// Connections that the system lets in before we take them: what tokio asks for.
const QUEUE: usize = 1_024;

/// How connections behave. Defaults: architecture.md section 3, engine.md section 9, performance.md section 3.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bytes buffered for a stream whose reader is slow.
    pub send_buffer: usize,
    /// Bytes a client may send on a stream before we have read them.
    pub stream_window: u32,
    /// Bytes a client may send on a connection before we have read them.
    pub connection_window: u32,
    /// Largest frame we take.
    pub frame: u32,
    /// Streams of one connection.
    pub streams: u32,
    /// Between two pings; load balancers and dead peers are noticed so.
    pub ping_interval: Duration,
    /// A ping must be answered within this.
    pub ping_timeout: Duration,
    /// A new connection must speak HTTP/2 within this.
    pub preface_timeout: Duration,
    /// Connections at once. Further ones take the place of one of which no call was let in, or are closed.
    pub connections: usize,
    /// Connections of one address at once; further ones likewise.
    pub connections_per_address: usize,
    /// A connection that called nothing for so long is closed.
    pub first_call: Duration,
    /// A connection as old as this, give or take a fifth, takes no more calls: its client makes another, and shows a certificate
    /// that still counts.
    pub connection_age: Duration,
    /// A socket that takes no byte for this long while something waits is closed.
    pub stall_limit: Duration,
    /// A stream that lasts for this long is cut. Streams end themselves long before it, unless their reader holds them up.
    pub longest_stream: Duration,
    /// A drain takes at most this long.
    pub drain_limit: Duration,
    /// When a client refused during a drain may come back.
    pub retry_after: Duration,
    /// Counts calls, and connections that are closed.
    pub metrics: Arc<Metrics>,
    /// TLS, if it is spoken here.
    pub tls: Option<Arc<Tls>>,
}

/// What all connections share.
#[derive(Clone, Debug)]
struct Shared {
    builder: http2::Builder<Streams>,
    edge: Edge,
    settings: Arc<Settings>,
    hard: CancellationToken,
}

/// Runs a connection's streams, each of them for so long and no longer. A body whose reader takes nothing is not polled, so
/// it cannot end itself by its age; and a reader that answers pings but takes nothing on its stream keeps its connection.
#[derive(Clone, Debug)]
struct Streams {
    longest: Duration,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        // What is dropped is reset: HTTP/2's CANCEL.
        tokio::spawn(timeout(self.longest, stream));
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            send_buffer: 16 << 10,
            stream_window: 1 << 20,
            connection_window: 4 << 20,
            frame: 256 << 10,
            streams: 128,
            ping_interval: Duration::from_secs(30),
            ping_timeout: Duration::from_secs(20),
            preface_timeout: Duration::from_secs(10),
            connections: 2_048,
            connections_per_address: 1_024,
            first_call: Duration::from_secs(30),
            connection_age: Duration::from_hours(1),
            stall_limit: Duration::from_secs(30),
            longest_stream: Duration::from_hours(1),
            drain_limit: Duration::from_secs(20),
            retry_after: Duration::from_secs(1),
            metrics: Arc::default(),
            tls: None,
        }
    }
}

impl Settings {
    /// Counts a connection that is closed for what its client did not do.
    fn closed(&self, peer: SocketAddr, reason: &'static str) {
        self.metrics.events.connection_closed(reason);
        tracing::debug!(%peer, reason, "connection closed");
    }

    fn builder(&self) -> http2::Builder<Streams> {
        let mut builder = http2::Builder::new(Streams { longest: self.longest_stream });
        builder
            .timer(TokioTimer::new())
            .max_send_buf_size(self.send_buffer)
            .initial_stream_window_size(self.stream_window)
            .initial_connection_window_size(self.connection_window)
            .max_frame_size(self.frame)
            .max_concurrent_streams(self.streams)
            .max_header_list_size(HEADERS)
            .max_pending_accept_reset_streams(RESET_UNSEEN)
            .max_local_error_reset_streams(RESET_BY_US)
            .keep_alive_interval(self.ping_interval)
            .keep_alive_timeout(self.ping_timeout);
        builder
    }
}

/// Serves until the lifecycle's soft stop; then takes no more connections, lets streams say goodbye, and returns when
/// all have ended, at the latest at the drain limit.
pub async fn serve(listener: TcpListener, api: Api, settings: Settings, lifecycle: &Lifecycle) {
    let drain_limit = settings.drain_limit;
    let mut house = House::new(api, settings, lifecycle);
    while let Some(accepted) = lifecycle.soft.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((socket, peer)) => house.admit(socket, peer),
            Err(error) => {
                // Out of file descriptors, or a peer that was gone before it was accepted.
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
    house.admit_last(listener);
    let House { shared, connections, .. } = house;
    connections.close();
    tracing::info!(connections = connections.len(), "draining");
    if timeout(drain_limit, connections.wait()).await.is_err() {
        tracing::warn!(connections = connections.len(), "the drain limit is reached: cutting");
        shared.hard.cancel();
        connections.wait().await;
    }
}

/// All connections.
#[derive(Debug)]
struct House {
    shared: Shared,
    door: Door,
    quiet: Quiet,
    connections: TaskTracker,
}

impl House {
    fn new(api: Api, settings: Settings, lifecycle: &Lifecycle) -> Self {
        let edge = Edge::new(api, lifecycle.soft.clone(), settings.retry_after, Arc::clone(&settings.metrics));
        let (builder, hard) = (settings.builder(), lifecycle.hard.child_token());
        let door = Door::new(settings.connections, settings.connections_per_address);
        let shared = Shared { builder, edge, settings: Arc::new(settings), hard };
        Self { shared, door, quiet: Quiet::default(), connections: TaskTracker::new() }
    }

    fn admit(&mut self, socket: TcpStream, peer: SocketAddr) {
        if let Some(entrance) = self.door.admit(peer.ip()) {
            self.connections.spawn(self.shared.clone().connection(socket, peer, entrance));
            return;
        }
        self.shared.settings.metrics.events.connection_closed("too_many_connections");
        if let Some(count) = self.quiet.say() {
            tracing::warn!(%peer, count, "refused: too many connections");
        }
    }

    /// Takes no more, but for those that the system has let in already: their calls are answered that the service is going
    /// down, where a reset would leave them without a reason.
    fn admit_last(&mut self, listener: TcpListener) {
        // What tokio knows of the queue may be older than the queue.
        let Ok(listener) = listener.into_std() else { return };
        for (socket, peer) in std::iter::from_fn(|| listener.accept().ok()).take(QUEUE) {
            if socket.set_nonblocking(true).is_ok()
                && let Ok(socket) = TcpStream::from_std(socket)
            {
                self.admit(socket, peer);
            }
        }
    }
}

/// A line of the log that anybody can bring about, written once in so long.
#[derive(Debug, Default)]
struct Quiet {
    said: Option<Instant>,
    since: u64,
}

impl Quiet {
    /// How many there were since the last line, if it is time for one.
    fn say(&mut self) -> Option<u64> {
        const QUIET: Duration = Duration::from_secs(10);
        self.since += 1;
        if self.said.is_some_and(|at| at.elapsed() < QUIET) {
            return None;
        }
        self.said = Some(Instant::now());
        Some(std::mem::take(&mut self.since))
    }
}

impl Shared {
    async fn connection(self, socket: TcpStream, from: SocketAddr, entrance: Entrance) {
        let guest = Arc::clone(&entrance.guest);
        let Some(_place) = entrance.enter().await else {
            return self.settings.metrics.events.connection_closed("too_many_connections");
        };
        let lowat = || SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT);
        if let Err(error) = socket.set_nodelay(true).and_then(|()| lowat()) {
            tracing::debug!(peer = %from, %error, "TCP_NODELAY or TCP_NOTSENT_LOWAT could not be set");
        }
        let opened = tokio::select! {
            // A handshake is cut by the drain; where there is none, the client may have sent a call.
            biased;
            opened = self.open(Watched::new(socket), from) => opened,
            () = self.edge.soft.cancelled() => None,
            () = guest.must_go() => return self.settings.closed(from, "made_room"),
        };
        if let Some((line, peer)) = opened {
            self.converse(line, peer, from, guest).await;
        }
    }

    /// What HTTP/2 will be spoken over, and with whom.
    async fn open(&self, socket: Watched, from: SocketAddr) -> Option<(Line, Option<Peer>)> {
        let Some(tls) = &self.settings.tls else { return Some((Line::plain(socket), None)) };
        let (stream, peer) = tls.accept(socket, from).await?;
        Some((Line::secure(stream), peer))
    }

    async fn converse(self, line: Line, peer: Option<Peer>, from: SocketAddr, guest: Arc<Guest>) {
        let (progress, soft) = (line.progress(), self.edge.soft.clone());
        let edge = self.edge.of(from.ip(), peer, Arc::clone(&guest));
        let mut connection = pin!(self.builder.serve_connection(TokioIo::new(line), edge));
        let mut stuck = pin!(progress.stuck(self.settings.preface_timeout, self.settings.stall_limit));
        let mut silent = pin!(sleep(self.settings.first_call));
        let mut aged = pin!(sleep(self.settings.connection_age.mul_f64(0.8 + 0.4 * fastrand::f64())));
        let (mut asked, mut looked) = (false, false);
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(peer = %from, %error, "connection ended");
                    }
                    return;
                }
                () = soft.cancelled(), if !asked => {
                    asked = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = aged.as_mut(), if !asked => {
                    asked = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = silent.as_mut(), if !looked => {
                    looked = true;
                    if !guest.called() {
                        self.settings.closed(from, "no_call");
                        return progress.reset();
                    }
                }
                () = guest.must_go() => {
                    self.settings.closed(from, "made_room");
                    return progress.reset();
                }
                () = self.hard.cancelled() => return progress.reset(),
                why = stuck.as_mut() => {
                    self.settings.metrics.events.connection_closed(why.reason());
                    match why {
                        Stuck::SlowConsumer => tracing::warn!(peer = %from, reason = why.reason(), "connection closed"),
                        Stuck::NoPreface => tracing::info!(peer = %from, reason = why.reason(), "connection closed"),
                    }
                    return progress.reset();
                }
            }
        }
    }
}
