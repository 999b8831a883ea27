//! The admin port: plain HTTP for probes (Kubernetes' own gRPC probes cannot do TLS) and for Prometheus.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::gauges::Gauges;
use crate::lifecycle::Readiness;
use crate::metrics::Format;

/// Serves `/livez` (the process runs), `/readyz` (send traffic) and `/metrics` until `stop`.
pub async fn serve(listener: TcpListener, readiness: Readiness, gauges: Arc<Gauges>, stop: CancellationToken) {
    let routes = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz).with_state(readiness))
        .route("/metrics", get(metrics).with_state(gauges));
    let served = axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = served.await {
        tracing::error!(%error, "the admin port failed");
    }
}

async fn readyz(State(readiness): State<Readiness>) -> (StatusCode, &'static str) {
    if readiness.get() { (StatusCode::OK, "ok\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready\n") }
}

async fn metrics(State(gauges): State<Arc<Gauges>>, headers: HeaderMap) -> impl IntoResponse {
    let format = Format::asked(headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()));
    ([(CONTENT_TYPE, format.content_type())], gauges.scrape(format).await)
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
