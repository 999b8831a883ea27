//! A handshake: from a socket that has just been accepted to one that HTTP/2 can be spoken over.

use std::net::SocketAddr;
use std::time::Duration;

use rustls::server::Acceptor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::grpc::peer::Peer;
use crate::grpc::tls::status::Reason;
use crate::grpc::tls::{H2, Tls};
use crate::grpc::watched::Watched;

/// Bytes that TLS itself holds for a reader that is slow: one record. Its own bound of 64 KiB would count for every stalled
/// connection.
const HELD: usize = 16 << 10;

/// For so long a client that was refused may take to read why.
const FAREWELL: Duration = Duration::from_secs(1);

/// A handshake that came to nothing, and the socket, when there is somebody left to tell.
struct Failed {
    reason: Reason,
    socket: Option<Watched>,
}

impl Tls {
    /// Secures a socket, and says who is at its other end if the client has a certificate. `None`: it came to nothing, which
    /// was counted and logged.
    pub async fn accept(&self, socket: Watched, from: SocketAddr) -> Option<(TlsStream<Watched>, Option<Peer>)> {
        let failed = match self.shake_hands(socket, from).await {
            Ok(secured) => {
                self.status.done();
                return Some(secured);
            }
            Err(failed) => failed,
        };
        let (reason, count) = (failed.reason.name(), self.status.fail(failed.reason));
        match failed.reason {
            // Probes of load balancers connect and say nothing.
            Reason::Gone => tracing::debug!(peer = %from, reason, "TLS handshake failed"),
            _ if count > 0 => tracing::info!(peer = %from, reason, count, "TLS handshake failed"),
            _ => {}
        }
        if let Some(socket) = failed.socket {
            farewell(socket).await;
        }
        None
    }

    async fn shake_hands(
        &self,
        socket: Watched,
        from: SocketAddr,
    ) -> Result<(TlsStream<Watched>, Option<Peer>), Failed> {
        let late = |reason| move |_| Failed { reason, socket: None };
        let deadline = Instant::now() + self.timeout;
        let mut hello = LazyConfigAcceptor::new(Acceptor::default(), socket);
        let started = timeout_at(deadline, &mut hello).await.map_err(late(Reason::Timeout))?;
        let started = started.map_err(|e| Failed { reason: Reason::of(&e), socket: hello.take_io() })?;
        // Who has said nothing yet waits for no turn, and takes none.
        let turn = timeout_at(deadline, self.turns.take(from.ip())).await.map_err(late(Reason::Busy))?;
        let secured = started.into_stream(self.config.load_full()).into_fallible();
        let secured = timeout_at(deadline, secured).await.map_err(late(Reason::Timeout))?;
        drop(turn);
        let mut stream = secured.map_err(|(e, socket)| Failed { reason: Reason::of(&e), socket: Some(socket) })?;
        stream.get_mut().1.set_buffer_limit(Some(HELD));
        match checked(&stream) {
            Ok(peer) => Ok((stream, peer)),
            Err(reason) => {
                // A client that offers no protocol at all gets as far as this.
                let _ = timeout_at(deadline, stream.shutdown()).await;
                Err(Failed { reason, socket: Some(stream.into_inner().0) })
            }
        }
    }
}

/// Who it is, if it may stay.
fn checked(stream: &TlsStream<Watched>) -> Result<Option<Peer>, Reason> {
    let (_, session) = stream.get_ref();
    if session.alpn_protocol() != Some(H2) {
        return Err(Reason::NoHttp2);
    }
    let Some(certificate) = session.peer_certificates().and_then(<[_]>::first) else { return Ok(None) };
    Peer::of(certificate).map(Some).ok_or(Reason::BadCertificate)
}

/// Lets the client read why. A socket that is closed while something it sent is unread is reset, and what it was told is lost.
async fn farewell(mut socket: Watched) {
    let mut rest = [0; 1_024];
    let _ = timeout(FAREWELL, async {
        let _ = socket.shutdown().await;
        while socket.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    })
    .await;
}
