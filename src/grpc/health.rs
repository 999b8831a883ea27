//! grpc.health.v1: the same answer as `/readyz`.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;

use crate::lifecycle::Readiness;

/// Sets what the health service says.
pub type Reporter = tonic_health::server::HealthReporter;

/// How often readiness is looked at.
const EVERY: Duration = Duration::from_millis(250);

/// Services that have a health of their own; the empty name is the whole server.
pub const SERVICES: [&str; 5] = [
    "",
    "wardwatch.v1.AlertService",
    "wardwatch.v1.RegisterService",
    "wardwatch.v1.ReportingService",
    "wardwatch.v1.ServerService",
];

/// Says whether traffic should come, to all who ask and all who watch.
pub async fn tell(reporter: &Reporter, serving: bool) {
    let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
    for service in SERVICES {
        reporter.set_service_status(service, status).await;
    }
}

/// Says SERVING while the store was reached lately and nobody asked to finish. On a drain those who watch are told
/// NOT_SERVING and their streams end: they would hold up the drain until its limit.
pub async fn watch(mut reporter: Reporter, readiness: Readiness, soft: CancellationToken) {
    let mut said = None;
    while !soft.is_cancelled() {
        let serving = readiness.look(false);
        // Those who watch hear of every setting, so nothing is set twice.
        if said.replace(serving) != Some(serving) {
            tell(&reporter, serving).await;
        }
        let _ = tokio::time::timeout(EVERY, soft.cancelled()).await;
    }
    tell(&reporter, readiness.look(true)).await;
    for service in SERVICES {
        reporter.clear_service_status(service).await;
    }
}
