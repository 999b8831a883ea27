//! What HTTP/2 is spoken over: a socket, or TLS over one.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use crate::grpc::watched::{Progress, Watched};

/// A connection's bytes as HTTP/2 sees them. The socket knows whether it is stuck; only here it is known whether the client
/// has said anything: a TLS handshake is not yet a word.
#[derive(Debug)]
pub struct Line {
    io: Either<Watched, TlsStream<Watched>>,
    progress: Arc<Progress>,
}

impl Line {
    /// Over a socket.
    pub fn plain(socket: Watched) -> Self {
        Self { progress: socket.progress(), io: Either::Left(socket) }
    }
    /// Over TLS.
    pub fn secure(stream: TlsStream<Watched>) -> Self {
        Self { progress: stream.get_ref().0.progress(), io: Either::Right(stream) }
    }
    /// What is known of its progress.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.io).poll_read(cx, buf);
        self.progress.heard(buf.filled().len() - before);
        outcome
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }
    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
