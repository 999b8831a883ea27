//! grpc.health.v1: the same answer as `/readyz`.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;

use crate::admin::Readiness;

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

/// Says SERVING while the store was reached lately and nobody asked to finish.
pub async fn watch(reporter: Reporter, readiness: Readiness, soft: CancellationToken) {
    loop {
        let serving = readiness.look(soft.is_cancelled());
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in SERVICES {
            reporter.set_service_status(service, status).await;
        }
        tokio::select! {
            () = soft.cancelled(), if !soft.is_cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
