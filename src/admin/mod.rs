//! The admin port: plain HTTP for probes (Kubernetes' own gRPC probes cannot do TLS).

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// For so long after the store was last reached traffic may still come (contract: ready within 10 s).
const LATELY: Duration = Duration::from_secs(10);

/// Whether traffic should come: the store was reached lately, and the service is not going down.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<State>);

#[derive(Debug, Default)]
struct State {
    ready: AtomicBool,
    seen: Mutex<Option<Instant>>,
}

impl Readiness {
    /// The store was reached just now.
    pub fn seen(&self) {
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
    /// Decides anew, and returns the answer.
    pub fn look(&self, draining: bool) -> bool {
        let seen = *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = !draining && seen.is_some_and(|at| at.elapsed() < LATELY);
        if self.0.ready.swap(ready, Ordering::Relaxed) != ready {
            tracing::info!(ready, draining, "readiness changed");
        }
        ready
    }
    /// The answer last decided.
    pub fn get(&self) -> bool {
        self.0.ready.load(Ordering::Relaxed)
    }
}

/// Serves `/livez` (the process runs) and `/readyz` (send traffic) until `stop`.
pub async fn serve(listener: TcpListener, readiness: Readiness, stop: CancellationToken) {
    let routes =
        Router::new().route("/livez", get(|| async { "ok\n" })).route("/readyz", get(readyz)).with_state(readiness);
    let served = axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = served.await {
        tracing::error!(%error, "the admin port failed");
    }
}

async fn readyz(axum::extract::State(readiness): axum::extract::State<Readiness>) -> (StatusCode, &'static str) {
    if readiness.get() { (StatusCode::OK, "ok\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready\n") }
}

/// Binds a port, or says which flag to change.
///
/// # Errors
/// One line that names the address, the reason and the flag.
pub async fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, String> {
    TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}; choose another address with {flag}"))
}
