//! A socket that knows when it is stuck. A stalled HTTP/2 body is not polled, so no stream can notice that its reader is
//! gone: only the connection's socket shows it (engine.md section 9).

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

/// Bytes of the HTTP/2 client preface (RFC 9113 section 3.4).
const PREFACE: u64 = 24;

/// What a socket's two ends know of its progress.
#[derive(Debug)]
pub struct Progress {
    started: Instant,
    /// Bytes of HTTP/2 that came.
    read: AtomicU64,
    /// Milliseconds after `started`, plus one, since when a write waits and no byte was taken; 0: none waits.
    stuck: AtomicU64,
    /// The socket is to be reset rather than closed: what it still holds nobody will read.
    reset: AtomicBool,
}

/// A socket that notes its progress.
#[derive(Debug)]
pub struct Watched {
    socket: TcpStream,
    progress: Arc<Progress>,
}

/// Why a connection is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// It never sent an HTTP/2 preface.
    NoPreface,
    /// Its socket takes no byte while something waits.
    SlowConsumer,
}

impl Stuck {
    /// In a word, for logs and metrics.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NoPreface => "no_preface",
            Self::SlowConsumer => "slow_consumer",
        }
    }
}

impl Watched {
    /// Watches a socket.
    pub fn new(socket: TcpStream) -> Self {
        let progress = Progress {
            started: Instant::now(),
            read: AtomicU64::new(0),
            stuck: AtomicU64::new(0),
            reset: AtomicBool::new(false),
        };
        Self { socket, progress: Arc::new(progress) }
    }
    /// What is known of its progress.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }
    fn noted(&self, written: Poll<Result<usize>>) -> Poll<Result<usize>> {
        match &written {
            Poll::Pending => self.progress.waits(),
            Poll::Ready(Ok(0)) => {}
            Poll::Ready(_) => self.progress.stuck.store(0, Ordering::Relaxed),
        }
        written
    }
}

impl Progress {
    /// So many bytes of HTTP/2 came.
    pub fn heard(&self, bytes: usize) {
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
    }
    fn waits(&self) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1;
        let _ = self.stuck.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
    }
    fn waits_since(&self) -> Option<Instant> {
        let stuck = self.stuck.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.started + Duration::from_millis(stuck))
    }
    /// Returns when the connection should be given up: no preface in time from now, or a write waits for longer than `limit`.
    pub async fn stuck(&self, preface: Duration, limit: Duration) -> Stuck {
        let began = Instant::now();
        sleep(preface.min(limit)).await;
        loop {
            let opened = self.read.load(Ordering::Relaxed) >= PREFACE;
            if !opened && began.elapsed() >= preface {
                return Stuck::NoPreface;
            }
            let waited = self.waits_since().map(|since| since.elapsed());
            if waited.is_some_and(|waited| waited >= limit) {
                return Stuck::SlowConsumer;
            }
            let next = limit.saturating_sub(waited.unwrap_or_default());
            sleep(if opened { next } else { next.min(preface) }).await;
        }
    }
    /// When the socket is dropped it is reset, so that the kernel lets go of what nobody will read.
    pub fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.progress.reset.load(Ordering::Relaxed) {
            // If the socket is gone already there is nothing to reset.
            let _ = self.socket.set_zero_linger();
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, buf);
        self.noted(written)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, bufs);
        self.noted(written)
    }
    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
