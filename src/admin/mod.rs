//! The admin port: plain HTTP for probes (Kubernetes' own gRPC probes cannot do TLS).

use std::net::SocketAddr;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::lifecycle::Readiness;

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
